/** The chains of the certificates that sign TCB info and QE identities (DCAP rules 3.2, T1 to T4). */
#ifndef RATLS_DCAP_SIGNER_CHAIN_H
#define RATLS_DCAP_SIGNER_CHAIN_H

#include "dcap/chain.h"

enum {
    RATLS_SIGNER_LEAF = 0,
    RATLS_SIGNER_ROOT = 1,
    RATLS_SIGNER_CHAIN_LEN = 2
};

extern const ratls_chain_kind ratls_tcb_info_signer_kind;
extern const ratls_chain_kind ratls_qe_identity_signer_kind;

/** Read and verify the chain: every rule that needs no time and no CRL. */
ratls_status ratls_signer_chain_verify(
    ratls_chain *out, ratls_bytes text, const ratls_chain_kind *kind, ratls_trust *trust, ratls_error **err);

#endif

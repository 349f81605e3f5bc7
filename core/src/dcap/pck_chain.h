/** The chain that certifies the platform's quoting key: PCK certificate, PCK CA, root (DCAP rules 3.2, P1 to P6). */
#ifndef RATLS_DCAP_PCK_CHAIN_H
#define RATLS_DCAP_PCK_CHAIN_H

#include "dcap/chain.h"
#include "evidence/quote.h"
#include "evidence/sgx_extension.h"

enum {
    RATLS_PCK_LEAF = 0,
    RATLS_PCK_CA = 1,
    RATLS_PCK_ROOT = 2,
    RATLS_PCK_CHAIN_LEN = 3
};

typedef struct {
    ratls_chain chain;
    ratls_sgx_extension platform;
} ratls_pck_chain;

/** Read the chain's PEM text: P1 to P3, X1, and the SGX extension's form (P5). Nothing is believed yet. */
ratls_status ratls_pck_chain_read(ratls_pck_chain *out, ratls_bytes text, ratls_error **err);

/** Every rule that needs no time and no CRL. */
ratls_status ratls_pck_chain_verify(ratls_pck_chain *pck, ratls_trust *trust, ratls_error **err);

/** Certification data that names a platform (types 1 to 3) names the one of the PCK certificate (DCAP rules 1.6). */
ratls_status ratls_certification_data_match(const ratls_parsed_quote *quote, const ratls_sgx_extension *platform, ratls_error **err);

void ratls_pck_chain_clear(ratls_pck_chain *pck);

#endif

/** What ratls_prepare() keeps: everything that a quote is held against. */
#ifndef RATLS_DCAP_PREPARED_H
#define RATLS_DCAP_PREPARED_H

#include "dcap/crl_rules.h"
#include "dcap/pck_chain.h"
#include "dcap/qe_identity.h"
#include "dcap/signer_chain.h"
#include "dcap/tcb_info.h"

/** Immutable once made; borrows nothing of the collateral that it was made from. */
struct ratls_prepared {
    ratls_trust *trust; /* held */
    ratls_chain tcb_info_signer;
    ratls_chain qe_identity_signer; /* empty when the TCB info's chain serves both */
    ratls_dcap_crl root_crl;        /* signature verified */
    ratls_dcap_crl pck_crl;         /* signature verified only when `pck` is here: its issuer is the PCK CA */
    ratls_tcb_info tcb_info;
    ratls_qe_identity qe_identity;
    ratls_pck_chain *pck;           /* the bundle's own chain, verified, in place of every quote's; or NULL */
};

/** The chain whose leaf signed the QE identity. */
const ratls_chain *ratls_prepared_qe_identity_signer(const ratls_prepared *prepared);

#endif

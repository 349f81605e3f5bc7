/** The quoting enclave: that it is genuine, and that it vouches for the attestation key (DCAP rules 3.6). */
#ifndef RATLS_DCAP_QE_REPORT_H
#define RATLS_DCAP_QE_REPORT_H

#include "dcap/qe_identity.h"
#include "dcap/trust.h"

/** G1 to G3: signed by the PCK, committing to the attestation key. */
ratls_status ratls_qe_report_verify(const ratls_parsed_quote *quote, const ratls_signer *pck, ratls_trust *trust, ratls_error **err);

/** G4 to G8: the enclave is the one that Intel names. */
ratls_status ratls_qe_report_match(const ratls_parsed_quote *quote, const ratls_qe_identity *identity, ratls_error **err);

/** G11: the QE's level; what is found borrows `identity`. */
ratls_status ratls_qe_report_level(
    const ratls_tcb_verdict **out, const ratls_parsed_quote *quote, const ratls_qe_identity *identity, ratls_error **err);

/** G9, G10: the attestation key signed header and body. */
ratls_status ratls_quote_verify_signature(const ratls_parsed_quote *quote, const ratls_p256_curve *curve, ratls_error **err);

#endif

/** What the DCAP rules ask of the two CRLs (3.3, L1 to L7, L13). */
#ifndef RATLS_DCAP_CRL_RULES_H
#define RATLS_DCAP_CRL_RULES_H

#include "base/crl.h"
#include "dcap/chain.h"

/** A list that is kept, with the DER that it borrows. */
typedef struct {
    const char *subject; /* how messages call it */
    uint8_t *der;
    ratls_crl crl;
    ratls_bytes authority_key_id;
    uint8_t tbs_sha256[RATLS_SHA256_LEN]; /* of what is signed */
} ratls_dcap_crl;

/** L1, L2, L4, L5 and L13: everything that needs neither its issuer nor a time. The DER is copied. */
ratls_status ratls_dcap_crl_read(ratls_dcap_crl *out, ratls_bytes der, const char *subject, ratls_error **err);

/** L3, L4 and L6: `issuer`, who signs as `signer`, issued the list. */
ratls_status ratls_dcap_crl_verify(
    const ratls_dcap_crl *crl, const ratls_chain_link *issuer, const ratls_signer *signer, ratls_trust *trust, ratls_error **err);

/** L7. */
ratls_status ratls_dcap_crl_check_dates(const ratls_dcap_crl *crl, int64_t now, ratls_error **err);

void ratls_dcap_crl_clear(ratls_dcap_crl *crl);

#endif

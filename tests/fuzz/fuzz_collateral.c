#include "dcap/dcap.h"
#include "fuzz.h"

/* Nothing that a fuzzer makes is signed by Intel: what parses is at most prepared, when it is genuine. */
static void prepare(const ratls_collateral *collateral)
{
    ratls_prepared *prepared = NULL;
    ratls_trust_anchor anchor;
    ratls_trust *trust = NULL;
    ratls_error *error = NULL;
    ratls_status status;

    ratls_trust_anchor_intel(&anchor);
    MUST(ratls_trust_new(&trust, &anchor, NULL) == RATLS_OK);
    status = ratls_prepare(&prepared, collateral, trust, &error);
    MUST((status == RATLS_OK) == (prepared != NULL) && (status == RATLS_OK) == (error == NULL));
    MUST(error == NULL || ratls_error_message(error, RATLS_SPELLING_C) != NULL);
    ratls_error_free(error);
    ratls_prepared_free(prepared);
    ratls_trust_free(trust);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ratls_collateral collateral;
    ratls_error *error = NULL;
    ratls_status status = ratls_collateral_parse(&collateral, (ratls_bytes){data, size}, &error);

    if (status == RATLS_OK) {
        MUST(error == NULL && collateral.root_ca_crl.len > 0 && collateral.pck_crl.len > 0 && collateral.tcb_info.len > 0 &&
             collateral.qe_identity.len > 0);
        prepare(&collateral);
    } else {
        MUST(collateral.storage == NULL && ratls_error_code(error) == status);
        MUST(ratls_error_message(error, RATLS_SPELLING_C) != NULL);
    }
    ratls_error_free(error);
    ratls_collateral_clear(&collateral);
    return 0;
}

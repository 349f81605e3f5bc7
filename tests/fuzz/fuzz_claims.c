/* The payload of a token whose signature verified, against a quote of zeros. */
#include "fuzz.h"
#include "intel/claims.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t body[RATLS_TD_REPORT_10_LEN];
    static char portal[] = "https://portal.invalid";
    const ratls_parsed_quote quote = {.version = 4, .tee_type = RATLS_TEE_TDX, .body = {body, sizeof body}};
    const ratls_intel_moment moment = {.now = 1780315200, .sent_at = 1780315200};
    ratls_claims claims = {0};
    ratls_error *error = NULL;
    ratls_status status;

    for (int version = 1; version <= 2; version++) {
        const ratls_intel_config config = {.portal_url = portal, .api_version = version};

        error = NULL;
        status = ratls_intel_claims_read(&claims, (ratls_bytes){data, size}, &quote, &config, &moment, &error);
        MUST((status == RATLS_OK) == (error == NULL));
        MUST((status == RATLS_OK) == claims.hardware_verified && (status != RATLS_OK || claims.tcb_status != RATLS_TCB_NONE));
        MUST(status == RATLS_OK || claims.advisories.len == 0);
        ratls_claims_clear(&claims);
        ratls_error_free(error);
    }
    return 0;
}

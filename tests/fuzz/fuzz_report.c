/* The sidecar's attestation report. */
#include "fuzz.h"
#include "report/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ratls_report report;
    ratls_parsed_quote quote;
    ratls_error *error = NULL;
    const char *encoding;

    if (ratls_report_parse(&report, (ratls_bytes){data, size}, &error) == RATLS_OK) {
        MUST(error == NULL && report.quote != NULL && report.timestamp >= 0);
        (void)ratls_report_check_age(&report, 1780315200, 60, NULL);
        if (ratls_quote_parse(&quote, (ratls_bytes){report.quote, report.quote_len}, NULL) == RATLS_OK && quote.tee_type == RATLS_TEE_TDX) {
            (void)ratls_report_check_measurements(&report, &quote, NULL);
            MUST((ratls_report_bind(&encoding, &report, &quote, NULL) == RATLS_OK) == (encoding != NULL));
        }
    } else {
        MUST(report.quote == NULL && ratls_error_message(error, RATLS_SPELLING_C) != NULL);
    }
    ratls_error_free(error);
    ratls_report_clear(&report);
    return 0;
}

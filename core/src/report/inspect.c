#include "report/report.h"

ratls_status ratls_report_inspect(ratls_quote **out, const char *json, size_t json_len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_report report = {0};

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    CHECK(json != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "json"), WHAT("it is NULL"));
    TRY(ratls_report_parse(&report, (ratls_bytes){(const uint8_t *)json, json_len}, err));
    TRY(ratls_quote_inspect(out, report.quote, report.quote_len, err));
    status = RATLS_OK;
out:
    ratls_report_clear(&report);
    return status;
}

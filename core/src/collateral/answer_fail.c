/* What it means that a service did not answer with a part (DCAP rules 2.1): a code for each, with URL and status. */
#include <stdio.h>

#include "collateral/answer.h"

static ratls_status raise_rate_limited(const ratls_http_response *response, ratls_detail url, ratls_detail http_status, ratls_error **err)
{
    char what[64] = "it does not say when to come back";

    if (response->retry_after_s >= 0) {
        (void)snprintf(what, sizeof what, "it asks to wait for %lld s", (long long)response->retry_after_s);
    }
    return RAISE(err, RATLS_ERR_COLLATERAL_RATE_LIMITED, url, http_status, WHAT(what));
}

static ratls_status raise_status(const ratls_http_response *response, const char *url_text, const ratls_part_id *id, ratls_error **err)
{
    const ratls_detail url = ratls_detail_text("url", url_text), http_status = ratls_detail_number("http_status", response->status);
    char subject_text[RATLS_PART_SUBJECT_MAX];
    ratls_detail subject;

    ratls_part_subject(subject_text, id);
    subject = ratls_detail_text("subject", subject_text);
    switch (response->status) {
    case 404:
        return RAISE(err, RATLS_ERR_COLLATERAL_NOT_FOUND, url, http_status, subject);
    case 410:
        return RAISE(err, RATLS_ERR_COLLATERAL_GONE, url, http_status, subject);
    case 429:
        return raise_rate_limited(response, url, http_status, err);
    default:
        return response->status >= 500 ? RAISE(err, RATLS_ERR_COLLATERAL_SERVER, url, http_status, subject)
                                       : RAISE(err, RATLS_ERR_COLLATERAL_HTTP_STATUS, url, http_status, subject);
    }
}

static ratls_status raise_outcome(
    const ratls_http_response *response, const ratls_http_request *request, const ratls_part_id *id, const ratls_collateral_time *time,
    ratls_error **err)
{
    const ratls_detail url = ratls_detail_text("url", request->url), what = WHAT(response->what);
    char subject[RATLS_PART_SUBJECT_MAX];

    ratls_part_subject(subject, id);
    switch (response->outcome) {
    case RATLS_HTTP_ANSWERED:
        return raise_status(response, request->url, id, err);
    case RATLS_HTTP_UNREACHABLE:
        return RAISE(err, RATLS_ERR_COLLATERAL_NETWORK, url, what);
    case RATLS_HTTP_TLS:
        return RAISE(err, RATLS_ERR_COLLATERAL_TLS, url, what);
    case RATLS_HTTP_TIMEOUT:
        return RAISE(err, RATLS_ERR_COLLATERAL_TIMEOUT, url, EXPECTED_NUMBER(request->timeout_ms));
    case RATLS_HTTP_DEADLINE:
        return RAISE(err, RATLS_ERR_TIMEOUT, WHAT("fetching collateral"), EXPECTED_NUMBER(time->timeout_ms), url);
    case RATLS_HTTP_CANCELLED:
        return RAISE(err, RATLS_ERR_CANCELLED, WHAT("fetching collateral"), url);
    case RATLS_HTTP_TOO_LARGE:
        return RAISE(err, RATLS_ERR_COLLATERAL_RESPONSE_TOO_LARGE, url, EXPECTED_NUMBER(request->body_max));
    case RATLS_HTTP_GARBLED:
        return RAISE(err, RATLS_ERR_COLLATERAL_RESPONSE, url, ratls_detail_text("subject", subject), what);
    case RATLS_HTTP_FAILED:
    default:
        return RAISE(err, RATLS_ERR_INTERNAL, what);
    }
}

ratls_status ratls_answer_fail(
    const ratls_http_response *response, const ratls_http_request *request, const ratls_part_id *id, const ratls_collateral_time *time,
    ratls_error **err)
{
    ratls_status failed = raise_outcome(response, request, id, time, err);
    const char *request_id = ratls_http_header(response, "Request-ID");

    if (err != NULL && *err != NULL && response->retry_after_s >= 0) {
        ratls_error_add(*err, ratls_detail_number("retry_after_s", response->retry_after_s));
    }
    if (err != NULL && *err != NULL && request_id != NULL) {
        ratls_error_add(*err, ratls_detail_text("request_id", request_id));
    }
    return failed;
}

/* Fetching a report: the one request that may go over plain HTTP, since nothing is believed of the answer. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/http.h"
#include "base/options.h"
#include "report/report.h"

static const int64_t default_timeout_ms = RATLS_TIMEOUT_MS_DEFAULT;

void ratls_report_fetch_options_init(ratls_report_fetch_options *options, size_t size)
{
    ratls_options_init(options, size);
}

/* http or https, a host, and no name or password in front of it, which would end in logs. */
static bool is_report_url(const char *url)
{
    const char *rest = strncmp(url, "http://", 7) == 0 ? url + 7 : strncmp(url, "https://", 8) == 0 ? url + 8 : "";
    size_t host = strcspn(rest, "/?#");

    for (const char *c = url; *c != '\0'; c++) {
        if (*c <= ' ' || *c >= 0x7f) {
            return false;
        }
    }
    return host > 0 && strlen(url) <= RATLS_HTTP_URL_MAX && memchr(rest, '@', host) == NULL;
}

static ratls_status check_options(const ratls_report_fetch_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(options->ca != NULL || options->ca_len == 0, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "ca"),
          WHAT("it is NULL but has a length"));
    CHECK(options->timeout_ms >= 0 && options->timeout_ms <= INT32_MAX, RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", "timeout_ms"),
          FOUND_NUMBER(options->timeout_ms), EXPECTED("milliseconds from 0 to 2147483647"));
    status = RATLS_OK;
out:
    return status;
}

/* What came back, as the report's text; it is the response's. */
static ratls_status check_response(const ratls_http_response *response, const char *url, int64_t timeout_ms, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    bool late = response->outcome == RATLS_HTTP_TIMEOUT || response->outcome == RATLS_HTTP_DEADLINE;

    CHECK(response->outcome != RATLS_HTTP_CANCELLED, RATLS_ERR_CANCELLED, WHAT("fetching a report"));
    CHECK(!late, RATLS_ERR_TIMEOUT, WHAT("fetching the report"), EXPECTED_NUMBER(timeout_ms));
    CHECK(response->outcome != RATLS_HTTP_TOO_LARGE, RATLS_ERR_REPORT_TOO_LARGE, ratls_detail_text("url", url), EXPECTED_NUMBER(RATLS_REPORT_SIZE_MAX));
    CHECK(response->outcome == RATLS_HTTP_ANSWERED, RATLS_ERR_REPORT_UNREACHABLE, ratls_detail_text("url", url), WHAT(response->what));
    CHECK(response->status == 200, RATLS_ERR_REPORT_HTTP_STATUS, ratls_detail_text("url", url), ratls_detail_number("http_status", response->status));
    /* Handed out as text: a NUL would hide what follows it. */
    CHECK(strlen((const char *)response->body) == response->body_len, RATLS_ERR_REPORT_FORMAT, WHAT("it holds a NUL"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status fetch(
    char **json, const char *url, const ratls_report_fetch_options *options, const ratls_cancel *cancel, ratls_error **err)
{
    static const char *const headers[] = {"Accept: application/json"};
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_http_settings settings = {.proxy = options->proxy, .no_proxy = options->no_proxy, .ca = {options->ca, options->ca_len}};
    int64_t timeout_ms = options->timeout_ms == 0 ? default_timeout_ms : options->timeout_ms;
    ratls_http_request request = {.url = url, .allow_http = true, .headers = headers, .headers_len = 1, .body_max = RATLS_REPORT_SIZE_MAX,
                                  .timeout_ms = timeout_ms, .deadline_ms = ratls_clock_monotonic_ms() + timeout_ms, .cancel = cancel};
    ratls_http_response response = {0};
    ratls_http *http = NULL;

    TRY(ratls_http_new(&http, &settings, err));
    ratls_http_perform(&response, http, &request);
    TRY(check_response(&response, url, timeout_ms, err));
    *json = strdup((const char *)response.body);
    CHECK(*json != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    ratls_http_response_clear(&response);
    ratls_http_free(http);
    return status;
}

ratls_status ratls_report_fetch(
    char **json, const char *url, const ratls_report_fetch_options *options, ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_report_fetch_options copy;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(json != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "json"), WHAT("it is NULL"));
    *json = NULL;
    CHECK(url != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "url"), WHAT("it is NULL"));
    TRY(ratls_options_copy(&copy, sizeof copy, options, sizeof copy, err));
    TRY(check_options(&copy, err));
    CHECK(is_report_url(url), RATLS_ERR_REPORT_URL, FOUND(strchr(url, '@') == NULL ? url : "(one with a user name)"));
    TRY(fetch(json, url, &copy, cancel, err));
    status = RATLS_OK;
out:
    return status;
}

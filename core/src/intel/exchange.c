#include "intel/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/pause.h"
#include "base/text.h"
#include "base/utf8.h"

static bool is_worth_repeating(const ratls_http_response *response)
{
    switch (response->outcome) {
    case RATLS_HTTP_UNREACHABLE:
    case RATLS_HTTP_TIMEOUT:
        return true;
    case RATLS_HTTP_ANSWERED:
        return response->status == 429 || response->status == 500 || response->status == 502 || response->status == 503 ||
               response->status == 504;
    default:
        return false;
    }
}

/* The service may send back what it was sent: nothing that holds the key is shown. */
static bool holds_key(const char *text, const ratls_intel_config *config)
{
    return strstr(text, ratls_intel_config_key(config)) != NULL;
}

/* A body as a sentence may have it: no control characters, no runs of white space, at most 200 characters. */
static char *clean_body(const ratls_http_response *response, const ratls_intel_config *config)
{
    ratls_text text = {0};
    ratls_bytes left = {response->body, response->body_len};
    bool space = false;

    for (size_t shown = 0; left.len > 0 && shown < RATLS_INTEL_BODY_SHOWN_MAX;) {
        size_t len = ratls_utf8_sequence(left);

        len = len == 0 ? 1 : len;
        if (left.data[0] <= 0x20 || left.data[0] == 0x7f) {
            space = text.len > 0;
        } else {
            shown += space ? 2 : 1;
            ratls_text_add(&text, space ? " " : "");
            ratls_text_add_bytes(&text, (const char *)left.data, len);
            space = false;
        }
        left = (ratls_bytes){left.data + len, left.len - len};
    }
    if (text.len == 0) {
        ratls_text_add(&text, "(no body)");
    }
    if (!text.failed && (holds_key((const char *)response->body, config) || holds_key(text.data, config))) {
        ratls_text_clear(&text);
        ratls_text_add(&text, "(a body that repeats the API key)");
    }
    return ratls_text_take(&text);
}

/* What is usually wrong (Intel rules 1.10); NULL where nothing is known to be. */
static const char *find_hint(int status)
{
    switch (status) {
    case 400:
        return "the platform may not be registered with Intel or its processor may be a pre-production one";
    case 401:
    case 403:
        return "an attestation key is needed: a key for administration does not work";
    case 404:
        return "the base URL may be that of another service";
    case 429:
        return "too many requests under this key";
    default:
        return NULL;
    }
}

static void add_id(ratls_error *error, const char *detail, const ratls_http_response *response, const char *header,
                   const ratls_intel_config *config)
{
    const char *value = ratls_http_header(response, header);

    if (value != NULL && !holds_key(value, config)) {
        ratls_error_add(error, ratls_detail_chars(detail, (ratls_bytes){(const uint8_t *)value, strnlen(value, RATLS_INTEL_ID_SHOWN_MAX)}));
    }
}

/* What helps to find the request in the service's own records. */
static void add_traces(ratls_error *error, const ratls_http_response *response, const ratls_intel_config *config)
{
    if (error == NULL) {
        return;
    }
    if (response->status != 0 && ratls_error_detail(error, "http_status") == NULL) {
        ratls_error_add(error, ratls_detail_number("http_status", response->status));
    }
    if (response->retry_after_s >= 0) {
        ratls_error_add(error, ratls_detail_number("retry_after_s", response->retry_after_s));
    }
    add_id(error, "request_id", response, "Request-Id", config);
    add_id(error, "trace_id", response, "Trace-Id", config);
}

static ratls_status raise_status(const ratls_http_response *response, const ratls_intel_config *config, const char *url, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *hint = find_hint(response->status);
    char *body = clean_body(response, config);

    CHECK(body != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RAISE(err, RATLS_ERR_INTEL_HTTP_STATUS, ratls_detail_number("http_status", response->status), ratls_detail_text("body", body),
                   ratls_detail_text("url", url));
    if (hint != NULL && err != NULL) {
        ratls_error_add(*err, ratls_detail_text("hint", hint));
    }
out:
    free(body);
    return status;
}

static ratls_status raise_late(const ratls_intel_time *time, ratls_error **err)
{
    return RAISE(err, RATLS_ERR_TIMEOUT, WHAT("verifying with Intel Trust Authority"), EXPECTED_NUMBER(time->timeout_ms));
}

static ratls_status raise_outcome(const ratls_http_response *response, const ratls_http_request *request, const ratls_intel_config *config,
                                  const ratls_intel_time *time, ratls_error **err)
{
    const ratls_detail url = ratls_detail_text("url", request->url);

    switch (response->outcome) {
    case RATLS_HTTP_ANSWERED:
        return raise_status(response, config, request->url, err);
    case RATLS_HTTP_UNREACHABLE:
        return RAISE(err, RATLS_ERR_INTEL_NETWORK, url, WHAT(response->what));
    case RATLS_HTTP_TLS:
        return RAISE(err, RATLS_ERR_INTEL_TLS, url, WHAT(response->what));
    case RATLS_HTTP_TIMEOUT:
        return RAISE(err, RATLS_ERR_INTEL_TIMEOUT, url, EXPECTED_NUMBER(request->timeout_ms));
    case RATLS_HTTP_DEADLINE:
        return raise_late(time, err);
    case RATLS_HTTP_CANCELLED:
        return RAISE(err, RATLS_ERR_CANCELLED, WHAT("verifying with Intel Trust Authority"));
    case RATLS_HTTP_TOO_LARGE:
        return RAISE(err, RATLS_ERR_INTEL_TOO_LARGE, url, WHAT(response->what), EXPECTED_NUMBER(request->body_max));
    case RATLS_HTTP_GARBLED:
        return RAISE(err, RATLS_ERR_INTEL_PROTOCOL, url, WHAT(response->what));
    case RATLS_HTTP_FAILED:
    default:
        return RAISE(err, RATLS_ERR_INTERNAL, WHAT(response->what));
    }
}

static ratls_status fail_exchange(const ratls_http_response *response, const ratls_http_request *request, const ratls_intel_config *config,
                                  const ratls_intel_time *time, ratls_error **err)
{
    ratls_status failed = raise_outcome(response, request, config, time, err);

    if (err != NULL) {
        add_traces(*err, response, config);
    }
    return failed;
}

/* Intel rules 1.12: any wait up to a limit that doubles, so that clients who failed together do not come back together;
 * at least as long as the service asks. -1: longer than is waited. */
static ratls_status choose_wait(int64_t *out, const ratls_http_response *response, int attempt, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    int64_t limit = (int64_t)RATLS_INTEL_BACKOFF_FIRST_MS << attempt;

    *out = -1;
    if (response->retry_after_s > RATLS_INTEL_RETRY_AFTER_MOST_S) {
        return RATLS_OK;
    }
    TRY(ratls_chance_up_to(out, limit < RATLS_INTEL_BACKOFF_MOST_MS ? limit : RATLS_INTEL_BACKOFF_MOST_MS, err));
    *out = response->retry_after_s * 1000 > *out ? response->retry_after_s * 1000 : *out;
    status = RATLS_OK;
out:
    return status;
}

/* Wait before the next attempt. A wait that the deadline would cut short is not begun. */
static ratls_status wait_to_repeat(const ratls_http_response *response, const ratls_http_request *request, const ratls_intel_wire *wire,
                                   const ratls_intel_time *time, int attempt, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    int64_t left = time->deadline_ms - ratls_clock_monotonic_ms();
    int64_t wait = 0;

    TRY(choose_wait(&wait, response, attempt, err));
    if (wait < 0 || (response->retry_after_s > 0 && wait >= left)) {
        return fail_exchange(response, request, wire->config, time, err);
    }
    if (wait >= left) {
        status = raise_late(time, err);
        if (err != NULL) {
            add_traces(*err, response, wire->config);
        }
        goto out;
    }
    CHECK(ratls_pause(wait, time->cancel), RATLS_ERR_CANCELLED, WHAT("waiting to ask Intel Trust Authority again"));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_intel_exchange(
    ratls_http_response *out, const ratls_intel_wire *wire, ratls_http_request request, const ratls_intel_time *time, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    *out = (ratls_http_response){0};
    request.deadline_ms = time->deadline_ms;
    request.cancel = time->cancel;
    for (int attempt = 0;; attempt++) {
        if (wire->before != NULL) {
            TRY(wire->before(wire->user, time, err));
        }
        ratls_http_perform(out, wire->http, &request);
        if (out->outcome == RATLS_HTTP_ANSWERED && out->status == 200) {
            return RATLS_OK;
        }
        if (!is_worth_repeating(out) || attempt + 1 >= wire->config->attempts) {
            TRY(fail_exchange(out, &request, wire->config, time, err));
        }
        TRY(wait_to_repeat(out, &request, wire, time, attempt, err));
        ratls_http_response_clear(out);
    }
out:
    ratls_http_response_clear(out);
    return status;
}

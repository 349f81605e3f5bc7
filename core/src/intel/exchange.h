/** Requests to Intel Trust Authority: repeated where that helps, inside one deadline, and failures in its words
 *  (Intel rules 1.10, 1.12). */
#ifndef RATLS_INTEL_EXCHANGE_H
#define RATLS_INTEL_EXCHANGE_H

#include "base/http.h"
#include "intel/config.h"

enum {
    RATLS_INTEL_BODY_SHOWN_MAX = 200,      /* characters of an error's body */
    RATLS_INTEL_ID_SHOWN_MAX = 128,        /* of a request or trace id */
    RATLS_INTEL_BACKOFF_FIRST_MS = 500,    /* doubled with every attempt … */
    RATLS_INTEL_BACKOFF_MOST_MS = 5000,    /* … up to here; the wait is anything up to that */
    RATLS_INTEL_RETRY_AFTER_MOST_S = 30    /* a longer Retry-After is told instead of waited for */
};

/** One verification's time: all its requests share it. */
typedef struct {
    int64_t timeout_ms;  /* for messages */
    int64_t deadline_ms; /* on the monotonic clock */
    const ratls_cancel *cancel;
} ratls_intel_time;

typedef struct {
    const ratls_intel_config *config;
    ratls_http *http;
    /** Called before each attempt: waits for its turn. NULL: none to wait for. */
    ratls_status (*before)(void *user, const ratls_intel_time *time, ratls_error **err);
    void *user;
} ratls_intel_wire;

/** Make the request until it is answered with 200, `config->attempts` times at most. `request` has everything but
 *  deadline and cancel. On failure `out` is empty. */
ratls_status ratls_intel_exchange(
    ratls_http_response *out, const ratls_intel_wire *wire, ratls_http_request request, const ratls_intel_time *time, ratls_error **err);

#endif

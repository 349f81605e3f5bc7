/** The services that collateral is fetched from: Intel's PCS and PCCSs, the only code that knows their URLs (DCAP rules 2.1,
 *  2.2). They are asked in order, repeatedly where that helps, inside one deadline. */
#ifndef RATLS_COLLATERAL_SOURCES_H
#define RATLS_COLLATERAL_SOURCES_H

#include "base/http.h"
#include "collateral/part.h"

enum {
    RATLS_COLLATERAL_ATTEMPT_MS = 15000,        /* one request, unless the options say otherwise */
    RATLS_COLLATERAL_ROUNDS = 3,                /* times that all sources are asked */
    RATLS_COLLATERAL_BACKOFF_FIRST_MS = 500,    /* between rounds, doubled each time; the wait is anything up to that */
    RATLS_COLLATERAL_REST_MS = 30000,           /* that a source which could not be reached is asked after the others */
    RATLS_COLLATERAL_RETRY_AFTER_MAX_S = 86400, /* a longer Retry-After is cut */
    RATLS_COLLATERAL_ETAG_MAX = 256,
    RATLS_COLLATERAL_MAX_AGE_S = 366 * 86400    /* a longer max-age is cut */
};

/** The time of everything that one call does. */
typedef struct {
    int64_t now;         /* to verify for, seconds since 1970 */
    int64_t timeout_ms;  /* what the caller asked for, for messages */
    int64_t deadline_ms; /* on the monotonic clock */
    const ratls_cancel *cancel; /* may be NULL */
} ratls_collateral_time;

/** Where and when a part was obtained, for asking again. */
typedef struct {
    char *url;          /* owned */
    char *etag;         /* owned; NULL: there was none */
    int64_t fetched_at; /* seconds since 1970, by the wall clock */
    int64_t max_age_s;  /* that the answer is fresh (Cache-Control); -1: it does not say */
} ratls_provenance;

bool ratls_provenance_copy(ratls_provenance *out, const ratls_provenance *in);
void ratls_provenance_clear(ratls_provenance *provenance);

/** Safe for threads, and for children of fork(). */
typedef struct ratls_sources ratls_sources;

typedef struct {
    const char *const *urls; /* NULL: Intel's */
    size_t urls_len;
    const char *const *cas;  /* for each of urls its authorities, PEM, or NULL: `ca` */
    size_t cas_len;
    ratls_bytes ca;
    const char *proxy;
    const char *no_proxy;
    int64_t attempt_timeout_ms;
    int64_t connect_timeout_ms;
    ratls_log_callback log;
    void *log_user;
} ratls_sources_settings;

/** Everything in `settings` is copied. */
ratls_status ratls_sources_new(ratls_sources **out, const ratls_sources_settings *settings, ratls_error **err);
void ratls_sources_free(ratls_sources *sources);

/** The URLs, joined by line feeds: what is kept of other services is not mixed with what these have. */
const char *ratls_sources_identity(const ratls_sources *sources);

/** Fetch a part that holds at `time->now`.
 *
 *  Out: part: its hold is the caller's; `known` itself when the source says that it has not changed.
 *       provenance: the caller's.
 *  In:  known, known_from: what there is already, for a conditional request; NULL: nothing. */
ratls_status ratls_sources_fetch(
    ratls_part **part, ratls_provenance *provenance, ratls_sources *sources, const ratls_part_id *id, ratls_part *known,
    const ratls_provenance *known_from, ratls_trust *trust, const ratls_collateral_time *time, ratls_error **err);

#endif

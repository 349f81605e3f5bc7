/** What a DCAP verifier that fetches its collateral has beside its anchor: sources, cache, and which platform a quote is of. */
#ifndef RATLS_VERIFIER_FETCHING_H
#define RATLS_VERIFIER_FETCHING_H

#include "collateral/store.h"

/** Safe for threads, and for children of fork(). */
typedef struct ratls_fetching ratls_fetching;

/** `trust` is borrowed; everything of `options` is copied. */
ratls_status ratls_fetching_new(ratls_fetching **out, const ratls_dcap_options *options, ratls_trust *trust, ratls_error **err);
void ratls_fetching_free(ratls_fetching *fetching);

/** Whose collateral, in what set, and by when. */
typedef struct {
    const ratls_parsed_quote *quote; /* NULL: `platform` */
    ratls_platform_id platform;
    bool early;                      /* also when the verifier's own set is the standard one */
    bool refresh;                    /* ask also for what is there, unless it was asked for since: */
    int64_t refresh_since_ms;        /* on the monotonic clock */
    ratls_collateral_time time;
} ratls_collateral_wish;

/** The set, its hold the caller's. */
ratls_status ratls_fetching_get(ratls_collateral_set **out, ratls_fetching *fetching, const ratls_collateral_wish *wish, ratls_error **err);

/** The set in memory that holds at `now`, its hold the caller's; NULL: none. */
ratls_collateral_set *ratls_fetching_peek(ratls_fetching *fetching, const ratls_parsed_quote *quote, int64_t now);

/** Whether it uses the early set of TCB data. */
bool ratls_fetching_early(const ratls_fetching *fetching);

#endif

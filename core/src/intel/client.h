/** Intel Trust Authority's client: a quote goes out, and what its signed answer proves comes back (Intel rules 1, 2, 4). */
#ifndef RATLS_INTEL_CLIENT_H
#define RATLS_INTEL_CLIENT_H

#include "intel/claims.h"
#include "intel/exchange.h"

enum {
    RATLS_INTEL_QUOTE_LEAST = 636,
    RATLS_INTEL_QUOTE_MOST = 32768,
    RATLS_INTEL_RESPONSE_MAX = 64 * 1024, /* bytes of the answer with the token */
    RATLS_INTEL_CHAINS_KEPT = 8,
    RATLS_INTEL_CHAIN_FRESH_MS = 3600 * 1000
};

/** Safe for threads. */
typedef struct ratls_intel_client ratls_intel_client;

/** Options of full size. `log` (may be NULL) is told what is odd and yet accepted. */
ratls_status ratls_intel_client_new(ratls_intel_client **out, const ratls_intel_options *options, ratls_error **err);
void ratls_intel_client_free(ratls_intel_client *client);

/** Ask about one quote. `out` is empty on entry; cleared by the caller also on failure. `now` is the time at the
 *  start. */
ratls_status ratls_intel_client_appraise(
    ratls_claims *out, ratls_intel_client *client, const ratls_parsed_quote *quote, int64_t now, bool allow_debug_mode,
    const ratls_intel_time *time, ratls_error **err);

#endif

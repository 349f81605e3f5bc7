/** Revocation lists as one client keeps them, by address (Intel rules 2.4). What is kept is bytes: they are verified
 *  again whenever they are used. */
#ifndef RATLS_INTEL_LIST_CACHE_H
#define RATLS_INTEL_LIST_CACHE_H

#include "intel/chain.h"
#include "intel/exchange.h"

enum {
    RATLS_INTEL_LISTS_KEPT = 8,
    RATLS_INTEL_LIST_FRESH_MS = 24 * 3600 * 1000
};

/** Safe for threads. */
typedef struct ratls_intel_list_cache ratls_intel_list_cache;

ratls_status ratls_intel_list_cache_new(ratls_intel_list_cache **out, ratls_error **err);
void ratls_intel_list_cache_free(ratls_intel_list_cache *cache);

/** The list at this URL as DER, the caller's to free(): the one that is kept, while it is younger than a day and its
 *  time at `now` has not passed; else a new one; else, when that cannot be had, the one that is kept while its time
 *  has not passed. */
ratls_status ratls_intel_list_cache_get(
    uint8_t **out, size_t *out_len, ratls_intel_list_cache *cache, const ratls_intel_wire *wire, const char *url, int64_t now,
    const ratls_intel_time *time, ratls_error **err);

#endif

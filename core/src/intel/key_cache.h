/** The portal's key set as one client keeps it: fetched once for all threads, again when it is old or lacks a key, and
 *  not more often than that (Intel rules 2.11). */
#ifndef RATLS_INTEL_KEY_CACHE_H
#define RATLS_INTEL_KEY_CACHE_H

#include "intel/exchange.h"
#include "intel/key_set.h"

enum {
    RATLS_INTEL_KEYS_FRESH_MS = 3600 * 1000,        /* unless the portal says less … */
    RATLS_INTEL_KEYS_FRESH_LEAST_MS = 300 * 1000,   /* … but it is never asked more often than so */
    RATLS_INTEL_KEYS_USABLE_MS = 24 * 3600 * 1000,  /* while the portal cannot be reached */
    RATLS_INTEL_KEYS_AGAIN_MS = 60 * 1000           /* between two fetches for a key that is lacking, or after one that failed */
};

/** Safe for threads. */
typedef struct ratls_intel_key_cache ratls_intel_key_cache;

ratls_status ratls_intel_key_cache_new(ratls_intel_key_cache **out, ratls_error **err);
void ratls_intel_key_cache_free(ratls_intel_key_cache *cache);

/** The entry for this key id and algorithm, as a copy of the caller's (cJSON_Delete()); INTEL_TOKEN_KEY_ID when the
 *  portal has none. */
ratls_status ratls_intel_key_cache_find(
    cJSON **out, ratls_intel_key_cache *cache, const ratls_intel_wire *wire, const char *key_id, int algorithm,
    const ratls_intel_time *time, ratls_error **err);

/** Where a portal's key set is, the caller's to free(); NULL when out of memory. */
char *ratls_intel_key_set_url(const ratls_intel_config *config);

#endif

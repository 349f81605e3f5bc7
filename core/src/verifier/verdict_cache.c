#include "verifier/verdict_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

typedef struct {
    uint8_t key[RATLS_SHA256_LEN];
    ratls_claims claims;
    ratls_kept_evidence *evidence; /* held; may be NULL */
    int64_t stored_ms; /* monotonic */
    uint64_t last_use; /* a count, not a time: clocks may stand still */
} cache_entry;

struct ratls_verdict_cache {
    pthread_mutex_t lock;
    cache_entry *entries;
    size_t len;
    size_t capacity;
    uint64_t uses;
};

enum { CACHE_FIRST_CAPACITY = 8 };

ratls_status ratls_verdict_cache_new(ratls_verdict_cache **out, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verdict_cache *cache = NULL;

    *out = NULL;
    cache = calloc(1, sizeof *cache);
    CHECK(cache != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(pthread_mutex_init(&cache->lock, NULL) == 0, RATLS_ERR_OUT_OF_MEMORY);
    *out = cache;
    cache = NULL;
    status = RATLS_OK;
out:
    free(cache);
    return status;
}

void ratls_verdict_cache_free(ratls_verdict_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < cache->len; i++) {
        ratls_claims_clear(&cache->entries[i].claims);
        ratls_kept_evidence_free(cache->entries[i].evidence);
    }
    free(cache->entries);
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* The functions below want the lock held. */

static cache_entry *find_entry(ratls_verdict_cache *cache, const uint8_t key[RATLS_SHA256_LEN])
{
    for (size_t i = 0; i < cache->len; i++) {
        /* The key is a digest of public bytes: nothing leaks by when it differs. */
        if (ratls_bytes_equal((ratls_bytes){cache->entries[i].key, RATLS_SHA256_LEN}, (ratls_bytes){key, RATLS_SHA256_LEN})) {
            return &cache->entries[i];
        }
    }
    return NULL;
}

static void remove_entry(ratls_verdict_cache *cache, cache_entry *entry)
{
    ratls_claims_clear(&entry->claims);
    ratls_kept_evidence_free(entry->evidence);
    cache->len--;
    *entry = cache->entries[cache->len];
    cache->entries[cache->len] = (cache_entry){0};
}

static void remove_least_used(ratls_verdict_cache *cache)
{
    cache_entry *oldest = &cache->entries[0];

    for (size_t i = 1; i < cache->len; i++) {
        if (cache->entries[i].last_use < oldest->last_use) {
            oldest = &cache->entries[i];
        }
    }
    remove_entry(cache, oldest);
}

/* Room for one more entry, at the price of the one that was used longest ago. */
static bool make_room(ratls_verdict_cache *cache)
{
    size_t capacity = cache->capacity == 0 ? CACHE_FIRST_CAPACITY : 2 * cache->capacity;
    cache_entry *grown;

    if (cache->len == RATLS_VERDICT_CACHE_MAX) {
        remove_least_used(cache);
    }
    if (cache->len < cache->capacity) {
        return true;
    }
    grown = realloc(cache->entries, capacity * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    cache->entries = grown;
    cache->capacity = capacity;
    return true;
}

/* Young enough, and its collateral's dates hold (design: it never outlives the earliest nextUpdate). */
static bool entry_holds(const cache_entry *entry, int64_t ttl_s, int64_t now)
{
    int64_t age_ms = ratls_clock_monotonic_ms() - entry->stored_ms;
    const ratls_claims *claims = &entry->claims;

    if (age_ms < 0 || age_ms / 1000 >= ttl_s) {
        return false;
    }
    return !claims->has_collateral_dates || (claims->valid_from <= now && now <= claims->expires_at);
}

ratls_status ratls_verdict_cache_find(
    ratls_claims *out, ratls_kept_evidence **evidence, bool *hit, ratls_verdict_cache *cache, const uint8_t key[RATLS_SHA256_LEN], int64_t ttl_s, int64_t now,
    ratls_error **err)
{
    ratls_status status = RATLS_OK;
    cache_entry *entry;

    *out = (ratls_claims){0};
    *evidence = NULL;
    *hit = false;
    (void)pthread_mutex_lock(&cache->lock);
    entry = find_entry(cache, key);
    if (entry != NULL && !entry_holds(entry, ttl_s, now)) {
        remove_entry(cache, entry);
        entry = NULL;
    }
    if (entry != NULL) {
        entry->last_use = ++cache->uses;
        status = ratls_claims_copy(out, &entry->claims, err);
        *hit = status == RATLS_OK;
        *evidence = *hit ? ratls_kept_evidence_hold(entry->evidence) : NULL;
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return status;
}

ratls_status ratls_verdict_cache_store(
    ratls_verdict_cache *cache, const uint8_t key[RATLS_SHA256_LEN], const ratls_claims *claims, ratls_kept_evidence *evidence,
    ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_claims copy = {0};
    cache_entry *entry;

    (void)pthread_mutex_lock(&cache->lock);
    TRY(ratls_claims_copy(&copy, claims, err));
    entry = find_entry(cache, key);
    if (entry != NULL) {
        remove_entry(cache, entry);
    }
    CHECK(make_room(cache), RATLS_ERR_OUT_OF_MEMORY);
    entry = &cache->entries[cache->len++];
    *entry = (cache_entry){.claims = copy, .evidence = ratls_kept_evidence_hold(evidence), .stored_ms = ratls_clock_monotonic_ms(), .last_use = ++cache->uses};
    memcpy(entry->key, key, sizeof entry->key);
    copy = (ratls_claims){0};
    status = RATLS_OK;
out:
    (void)pthread_mutex_unlock(&cache->lock);
    ratls_claims_clear(&copy);
    return status;
}

void ratls_verdict_cache_forget(ratls_verdict_cache *cache, const uint8_t key[RATLS_SHA256_LEN])
{
    cache_entry *entry;

    (void)pthread_mutex_lock(&cache->lock);
    entry = find_entry(cache, key);
    if (entry != NULL) {
        remove_entry(cache, entry);
    }
    (void)pthread_mutex_unlock(&cache->lock);
}

size_t ratls_verdict_cache_len(ratls_verdict_cache *cache)
{
    size_t len;

    (void)pthread_mutex_lock(&cache->lock);
    len = cache->len;
    (void)pthread_mutex_unlock(&cache->lock);
    return len;
}

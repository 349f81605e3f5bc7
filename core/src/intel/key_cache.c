#include "intel/key_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"

enum { KEY_CACHE_WAIT_MS = 50 /* between looks at whether a waiting thread was cancelled */ };

struct ratls_intel_key_cache {
    pthread_mutex_t lock;
    pthread_cond_t fetched; /* a fetch ended, for better or worse */
    bool fetching;          /* by one thread; the others wait for what it brings */
    ratls_intel_key_set *set;
    int64_t set_at_ms;
    int64_t fresh_ms;
    bool failed;            /* the last fetch did, at: */
    int64_t failed_at_ms;
    bool asked_again;       /* for a key that was lacking, at: */
    int64_t asked_again_at_ms;
};

ratls_status ratls_intel_key_cache_new(ratls_intel_key_cache **out, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_intel_key_cache *cache = NULL;
    pthread_condattr_t attributes;
    bool made;

    *out = NULL;
    cache = calloc(1, sizeof *cache);
    CHECK(cache != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(pthread_condattr_init(&attributes) == 0, RATLS_ERR_OUT_OF_MEMORY);
    made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 && pthread_cond_init(&cache->fetched, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    CHECK(made, RATLS_ERR_OUT_OF_MEMORY);
    if (pthread_mutex_init(&cache->lock, NULL) != 0) {
        (void)pthread_cond_destroy(&cache->fetched);
        CHECK(false, RATLS_ERR_OUT_OF_MEMORY);
    }
    *out = cache;
    cache = NULL;
    status = RATLS_OK;
out:
    free(cache);
    return status;
}

void ratls_intel_key_cache_free(ratls_intel_key_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    ratls_intel_key_set_free(cache->set);
    (void)pthread_cond_destroy(&cache->fetched);
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

char *ratls_intel_key_set_url(const ratls_intel_config *config)
{
    ratls_text url = {0};

    ratls_text_add(&url, config->portal_url);
    ratls_text_add(&url, "/certs");
    return ratls_text_take(&url);
}

/* How long the answer is fresh: an hour, or less if it says so (Cache-Control: max-age). */
static int64_t read_freshness(const ratls_http_response *response)
{
    static const char name[] = "max-age=";
    const char *control = ratls_http_header(response, "Cache-Control");
    const char *found = control == NULL ? NULL : strcasestr(control, name);
    int64_t seconds = found == NULL || found[sizeof name - 1] < '0' || found[sizeof name - 1] > '9'
                          ? RATLS_INTEL_KEYS_FRESH_MS / 1000
                          : (int64_t)strtoll(found + sizeof name - 1, NULL, 10);

    if (seconds >= RATLS_INTEL_KEYS_FRESH_MS / 1000) {
        return RATLS_INTEL_KEYS_FRESH_MS;
    }
    return seconds * 1000 > RATLS_INTEL_KEYS_FRESH_LEAST_MS ? seconds * 1000 : RATLS_INTEL_KEYS_FRESH_LEAST_MS;
}

/* The network's part, without the lock. A status that another attempt would not change is an answer not as specified. */
static ratls_status fetch(ratls_intel_key_set **out, int64_t *fresh_ms, const ratls_intel_wire *wire, const ratls_intel_time *time, ratls_error **err)
{
    static const char *const headers[] = {"Accept: application/json"};
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_http_response response = {0};
    char *url = ratls_intel_key_set_url(wire->config);

    CHECK(url != NULL, RATLS_ERR_OUT_OF_MEMORY);
    TRY(ratls_intel_exchange(&response, wire,
                             (ratls_http_request){.url = url,
                                                  .headers = headers,
                                                  .headers_len = 1,
                                                  .body_max = RATLS_INTEL_KEY_SET_MAX,
                                                  .timeout_ms = wire->config->fetch_timeout_ms},
                             time, err));
    TRY(ratls_intel_key_set_parse(out, (ratls_bytes){response.body, response.body_len}, url, err));
    *fresh_ms = read_freshness(&response);
    status = RATLS_OK;
out:
    ratls_http_response_clear(&response);
    free(url);
    return status;
}

/* Fetch and keep what came; with the lock on entry and return, without it in between. */
static ratls_status fetch_for_all(ratls_intel_key_cache *cache, const ratls_intel_wire *wire, const ratls_intel_time *time, ratls_error **err)
{
    ratls_intel_key_set *set = NULL;
    int64_t fresh_ms = 0;
    ratls_status status;

    cache->fetching = true;
    (void)pthread_mutex_unlock(&cache->lock);
    status = fetch(&set, &fresh_ms, wire, time, err);
    (void)pthread_mutex_lock(&cache->lock);
    cache->fetching = false;
    cache->failed = status != RATLS_OK;
    cache->failed_at_ms = ratls_clock_monotonic_ms();
    if (status == RATLS_OK) {
        ratls_intel_key_set_free(cache->set);
        cache->set = set;
        cache->set_at_ms = cache->failed_at_ms;
        cache->fresh_ms = fresh_ms;
    }
    (void)pthread_cond_broadcast(&cache->fetched);
    return status;
}

/* Wait, with the lock, until no other thread is fetching. */
static ratls_status await_fetch(ratls_intel_key_cache *cache, const ratls_intel_time *time, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    while (cache->fetching) {
        struct timespec until;

        CHECK(!ratls_cancel_triggered(time->cancel), RATLS_ERR_CANCELLED, WHAT("waiting for Intel Trust Authority's keys"));
        CHECK(ratls_clock_monotonic_ms() < time->deadline_ms, RATLS_ERR_TIMEOUT, WHAT("waiting for Intel Trust Authority's keys"),
              EXPECTED_NUMBER(time->timeout_ms));
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += KEY_CACHE_WAIT_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&cache->fetched, &cache->lock, &until);
    }
    status = RATLS_OK;
out:
    return status;
}

/* With the lock: a set that may be used is there, fetched anew where that is due. */
static ratls_status provide_set(ratls_intel_key_cache *cache, const ratls_intel_wire *wire, const ratls_intel_time *time, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_error *failure = NULL;
    int64_t now_ms, age_ms;
    ratls_status fetched;

    TRY(await_fetch(cache, time, err));
    now_ms = ratls_clock_monotonic_ms();
    age_ms = now_ms - cache->set_at_ms;
    if (cache->set == NULL) {
        TRY(fetch_for_all(cache, wire, time, err));
        return RATLS_OK;
    }
    if (age_ms < cache->fresh_ms || (age_ms < RATLS_INTEL_KEYS_USABLE_MS && cache->failed && now_ms - cache->failed_at_ms < RATLS_INTEL_KEYS_AGAIN_MS)) {
        return RATLS_OK;
    }
    fetched = fetch_for_all(cache, wire, time, &failure);
    if (fetched != RATLS_OK && (age_ms >= RATLS_INTEL_KEYS_USABLE_MS || fetched == RATLS_ERR_CANCELLED || fetched == RATLS_ERR_TIMEOUT)) {
        if (err != NULL && *err == NULL) {
            *err = failure;
            failure = NULL;
        }
        status = fetched;
        goto out;
    }
    status = RATLS_OK;
out:
    ratls_error_free(failure);
    return status;
}

/* With the lock: a copy of the entry in the set that is there; NULL when it has none. */
static ratls_status copy_entry(cJSON **out, const ratls_intel_key_set *set, const char *key_id, int algorithm, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *entry = NULL;

    TRY(ratls_intel_key_set_find(&entry, set, key_id, algorithm, err));
    *out = entry == NULL ? NULL : cJSON_Duplicate(entry, true);
    CHECK(entry == NULL || *out != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

/* With the lock: the set lacks a key, so that there may be a newer one; a stranger's tokens must not make us ask often. */
static ratls_status ask_again(ratls_intel_key_cache *cache, const ratls_intel_key_set *lacking, const ratls_intel_wire *wire,
                              const ratls_intel_time *time, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    int64_t now_ms;

    TRY(await_fetch(cache, time, err));
    now_ms = ratls_clock_monotonic_ms();
    if (cache->set != lacking || (cache->asked_again && now_ms - cache->asked_again_at_ms < RATLS_INTEL_KEYS_AGAIN_MS)) {
        return RATLS_OK;
    }
    cache->asked_again = true;
    cache->asked_again_at_ms = now_ms;
    TRY(fetch_for_all(cache, wire, time, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status find_locked(cJSON **out, ratls_intel_key_cache *cache, const ratls_intel_wire *wire, const char *key_id, int algorithm,
                                const ratls_intel_time *time, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_intel_key_set *lacking = NULL;

    TRY(provide_set(cache, wire, time, err));
    TRY(copy_entry(out, cache->set, key_id, algorithm, err));
    if (*out == NULL) {
        lacking = ratls_intel_key_set_hold(cache->set);
        TRY(ask_again(cache, lacking, wire, time, err));
        TRY(copy_entry(out, cache->set, key_id, algorithm, err));
    }
    CHECK(*out != NULL, RATLS_ERR_INTEL_TOKEN_KEY_ID, WHAT("its kid is not in the key set"), FOUND(key_id));
    status = RATLS_OK;
out:
    ratls_intel_key_set_free(lacking);
    return status;
}

ratls_status ratls_intel_key_cache_find(
    cJSON **out, ratls_intel_key_cache *cache, const ratls_intel_wire *wire, const char *key_id, int algorithm,
    const ratls_intel_time *time, ratls_error **err)
{
    ratls_status status;

    *out = NULL;
    (void)pthread_mutex_lock(&cache->lock);
    status = find_locked(out, cache, wire, key_id, algorithm, time, err);
    (void)pthread_mutex_unlock(&cache->lock);
    return status;
}

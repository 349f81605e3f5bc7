#include "intel/list_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crl.h"

typedef struct {
    char *url;
    uint8_t *der;
    size_t len;
    int64_t next_update;
    int64_t fetched_at_ms;
} kept_list;

struct ratls_intel_list_cache {
    pthread_mutex_t lock;
    kept_list lists[RATLS_INTEL_LISTS_KEPT];
};

ratls_status ratls_intel_list_cache_new(ratls_intel_list_cache **out, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_intel_list_cache *cache = NULL;

    *out = NULL;
    cache = calloc(1, sizeof *cache);
    CHECK(cache != NULL && pthread_mutex_init(&cache->lock, NULL) == 0, RATLS_ERR_OUT_OF_MEMORY);
    *out = cache;
    cache = NULL;
    status = RATLS_OK;
out:
    free(cache);
    return status;
}

static void clear_list(kept_list *list)
{
    free(list->url);
    free(list->der);
    *list = (kept_list){0};
}

void ratls_intel_list_cache_free(ratls_intel_list_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < RATLS_INTEL_LISTS_KEPT; i++) {
        clear_list(&cache->lists[i]);
    }
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static uint8_t *copy_bytes(ratls_bytes bytes)
{
    uint8_t *copy = malloc(bytes.len + 1);

    if (copy != NULL && bytes.len > 0) {
        memcpy(copy, bytes.data, bytes.len);
    }
    return copy;
}

/* A copy of what is kept; *fresh tells whether it is young enough to be used without asking. */
static bool find(uint8_t **out, size_t *out_len, bool *fresh, ratls_intel_list_cache *cache, const char *url, int64_t now)
{
    bool found = false;

    (void)pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; i < RATLS_INTEL_LISTS_KEPT && !found; i++) {
        const kept_list *list = &cache->lists[i];

        if (list->url != NULL && strcmp(list->url, url) == 0 && list->next_update >= now) {
            *out = copy_bytes((ratls_bytes){list->der, list->len});
            *out_len = list->len;
            *fresh = ratls_clock_monotonic_ms() - list->fetched_at_ms < RATLS_INTEL_LIST_FRESH_MS;
            found = *out != NULL;
        }
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return found;
}

/* In the place of the same address's, or of the one that was fetched longest ago. Keeping may fail: it is only slower. */
static void keep(ratls_intel_list_cache *cache, const char *url, ratls_bytes der)
{
    ratls_crl strict = {0};
    const char *what = NULL;
    kept_list fetched = {.url = strdup(url), .der = copy_bytes(der), .len = der.len, .fetched_at_ms = ratls_clock_monotonic_ms()};
    kept_list *place;

    if (fetched.url == NULL || fetched.der == NULL || !ratls_crl_parse(&strict, der, &what)) {
        clear_list(&fetched);
        return;
    }
    fetched.next_update = strict.next_update;
    ratls_crl_clear(&strict);
    (void)pthread_mutex_lock(&cache->lock);
    place = &cache->lists[0];
    for (size_t i = 0; i < RATLS_INTEL_LISTS_KEPT; i++) {
        kept_list *list = &cache->lists[i];

        if (list->url != NULL && strcmp(list->url, url) == 0) {
            place = list;
            break;
        }
        place = list->url == NULL || (place->url != NULL && list->fetched_at_ms < place->fetched_at_ms) ? list : place;
    }
    clear_list(place);
    *place = fetched;
    (void)pthread_mutex_unlock(&cache->lock);
}

static ratls_status fetch(uint8_t **out, size_t *out_len, const ratls_intel_wire *wire, const char *url, const ratls_intel_time *time, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_http_response response = {0};

    TRY(ratls_intel_exchange(&response, wire,
                             (ratls_http_request){.url = url,
                                                  .allow_http = true, /* lists are signed by themselves */
                                                  .body_max = RATLS_INTEL_CRL_MAX,
                                                  .timeout_ms = wire->config->fetch_timeout_ms},
                             time, err));
    *out = response.body;
    *out_len = response.body_len;
    response.body = NULL;
    status = RATLS_OK;
out:
    ratls_http_response_clear(&response);
    return status;
}

ratls_status ratls_intel_list_cache_get(
    uint8_t **out, size_t *out_len, ratls_intel_list_cache *cache, const ratls_intel_wire *wire, const char *url, int64_t now,
    const ratls_intel_time *time, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    bool fresh = false;
    uint8_t *kept = NULL;
    size_t kept_len = 0;
    bool found = find(&kept, &kept_len, &fresh, cache, url, now);

    *out = NULL;
    *out_len = 0;
    if (!found || !fresh) {
        status = fetch(out, out_len, wire, url, time, found ? NULL : err);
        if (status == RATLS_OK) {
            keep(cache, url, (ratls_bytes){*out, *out_len});
            goto out;
        }
        TRY(found ? RATLS_OK : status);
    }
    *out = kept;
    *out_len = kept_len;
    kept = NULL;
    status = RATLS_OK;
out:
    free(kept);
    return status;
}

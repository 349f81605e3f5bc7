#include "verifier/fetching.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FETCHING_PLATFORMS_MAX = 16 /* whose chains are known; then the oldest is forgotten */ };

/* A PCK chain that was verified, and the platform that it is of. */
typedef struct {
    uint8_t *chain;
    size_t len;
    ratls_platform_id platform;
} known_platform;

/* What belongs to one process. A fork may catch it locked: a child begins afresh, and its parent's is neither looked at nor
 * freed. */
typedef struct process_part {
    struct process_part *before; /* of the process that this one was forked from; kept, so that it is not lost */
    pid_t owner;
    ratls_store *store;
    pthread_mutex_t lock; /* guards what follows */
    known_platform platforms[FETCHING_PLATFORMS_MAX];
    size_t next;
} process_part;

struct ratls_fetching {
    ratls_store_settings settings;
    bool early;
    _Atomic(process_part *) part;
};

static void free_part(process_part *part)
{
    if (part == NULL) {
        return;
    }
    ratls_store_free(part->store);
    for (size_t i = 0; i < FETCHING_PLATFORMS_MAX; i++) {
        free(part->platforms[i].chain);
    }
    (void)pthread_mutex_destroy(&part->lock);
    free(part);
}

static ratls_status new_part(process_part **out, ratls_fetching *fetching, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    process_part *part = NULL;

    *out = NULL;
    part = calloc(1, sizeof *part);
    CHECK(part != NULL, RATLS_ERR_OUT_OF_MEMORY);
    part->owner = getpid();
    CHECK(pthread_mutex_init(&part->lock, NULL) == 0, RATLS_ERR_OUT_OF_MEMORY);
    TRY(ratls_store_new(&part->store, &fetching->settings, err));
    *out = part;
    part = NULL;
    status = RATLS_OK;
out:
    free(part);
    return status;
}

/* Of this process; NULL when out of memory. */
static process_part *part_of(ratls_fetching *fetching)
{
    process_part *part = atomic_load(&fetching->part), *made = NULL;

    if (part->owner == getpid() || new_part(&made, fetching, NULL) != RATLS_OK) {
        return part->owner == getpid() ? part : NULL;
    }
    made->before = part;
    if (!atomic_compare_exchange_strong(&fetching->part, &part, made)) {
        free_part(made); /* another thread was quicker: `part` is its */
        return part;
    }
    return made;
}

static ratls_status read_sources(ratls_store_settings *out, const ratls_dcap_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_sources_settings settings = {
        .urls = options->pccs_urls,
        .urls_len = options->pccs_urls_len,
        .cas = options->pccs_cas,
        .cas_len = options->pccs_cas_len,
        .ca = {options->ca, options->ca_len},
        .proxy = options->proxy,
        .no_proxy = options->no_proxy,
        .attempt_timeout_ms = options->attempt_timeout_ms,
        .connect_timeout_ms = options->http_connect_timeout_ms,
        .log = options->log,
        .log_user = options->log_user,
    };

    CHECK(options->pccs_urls != NULL || options->pccs_urls_len == 0, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "pccs_urls"),
          WHAT("it is NULL but has a length"));
    CHECK(options->pccs_urls == NULL || options->pccs_urls_len > 0, RATLS_ERR_OPTION_EMPTY_LIST, ratls_detail_text("option", "pccs_urls"));
    CHECK(options->pccs_cas != NULL || options->pccs_cas_len == 0, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "pccs_cas"),
          WHAT("it is NULL but has a length"));
    CHECK(options->pccs_cas == NULL || options->pccs_cas_len > 0, RATLS_ERR_OPTION_EMPTY_LIST, ratls_detail_text("option", "pccs_ca_files"));
    CHECK(options->ca != NULL || options->ca_len == 0, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "ca"),
          WHAT("it is NULL but has a length"));
    TRY(ratls_sources_new(&out->sources, &settings, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_fetching_new(ratls_fetching **out, const ratls_dcap_options *options, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_fetching *fetching = NULL;
    process_part *part = NULL;

    *out = NULL;
    CHECK(options->update_early == 0 || options->update_early == 1, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "update_early"),
          WHAT("it is neither 0 nor 1"));
    fetching = calloc(1, sizeof *fetching);
    CHECK(fetching != NULL, RATLS_ERR_OUT_OF_MEMORY);
    fetching->early = options->update_early == 1;
    fetching->settings.trust = trust;
    fetching->settings.log = options->log;
    fetching->settings.log_user = options->log_user;
    atomic_flag_clear(&fetching->settings.disk_warned);
    TRY(read_sources(&fetching->settings, options, err));
    TRY(ratls_disk_init(&fetching->settings.disk, options->cache_dir, err));
    TRY(new_part(&part, fetching, err));
    atomic_init(&fetching->part, part);
    *out = fetching;
    fetching = NULL;
    status = RATLS_OK;
out:
    ratls_fetching_free(fetching);
    return status;
}

void ratls_fetching_free(ratls_fetching *fetching)
{
    process_part *part;

    if (fetching == NULL) {
        return;
    }
    part = atomic_load(&fetching->part);
    if (part != NULL && part->owner == getpid()) {
        free_part(part);
    }
    ratls_disk_clear(&fetching->settings.disk);
    ratls_sources_free(fetching->settings.sources);
    free(fetching);
}

bool ratls_fetching_early(const ratls_fetching *fetching)
{
    return fetching->early;
}

/* ---- which platform */

static bool recall_platform(ratls_platform_id *out, process_part *part, const ratls_parsed_quote *quote)
{
    bool known = false;

    (void)pthread_mutex_lock(&part->lock);
    for (size_t i = 0; i < FETCHING_PLATFORMS_MAX && !known; i++) {
        const known_platform *candidate = &part->platforms[i];

        known = candidate->chain != NULL && ratls_bytes_equal(quote->certification_data, (ratls_bytes){candidate->chain, candidate->len});
        if (known) {
            *out = candidate->platform;
            out->tdx = quote->tee_type == RATLS_TEE_TDX; /* the chain says nothing of it */
        }
    }
    (void)pthread_mutex_unlock(&part->lock);
    return known;
}

/* Keeping may fail: it is only slower. */
static void remember_platform(process_part *part, const ratls_parsed_quote *quote, const ratls_platform_id *platform)
{
    known_platform added = {.len = quote->certification_data.len, .platform = *platform};

    added.chain = malloc(added.len);
    if (added.chain == NULL) {
        return;
    }
    memcpy(added.chain, quote->certification_data.data, added.len);
    (void)pthread_mutex_lock(&part->lock);
    free(part->platforms[part->next].chain);
    part->platforms[part->next] = added;
    part->next = (part->next + 1) % FETCHING_PLATFORMS_MAX;
    (void)pthread_mutex_unlock(&part->lock);
}

static ratls_status find_platform(
    ratls_platform_id *out, ratls_fetching *fetching, process_part *part, const ratls_parsed_quote *quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (recall_platform(out, part, quote)) {
        return RATLS_OK;
    }
    TRY(ratls_platform_of_quote(out, quote, fetching->settings.trust, err));
    remember_platform(part, quote, out);
    status = RATLS_OK;
out:
    return status;
}

/* ---- sets */

ratls_status ratls_fetching_get(ratls_collateral_set **out, ratls_fetching *fetching, const ratls_collateral_wish *wish, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    process_part *part = part_of(fetching);
    ratls_store_wish store_wish = {.platform = wish->platform, .early = wish->early, .refresh = wish->refresh, .refresh_since_ms = wish->refresh_since_ms};

    *out = NULL;
    CHECK(part != NULL, RATLS_ERR_OUT_OF_MEMORY);
    if (wish->quote != NULL) {
        TRY(find_platform(&store_wish.platform, fetching, part, wish->quote, err));
    }
    TRY(ratls_store_get(out, part->store, &store_wish, &wish->time, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_collateral_set *ratls_fetching_peek(ratls_fetching *fetching, const ratls_parsed_quote *quote, int64_t now)
{
    process_part *part = part_of(fetching);
    ratls_platform_id platform;

    if (part == NULL || !recall_platform(&platform, part, quote)) {
        return NULL;
    }
    return ratls_store_peek(part->store, &platform, fetching->early, now);
}

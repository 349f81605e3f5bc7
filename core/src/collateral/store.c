#include "collateral/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"
#include "base/time.h"
#include "collateral/obtain.h"
#include "base/thread.h"

enum {
    NAME_DIGEST_LEN = 8,
    NAME_MAX_LEN = RATLS_PART_NAME_MAX + 2 * NAME_DIGEST_LEN + 8,
    SAME_TIME_S = 60 /* times to verify for that a kept failure is about alike */
};

/* A part that somebody asked for. Slots stay for as long as the store. */
typedef struct slot {
    struct slot *next;
    ratls_part_id id;
    ratls_obtained held;
    int64_t due_at;      /* of `held`, by the wall clock */
    bool asked;          /* a source was, at: */
    int64_t asked_at_ms;
    bool busy;           /* one thread obtains it; the others wait for what it brings */
    ratls_error *failure; /* of the last time, if it failed */
    int64_t failed_at_ms;
    int64_t failed_now;  /* the time to verify for */
    bool wanted;         /* in the background */
    int64_t retry_at_ms; /* not before */
    int retries;         /* that failed one after the other */
} slot;

/* The newest set for a platform. */
typedef struct known_set {
    struct known_set *next;
    ratls_collateral_set *set;
    slot *slots[RATLS_PARTS];
} known_set;

struct ratls_store {
    ratls_store_settings *settings;
    char digest[2 * NAME_DIGEST_LEN + 1]; /* of sources and anchor, for the names of files */
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t changed;
    slot *slots;
    known_set *sets;
    uint64_t generations;
    ratls_cancel *cancel; /* of the thread in the background; made with the first one */
    pthread_t refresher;
    bool refresher_made; /* and not joined */
    bool refresher_runs;
    bool stopping;
};

/* ---- life */

static ratls_status make_digest(ratls_store *store, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_trust_anchor *anchor = &store->settings->trust->anchor;
    const char *identity = ratls_sources_identity(store->settings->sources);
    uint8_t digest[RATLS_SHA256_LEN];

    TRY(ratls_sha256(digest, (ratls_bytes){anchor->spki_sha256, sizeof anchor->spki_sha256},
                     (ratls_bytes){(const uint8_t *)identity, strlen(identity)}, err));
    ratls_hex_write(store->digest, digest, NAME_DIGEST_LEN);
    status = RATLS_OK;
out:
    return status;
}

static bool make_locks(ratls_store *store)
{
    pthread_condattr_t attributes;
    bool made;

    if (pthread_condattr_init(&attributes) != 0) {
        return false;
    }
    made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 && pthread_cond_init(&store->changed, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    if (made && pthread_mutex_init(&store->lock, NULL) != 0) {
        (void)pthread_cond_destroy(&store->changed);
        made = false;
    }
    return made;
}

ratls_status ratls_store_new(ratls_store **out, ratls_store_settings *settings, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_store *store = NULL;

    *out = NULL;
    store = calloc(1, sizeof *store);
    CHECK(store != NULL, RATLS_ERR_OUT_OF_MEMORY);
    store->settings = settings;
    TRY(make_digest(store, err));
    CHECK(make_locks(store), RATLS_ERR_OUT_OF_MEMORY);
    *out = store;
    store = NULL;
    status = RATLS_OK;
out:
    free(store);
    return status;
}

static void stop_refresher(ratls_store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    store->stopping = true;
    ratls_cancel_trigger(store->cancel);
    (void)pthread_mutex_unlock(&store->lock);
    if (store->refresher_made) {
        (void)pthread_join(store->refresher, NULL);
    }
    ratls_cancel_free(store->cancel);
}

void ratls_store_free(ratls_store *store)
{
    if (store == NULL) {
        return;
    }
    stop_refresher(store);
    while (store->sets != NULL) {
        known_set *gone = store->sets;

        store->sets = gone->next;
        ratls_collateral_set_free(gone->set);
        free(gone);
    }
    while (store->slots != NULL) {
        slot *gone = store->slots;

        store->slots = gone->next;
        ratls_obtained_clear(&gone->held);
        ratls_error_free(gone->failure);
        free(gone);
    }
    (void)pthread_mutex_destroy(&store->lock);
    (void)pthread_cond_destroy(&store->changed);
    free(store);
}

/* ---- slots; all that follows here wants the lock held, unless it says otherwise */

static slot *find_slot(ratls_store *store, const ratls_part_id *id)
{
    slot *found = store->slots;

    while (found != NULL && !ratls_part_id_equal(&found->id, id)) {
        found = found->next;
    }
    if (found == NULL) {
        found = calloc(1, sizeof *found);
        if (found != NULL) {
            found->id = *id;
            found->next = store->slots;
            store->slots = found;
        }
    }
    return found;
}

static void write_name(char out[NAME_MAX_LEN], const ratls_store *store, const ratls_part_id *id)
{
    char name[RATLS_PART_NAME_MAX];

    ratls_part_name(name, id);
    (void)snprintf(out, NAME_MAX_LEN, "%s-%s.json", name, store->digest);
}

/* A source that falls back behind what it had is not followed: what is held came later from Intel. */
static bool is_older(const ratls_part *part, const slot *s, int64_t now)
{
    return ratls_part_holds(s->held.part, now) && part->from < s->held.part->from;
}

/* Keep what was obtained. The same bytes keep their place, and with it every verdict that rests on them. */
static void adopt(slot *s, ratls_obtained *obtained, bool asked, int64_t now)
{
    if (is_older(obtained->part, s, now)) {
        s->held.provenance.fetched_at = obtained->provenance.fetched_at;
        s->held.provenance.max_age_s = obtained->provenance.max_age_s;
        ratls_obtained_clear(obtained);
    } else {
        if (s->held.part != NULL && ratls_part_same(s->held.part, obtained->part)) {
            ratls_part_free(obtained->part);
            obtained->part = ratls_part_hold(s->held.part);
        }
        ratls_obtained_clear(&s->held);
        s->held = *obtained;
        *obtained = (ratls_obtained){0};
    }
    s->due_at = ratls_obtained_due(&s->held, true);
    s->asked = s->asked || asked;
    s->asked_at_ms = asked ? ratls_clock_monotonic_ms() : s->asked_at_ms;
    s->retries = 0;
    s->retry_at_ms = 0;
}

static bool copy_held(ratls_obtained *out, const slot *s)
{
    *out = (ratls_obtained){0};
    if (s->held.part == NULL) {
        return true;
    }
    if (!ratls_provenance_copy(&out->provenance, &s->held.provenance)) {
        return false;
    }
    out->part = ratls_part_hold(s->held.part);
    return true;
}

/* With the lock on entry and return, without it in between. */
static ratls_status obtain_for_all(
    ratls_store *store, slot *s, ratls_obtain_need need, const ratls_collateral_time *time, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_obtained known = {0}, obtained = {0};
    ratls_error *failure = NULL;
    char name[NAME_MAX_LEN];
    bool asked = false;

    CHECK(copy_held(&known, s), RATLS_ERR_OUT_OF_MEMORY);
    write_name(name, store, &s->id);
    s->busy = true;
    (void)pthread_mutex_unlock(&store->lock);
    status = ratls_obtain(&obtained, &asked, store->settings, &s->id, name, &known, need, time, &failure);
    (void)pthread_mutex_lock(&store->lock);
    s->busy = false;
    ratls_error_free(s->failure);
    s->failure = NULL;
    if (status == RATLS_OK) {
        adopt(s, &obtained, asked, time->now);
    } else if (status != RATLS_ERR_CANCELLED && status != RATLS_ERR_TIMEOUT) {
        /* The end of one caller's patience says nothing to the others. */
        s->failure = ratls_error_copy(failure);
        s->failed_at_ms = ratls_clock_monotonic_ms();
        s->failed_now = time->now;
    }
    (void)pthread_cond_broadcast(&store->changed);
out:
    ratls_obtained_clear(&known);
    if (failure != NULL && err != NULL && *err == NULL) {
        *err = failure;
    } else {
        ratls_error_free(failure);
    }
    return status;
}

static bool failed_just_now(const slot *s, int64_t now)
{
    int64_t apart_s = now > s->failed_now ? now - s->failed_now : s->failed_now - now;

    return s->failure != NULL && ratls_clock_monotonic_ms() - s->failed_at_ms < RATLS_STORE_FAILED_KEPT_MS && apart_s <= SAME_TIME_S;
}

static ratls_status fail_alike(const slot *s, ratls_error **err)
{
    if (err != NULL && *err == NULL) {
        *err = ratls_error_copy(s->failure);
    }
    return ratls_error_code(s->failure);
}

static ratls_status await_other(ratls_store *store, const ratls_collateral_time *time, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    struct timespec until;

    CHECK(!ratls_cancel_triggered(time->cancel), RATLS_ERR_CANCELLED, WHAT("waiting for collateral"));
    CHECK(ratls_clock_monotonic_ms() < time->deadline_ms, RATLS_ERR_TIMEOUT, WHAT("waiting for collateral"), EXPECTED_NUMBER(time->timeout_ms));
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += RATLS_STORE_WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_cond_timedwait(&store->changed, &store->lock, &until);
    status = RATLS_OK;
out:
    return status;
}

/* One part that holds; of several threads that need it, one obtains it. */
static ratls_status provide(
    ratls_part **out, ratls_store *store, const ratls_part_id *id, const ratls_store_wish *wish, const ratls_collateral_time *time,
    ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    slot *s = find_slot(store, id);

    CHECK(s != NULL, RATLS_ERR_OUT_OF_MEMORY);
    while (!ratls_part_holds(s->held.part, time->now) || (wish->refresh && !(s->asked && s->asked_at_ms >= wish->refresh_since_ms))) {
        if (s->busy) {
            TRY(await_other(store, time, err));
        } else if (failed_just_now(s, time->now)) {
            TRY(fail_alike(s, err));
        } else {
            TRY(obtain_for_all(store, s, wish->refresh ? RATLS_OBTAIN_ASK : RATLS_OBTAIN_USABLE, time, err));
        }
    }
    *out = ratls_part_hold(s->held.part);
    status = RATLS_OK;
out:
    return status;
}

/* ---- in the background */

static void warn_of_refresh(const ratls_store *store, const ratls_part_id *id, const ratls_part *old, const ratls_error *failure)
{
    char subject[RATLS_PART_SUBJECT_MAX], until[RATLS_TIME_TEXT_LEN + 1];
    ratls_text line = {0};

    ratls_part_subject(subject, id);
    ratls_time_write(until, old->until);
    ratls_text_add(&line, "collateral: ");
    ratls_text_add(&line, subject);
    ratls_text_add(&line, " cannot be fetched anew, the old one serves until ");
    ratls_text_add(&line, until);
    ratls_text_add(&line, ": ");
    ratls_text_add(&line, ratls_error_message(failure, RATLS_SPELLING_C));
    if (store->settings->log != NULL) {
        store->settings->log(store->settings->log_user, line.failed ? "collateral cannot be fetched anew" : line.data);
    }
    ratls_text_clear(&line);
}

static void put_off(slot *s)
{
    int64_t wait_s = RATLS_STORE_RETRY_FIRST_S;

    for (int i = 0; i < s->retries && wait_s < RATLS_STORE_RETRY_MOST_S; i++) {
        wait_s *= 2;
    }
    s->retries++;
    wait_s = wait_s > RATLS_STORE_RETRY_MOST_S ? RATLS_STORE_RETRY_MOST_S : wait_s;
    s->retry_at_ms = ratls_clock_monotonic_ms() + wait_s * 1000;
}

/* With the lock on entry and return. */
static void refresh_slot(ratls_store *store, slot *s)
{
    ratls_collateral_time time = {.now = ratls_clock_wall_s(), .timeout_ms = RATLS_STORE_REFRESH_MS, .cancel = store->cancel};
    ratls_error *failure = NULL;
    ratls_part *old;

    time.deadline_ms = ratls_clock_monotonic_ms() + RATLS_STORE_REFRESH_MS;
    if (obtain_for_all(store, s, RATLS_OBTAIN_FRESH, &time, &failure) == RATLS_OK) {
        return;
    }
    put_off(s);
    /* A verification that finds the old one still good must not fail as this did. */
    ratls_error_free(s->failure);
    s->failure = NULL;
    old = ratls_part_hold(s->held.part);
    (void)pthread_mutex_unlock(&store->lock);
    if (ratls_error_code(failure) != RATLS_ERR_CANCELLED) {
        warn_of_refresh(store, &s->id, old, failure);
    }
    ratls_part_free(old);
    ratls_error_free(failure);
    (void)pthread_mutex_lock(&store->lock);
}

static slot *next_wanted(ratls_store *store)
{
    slot *s = store->slots;

    while (s != NULL && (!s->wanted || s->busy)) {
        s = s->next;
    }
    return s;
}

static void *run_refresher(void *argument)
{
    ratls_store *store = argument;
    slot *s;

    (void)pthread_mutex_lock(&store->lock);
    while (!store->stopping && (s = next_wanted(store)) != NULL) {
        s->wanted = false;
        refresh_slot(store, s);
    }
    store->refresher_runs = false;
    (void)pthread_cond_broadcast(&store->changed);
    (void)pthread_mutex_unlock(&store->lock);
    return NULL;
}

static void start_refresher(ratls_store *store)
{
    if (store->refresher_runs || store->stopping) {
        return;
    }
    if (store->refresher_made) {
        /* It has let go of the lock for the last time. */
        (void)pthread_join(store->refresher, NULL);
        store->refresher_made = false;
    }
    if (store->cancel == NULL && ratls_cancel_new(&store->cancel, NULL) != RATLS_OK) {
        return;
    }
    store->refresher_runs = true;
    store->refresher_made = ratls_thread_start(&store->refresher, run_refresher, store, NULL) == RATLS_OK;
    store->refresher_runs = store->refresher_made;
}

/* By the wall clock, whatever time is verified for. */
static void refresh_what_is_due(ratls_store *store, const known_set *known)
{
    int64_t now_s = ratls_clock_wall_s(), now_ms = ratls_clock_monotonic_ms();
    bool any = false;

    for (size_t i = 0; i < RATLS_PARTS; i++) {
        slot *s = known->slots[i];

        if (now_s >= s->due_at && now_ms >= s->retry_at_ms && !s->busy && !s->wanted) {
            s->wanted = true;
            any = true;
        }
    }
    if (any) {
        start_refresher(store);
    }
}

/* ---- sets */

static known_set *find_set(const ratls_store *store, const ratls_platform_id *platform, bool early)
{
    known_set *known = store->sets;

    while (known != NULL && !(known->set->early == early && ratls_platform_id_equal(&known->set->platform, platform))) {
        known = known->next;
    }
    return known;
}

static bool is_current(const known_set *known)
{
    for (size_t i = 0; i < RATLS_PARTS; i++) {
        if (known->slots[i]->held.part != known->set->parts[i]) {
            return false;
        }
    }
    return true;
}

static ratls_collateral_set *peek(ratls_store *store, const ratls_platform_id *platform, bool early, int64_t now)
{
    known_set *known = find_set(store, platform, early);

    if (known == NULL || !is_current(known) || now < known->set->from || now > known->set->until) {
        return NULL;
    }
    refresh_what_is_due(store, known);
    return ratls_collateral_set_hold(known->set);
}

ratls_collateral_set *ratls_store_peek(ratls_store *store, const ratls_platform_id *platform, bool early, int64_t now)
{
    ratls_collateral_set *set;

    (void)pthread_mutex_lock(&store->lock);
    set = peek(store, platform, early, now);
    (void)pthread_mutex_unlock(&store->lock);
    return set;
}

/* In the place of the platform's older one. */
static ratls_status keep_set(ratls_store *store, ratls_collateral_set *set, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    known_set *known = find_set(store, &set->platform, set->early);

    if (known == NULL) {
        known = calloc(1, sizeof *known);
        CHECK(known != NULL, RATLS_ERR_OUT_OF_MEMORY);
        known->next = store->sets;
        store->sets = known;
    }
    ratls_collateral_set_free(known->set);
    known->set = ratls_collateral_set_hold(set);
    for (ratls_part_kind kind = 0; kind < RATLS_PARTS; kind++) {
        ratls_part_id id = ratls_part_id_of(kind, &set->platform, set->early);

        known->slots[kind] = find_slot(store, &id); /* there already: the part came from it */
    }
    refresh_what_is_due(store, known);
    status = RATLS_OK;
out:
    return status;
}

static bool is_made_of(const ratls_collateral_set *set, ratls_part *const parts[RATLS_PARTS])
{
    return memcmp(set->parts, parts, sizeof set->parts) == 0;
}

/* With the lock on entry and return, without it while signatures are verified. */
static ratls_status assemble(
    ratls_collateral_set **out, ratls_store *store, const ratls_store_wish *wish, ratls_part *const parts[RATLS_PARTS], ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    known_set *known = find_set(store, &wish->platform, wish->early);
    uint64_t generation = ++store->generations;
    ratls_collateral_set *set = NULL;

    if (known != NULL && is_made_of(known->set, parts)) {
        *out = ratls_collateral_set_hold(known->set);
        return RATLS_OK;
    }
    (void)pthread_mutex_unlock(&store->lock);
    status = ratls_collateral_set_new(&set, &wish->platform, wish->early, generation, parts, store->settings->trust, err);
    (void)pthread_mutex_lock(&store->lock);
    if (status == RATLS_OK) {
        TRY(keep_set(store, set, err));
        *out = set;
        set = NULL;
    }
out:
    ratls_collateral_set_free(set);
    return status;
}

static ratls_status get(
    ratls_collateral_set **out, ratls_store *store, const ratls_store_wish *wish, const ratls_collateral_time *time, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_part *parts[RATLS_PARTS] = {NULL};

    *out = wish->refresh ? NULL : peek(store, &wish->platform, wish->early, time->now);
    if (*out != NULL) {
        return RATLS_OK;
    }
    for (ratls_part_kind kind = 0; kind < RATLS_PARTS; kind++) {
        ratls_part_id id = ratls_part_id_of(kind, &wish->platform, wish->early);

        TRY(provide(&parts[kind], store, &id, wish, time, err));
    }
    TRY(assemble(out, store, wish, parts, err));
    status = RATLS_OK;
out:
    for (size_t i = 0; i < RATLS_PARTS; i++) {
        ratls_part_free(parts[i]);
    }
    return status;
}

ratls_status ratls_store_get(
    ratls_collateral_set **out, ratls_store *store, const ratls_store_wish *wish, const ratls_collateral_time *time, ratls_error **err)
{
    ratls_status status;

    *out = NULL;
    (void)pthread_mutex_lock(&store->lock);
    status = get(out, store, wish, time, err);
    (void)pthread_mutex_unlock(&store->lock);
    return status;
}

void ratls_store_settle(ratls_store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    while (store->refresher_runs) {
        (void)pthread_cond_wait(&store->changed, &store->lock);
    }
    (void)pthread_mutex_unlock(&store->lock);
}

#include "tunnel/keeper.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"

/* One fetch: of the thread that makes it and of all who wait for it. */
typedef struct {
    atomic_size_t holds;
    ratls_cancel *settled; /* triggered once what follows is final */
    ratls_status outcome;
    ratls_error *failure;
    ratls_identity *identity;
} fetch;

struct ratls_keeper {
    pid_t owner;
    ratls_agent_settings settings;
    const ratls_agent_places *places;
    ratls_cancel *closing;
    pthread_mutex_t lock; /* of all that follows */
    ratls_identity *identity; /* NULL: none yet */
    int64_t fetched_ms;
    int64_t renew_ms;
    int64_t retry_ms; /* no renewal before */
    bool suspect;     /* a server did not accept it */
    bool proven;      /* one did */
    ratls_error *failure;
    fetch *running;
    bool thread_made; /* and not joined */
    pthread_t thread;
};

static void free_fetch(fetch *one)
{
    if (one == NULL || atomic_fetch_sub(&one->holds, 1) != 1) {
        return;
    }
    ratls_cancel_free(one->settled);
    ratls_error_free(one->failure);
    ratls_identity_free(one->identity);
    free(one);
}

static ratls_status copy_settings(ratls_agent_settings *out, const ratls_agent_settings *settings, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    *out = *settings;
    out->socket = settings->socket == NULL ? NULL : strdup(settings->socket);
    out->simulator = settings->simulator == NULL ? NULL : strdup(settings->simulator);
    CHECK((out->socket == NULL) == (settings->socket == NULL) && (out->simulator == NULL) == (settings->simulator == NULL),
          RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_keeper_new(ratls_keeper **out, const ratls_agent_settings *settings, const ratls_agent_places *places, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_keeper *keeper = calloc(1, sizeof *keeper);

    *out = NULL;
    CHECK(keeper != NULL, RATLS_ERR_OUT_OF_MEMORY);
    keeper->owner = getpid();
    keeper->places = places;
    TRY(copy_settings(&keeper->settings, settings, err));
    TRY(ratls_cancel_new(&keeper->closing, err));
    CHECK(pthread_mutex_init(&keeper->lock, NULL) == 0, RATLS_ERR_OUT_OF_MEMORY);
    *out = keeper;
    return RATLS_OK;
out:
    if (keeper != NULL) {
        ratls_cancel_free(keeper->closing);
        ratls_agent_settings_clear(&keeper->settings);
    }
    free(keeper);
    return status;
}

void ratls_keeper_free(ratls_keeper *keeper)
{
    if (keeper == NULL || keeper->owner != getpid()) {
        return;
    }
    ratls_cancel_trigger(keeper->closing);
    if (keeper->thread_made) {
        (void)pthread_join(keeper->thread, NULL);
    }
    free_fetch(keeper->running);
    ratls_identity_free(keeper->identity);
    ratls_error_free(keeper->failure);
    ratls_cancel_free(keeper->closing);
    ratls_agent_settings_clear(&keeper->settings);
    (void)pthread_mutex_destroy(&keeper->lock);
    free(keeper);
}

const ratls_agent_settings *ratls_keeper_settings(const ratls_keeper *keeper)
{
    return &keeper->settings;
}

/* Seconds that are left of the certificate; negative when none are. */
static int64_t life_left_s(const ratls_identity *identity)
{
    return ratls_identity_not_after(identity) - ratls_clock_wall_s();
}

/* With the lock: the new one serves from now on. */
static void keep_identity(ratls_keeper *keeper, const ratls_identity *identity)
{
    int64_t life_s = life_left_s(identity), age_ms = RATLS_IDENTITY_AGE_MS;

    if (life_s < RATLS_IDENTITY_LIFE_PARTS * (RATLS_IDENTITY_AGE_MS / 1000)) {
        age_ms = life_s * 1000 / RATLS_IDENTITY_LIFE_PARTS;
    }
    ratls_identity_free(keeper->identity);
    keeper->identity = ratls_identity_hold((ratls_identity *)(uintptr_t)identity);
    keeper->fetched_ms = ratls_clock_monotonic_ms();
    keeper->renew_ms = keeper->fetched_ms + age_ms;
    keeper->retry_ms = keeper->fetched_ms;
    keeper->suspect = false;
    keeper->proven = false;
}

static ratls_status ask_agent(fetch *one, const ratls_keeper *keeper)
{
    int64_t timeout_ms = keeper->settings.timeout_ms;
    const ratls_agent_time time = {timeout_ms, ratls_clock_monotonic_ms() + timeout_ms, keeper->closing};
    ratls_status status;
    ratls_agent agent;

    status = ratls_agent_find(&agent, &keeper->settings, keeper->places, &one->failure);
    return status == RATLS_OK ? ratls_agent_tls_key(&one->identity, &agent, &time, &one->failure) : status;
}

static void *run_fetch(void *argument)
{
    ratls_keeper *keeper = argument;
    fetch *one = keeper->running; /* set before the thread was started, and nobody else's to change */

    one->outcome = ask_agent(one, keeper);
    (void)pthread_mutex_lock(&keeper->lock);
    if (one->outcome == RATLS_OK) {
        keep_identity(keeper, one->identity);
    } else {
        keeper->retry_ms = ratls_clock_monotonic_ms() + RATLS_IDENTITY_RETRY_MS;
    }
    ratls_error_free(keeper->failure);
    keeper->failure = keeper->identity == NULL ? NULL : ratls_error_copy(one->failure); /* else it is told to who waits */
    keeper->running = NULL;
    (void)pthread_mutex_unlock(&keeper->lock);
    ratls_cancel_trigger(one->settled);
    free_fetch(one);
    return NULL;
}

static ratls_status new_fetch(fetch **out, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    fetch *one = calloc(1, sizeof *one);

    *out = NULL;
    CHECK(one != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&one->holds, 1);
    TRY(ratls_cancel_new(&one->settled, err));
    *out = one;
    one = NULL;
    status = RATLS_OK;
out:
    free_fetch(one);
    return status;
}

/* With the lock: a fetch runs. */
static ratls_status begin_fetch(ratls_keeper *keeper, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (keeper->running != NULL) {
        return RATLS_OK;
    }
    if (keeper->thread_made) {
        (void)pthread_join(keeper->thread, NULL); /* it has let go of the lock for good */
        keeper->thread_made = false;
    }
    TRY(new_fetch(&keeper->running, err));
    status = ratls_thread_start(&keeper->thread, run_fetch, keeper, err);
    if (status != RATLS_OK) {
        free_fetch(keeper->running);
        keeper->running = NULL;
        goto out;
    }
    keeper->thread_made = true;
out:
    return status;
}

/* With the lock: one that may be presented now, NULL when it must be waited for; and a fetch runs where one is due. */
static ratls_identity *take_kept(ratls_keeper *keeper)
{
    int64_t now_ms = ratls_clock_monotonic_ms();
    int64_t left_s = keeper->identity == NULL ? 0 : life_left_s(keeper->identity);

    if (left_s <= 0) {
        return NULL;
    }
    if ((keeper->suspect || now_ms >= keeper->renew_ms) && now_ms >= keeper->retry_ms) {
        (void)begin_fetch(keeper, NULL);
    }
    /* Near its end the server's clock may be ahead: the new one is better, when it is to be had. */
    if ((keeper->suspect || left_s <= RATLS_IDENTITY_LAST_S) && keeper->running != NULL) {
        return NULL;
    }
    return ratls_identity_hold(keeper->identity);
}

/* Wait for a fetch; RATLS_OK with *out NULL: it is settled, and not well. */
static ratls_status await_fetch(
    ratls_identity **out, const fetch *one, ratls_deadline deadline, const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_wait_outcome outcome = RATLS_WAIT_READY;

    if (!ratls_cancel_triggered(one->settled)) {
        outcome = ratls_wait_one(ratls_cancel_fd(one->settled), POLLIN, deadline, cancel);
    }
    CHECK(outcome != RATLS_WAIT_CANCELLED, RATLS_ERR_CANCELLED, WHAT("waiting for the dstack guest agent"));
    CHECK(outcome != RATLS_WAIT_PASSED, RATLS_ERR_TIMEOUT, WHAT("the dstack guest agent"), EXPECTED_NUMBER(deadline.limit_ms));
    CHECK(outcome == RATLS_WAIT_READY && ratls_cancel_triggered(one->settled), RATLS_ERR_SYSTEM, WHAT("waiting"), FOUND("poll"));
    *out = ratls_identity_hold(one->identity);
    status = RATLS_OK;
out:
    return status;
}

/* What is left when the fetch did not succeed: the old one, to its very end. */
static ratls_status fall_back(ratls_identity **out, ratls_keeper *keeper, const fetch *one, ratls_error **err)
{
    (void)pthread_mutex_lock(&keeper->lock);
    *out = keeper->identity != NULL && life_left_s(keeper->identity) > 0 ? ratls_identity_hold(keeper->identity) : NULL;
    (void)pthread_mutex_unlock(&keeper->lock);
    if (*out == NULL && err != NULL) {
        *err = ratls_error_copy(one->failure);
    }
    return *out == NULL ? one->outcome : RATLS_OK;
}

ratls_status ratls_keeper_get(
    ratls_identity **out, ratls_keeper *keeper, ratls_deadline deadline, const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_OK;
    fetch *one = NULL;

    (void)pthread_mutex_lock(&keeper->lock);
    *out = take_kept(keeper);
    if (*out == NULL) {
        status = begin_fetch(keeper, err);
        one = keeper->running;
        if (one != NULL) {
            (void)atomic_fetch_add(&one->holds, 1);
        }
    }
    (void)pthread_mutex_unlock(&keeper->lock);
    if (status == RATLS_OK && one != NULL) {
        status = await_fetch(out, one, deadline, cancel, err);
        if (status == RATLS_OK && *out == NULL) {
            status = fall_back(out, keeper, one, err);
        }
    }
    free_fetch(one);
    return status;
}

bool ratls_keeper_refused(ratls_keeper *keeper)
{
    bool suspect;

    (void)pthread_mutex_lock(&keeper->lock);
    keeper->suspect = keeper->identity != NULL && ratls_clock_monotonic_ms() - keeper->fetched_ms >= RATLS_IDENTITY_RETRY_MS;
    keeper->proven = false;
    suspect = keeper->suspect;
    (void)pthread_mutex_unlock(&keeper->lock);
    return suspect;
}

void ratls_keeper_prove(ratls_keeper *keeper)
{
    (void)pthread_mutex_lock(&keeper->lock);
    keeper->proven = true;
    (void)pthread_mutex_unlock(&keeper->lock);
}

bool ratls_keeper_is_proven(ratls_keeper *keeper)
{
    bool proven;

    (void)pthread_mutex_lock(&keeper->lock);
    proven = keeper->proven;
    (void)pthread_mutex_unlock(&keeper->lock);
    return proven;
}

ratls_error *ratls_keeper_take_failure(ratls_keeper *keeper)
{
    ratls_error *failure;

    (void)pthread_mutex_lock(&keeper->lock);
    failure = keeper->failure;
    keeper->failure = NULL;
    (void)pthread_mutex_unlock(&keeper->lock);
    return failure;
}

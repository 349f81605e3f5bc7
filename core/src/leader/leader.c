#include "leader/leader.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "leader/leader_options.h"
#include "leader/txt_lookup.h"

enum { NUMBER_SIZE = 24, NOBODY = 0 /* no process: the leader is being made this one's */ };

/* One look-up that several wait for. */
typedef struct {
    atomic_size_t holds;
    ratls_cancel *settled; /* triggered once what follows is final */
    ratls_status outcome;
    ratls_error *failure;
} flight;

struct ratls_leader {
    atomic_size_t holds;
    ratls_leader_settings settings;
    _Atomic(pid_t) owner;         /* the process whose threads share what follows */
    void *left_behind[3];         /* of the process that this one was forked from; kept, so that it is not lost */
    pthread_mutex_t lock;         /* of what follows */
    _Atomic(ratls_leader_record *) highest; /* that was ever accepted, here or as the directory has it */
    ratls_leader_record *current; /* what look-ups have said; NULL: nothing yet, or overtaken */
    ratls_leader_term *term;      /* of current */
    flight *running;
    int64_t look_at_ms;  /* before that, current does (monotonic) */
    int64_t renew_at_ms; /* before that, nothing is looked up out of turn */
    int64_t renew_pause_ms;
    ratls_error *unsaid; /* for the log */
};

/* In a forked child a lock may be held, and a look-up be under way, by threads that are not there: it begins anew, and remembers
 * only which epoch was the highest, a pointer that always is that of a record. */
static void become_own(ratls_leader *leader)
{
    pid_t own = getpid(), owner = atomic_load(&leader->owner);

    if (owner == own) {
        return;
    }
    if (owner == NOBODY || !atomic_compare_exchange_strong(&leader->owner, &owner, NOBODY)) {
        while (atomic_load(&leader->owner) != own) {
            (void)sched_yield();
        }
        return;
    }
    (void)pthread_mutex_init(&leader->lock, NULL);
    leader->left_behind[0] = leader->current;
    leader->left_behind[1] = leader->term;
    leader->left_behind[2] = leader->running;
    leader->current = NULL;
    leader->term = NULL;
    leader->running = NULL;
    leader->unsaid = NULL;
    leader->look_at_ms = leader->renew_at_ms = 0;
    atomic_store(&leader->owner, own);
}

static void lock(ratls_leader *leader)
{
    become_own(leader);
    (void)pthread_mutex_lock(&leader->lock);
}

static void unlock(ratls_leader *leader)
{
    (void)pthread_mutex_unlock(&leader->lock);
}

/* Every failure names the domain. */
static void name_domain(const ratls_leader *leader, ratls_error **err)
{
    if (err != NULL) {
        ratls_error_add(*err, ratls_detail_text("domain", leader->settings.domain));
    }
}

static void keep_unsaid(ratls_leader *leader, ratls_error *error)
{
    ratls_error *older;

    lock(leader);
    older = leader->unsaid;
    leader->unsaid = error;
    unlock(leader);
    ratls_error_free(older);
}

void ratls_leader_tell(ratls_leader *leader)
{
    const ratls_leader_settings *settings = &leader->settings;
    ratls_error *error;

    lock(leader);
    error = leader->unsaid;
    leader->unsaid = NULL;
    unlock(leader);
    if (error != NULL && settings->log != NULL) {
        settings->log(settings->log_user, ratls_error_message(error, RATLS_SPELLING_C));
    }
    ratls_error_free(error);
}

/* ---------------------------------------------------------------- what was accepted */

/* With the lock: the leader of `current` is known to be one no longer. */
static void end_term(ratls_leader *leader)
{
    ratls_leader_term_end(leader->term);
    ratls_leader_term_free(leader->term);
    ratls_leader_record_free(leader->current);
    leader->term = NULL;
    leader->current = NULL;
}

static bool same_instance(const ratls_leader_record *a, const ratls_leader_record *b)
{
    return strcmp(ratls_leader_record_instance(a), ratls_leader_record_instance(b)) == 0;
}

static bool same_place(const ratls_leader_record *a, const ratls_leader_record *b)
{
    return ratls_leader_record_port(a) == ratls_leader_record_port(b) && strcmp(ratls_leader_record_host(a), ratls_leader_record_host(b)) == 0;
}

/* With the lock. What is higher stays, whoever found it. */
static void raise_highest(ratls_leader *leader, ratls_leader_record *record)
{
    ratls_leader_record *older = atomic_load(&leader->highest);

    if (older != NULL && ratls_leader_record_epoch(record) <= ratls_leader_record_epoch(older)) {
        return;
    }
    atomic_store(&leader->highest, ratls_leader_record_hold(record));
    ratls_leader_record_free(older);
    if (leader->current != NULL && !same_instance(leader->current, record)) {
        end_term(leader);
    }
}

/* With the lock: DNS answers can be replayed until they expire (evidence format 8). */
static ratls_status check_epoch(const ratls_leader *leader, const ratls_leader_record *record, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint64_t epoch = ratls_leader_record_epoch(record), known;
    char found[NUMBER_SIZE], expected[NUMBER_SIZE];
    const ratls_leader_record *highest = atomic_load(&leader->highest);

    if (highest == NULL) {
        return RATLS_OK;
    }
    known = ratls_leader_record_epoch(highest);
    (void)snprintf(found, sizeof found, "%" PRIu64, epoch);
    (void)snprintf(expected, sizeof expected, "%" PRIu64, known);
    CHECK(epoch >= known, RATLS_ERR_LEADER_EPOCH, FOUND(found), EXPECTED(expected));
    if (epoch == known) {
        TRY(ratls_leader_record_agree(record, highest, err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* With the lock: from now on this one. `fresh` is a term that begins with it, taken when it is needed. */
static void take_over(ratls_leader *leader, ratls_leader_record *record, ratls_leader_term **fresh)
{
    raise_highest(leader, record);
    if (leader->current != NULL && same_place(leader->current, record)) {
        /* The same leader goes on; of its records the one that is valid for longer counts. */
        if (ratls_leader_record_epoch(leader->current) < ratls_leader_record_epoch(record) ||
            ratls_leader_record_valid_until(leader->current) < ratls_leader_record_valid_until(record)) {
            ratls_leader_record_free(leader->current);
            leader->current = ratls_leader_record_hold(record);
        }
        return;
    }
    /* It has moved, or is another: raise_highest() has told the followers of the other. */
    ratls_leader_term_free(leader->term);
    ratls_leader_record_free(leader->current);
    leader->term = *fresh;
    leader->current = ratls_leader_record_hold(record);
    leader->renew_pause_ms = RATLS_LEADER_RENEW_MS;
    *fresh = NULL;
}

static ratls_status adopt(ratls_leader *leader, ratls_leader_record *record, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_leader_term *fresh = NULL;

    TRY(ratls_leader_term_new(&fresh, record, err));
    lock(leader);
    status = check_epoch(leader, record, err);
    if (status == RATLS_OK) {
        take_over(leader, record, &fresh);
    }
    unlock(leader);
out:
    ratls_leader_term_free(fresh);
    return status;
}

/* ---------------------------------------------------------------- looking up */

/* What other processes have accepted since. */
static ratls_status heed_state(ratls_leader *leader, ratls_error **err)
{
    ratls_leader_record *kept = NULL;
    ratls_status status = ratls_leader_state_load(&kept, &leader->settings.state, &leader->settings.expected, err);

    if (kept != NULL) {
        lock(leader);
        raise_highest(leader, kept);
        unlock(leader);
    }
    ratls_leader_record_free(kept);
    return status;
}

static ratls_status find_record(ratls_leader_record **out, const ratls_leader *leader, const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_leader_settings *settings = &leader->settings;
    ratls_txt_records found = {0};
    int64_t now = 0;

    TRY(ratls_clock_now(&now, settings->now, err));
    TRY(ratls_txt_look_up(&found, settings->name, settings->servers, settings->servers_len, ratls_deadline_in(settings->timeout_ms), cancel, err));
    TRY(ratls_leader_record_choose(out, found.records, found.records_len, &settings->expected, now, err));
    status = RATLS_OK;
out:
    ratls_txt_records_clear(&found);
    return status;
}

/* The record that the name service has now, if it may be taken; afterwards it is the current one. */
static ratls_status look_up(ratls_leader_record **out, ratls_leader *leader, const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_leader_record *record = NULL;
    ratls_error *unkept = NULL;

    *out = NULL;
    TRY(find_record(&record, leader, cancel, err));
    TRY(heed_state(leader, err));
    TRY(adopt(leader, record, err));
    /* That it cannot be kept is no reason to stop: this process remembers. */
    if (ratls_leader_state_keep(&leader->settings.state, record, &leader->settings.expected, cancel, &unkept) != RATLS_OK) {
        keep_unsaid(leader, unkept);
    }
    *out = record;
    return RATLS_OK;
out:
    name_domain(leader, err);
    ratls_leader_record_free(record);
    return status;
}

static void leave_flight(flight *joined)
{
    if (joined != NULL && atomic_fetch_sub(&joined->holds, 1) == 1) {
        ratls_cancel_free(joined->settled);
        ratls_error_free(joined->failure);
        free(joined);
    }
}

static ratls_status new_flight(flight **out, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    flight *made = calloc(1, sizeof *made);

    *out = NULL;
    CHECK(made != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&made->holds, 1);
    TRY(ratls_cancel_new(&made->settled, err));
    *out = made;
    return RATLS_OK;
out:
    free(made);
    return status;
}

/* The one that is under way, or a new one, which is the caller's to make. */
static ratls_status board(flight **out, bool *own, ratls_leader *leader, ratls_error **err)
{
    flight *made = NULL;
    ratls_status status = new_flight(&made, err);

    *out = NULL;
    *own = false;
    if (status != RATLS_OK) {
        return status;
    }
    lock(leader);
    *own = leader->running == NULL;
    if (*own) {
        leader->running = made;
        made = NULL;
    }
    *out = leader->running;
    (void)atomic_fetch_add(&leader->running->holds, 1);
    unlock(leader);
    leave_flight(made);
    return RATLS_OK;
}

/* With the lock: when the next look-up is due, after one that ended so. */
static void schedule(ratls_leader *leader, ratls_status outcome)
{
    int64_t pause = outcome == RATLS_OK ? leader->settings.refresh_ms : leader->renew_pause_ms;

    leader->look_at_ms = ratls_clock_monotonic_ms() + pause;
    if (outcome != RATLS_OK) {
        leader->renew_pause_ms = 2 * pause < leader->settings.refresh_ms ? 2 * pause : leader->settings.refresh_ms;
    }
}

static ratls_status make_flight(flight *own, ratls_leader *leader, const ratls_cancel *cancel, ratls_error **err)
{
    ratls_leader_record *record = NULL;
    ratls_error *failure = NULL;
    ratls_status status = look_up(&record, leader, cancel, &failure);

    ratls_leader_record_free(record);
    own->outcome = status;
    own->failure = ratls_error_copy(failure);
    lock(leader);
    leader->running = NULL;
    schedule(leader, status);
    unlock(leader);
    ratls_cancel_trigger(own->settled);
    leave_flight(own); /* the list's hold */
    if (err != NULL && *err == NULL) {
        *err = failure;
    } else {
        ratls_error_free(failure);
    }
    return status;
}

static ratls_status await_flight(const flight *joined, const ratls_leader *leader, ratls_deadline deadline, const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_wait_outcome outcome = RATLS_WAIT_READY;

    if (!ratls_cancel_triggered(joined->settled)) {
        outcome = ratls_wait_one(ratls_cancel_fd(joined->settled), POLLIN, deadline, cancel);
    }
    CHECK(outcome != RATLS_WAIT_CANCELLED, RATLS_ERR_CANCELLED, WHAT("looking up the leader"));
    CHECK(outcome != RATLS_WAIT_FAILED, RATLS_ERR_SYSTEM, WHAT("waiting"), FOUND(strerror(errno)));
    if (outcome == RATLS_WAIT_PASSED) {
        status = RAISE(err, RATLS_ERR_LEADER_TIMEOUT, EXPECTED_NUMBER(deadline.limit_ms));
        name_domain(leader, err);
        goto out;
    }
    status = joined->outcome;
    if (status != RATLS_OK && err != NULL) {
        *err = ratls_error_copy(joined->failure);
    }
out:
    return status;
}

/* One look-up for all who want one now. */
static ratls_status look_up_together(ratls_leader *leader, ratls_deadline deadline, const ratls_cancel *cancel, ratls_error **err)
{
    for (;;) {
        flight *joined = NULL;
        bool own = false;
        ratls_status status = board(&joined, &own, leader, err);

        if (status != RATLS_OK) {
            return status;
        }
        status = own ? make_flight(joined, leader, cancel, err) : await_flight(joined, leader, deadline, cancel, err);
        leave_flight(joined);
        /* Somebody else's cancelling is not ours. */
        if (own || status != RATLS_ERR_CANCELLED || ratls_cancel_triggered(cancel)) {
            return status;
        }
        if (err != NULL) {
            ratls_error_free(*err);
            *err = NULL;
        }
    }
}

/* A hold on the current term, if its record is valid, and, unless `whatever`, young enough. */
static ratls_leader_term *take_term(ratls_leader *leader, bool whatever)
{
    ratls_leader_term *term = NULL;
    int64_t now = 0;

    if (ratls_clock_now(&now, leader->settings.now, NULL) != RATLS_OK) {
        return NULL;
    }
    lock(leader);
    if (leader->current != NULL && (whatever || ratls_clock_monotonic_ms() < leader->look_at_ms) &&
        ratls_manifest_check_time(ratls_leader_record_manifest(leader->current), now, NULL) == RATLS_OK) {
        term = ratls_leader_term_hold(leader->term);
    }
    unlock(leader);
    return term;
}

ratls_status ratls_leader_current(
    ratls_leader_term **out, ratls_leader *leader, ratls_deadline deadline, const ratls_cancel *cancel, ratls_error **err)
{
    ratls_error *failure = NULL;
    ratls_status status = RATLS_OK;

    *out = take_term(leader, false);
    if (*out != NULL) {
        return RATLS_OK;
    }
    status = look_up_together(leader, deadline, cancel, &failure);
    *out = status == RATLS_ERR_CANCELLED ? NULL : take_term(leader, true);
    if (*out != NULL && status != RATLS_OK) {
        keep_unsaid(leader, failure);
        return RATLS_OK;
    }
    if (*out == NULL && status == RATLS_OK) {
        status = RAISE(&failure, RATLS_ERR_LEADER_LOOKUP, WHAT("the record that was found expired meanwhile"));
        name_domain(leader, &failure);
    }
    if (status != RATLS_OK && err != NULL && *err == NULL) {
        *err = failure;
        failure = NULL;
    }
    ratls_error_free(failure);
    return status;
}

int64_t ratls_leader_renew(ratls_leader *leader, ratls_deadline deadline, const ratls_cancel *cancel)
{
    ratls_error *failure = NULL;
    int64_t now, early;

    lock(leader);
    now = ratls_clock_monotonic_ms();
    early = leader->renew_at_ms - now;
    if (early <= 0) {
        int64_t doubled = 2 * leader->renew_pause_ms;

        leader->renew_at_ms = now + leader->renew_pause_ms;
        leader->renew_pause_ms = doubled < leader->settings.refresh_ms ? doubled : leader->settings.refresh_ms;
    }
    unlock(leader);
    if (early > 0) {
        return early;
    }
    if (look_up_together(leader, deadline, cancel, &failure) != RATLS_OK && !ratls_cancel_triggered(cancel)) {
        keep_unsaid(leader, failure);
        failure = NULL;
    }
    ratls_error_free(failure);
    return 0;
}

void ratls_leader_reached(ratls_leader *leader)
{
    lock(leader);
    leader->renew_pause_ms = RATLS_LEADER_RENEW_MS;
    leader->renew_at_ms = 0;
    unlock(leader);
}

int64_t ratls_leader_refresh_ms(const ratls_leader *leader)
{
    return leader->settings.refresh_ms;
}

/* ---------------------------------------------------------------- the handle */

ratls_leader *ratls_leader_hold(ratls_leader *leader)
{
    if (leader != NULL) {
        (void)atomic_fetch_add(&leader->holds, 1);
    }
    return leader;
}

const char *ratls_leader_domain(const ratls_leader *leader)
{
    return leader->settings.domain;
}

bool ratls_leader_equal(const ratls_leader *a, const ratls_leader *b)
{
    return a == b || (a != NULL && b != NULL && ratls_leader_settings_equal(&a->settings, &b->settings));
}

ratls_status ratls_leader_new(ratls_leader **out, const ratls_leader_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_leader *leader = NULL;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    leader = calloc(1, sizeof *leader);
    CHECK(leader != NULL && pthread_mutex_init(&leader->lock, NULL) == 0, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&leader->holds, 1);
    atomic_init(&leader->owner, getpid());
    atomic_init(&leader->highest, NULL);
    leader->renew_pause_ms = RATLS_LEADER_RENEW_MS;
    status = ratls_leader_settings_read(&leader->settings, options, err);
    if (status == RATLS_OK) {
        status = heed_state(leader, err);
    }
    if (status != RATLS_OK) {
        ratls_leader_free(leader);
        return status;
    }
    *out = leader;
    return RATLS_OK;
out:
    free(leader);
    return status;
}

ratls_status ratls_leader_find(ratls_leader_record **out, ratls_leader *leader, ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    CHECK(leader != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "leader"), WHAT("it is NULL"));
    status = look_up(out, leader, cancel, err);
    if (status == RATLS_OK) {
        lock(leader);
        schedule(leader, RATLS_OK);
        unlock(leader);
    }
    ratls_leader_tell(leader);
out:
    return status;
}

void ratls_leader_free(ratls_leader *leader)
{
    if (leader == NULL || atomic_fetch_sub(&leader->holds, 1) != 1) {
        return;
    }
    ratls_leader_record_free(atomic_load(&leader->highest));
    ratls_leader_record_free(leader->current);
    ratls_leader_term_free(leader->term);
    ratls_error_free(leader->unsaid);
    (void)pthread_mutex_destroy(&leader->lock);
    ratls_leader_settings_clear(&leader->settings);
    free(leader);
}

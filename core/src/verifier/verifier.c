/* The object that every kind of verifier shares: a count of holds, a cache, a log. */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/options.h"
#include "verifier/kind.h"

/* What a verifier has in one process. A fork may catch it locked, with another thread in the middle of a change: a child
 * begins afresh, and what is its parent's is neither looked at nor freed. */
typedef struct process_part {
    struct process_part *before; /* of the process that this one was forked from; kept, so that it is not lost */
    pid_t owner;
    ratls_verdict_cache *cache;
    _Atomic(ratls_companion *) companion;
} process_part;

struct ratls_verifier {
    atomic_size_t holds;
    const ratls_verifier_kind *kind;
    void *state;
    _Atomic(process_part *) part;
    ratls_log_callback log;
    void *log_user;
    atomic_flag mr_td_warned;
    atomic_flag application_warned;
};

static void free_part(process_part *part)
{
    ratls_companion *companion;

    if (part == NULL) {
        return;
    }
    companion = atomic_load(&part->companion);
    if (companion != NULL) {
        companion->destroy(companion);
    }
    ratls_verdict_cache_free(part->cache);
    free(part);
}

static process_part *new_part(ratls_error **err)
{
    process_part *part = calloc(1, sizeof *part);

    if (part == NULL || ratls_verdict_cache_new(&part->cache, err) != RATLS_OK) {
        free(part);
        return NULL;
    }
    part->owner = getpid();
    atomic_init(&part->companion, NULL);
    return part;
}

/* Of this process; NULL when out of memory. */
static process_part *part_of(ratls_verifier *verifier)
{
    process_part *part = atomic_load(&verifier->part), *made;

    if (part->owner == getpid()) {
        return part;
    }
    made = new_part(NULL);
    if (made != NULL) {
        made->before = part;
    }
    if (made != NULL && !atomic_compare_exchange_strong(&verifier->part, &part, made)) {
        free_part(made); /* another thread was quicker: `part` is its */
        return part;
    }
    return made;
}

ratls_status ratls_verifier_create(
    ratls_verifier **out, const ratls_verifier_kind *kind, void *state, ratls_log_callback log, void *log_user, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verifier *verifier = NULL;

    *out = NULL;
    verifier = calloc(1, sizeof *verifier);
    CHECK(verifier != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&verifier->holds, 1);
    atomic_flag_clear(&verifier->mr_td_warned);
    atomic_flag_clear(&verifier->application_warned);
    verifier->kind = kind;
    verifier->log = log;
    verifier->log_user = log_user;
    atomic_init(&verifier->part, new_part(err));
    CHECK(atomic_load(&verifier->part) != NULL, RATLS_ERR_OUT_OF_MEMORY);
    verifier->state = state;
    *out = verifier;
    verifier = NULL;
    status = RATLS_OK;
out:
    free(verifier);
    return status;
}

const ratls_verifier_kind *ratls_verifier_kind_of(const ratls_verifier *verifier)
{
    return verifier->kind;
}

void *ratls_verifier_state(const ratls_verifier *verifier)
{
    return verifier->state;
}

ratls_verdict_cache *ratls_verifier_cache(ratls_verifier *verifier)
{
    process_part *part = part_of(verifier);

    return part == NULL ? NULL : part->cache;
}

ratls_companion *ratls_verifier_companion(ratls_verifier *verifier, ratls_companion *(*make)(void))
{
    process_part *part = part_of(verifier);
    ratls_companion *known = NULL, *made;

    if (part == NULL) {
        return NULL;
    }
    known = atomic_load(&part->companion);
    if (known != NULL) {
        return known;
    }
    made = make();
    if (made != NULL && !atomic_compare_exchange_strong(&part->companion, &known, made)) {
        made->destroy(made);
        return known;
    }
    return made;
}

void ratls_verifier_warn(const ratls_verifier *verifier, const char *message)
{
    if (verifier->log != NULL) {
        verifier->log(verifier->log_user, message);
    }
}

void ratls_verifier_warn_mr_td(ratls_verifier *verifier)
{
    if (!atomic_flag_test_and_set(&verifier->mr_td_warned)) {
        ratls_verifier_warn(verifier, "no MRTD is pinned (allowed_mr_td): any virtual firmware is accepted, and any application on it");
    }
}

void ratls_verifier_warn_application(ratls_verifier *verifier)
{
    if (!atomic_flag_test_and_set(&verifier->application_warned)) {
        ratls_verifier_warn(verifier, "nothing of the application is pinned (pins: compose_hash, app_id, ...): any application on this "
                                      "virtual firmware is accepted");
    }
}

ratls_verifier *ratls_verifier_hold(ratls_verifier *verifier)
{
    if (verifier != NULL) {
        (void)atomic_fetch_add(&verifier->holds, 1);
    }
    return verifier;
}

void ratls_verifier_free(ratls_verifier *verifier)
{
    process_part *part;

    if (verifier == NULL || atomic_fetch_sub(&verifier->holds, 1) != 1) {
        return;
    }
    part = atomic_load(&verifier->part);
    if (part->owner == getpid()) {
        free_part(part);
    }
    verifier->kind->destroy(verifier->state);
    free(verifier);
}

void ratls_verifier_options_init(ratls_verifier_options *options, size_t size)
{
    ratls_options_init(options, size);
}

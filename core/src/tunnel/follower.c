#include "tunnel/follower.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/thread.h"

struct ratls_follower {
    ratls_leader *leader;
    const ratls_cancel *closing;
    pthread_t thread;
    int wake; /* an event descriptor: what follows has changed */
    atomic_size_t open;
    atomic_bool lost;
};

static void wake(const ratls_follower *follower)
{
    uint64_t one = 1;

    while (write(follower->wake, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

/* Until there is something to do. False: the tunnel closes. */
static bool await_work(const ratls_follower *follower, ratls_deadline due)
{
    ratls_wait_outcome outcome = ratls_wait_one(follower->wake, POLLIN, due, follower->closing);
    uint64_t count;

    if (outcome == RATLS_WAIT_READY && read(follower->wake, &count, sizeof count) < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    return outcome == RATLS_WAIT_READY || outcome == RATLS_WAIT_PASSED;
}

/* As new connections do: a look-up where the last one is too old. */
static void look_up(const ratls_follower *follower)
{
    ratls_leader_term *term = NULL;

    (void)ratls_leader_current(&term, follower->leader, ratls_deadline_none(), follower->closing, NULL);
    ratls_leader_term_free(term);
}

/* What is to be done after a loss, and when to do more; *renewals counts. */
static ratls_deadline renew(const ratls_follower *follower, int *renewals)
{
    int64_t early = ratls_leader_renew(follower->leader, ratls_deadline_none(), follower->closing);

    *renewals -= early == 0 ? 1 : 0;
    return ratls_deadline_in(early == 0 ? RATLS_LEADER_RENEW_MS : early);
}

static void *run_follower(void *argument)
{
    ratls_follower *follower = argument;
    ratls_deadline due = ratls_deadline_none();
    int renewals = 0;

    while (await_work(follower, due)) {
        renewals = atomic_exchange(&follower->lost, false) ? RATLS_FOLLOWER_RENEWALS : renewals;
        if (renewals > 0) {
            due = renew(follower, &renewals);
        } else if (atomic_load(&follower->open) > 0) {
            look_up(follower);
            due = ratls_deadline_in(ratls_leader_refresh_ms(follower->leader));
        } else {
            due = ratls_deadline_none();
        }
        ratls_leader_tell(follower->leader);
    }
    return NULL;
}

ratls_status ratls_follower_start(ratls_follower **out, ratls_leader *leader, const ratls_cancel *closing, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_follower *follower = calloc(1, sizeof *follower);

    *out = NULL;
    CHECK(follower != NULL, RATLS_ERR_OUT_OF_MEMORY);
    follower->closing = closing;
    atomic_init(&follower->open, 0);
    atomic_init(&follower->lost, false);
    follower->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(follower->wake >= 0, RATLS_ERR_SYSTEM, WHAT("an event descriptor"), FOUND(strerror(errno)));
    follower->leader = ratls_leader_hold(leader);
    TRY(ratls_thread_start(&follower->thread, run_follower, follower, err));
    *out = follower;
    return RATLS_OK;
out:
    if (follower != NULL) {
        ratls_leader_free(follower->leader);
        if (follower->wake >= 0) {
            (void)close(follower->wake);
        }
    }
    free(follower);
    return status;
}

void ratls_follower_enter(ratls_follower *follower)
{
    if (follower != NULL && atomic_fetch_add(&follower->open, 1) == 0) {
        wake(follower);
    }
}

void ratls_follower_leave(ratls_follower *follower)
{
    if (follower != NULL) {
        (void)atomic_fetch_sub(&follower->open, 1);
    }
}

void ratls_follower_lost(ratls_follower *follower)
{
    atomic_store(&follower->lost, true);
    wake(follower);
}

void ratls_follower_stop(ratls_follower *follower)
{
    if (follower == NULL) {
        return;
    }
    (void)pthread_join(follower->thread, NULL);
    (void)close(follower->wake);
    ratls_leader_free(follower->leader);
    free(follower);
}

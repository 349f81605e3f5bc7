#include "base/wait.h"

#include <errno.h>
#include <limits.h>

#include "base/clock.h"

ratls_deadline ratls_deadline_in(int64_t limit_ms)
{
    int64_t now = ratls_clock_monotonic_ms();

    return (ratls_deadline){limit_ms > INT64_MAX - now ? INT64_MAX : now + limit_ms, limit_ms};
}

ratls_deadline ratls_deadline_none(void)
{
    return (ratls_deadline){INT64_MAX, INT64_MAX};
}

ratls_deadline ratls_deadline_earlier(ratls_deadline a, ratls_deadline b)
{
    return a.at_ms <= b.at_ms ? a : b;
}

int64_t ratls_deadline_left(ratls_deadline deadline)
{
    int64_t now;

    if (deadline.at_ms == INT64_MAX) {
        return INT64_MAX;
    }
    now = ratls_clock_monotonic_ms();
    return deadline.at_ms > now ? deadline.at_ms - now : 0;
}

/* For poll(): -1 waits for ever, which only a wait without a deadline may. */
static int poll_timeout(ratls_deadline deadline)
{
    int64_t left = ratls_deadline_left(deadline);

    if (left == INT64_MAX) {
        return -1;
    }
    return left > INT_MAX ? INT_MAX : (int)left;
}

ratls_wait_outcome ratls_wait(struct pollfd *fds, size_t len, ratls_deadline deadline, const ratls_cancel *cancel)
{
    fds[len] = (struct pollfd){.fd = ratls_cancel_fd(cancel), .events = POLLIN};
    for (;;) {
        int ready = poll(fds, len + 1, poll_timeout(deadline));

        if (ratls_cancel_triggered(cancel)) {
            return RATLS_WAIT_CANCELLED;
        }
        if (ready > 0) {
            return RATLS_WAIT_READY;
        }
        if (ready < 0 && errno != EINTR && errno != EAGAIN) {
            return RATLS_WAIT_FAILED;
        }
        if (ratls_deadline_left(deadline) == 0) {
            return RATLS_WAIT_PASSED;
        }
    }
}

ratls_wait_outcome ratls_wait_one(int fd, short events, ratls_deadline deadline, const ratls_cancel *cancel)
{
    struct pollfd fds[2] = {{.fd = fd, .events = events}};

    return ratls_wait(fds, 1, deadline, cancel);
}

#include "base/pause.h"

#include <poll.h>
#include <stdatomic.h>

#include "base/clock.h"

/* NULL: really wait. For tests, as the clocks are. */
static _Atomic(const ratls_pauser *) replaced_pauser;

void ratls_pause_replace(const ratls_pauser *pauser)
{
    atomic_store(&replaced_pauser, pauser);
}

bool ratls_pause(int64_t ms, const ratls_cancel *cancel)
{
    const ratls_pauser *pauser = atomic_load(&replaced_pauser);
    struct pollfd event = {.fd = ratls_cancel_fd(cancel), .events = POLLIN}; /* -1 is ignored by poll() */
    int64_t until = ratls_clock_monotonic_ms() + ms;

    if (pauser != NULL) {
        return pauser->pause(pauser->user, ms, cancel);
    }
    while (!ratls_cancel_triggered(cancel)) {
        int64_t left = until - ratls_clock_monotonic_ms();

        if (left <= 0) {
            return true;
        }
        (void)poll(&event, 1, left < INT32_MAX ? (int)left : INT32_MAX);
    }
    return false;
}

#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

#include "base/time.h"

/* NULL: the system's clocks. The one writable global of the core, for tests. */
static _Atomic(const ratls_clock *) replaced_clock;

void ratls_clock_replace(const ratls_clock *clock)
{
    atomic_store(&replaced_clock, clock);
}

int64_t ratls_clock_wall_s(void)
{
    const ratls_clock *clock = atomic_load(&replaced_clock);
    struct timespec now = {0};

    if (clock != NULL) {
        return clock->wall_s(clock->user);
    }
    /* A clock that cannot be read stays at 0, which is below the floor. */
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

int64_t ratls_clock_monotonic_ms(void)
{
    const ratls_clock *clock = atomic_load(&replaced_clock);
    struct timespec now = {0};

    if (clock != NULL) {
        return clock->monotonic_ms(clock->user);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

ratls_status ratls_clock_now(int64_t *out, int64_t explicit_now, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char found[RATLS_TIME_TEXT_LEN + 1], expected[RATLS_TIME_TEXT_LEN + 1];
    int64_t now = explicit_now;

    *out = 0;
    if (now == 0) {
        now = ratls_clock_wall_s();
        ratls_time_write(found, now);
        ratls_time_write(expected, RATLS_CLOCK_FLOOR_S);
        /* DCAP rules 8: the floor holds for the system's clock only, an explicit time may be any. */
        CHECK(now >= RATLS_CLOCK_FLOOR_S, RATLS_ERR_CLOCK, FOUND(found), EXPECTED(expected));
    }
    *out = now;
    status = RATLS_OK;
out:
    return status;
}

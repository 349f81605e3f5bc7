/** The clocks, replaceable in tests: nothing else in the core reads one. */
#ifndef RATLS_BASE_CLOCK_H
#define RATLS_BASE_CLOCK_H

#include "base/error.h"

typedef struct {
    int64_t (*wall_s)(void *user);       /* seconds since 1970 */
    int64_t (*monotonic_ms)(void *user); /* from any start, never back */
    void *user;
} ratls_clock;

/** A clock that shows less than this was not set: this library is younger (DCAP rules, I2). */
#define RATLS_CLOCK_FLOOR_S INT64_C(1704067200) /* 2024-01-01 */

int64_t ratls_clock_wall_s(void);
int64_t ratls_clock_monotonic_ms(void);

/** Replace the clocks (tests only, before threads start); NULL restores the system's. */
void ratls_clock_replace(const ratls_clock *clock);

/** `explicit_now` unless it is 0, else the wall clock, which must be above the floor. */
ratls_status ratls_clock_now(int64_t *out, int64_t explicit_now, ratls_error **err);

#endif

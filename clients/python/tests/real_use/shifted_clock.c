/* Loaded before a program's libraries: the clocks it reads show what shift_clock() was told more than the kernel's, and its
 * waits end when the shown clock says so. So an idle timer of any library in the process goes off as it would in that time. */
#define _GNU_SOURCE
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    STEP_S = 60,           /* the clock moves by so much at a time: what is done every few minutes is done several times */
    LOOK_NS = 1000 * 1000, /* how often one who waits looks at the clock */
    LOOKS_PER_STEP = 3
};

static atomic_long shift_s;

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);

    if (failed == 0 && clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID) {
        now->tv_sec += shift_s;
    }
    return failed;
}

time_t time(time_t *out)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}

static int64_t shown_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int poll_for(struct pollfd *fds, nfds_t len, const struct timespec *limit)
{
    struct timespec left = {0};

    if (limit != NULL) {
        left = *limit; /* the kernel writes into it */
    }
    return (int)syscall(SYS_ppoll, fds, len, limit == NULL ? NULL : &left, NULL, 0);
}

int poll(struct pollfd *fds, nfds_t len, int timeout)
{
    static const struct timespec look = {.tv_nsec = LOOK_NS}, now = {0};
    int64_t end = shown_ms() + timeout;
    int ready;

    if (timeout < 0) {
        return poll_for(fds, len, NULL);
    }
    do {
        ready = poll_for(fds, len, timeout == 0 ? &now : &look);
    } while (ready == 0 && shown_ms() < end);
    return ready;
}

/* Let that time pass, in steps that everyone who waits sees. */
void shift_clock(long seconds)
{
    static const struct timespec looked = {.tv_nsec = LOOK_NS * LOOKS_PER_STEP};

    for (long gone = 0; gone < seconds; gone += STEP_S) {
        shift_s += STEP_S;
        (void)syscall(SYS_nanosleep, &looked, NULL);
    }
}

/** Waiting: every wait has a deadline or is one for data on an open session, and each can be cancelled. */
#ifndef RATLS_BASE_WAIT_H
#define RATLS_BASE_WAIT_H

#include <poll.h>

#include "base/cancel.h"

/** A point of the monotonic clock, and how long it was away when it was set (for messages). */
typedef struct {
    int64_t at_ms;
    int64_t limit_ms;
} ratls_deadline;

ratls_deadline ratls_deadline_in(int64_t limit_ms);
ratls_deadline ratls_deadline_none(void);
ratls_deadline ratls_deadline_earlier(ratls_deadline a, ratls_deadline b);

/** Milliseconds until then, 0 when it has passed. */
int64_t ratls_deadline_left(ratls_deadline deadline);

typedef enum {
    RATLS_WAIT_READY,
    RATLS_WAIT_PASSED,   /* the deadline has */
    RATLS_WAIT_CANCELLED,
    RATLS_WAIT_FAILED    /* the system's poll did; errno says how */
} ratls_wait_outcome;

/** poll() on `len` descriptors. `fds` has room for one more after them, used for `cancel` (may be NULL). */
ratls_wait_outcome ratls_wait(struct pollfd *fds, size_t len, ratls_deadline deadline, const ratls_cancel *cancel);

/** The same for one descriptor. */
ratls_wait_outcome ratls_wait_one(int fd, short events, ratls_deadline deadline, const ratls_cancel *cancel);

#endif

#include "base/cancel.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct ratls_cancel {
    atomic_bool triggered;
    int fd;
};

ratls_status ratls_cancel_new(ratls_cancel **out, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_cancel *cancel = NULL;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    cancel = calloc(1, sizeof *cancel);
    CHECK(cancel != NULL, RATLS_ERR_OUT_OF_MEMORY);
    cancel->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(cancel->fd >= 0, RATLS_ERR_SYSTEM, WHAT("an event descriptor"), FOUND(strerror(errno)));
    *out = cancel;
    cancel = NULL;
    status = RATLS_OK;
out:
    free(cancel);
    return status;
}

void ratls_cancel_trigger(ratls_cancel *cancel)
{
    uint64_t one = 1;

    if (cancel == NULL) {
        return;
    }
    /* Only the first writes: the counter never wraps, and nobody reads it. */
    if (!atomic_exchange(&cancel->triggered, true)) {
        while (write(cancel->fd, &one, sizeof one) < 0 && errno == EINTR) {
        }
    }
}

bool ratls_cancel_triggered(const ratls_cancel *cancel)
{
    return cancel != NULL && atomic_load(&cancel->triggered);
}

int ratls_cancel_fd(const ratls_cancel *cancel)
{
    return cancel == NULL ? -1 : cancel->fd;
}

void ratls_cancel_free(ratls_cancel *cancel)
{
    if (cancel != NULL) {
        (void)close(cancel->fd);
        free(cancel);
    }
}

#include "tunnel/spare.h"

#include <errno.h>
#include <sys/socket.h>

enum { READ_SIZE = 4096, READS_MAX = 16 };

ratls_status ratls_spare_begin(ratls_spare *spare, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    spare->attested = (ratls_attested){.fd = -1};
    spare->destination = (ratls_destination){0};
    CHECK(pthread_mutex_init(&spare->lock, NULL) == 0, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

static void let_go(ratls_spare *spare)
{
    ratls_attested_close(&spare->attested);
    ratls_destination_clear(&spare->destination);
}

void ratls_spare_end(ratls_spare *spare)
{
    let_go(spare);
    (void)pthread_mutex_destroy(&spare->lock);
}

void ratls_spare_keep(ratls_spare *spare, ratls_attested *attested, ratls_destination *destination)
{
    (void)pthread_mutex_lock(&spare->lock);
    spare->attested = *attested;
    spare->destination = *destination;
    spare->until = ratls_deadline_in(RATLS_SPARE_MS);
    (void)pthread_mutex_unlock(&spare->lock);
    *attested = (ratls_attested){.fd = -1};
    *destination = (ratls_destination){0};
}

/* Give the stream what the server sent unasked (session tickets, say). False: it has hung up, or talks too much. */
static bool hear_server(const ratls_attested *attested)
{
    uint8_t wire[READ_SIZE];

    for (int i = 0; i < READS_MAX; i++) {
        size_t taken = 0;
        ssize_t got = recv(attested->fd, wire, sizeof wire, MSG_DONTWAIT);

        if (got < 0) {
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        }
        if (got == 0 || ratls_stream_feed(attested->stream, wire, (size_t)got, &taken, NULL) != RATLS_OK || taken != (size_t)got) {
            return false;
        }
    }
    return false;
}

/* With the lock: the connection, if it still is of use; one that is not, is closed. */
static bool look_after(ratls_spare *spare)
{
    if (spare->attested.fd < 0) {
        return false;
    }
    if (ratls_deadline_left(spare->until) == 0 || ratls_cancel_triggered(ratls_destination_over(&spare->destination)) ||
        !hear_server(&spare->attested)) {
        let_go(spare);
        return false;
    }
    return true;
}

bool ratls_spare_take(ratls_spare *spare, ratls_attested *out, ratls_destination *destination)
{
    bool found;

    *out = (ratls_attested){.fd = -1};
    *destination = (ratls_destination){0};
    (void)pthread_mutex_lock(&spare->lock);
    found = look_after(spare);
    if (found) {
        *out = spare->attested;
        *destination = spare->destination;
        spare->destination = (ratls_destination){0};
        spare->attested = (ratls_attested){.fd = -1};
    }
    (void)pthread_mutex_unlock(&spare->lock);
    return found;
}

void ratls_spare_watch(ratls_spare *spare, struct pollfd *fd, ratls_deadline *until)
{
    (void)pthread_mutex_lock(&spare->lock);
    *fd = (struct pollfd){.fd = spare->attested.fd, .events = POLLIN};
    *until = spare->attested.fd < 0 ? ratls_deadline_none() : spare->until;
    (void)pthread_mutex_unlock(&spare->lock);
}

void ratls_spare_tend(ratls_spare *spare)
{
    (void)pthread_mutex_lock(&spare->lock);
    (void)look_after(spare);
    (void)pthread_mutex_unlock(&spare->lock);
}

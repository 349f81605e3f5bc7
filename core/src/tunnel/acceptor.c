#include "tunnel/acceptor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/thread.h"

typedef struct connection {
    struct connection *next;
    ratls_acceptor *acceptor;
    pthread_t thread;
    int driver;
    bool too_many; /* to be refused: the tunnel is full */
    atomic_bool done;
} connection;

struct ratls_acceptor {
    const ratls_socket_directory *directory;
    const ratls_service *service;
    size_t connections_max;
    pthread_t thread;
    int ended;               /* an event descriptor: some connection's thread has ended */
    connection *connections; /* only the accepting thread looks at the list */
    size_t listed;
    atomic_size_t serving;
    atomic_uint_least64_t total;
};

static void signal_end(const ratls_acceptor *acceptor)
{
    uint64_t one = 1;

    while (write(acceptor->ended, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

static void *run_connection(void *argument)
{
    connection *c = argument;
    ratls_acceptor *acceptor = c->acceptor;

    ratls_connection_serve(c->driver, acceptor->service, c->too_many ? acceptor->connections_max : 0);
    atomic_fetch_sub(&acceptor->serving, c->too_many ? 0 : 1);
    atomic_store(&c->done, true);
    signal_end(acceptor);
    return NULL;
}

/* Join those that have ended; all of them, waiting for their end, when `all`. */
static void reap(ratls_acceptor *acceptor, bool all)
{
    for (connection **link = &acceptor->connections; *link != NULL;) {
        connection *c = *link;

        if (!all && !atomic_load(&c->done)) {
            link = &c->next;
            continue;
        }
        (void)pthread_join(c->thread, NULL);
        *link = c->next;
        acceptor->listed--;
        free(c);
    }
}

static ratls_status start_connection(ratls_acceptor *acceptor, int driver, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    connection *c = NULL;

    CHECK(acceptor->listed < acceptor->connections_max + RATLS_CONNECTIONS_REFUSED_MAX, RATLS_ERR_CONNECTIONS_EXHAUSTED,
          FOUND_NUMBER(acceptor->connections_max));
    c = calloc(1, sizeof *c);
    CHECK(c != NULL, RATLS_ERR_OUT_OF_MEMORY);
    c->acceptor = acceptor;
    c->driver = driver;
    c->too_many = atomic_load(&acceptor->serving) >= acceptor->connections_max;
    atomic_init(&c->done, false);
    atomic_fetch_add(&acceptor->serving, c->too_many ? 0 : 1);
    status = ratls_thread_start(&c->thread, run_connection, c, err);
    if (status != RATLS_OK) {
        atomic_fetch_sub(&acceptor->serving, c->too_many ? 0 : 1);
        goto out;
    }
    c->next = acceptor->connections;
    acceptor->connections = c;
    acceptor->listed++;
    return RATLS_OK;
out:
    free(c);
    return status;
}

/* Take who waits, one at a time. False: the process has no descriptor left for it. */
static bool accept_one(ratls_acceptor *acceptor)
{
    const ratls_service *service = acceptor->service;
    ratls_error *error = NULL;
    bool exhausted = false;
    int driver = ratls_socket_directory_accept(acceptor->directory, &exhausted);

    if (exhausted) {
        (void)RAISE(&error, RATLS_ERR_SYSTEM, WHAT("a descriptor for another connection"), FOUND("none is left"));
        service->failed(service->user, error, false);
    } else if (driver >= 0) {
        atomic_fetch_add(&acceptor->total, 1);
        if (start_connection(acceptor, driver, &error) != RATLS_OK) {
            (void)close(driver);
            service->failed(service->user, error, false);
        }
    }
    ratls_error_free(error);
    return !exhausted;
}

static void *run_acceptor(void *argument)
{
    ratls_acceptor *acceptor = argument;
    int listener = ratls_socket_directory_listener(acceptor->directory);
    ratls_spare *spare = acceptor->service->spare;
    bool able = true;

    for (;;) {
        struct pollfd fds[4] = {
            {.fd = able ? listener : -1, .events = POLLIN}, {.fd = acceptor->ended, .events = POLLIN}, {.fd = -1}};
        /* A full process is asked again after a while: nobody tells when a descriptor comes free. */
        ratls_deadline deadline = able ? ratls_deadline_none() : ratls_deadline_in(RATLS_ACCEPT_RETRY_MS), until = deadline;
        ratls_wait_outcome outcome;
        uint64_t ends;

        if (spare != NULL) {
            ratls_spare_watch(spare, &fds[2], &until);
        }
        outcome = ratls_wait(fds, 3, ratls_deadline_earlier(deadline, until), acceptor->service->closing);

        if (outcome == RATLS_WAIT_CANCELLED || outcome == RATLS_WAIT_FAILED) {
            break;
        }
        able = true;
        if (fds[2].fd >= 0 && (outcome == RATLS_WAIT_PASSED || fds[2].revents != 0)) {
            ratls_spare_tend(spare);
        }
        if (outcome == RATLS_WAIT_READY && fds[1].revents != 0 && read(acceptor->ended, &ends, sizeof ends) > 0) {
            reap(acceptor, false);
        }
        if (outcome == RATLS_WAIT_READY && fds[0].revents != 0) {
            able = accept_one(acceptor);
        }
    }
    reap(acceptor, true);
    return NULL;
}

ratls_status ratls_acceptor_start(
    ratls_acceptor **out, const ratls_socket_directory *directory, const ratls_service *service, size_t connections_max,
    ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_acceptor *acceptor = NULL;

    *out = NULL;
    acceptor = calloc(1, sizeof *acceptor);
    CHECK(acceptor != NULL, RATLS_ERR_OUT_OF_MEMORY);
    acceptor->directory = directory;
    acceptor->service = service;
    acceptor->connections_max = connections_max;
    atomic_init(&acceptor->serving, 0);
    atomic_init(&acceptor->total, 0);
    acceptor->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(acceptor->ended >= 0, RATLS_ERR_SYSTEM, WHAT("an event descriptor"), FOUND(strerror(errno)));
    TRY(ratls_thread_start(&acceptor->thread, run_acceptor, acceptor, err));
    *out = acceptor;
    return RATLS_OK;
out:
    if (acceptor != NULL && acceptor->ended >= 0) {
        (void)close(acceptor->ended);
    }
    free(acceptor);
    return status;
}

size_t ratls_acceptor_serving(const ratls_acceptor *acceptor)
{
    return atomic_load(&acceptor->serving);
}

uint64_t ratls_acceptor_total(const ratls_acceptor *acceptor)
{
    return atomic_load(&acceptor->total);
}

void ratls_acceptor_stop(ratls_acceptor *acceptor)
{
    if (acceptor == NULL) {
        return;
    }
    (void)pthread_join(acceptor->thread, NULL);
    (void)close(acceptor->ended);
    free(acceptor);
}

#include "tunnel/upstream.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tunnel/resolve.h"

/* Connections that are being tried side by side: the first that stands wins. */
typedef struct {
    struct pollfd open[RATLS_CONNECT_ATTEMPTS_MAX + 1]; /* one more for ratls_wait() */
    size_t open_len;
    size_t started;
    const struct addrinfo *next;
    int last_errno;
    int winner;
} race;

/* Begin with the next address; what fails at once is skipped. */
static void start_next(race *racing)
{
    while (racing->next != NULL && racing->started < RATLS_CONNECT_ATTEMPTS_MAX && racing->winner < 0) {
        const struct addrinfo *address = racing->next;
        int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

        racing->next = address->ai_next;
        racing->started++;
        if (fd >= 0 && connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
            racing->winner = fd;
            return;
        }
        if (fd >= 0 && errno == EINPROGRESS) {
            racing->open[racing->open_len++] = (struct pollfd){.fd = fd, .events = POLLOUT};
            return;
        }
        racing->last_errno = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
    }
}

/* Look at those that poll() woke us for: one may stand, others may have failed. */
static void settle_attempts(race *racing)
{
    for (size_t i = 0; i < racing->open_len && racing->winner < 0;) {
        int failure = 0;
        socklen_t len = sizeof failure;

        if (racing->open[i].revents == 0) {
            i++;
            continue;
        }
        if (getsockopt(racing->open[i].fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0) {
            failure = errno;
        }
        if (failure == 0) {
            racing->winner = racing->open[i].fd;
        } else {
            racing->last_errno = failure;
            (void)close(racing->open[i].fd);
        }
        racing->open[i] = racing->open[--racing->open_len];
    }
}

static bool more_to_try(const race *racing)
{
    return racing->next != NULL && racing->started < RATLS_CONNECT_ATTEMPTS_MAX;
}

static ratls_status run_race(race *racing, const ratls_upstream *upstream, ratls_deadline deadline, const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    start_next(racing);
    while (racing->winner < 0) {
        bool more = more_to_try(racing);
        ratls_deadline pause = more ? ratls_deadline_earlier(ratls_deadline_in(RATLS_CONNECT_STAGGER_MS), deadline) : deadline;
        size_t before = racing->open_len;
        ratls_wait_outcome outcome;

        CHECK(racing->open_len > 0, RATLS_ERR_CONNECT_FAILED, ratls_detail_text("upstream", upstream->label),
              WHAT(racing->last_errno == 0 ? "it has no address" : strerror(racing->last_errno)));
        outcome = ratls_wait(racing->open, racing->open_len, pause, cancel);
        if (outcome == RATLS_WAIT_READY) {
            settle_attempts(racing);
        } else if (outcome != RATLS_WAIT_PASSED || ratls_deadline_left(deadline) == 0) {
            status = ratls_upstream_wait_failed(outcome, upstream, deadline, "connecting to the upstream", err);
            goto out;
        }
        if (outcome == RATLS_WAIT_PASSED || racing->open_len < before) {
            start_next(racing);
        }
    }
    status = RATLS_OK;
out:
    return status;
}

typedef struct {
    int level, name, value;
    bool wanted;
} socket_option;

static ratls_status set_socket_options(int fd, const ratls_upstream *upstream, ratls_error **err)
{
    bool probing = upstream->keepalive_idle_s >= 0;
    /* The driver's own settings reach only as far as its end of the Unix socket. */
    const socket_option options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1, true},
        {SOL_SOCKET, SO_KEEPALIVE, 1, probing},
        {IPPROTO_TCP, TCP_KEEPIDLE, upstream->keepalive_idle_s, probing},
        {IPPROTO_TCP, TCP_KEEPINTVL, upstream->keepalive_interval_s, probing},
        {IPPROTO_TCP, TCP_KEEPCNT, upstream->keepalive_count, probing},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, upstream->user_timeout_ms, upstream->user_timeout_ms >= 0},
    };
    ratls_status status = RATLS_ERR_INTERNAL;

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        CHECK(!options[i].wanted || setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value) == 0,
              RATLS_ERR_SYSTEM, WHAT("a socket option"), FOUND(strerror(errno)));
    }
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_upstream_connect(
    int *out, const ratls_upstream *upstream, ratls_deadline deadline, const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_lookup *lookup = NULL;
    race racing = {.winner = -1};

    *out = -1;
    TRY(ratls_upstream_resolve(&lookup, upstream, deadline, cancel, err));
    racing.next = ratls_lookup_addresses(lookup);
    TRY(run_race(&racing, upstream, deadline, cancel, err));
    TRY(set_socket_options(racing.winner, upstream, err));
    *out = racing.winner;
    racing.winner = -1;
    status = RATLS_OK;
out:
    for (size_t i = 0; i < racing.open_len; i++) {
        (void)close(racing.open[i].fd);
    }
    if (racing.winner >= 0) {
        (void)close(racing.winner);
    }
    ratls_lookup_free(lookup);
    return status;
}

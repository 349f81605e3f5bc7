#include "leader/txt_lookup.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "leader/cares.h"

enum { SOCKETS_MAX = 32 };

/* One look-up under way. */
typedef struct {
    struct pollfd sockets[SOCKETS_MAX]; /* what c-ares waits for */
    size_t sockets_len;
    bool too_many;
    bool done; /* what follows is the outcome */
    int outcome;
    uint8_t *answer;
    size_t answer_len;
} lookup;

/* Sockets are made here: close-on-exec from the start, and writing raises no SIGPIPE. */
static ares_socket_t open_socket(int family, int type, int protocol, void *user)
{
    (void)user;
    return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int close_socket(ares_socket_t fd, void *user)
{
    (void)user;
    return close(fd);
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t len, void *user)
{
    (void)user;
    return connect(fd, address, len);
}

static ares_ssize_t receive_from(ares_socket_t fd, void *out, size_t len, int flags, struct sockaddr *from, ares_socklen_t *from_len, void *user)
{
    (void)user;
    return recvfrom(fd, out, len, flags, from, from_len);
}

static ares_ssize_t send_pieces(ares_socket_t fd, const struct iovec *pieces, int len, void *user)
{
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)len};

    (void)user;
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static const struct ares_socket_functions socket_functions = {open_socket, close_socket, connect_socket, receive_from, send_pieces};

/* c-ares begins or ceases to wait for a socket. */
static void note_socket(void *user, ares_socket_t fd, int readable, int writable)
{
    lookup *asked = user;
    short events = (short)((readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0));
    size_t at = 0;

    while (at < asked->sockets_len && asked->sockets[at].fd != fd) {
        at++;
    }
    if (events == 0 && at < asked->sockets_len) {
        asked->sockets[at] = asked->sockets[--asked->sockets_len];
    } else if (events != 0 && at < SOCKETS_MAX) {
        asked->sockets[at] = (struct pollfd){.fd = fd, .events = events};
        asked->sockets_len += at == asked->sockets_len ? 1 : 0;
    } else if (events != 0) {
        asked->too_many = true;
    }
}

static void take_answer(void *user, int outcome, int timeouts, unsigned char *answer, int answer_len)
{
    lookup *asked = user;

    (void)timeouts;
    asked->done = true;
    asked->outcome = outcome;
    if (outcome != ARES_SUCCESS || answer_len <= 0) {
        return;
    }
    asked->answer = malloc((size_t)answer_len);
    if (asked->answer == NULL) {
        asked->outcome = ARES_ENOMEM;
        return;
    }
    memcpy(asked->answer, answer, (size_t)answer_len);
    asked->answer_len = (size_t)answer_len;
}

static ratls_status fail_lookup(int outcome, ratls_error **err)
{
    if (outcome == ARES_ENOMEM) {
        return RAISE(err, RATLS_ERR_OUT_OF_MEMORY);
    }
    /* So c-ares calls it also when every server was asked, and failed or refused. */
    return RAISE(err, RATLS_ERR_LEADER_LOOKUP, WHAT(outcome == ARES_ECONNREFUSED ? "no DNS server has answered it" : ares_strerror(outcome)));
}

static ratls_status set_servers(ares_channel channel, const ratls_dns_server *servers, size_t servers_len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    struct ares_addr_port_node nodes[RATLS_DNS_SERVERS_MAX] = {0};
    int outcome;

    CHECK(servers_len <= RATLS_DNS_SERVERS_MAX, RATLS_ERR_INTERNAL, WHAT("more DNS servers than were allowed"));
    for (size_t i = 0; i < servers_len; i++) {
        nodes[i].next = i + 1 < servers_len ? &nodes[i + 1] : NULL;
        nodes[i].family = servers[i].family;
        nodes[i].udp_port = nodes[i].tcp_port = servers[i].port;
        if (servers[i].family == AF_INET) {
            nodes[i].addr.addr4 = servers[i].address.v4;
        } else {
            memcpy(&nodes[i].addr.addr6, &servers[i].address.v6, sizeof servers[i].address.v6);
        }
    }
    outcome = servers_len == 0 ? ARES_SUCCESS : ares_set_servers_ports(channel, nodes);
    if (outcome != ARES_SUCCESS) {
        return fail_lookup(outcome, err);
    }
    status = RATLS_OK;
out:
    return status;
}

/* Everything that an environment variable could say otherwise is said. */
static ratls_status open_channel(ares_channel *out, lookup *asked, ratls_error **err)
{
    struct ares_options options = {
        .flags = ARES_FLAG_EDNS, .ednspsz = RATLS_DNS_UDP_MAX, .timeout = RATLS_DNS_TRY_MS, .tries = RATLS_DNS_ROUNDS, .ndots = 1,
        .sock_state_cb = note_socket, .sock_state_cb_data = asked};
    int outcome = ares_init_options(out, &options, ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                                                       ARES_OPT_DOMAINS | ARES_OPT_NOROTATE | ARES_OPT_SOCK_STATE_CB);

    if (outcome != ARES_SUCCESS) {
        *out = NULL;
        return fail_lookup(outcome, err);
    }
    ares_set_socket_functions(*out, &socket_functions, NULL);
    return RATLS_OK;
}

/* Let c-ares handle what happened; while it does, the table of sockets changes. */
static void process(ares_channel channel, const struct pollfd *happened, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (happened[i].revents != 0) {
            bool readable = (happened[i].revents & ~POLLOUT) != 0, writable = (happened[i].revents & POLLOUT) != 0;

            ares_process_fd(channel, readable ? happened[i].fd : ARES_SOCKET_BAD, writable ? happened[i].fd : ARES_SOCKET_BAD);
        }
    }
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* what has waited too long */
}

/* When c-ares wants to be called though nothing happened. */
static ratls_deadline next_try(ares_channel channel)
{
    struct timeval room, *left = ares_timeout(channel, NULL, &room);

    return left == NULL ? ratls_deadline_none() : ratls_deadline_in((int64_t)left->tv_sec * 1000 + left->tv_usec / 1000 + 1);
}

static ratls_status await_answer(lookup *asked, ares_channel channel, ratls_deadline deadline, const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    while (!asked->done) {
        struct pollfd fds[SOCKETS_MAX + 1];
        size_t len = asked->sockets_len;
        ratls_wait_outcome outcome;

        CHECK(!asked->too_many, RATLS_ERR_LEADER_LOOKUP, WHAT("the system names too many DNS servers"));
        memcpy(fds, asked->sockets, len * sizeof *fds);
        outcome = ratls_wait(fds, len, ratls_deadline_earlier(deadline, next_try(channel)), cancel);
        CHECK(outcome != RATLS_WAIT_CANCELLED, RATLS_ERR_CANCELLED, WHAT("looking up the leader"));
        CHECK(outcome != RATLS_WAIT_FAILED, RATLS_ERR_SYSTEM, WHAT("waiting"), FOUND(strerror(errno)));
        CHECK(outcome == RATLS_WAIT_READY || ratls_deadline_left(deadline) > 0, RATLS_ERR_LEADER_TIMEOUT, EXPECTED_NUMBER(deadline.limit_ms));
        process(channel, fds, outcome == RATLS_WAIT_READY ? len : 0);
    }
    CHECK(asked->outcome != ARES_ETIMEOUT, RATLS_ERR_LEADER_TIMEOUT, EXPECTED_NUMBER(deadline.limit_ms));
    status = asked->outcome == ARES_SUCCESS ? RATLS_OK : fail_lookup(asked->outcome, err);
out:
    return status;
}

ratls_status ratls_txt_look_up(
    ratls_txt_records *out, const char *name, const ratls_dns_server *servers, size_t servers_len, ratls_deadline deadline,
    const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    lookup asked = {0};
    ares_channel channel = NULL;

    *out = (ratls_txt_records){0};
    TRY(open_channel(&channel, &asked, err));
    TRY(set_servers(channel, servers, servers_len, err));
    ares_query(channel, name, ns_c_in, ns_t_txt, take_answer, &asked);
    TRY(await_answer(&asked, channel, deadline, cancel, err));
    TRY(ratls_txt_records_read(out, (ratls_bytes){asked.answer, asked.answer_len}, err));
    status = RATLS_OK;
out:
    if (channel != NULL) {
        ares_destroy(channel); /* may call take_answer() once more */
    }
    free(asked.answer);
    return status;
}

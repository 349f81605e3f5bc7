#include "tunnel/pump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tunnel/exchange.h"
#include "tunnel/sasl_offer.h"

typedef struct {
    uint8_t data[RATLS_PUMP_BUFFER];
    size_t len;
} buffer;

typedef struct {
    ratls_stream *stream;
    ratls_pump_counters *counters;
    int driver;
    int upstream;
    buffer from_driver;   /* plain text on its way to the stream */
    buffer to_upstream;   /* TLS on its way to the network */
    buffer from_upstream; /* TLS on its way to the stream */
    buffer to_driver;     /* plain text on its way to the driver: */
    size_t cleared;       /* so much of it may go; the rest is a message that is looked at and not complete */
    ratls_sasl_offer offer;
    bool may_read;        /* the stream may have plain text: asking it in vain costs more than a small message */
    bool may_take;        /* it may have bytes to send */
    bool driver_ended;    /* it will say no more */
    bool driver_gone;     /* it will not listen either */
    bool upstream_ended;
    bool upstream_deaf;   /* it takes no more bytes; what it sent may still come */
    bool upstream_goodbye; /* the stream has ended well: the upstream has said all */
    bool driver_told;      /* and the driver has heard so */
    bool goodbye;         /* ours was said */
    bool end_told;        /* the stream knows that the transport ended */
    bool lingering;       /* the driver has gone and all that it said was sent, goodbye included */
    bool finished;        /* the stream has failed: `outcome` */
    ratls_status outcome;
    ratls_error *failure;
    ratls_deadline drain; /* once somebody is gone */
    const ratls_cancel *over; /* the server is no longer to be told anything, once triggered; NULL: never */
    int64_t over_ms;
    bool is_over;             /* and that was noted */
    ratls_deadline over_drain;
    ratls_exchange exchange;  /* kept track of where there is `over` */
    void (*server_left)(void *user); /* NULL: told, or nobody wants to know */
    void *user;
} pump;

static void consume(buffer *from, size_t len)
{
    from->len -= len;
    memmove(from->data, from->data + len, from->len);
}

static size_t room_in(const buffer *into)
{
    return sizeof into->data - into->len;
}

/* Nobody completes a message any more: the driver gets what there is of it. */
static void clear_all(pump *p)
{
    p->offer.done = true;
    p->cleared = p->to_driver.len;
}

static void forget_rows(pump *p)
{
    p->to_driver.len = 0;
    p->cleared = 0;
}

/* The stream is of no use any more: nothing is read from it or written to it. */
static void finish(pump *p, ratls_status outcome)
{
    if (!p->finished) {
        p->finished = true;
        p->outcome = outcome;
        p->drain = ratls_deadline_in(RATLS_PUMP_DRAIN_TIMEOUT_MS);
        clear_all(p);
    }
}

/* The upstream has said all. What the driver still says is sent. */
static void hear_goodbye(pump *p)
{
    if (!p->upstream_goodbye) {
        p->upstream_goodbye = true;
        p->drain = ratls_deadline_in(RATLS_PUMP_DRAIN_TIMEOUT_MS);
        clear_all(p);
    }
}

static void lose_driver(pump *p)
{
    if (!p->driver_gone) {
        p->driver_gone = true;
        p->drain = ratls_deadline_in(RATLS_PUMP_DRAIN_TIMEOUT_MS);
    }
    forget_rows(p);
}

/* Look at what came. An offer that leaves nothing to choose ends the connection; the driver is not shown it. */
static void look_at_offer(pump *p)
{
    size_t rest = p->to_driver.len - p->cleared, clear = 0;
    ratls_status status = RATLS_OK;

    if (p->offer.done) {
        p->cleared = p->to_driver.len;
        return;
    }
    status = ratls_sasl_offer_look(&p->offer, p->to_driver.data + p->cleared, &rest, &clear, &p->failure);
    p->to_driver.len = p->cleared + (status == RATLS_OK ? rest : clear);
    p->cleared += clear;
    if (status != RATLS_OK) {
        finish(p, status);
    }
}

static bool feed_stream(pump *p)
{
    size_t taken = 0;

    if (p->from_upstream.len > 0) {
        if (ratls_stream_feed(p->stream, p->from_upstream.data, p->from_upstream.len, &taken, &p->failure) != RATLS_OK) {
            finish(p, ratls_error_code(p->failure));
            return false;
        }
        consume(&p->from_upstream, taken);
        p->may_read = p->may_read || taken > 0;
    } else if (p->upstream_ended && !p->end_told) {
        p->end_told = true;
        p->may_read = true;
        (void)ratls_stream_feed_end(p->stream, NULL); /* the next read says what it means */
        return true;
    }
    return taken > 0;
}

static bool read_stream(pump *p)
{
    size_t got = 0;
    ratls_status status;

    if (!p->may_read || room_in(&p->to_driver) == 0 || p->upstream_goodbye) {
        return false;
    }
    status = ratls_stream_read(p->stream, p->to_driver.data + p->to_driver.len, room_in(&p->to_driver), &got, &p->failure);
    if (status != RATLS_OK) {
        finish(p, status);
        return false;
    }
    atomic_fetch_add_explicit(&p->counters->from_upstream, got, memory_order_relaxed);
    if (p->over != NULL) {
        ratls_exchange_answered(&p->exchange, p->to_driver.data + p->to_driver.len, got);
    }
    if (!p->driver_gone) {
        p->to_driver.len += got;
        look_at_offer(p);
    }
    if (ratls_stream_state_of(p->stream) == RATLS_STREAM_CLOSED) {
        hear_goodbye(p);
    }
    p->may_read = got > 0;
    p->may_take = true; /* reading may have made an answer, to a key update say */
    return got > 0;
}

static bool write_stream(pump *p)
{
    size_t taken = 0;

    if (p->from_driver.len > 0) {
        if (ratls_stream_write(p->stream, p->from_driver.data, p->from_driver.len, &taken, &p->failure) != RATLS_OK) {
            finish(p, ratls_error_code(p->failure));
            return false;
        }
        atomic_fetch_add_explicit(&p->counters->to_upstream, taken, memory_order_relaxed);
        if (p->over != NULL) {
            ratls_exchange_asked(&p->exchange, p->from_driver.data, taken);
        }
        consume(&p->from_driver, taken);
        p->may_take = p->may_take || taken > 0;
    } else if (p->driver_ended && !p->goodbye) {
        p->goodbye = true;
        p->may_take = true;
        (void)ratls_stream_close(p->stream, NULL);
        return true;
    }
    return taken > 0;
}

static bool take_stream(pump *p)
{
    size_t got = 0;

    if (!p->may_take || room_in(&p->to_upstream) == 0) {
        return false;
    }
    (void)ratls_stream_take(p->stream, p->to_upstream.data + p->to_upstream.len, room_in(&p->to_upstream), &got, NULL);
    p->to_upstream.len = p->upstream_deaf ? 0 : p->to_upstream.len + got;
    p->may_take = got > 0;
    return got > 0;
}

/* Move through the stream what moves without waiting. */
static bool turn_stream(pump *p)
{
    bool any = false, moved = true;

    while (moved) {
        moved = !p->finished && feed_stream(p);
        moved = (!p->finished && read_stream(p)) || moved;
        moved = (!p->finished && write_stream(p)) || moved;
        moved = take_stream(p) || moved;
        any = any || moved;
    }
    return any;
}

/* Send up to `len` bytes, what a socket takes now. False: it takes no more, ever. */
static bool send_some(pump *p, int fd, buffer *from, size_t len, size_t *sent)
{
    *sent = 0;
    while (*sent < len) {
        ssize_t step = send(fd, from->data + *sent, len - *sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (step < 0) {
            bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;

            consume(from, *sent);
            return later;
        }
        *sent += (size_t)step;
    }
    consume(from, *sent);
    if (*sent > 0 && (p->finished || p->driver_gone || p->upstream_goodbye)) {
        p->drain = ratls_deadline_in(RATLS_PUMP_DRAIN_TIMEOUT_MS);
    }
    return true;
}

/* The driver reads the end once it has read everything before it. */
static void tell_goodbye(pump *p)
{
    if (p->upstream_goodbye && !p->finished && p->to_driver.len == 0 && !p->driver_told && !p->driver_gone) {
        p->driver_told = true;
        (void)shutdown(p->driver, SHUT_WR);
    }
}

static bool send_out(pump *p)
{
    size_t to_driver = 0, to_upstream = 0;

    if (!p->driver_gone) {
        bool takes = send_some(p, p->driver, &p->to_driver, p->cleared, &to_driver);

        p->cleared -= to_driver;
        if (!takes) {
            lose_driver(p);
        }
    }
    if (!p->upstream_deaf && !send_some(p, p->upstream, &p->to_upstream, p->to_upstream.len, &to_upstream)) {
        p->upstream_deaf = true;
        p->to_upstream.len = 0;
    }
    tell_goodbye(p);
    return to_driver > 0 || to_upstream > 0;
}

/* Read what is there; *ended on the end, false on a failure (errno). */
static bool receive_some(int fd, buffer *into, bool *ended)
{
    ssize_t got = recv(fd, into->data + into->len, room_in(into), MSG_DONTWAIT);

    if (got > 0) {
        into->len += (size_t)got;
    } else if (got == 0) {
        *ended = true;
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        return false;
    }
    return true;
}

static void receive_driver(pump *p, short happened)
{
    if ((happened & (POLLHUP | POLLERR)) != 0) {
        lose_driver(p);
    }
    if (!p->driver_ended && (happened & (POLLIN | POLLHUP | POLLERR)) != 0 && room_in(&p->from_driver) > 0 &&
        !receive_some(p->driver, &p->from_driver, &p->driver_ended)) {
        p->driver_ended = true;
        lose_driver(p);
    }
    p->from_driver.len = p->is_over ? 0 : p->from_driver.len; /* heard, so that it does not wait, and not sent */
}

static void receive_upstream(pump *p)
{
    if (p->upstream_ended || room_in(&p->from_upstream) == 0 ||
        receive_some(p->upstream, &p->from_upstream, &p->upstream_ended)) {
        return;
    }
    (void)RAISE(&p->failure, RATLS_ERR_TLS_FAILED, WHAT(strerror(errno)));
    finish(p, RATLS_ERR_TLS_FAILED);
}

/* What is worth waking for. A descriptor that nothing is wanted from and that has hung up would wake us for
 * ever, so it is left out. */
static void choose_events(const pump *p, struct pollfd fds[2])
{
    short driver = 0, upstream = 0;

    driver |= !p->driver_ended && !p->finished && room_in(&p->from_driver) > 0 ? POLLIN : 0;
    driver |= !p->driver_gone && p->cleared > 0 ? POLLOUT : 0;
    upstream |= !p->upstream_ended && !p->finished && !p->upstream_goodbye && room_in(&p->from_upstream) > 0 ? POLLIN : 0;
    upstream |= !p->upstream_deaf && p->to_upstream.len > 0 ? POLLOUT : 0;
    fds[0] = (struct pollfd){.fd = driver == 0 && p->driver_gone ? -1 : p->driver, .events = driver};
    fds[1] = (struct pollfd){.fd = upstream == 0 ? -1 : p->upstream, .events = upstream};
}

/* The driver has gone and the upstream has all of what it said: now the server ends its side, and only then is the
 * socket closed. Closed at once, with something of the server's unread, it would be reset, and what is still on
 * its way lost. */
static void begin_to_linger(pump *p)
{
    if (!p->lingering && p->driver_gone && p->driver_ended && p->goodbye && p->to_upstream.len == 0) {
        p->lingering = true;
        p->drain = ratls_deadline_in(RATLS_PUMP_LINGER_MS);
    }
}

/* Nothing is left to do for the driver's words: they are on their way, goodbye included, or nobody takes them. */
static bool all_sent(const pump *p)
{
    return p->upstream_deaf || (p->goodbye && p->to_upstream.len == 0);
}

/* Nothing is left to do: the driver has all that it is to have, and the upstream, if it can still be talked to, as well. */
static bool all_done(const pump *p)
{
    return p->to_driver.len == 0 && (p->finished || (p->upstream_goodbye && all_sent(p)));
}

/* After the goodbye of a driver that has gone it no longer matters how the server takes it. */
static ratls_status outcome_of(const pump *p)
{
    return p->lingering ? RATLS_OK : p->outcome;
}

/* After the driver's last word the server's end is no surprise. */
static void tell_that_server_left(pump *p)
{
    if (p->server_left != NULL && (p->upstream_goodbye || p->finished) && !p->driver_ended && !p->driver_gone) {
        p->server_left(p->user);
        p->server_left = NULL;
    }
}

/* Another one leads: nothing more goes to this server, not even what is encrypted already. A record that was sent in part is of
 * no use to it, so nothing may follow either. */
static void note_over(pump *p)
{
    if (p->is_over || !ratls_cancel_triggered(p->over)) {
        return;
    }
    p->is_over = true;
    p->over_drain = ratls_deadline_in(p->over_ms > 0 ? p->over_ms : 0);
    p->from_driver.len = 0;
    if (p->to_upstream.len > 0) {
        p->upstream_deaf = true;
        p->to_upstream.len = 0;
        p->may_take = true; /* what is inside the stream goes the same way */
    }
}

/* The driver waits for nothing more that could still come, or has waited long enough. */
static bool over_is_done(const pump *p)
{
    bool drained = ratls_exchange_idle(&p->exchange) && ratls_exchange_between(&p->exchange) && p->to_driver.len == 0;

    return p->is_over && !p->finished && (drained || p->driver_gone || ratls_deadline_left(p->over_drain) == 0);
}

/* Then no wait is for ever. */
static bool somebody_has_gone(const pump *p)
{
    return p->finished || p->driver_gone || p->upstream_goodbye;
}

static ratls_deadline wait_until(const pump *p)
{
    ratls_deadline drain = somebody_has_gone(p) ? p->drain : ratls_deadline_none();

    return p->is_over ? ratls_deadline_earlier(drain, p->over_drain) : drain;
}

static ratls_status run(pump *p, const ratls_cancel *cancel)
{
    for (;;) {
        struct pollfd fds[4];
        ratls_wait_outcome outcome;

        note_over(p);
        while (turn_stream(p) || send_out(p)) {
        }
        begin_to_linger(p);
        tell_that_server_left(p);
        if (over_is_done(p)) {
            return RAISE(&p->failure, RATLS_ERR_LEADER_SUPERSEDED);
        }
        if (all_done(p)) {
            return outcome_of(p);
        }
        choose_events(p, fds);
        fds[2] = (struct pollfd){.fd = p->is_over ? -1 : ratls_cancel_fd(p->over), .events = POLLIN};
        outcome = ratls_wait(fds, 3, wait_until(p), cancel);
        if (outcome == RATLS_WAIT_CANCELLED) {
            return RAISE(&p->failure, RATLS_ERR_CANCELLED, WHAT("relaying"));
        }
        if (outcome == RATLS_WAIT_PASSED && over_is_done(p)) {
            continue;
        }
        if (outcome != RATLS_WAIT_READY) {
            return outcome_of(p); /* who is left does not take what is left */
        }
        if (fds[0].revents != 0) {
            receive_driver(p, fds[0].revents);
        }
        if (fds[1].revents != 0 && !p->finished) {
            receive_upstream(p);
        }
    }
}

ratls_status ratls_pump_run(
    bool *between, ratls_attested *attested, const ratls_pump_driver *driver, ratls_pump_counters *counters, const ratls_cancel *cancel,
    ratls_error **err)
{
    ratls_bytes first = driver->first;
    ratls_status status = RATLS_ERR_INTERNAL;
    pump *p = calloc(1, sizeof *p);

    *between = false;
    CHECK(p != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(first.len <= sizeof p->from_driver.data, RATLS_ERR_INTERNAL, WHAT("more first bytes than a buffer holds"));
    p->stream = attested->stream;
    p->upstream = attested->fd;
    p->driver = driver->fd;
    p->offer.done = !driver->starts_up;
    p->may_read = true; /* the server may have spoken with the handshake */
    p->may_take = true;
    p->counters = counters;
    p->over = driver->starts_up ? driver->over : NULL; /* a request to cancel is no session */
    p->over_ms = driver->drain_ms;
    p->server_left = driver->server_left;
    p->user = driver->user;
    ratls_exchange_begin(&p->exchange);
    if (first.len > 0) {
        memcpy(p->from_driver.data, first.data, first.len);
        p->from_driver.len = first.len;
    }
    status = run(p, cancel);
    *between = p->over != NULL && !p->driver_gone && p->to_driver.len == 0 && ratls_exchange_between(&p->exchange);
    if (err != NULL && *err == NULL) {
        *err = status == RATLS_OK ? NULL : p->failure;
        p->failure = status == RATLS_OK ? p->failure : NULL;
    }
out:
    if (p != NULL) {
        ratls_error_free(p->failure);
    }
    free(p);
    return status;
}

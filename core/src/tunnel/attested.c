#include "tunnel/attested.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tunnel/keeper.h"
#include "tunnel/postgres.h"
#include "tunnel/tls_context.h"
#include "verifier/verifier.h"

enum {
    WIRE_SIZE = 16 * 1024,
    PARTING_MS = 2000, /* for the server to end its side, too */
    GOODBYE_READS_MAX = 16 /* what the peer had sent already is read, so that our goodbye is not lost to a reset */
};

/* One connection on its way to being open. */
typedef struct {
    ratls_attested *attested;
    const ratls_upstream *upstream;
    ratls_cancel *cancel;
    ratls_deadline all;       /* of everything together */
    ratls_deadline handshake; /* of the handshake alone */
    bool fetched;             /* our certificate came while the server was kept waiting */
} approach;

static ratls_status wait_for_peer(const approach *way, short events, ratls_error **err)
{
    ratls_deadline first = ratls_deadline_earlier(way->handshake, way->all);
    ratls_wait_outcome outcome = ratls_wait_one(way->attested->fd, events, first, way->cancel);

    if (outcome == RATLS_WAIT_READY) {
        return RATLS_OK;
    }
    if (outcome == RATLS_WAIT_PASSED && way->handshake.at_ms <= way->all.at_ms) {
        return RAISE(err, RATLS_ERR_HANDSHAKE_TIMEOUT, EXPECTED_NUMBER(way->handshake.limit_ms));
    }
    return ratls_upstream_wait_failed(outcome, way->upstream, way->all, "waiting for the upstream's TLS handshake", err);
}

/* A reset is one way of closing. */
static ratls_status refuse_transport(int failure, ratls_error **err)
{
    if (failure == ECONNRESET || failure == EPIPE) {
        return RAISE(err, RATLS_ERR_HANDSHAKE_CLOSED, FOUND(strerror(failure)));
    }
    return RAISE(err, RATLS_ERR_HANDSHAKE_FAILED, WHAT(strerror(failure)));
}

/* One read's worth of the peer's bytes for the stream, or the news that there are no more. */
static ratls_status receive_some(const approach *way, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t wire[WIRE_SIZE];
    size_t taken = 0;
    ssize_t got = recv(way->attested->fd, wire, sizeof wire, 0);

    if (got == 0) {
        return ratls_stream_feed_end(way->attested->stream, err);
    }
    if (got < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? RATLS_OK : refuse_transport(errno, err);
    }
    TRY(ratls_stream_feed(way->attested->stream, wire, (size_t)got, &taken, err));
    /* Its buffer is larger than one read and empty before it, unless our own side is stuck. */
    CHECK(taken == (size_t)got, RATLS_ERR_HANDSHAKE_FAILED, WHAT("the peer sends more than a handshake needs"));
    status = RATLS_OK;
out:
    return status;
}

/* Whoever does not listen any more may have said why: what the server sent before is read first. */
static ratls_status refuse_deafness(const approach *way, int failure, ratls_error **err)
{
    ratls_status status = receive_some(way, err);

    status = status == RATLS_OK ? ratls_stream_hear_alert(way->attested->stream, err) : status;
    return status == RATLS_OK ? refuse_transport(failure, err) : status;
}

static ratls_status send_all(const approach *way, const uint8_t *bytes, size_t len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    for (size_t sent = 0; sent < len;) {
        ssize_t step = send(way->attested->fd, bytes + sent, len - sent, MSG_NOSIGNAL);

        if (step >= 0) {
            sent += (size_t)step;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            TRY(wait_for_peer(way, POLLOUT, err));
        } else if (errno != EINTR) {
            status = refuse_deafness(way, errno, err);
            goto out;
        }
    }
    status = RATLS_OK;
out:
    return status;
}

/* Go on with the handshake, and send what it wants sent: more than the stream holds at once, when our certificate is large. */
static ratls_status advance(const approach *way, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t wire[WIRE_SIZE];
    size_t len = 0, none = 0;

    do {
        TRY(ratls_stream_feed(way->attested->stream, NULL, 0, &none, err));
        TRY(ratls_stream_take(way->attested->stream, wire, sizeof wire, &len, err));
        TRY(send_all(way, wire, len, err));
    } while (len > 0);
    status = RATLS_OK;
out:
    return status;
}

static ratls_status judge_answer(uint8_t answer, bool alone, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(answer != 'N', RATLS_ERR_START_TLS_REFUSED, WHAT("it has no TLS"));
    CHECK(answer != 'E', RATLS_ERR_START_TLS_REFUSED, WHAT("it answers with an error"));
    CHECK(answer == 'S', RATLS_ERR_START_TLS_REFUSED, WHAT("its answer is not PostgreSQL's"));
    /* Somebody on the way could put words before the encrypted ones; TLS would stumble over them, this says so (as
     * libpq does since CVE-2021-23222). */
    CHECK(alone, RATLS_ERR_START_TLS_REFUSED, WHAT("there is plain text behind its answer"));
    status = RATLS_OK;
out:
    return status;
}

/* SSLRequest, and its one byte of an answer (PostgreSQL's protocol, "SSL Session Encryption"). */
static ratls_status start_tls(const approach *way, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t answer[2] = {0};
    ssize_t got = -1;

    TRY(send_all(way, (const uint8_t *)RATLS_SSL_REQUEST, sizeof RATLS_SSL_REQUEST - 1, err));
    while (got < 0) {
        TRY(wait_for_peer(way, POLLIN, err));
        got = recv(way->attested->fd, answer, sizeof answer, 0);
        if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            status = refuse_transport(errno, err);
            goto out;
        }
    }
    CHECK(got > 0, RATLS_ERR_START_TLS_REFUSED, WHAT("it closes the connection"));
    TRY(judge_answer(answer[0], got == 1, err));
    status = RATLS_OK;
out:
    return status;
}

/* The server asks for our certificate. Where nobody insists on it, no guest agent means none; one that is there and fails is told,
 * as is one that was named. */
static ratls_status present_wanted(approach *way, ratls_error **err)
{
    const ratls_agent_settings *agent = &way->upstream->agent;
    ratls_identity *identity = NULL;
    ratls_error *failure = NULL;
    ratls_status status = ratls_keeper_get(&identity, way->upstream->keeper, way->all, way->cancel, &failure);

    way->fetched = status == RATLS_OK;
    way->handshake = ratls_deadline_in(way->upstream->handshake_timeout_ms); /* that was not the server's time */
    if (status == RATLS_ERR_DSTACK_UNAVAILABLE && agent->wanted == 0 && agent->socket == NULL && agent->simulator == NULL) {
        status = ratls_stream_present(way->attested->stream, NULL, ratls_error_message(failure, RATLS_SPELLING_C), err);
    } else if (status == RATLS_OK) {
        status = ratls_stream_present(way->attested->stream, identity, NULL, err);
    } else if (err != NULL) {
        *err = failure;
        failure = NULL;
    }
    ratls_error_free(failure);
    ratls_identity_free(identity);
    return status;
}

static ratls_status shake_hands(approach *way, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_stream *stream = way->attested->stream;

    TRY(advance(way, err)); /* the ClientHello */
    while (ratls_stream_state_of(stream) != RATLS_STREAM_VERDICT_NEEDED) {
        if (ratls_stream_state_of(stream) == RATLS_STREAM_CERTIFICATE_WANTED) {
            TRY(present_wanted(way, err));
        } else {
            TRY(wait_for_peer(way, POLLIN, err));
            TRY(receive_some(way, err));
        }
        TRY(advance(way, err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* The verdict on the certificate of this very handshake. */
static ratls_status judge_certificate(const approach *way, ratls_verdict **verdict, const ratls_judge *judge, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verify_options options = *judge->policy;
    int64_t left = ratls_deadline_left(way->all);
    int64_t wanted = options.timeout_ms == 0 ? RATLS_TIMEOUT_MS_DEFAULT : options.timeout_ms;
    ratls_bytes certificate = ratls_stream_certificate(way->attested->stream), spki = {0};
    ratls_verdict *made = NULL;
    ratls_result *result = NULL;

    if (left == 0) {
        return ratls_upstream_wait_failed(RATLS_WAIT_PASSED, way->upstream, way->all, "", err);
    }
    options.timeout_ms = left < wanted ? left : wanted;
    TRY(ratls_verify_certificate_key(&result, &spki, judge->verifier, certificate, &options, way->cancel, err));
    TRY(ratls_verdict_new(&made, result, certificate, err));
    TRY(ratls_stream_accept(way->attested->stream, spki, err));
    *verdict = made;
    made = NULL;
    status = RATLS_OK;
out:
    ratls_verdict_free(made);
    return status;
}

/* Evidence format 6.6: a gateway passes TLS through only to names like <id>-<port>s.<base>; to others it answers
 * itself. True for a first label that ends in "-<digits>" or "-<digits>g". */
static bool name_ends_at_gateway(const char *name)
{
    size_t label = strcspn(name, "."), end = label;
    bool digits = false;

    if (end > 0 && name[end - 1] == 'g') {
        end--;
    }
    while (end > 0 && isdigit((unsigned char)name[end - 1])) {
        end--;
        digits = true;
    }
    return digits && end > 0 && name[end - 1] == '-' && name[label] == '.';
}

static void add_hint(const ratls_upstream *upstream, ratls_error **err)
{
    if (err != NULL && ratls_error_code(*err) == RATLS_ERR_QUOTE_MISSING && upstream->server_name != NULL &&
        name_ends_at_gateway(upstream->server_name)) {
        ratls_error_add(*err, ratls_detail_text("hint", "a dstack gateway answers for this name itself and passes TLS through to the "
                                                        "server only for names that have an \"s\" after the port: <id>-<port>s.<domain>"));
    }
}

static approach approach_to(ratls_attested *attested, const ratls_upstream *upstream, ratls_cancel *cancel)
{
    int64_t limit = upstream->connect_timeout_ms;

    return (approach){.attested = attested, .upstream = upstream, .cancel = cancel,
                      .all = limit > 0 ? ratls_deadline_in(limit) : ratls_deadline_none()};
}

/* What can be said of our certificate before the server asks: that there is none, or that it is there, before anything is dialled. */
static ratls_status prepare_certificate(const approach *way, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_identity *identity = NULL;

    if (way->upstream->keeper == NULL) {
        return ratls_stream_present(way->attested->stream, NULL, "it was forbidden", err);
    }
    if (way->upstream->agent.wanted == 0) {
        return RATLS_OK;
    }
    TRY(ratls_keeper_get(&identity, way->upstream->keeper, way->all, way->cancel, err));
    TRY(ratls_stream_present(way->attested->stream, identity, NULL, err));
    status = RATLS_OK;
out:
    ratls_identity_free(identity);
    return status;
}

static ratls_status reach_once(approach *way, SSL_CTX *tls, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_deadline connecting;

    TRY(ratls_stream_new(&way->attested->stream, tls, way->upstream->server_name, err));
    TRY(prepare_certificate(way, err));
    connecting = ratls_deadline_earlier(way->all, ratls_deadline_in(RATLS_CONNECT_TIMEOUT_MS));
    TRY(ratls_upstream_connect(&way->attested->fd, way->upstream, connecting, way->cancel, err));
    way->handshake = ratls_deadline_in(way->upstream->handshake_timeout_ms);
    if (way->upstream->start_tls) {
        TRY(start_tls(way, err));
    }
    TRY(shake_hands(way, err));
    status = RATLS_OK;
out:
    return status;
}

/* Whether another attempt is better: the server lost patience while our certificate was fetched, which now is there; or it
 * did not accept one that may be too old. */
static bool worth_another(const approach *way, ratls_status status)
{
    if (status == RATLS_ERR_CLIENT_CERTIFICATE_REFUSED) {
        return ratls_keeper_refused(way->upstream->keeper);
    }
    return way->fetched && (status == RATLS_ERR_HANDSHAKE_CLOSED || status == RATLS_ERR_HANDSHAKE_FAILED);
}

/* Dial and shake hands: after it there is a certificate to judge. */
static ratls_status reach_upstream(approach *way, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    SSL_CTX *own = NULL, *tls = way->upstream->tls;
    ratls_error *failure = NULL;

    if (tls == NULL) {
        TRY(ratls_tls_context_new(&own, err));
        tls = own;
    }
    status = reach_once(way, tls, &failure);
    if (status != RATLS_OK && worth_another(way, status)) {
        ratls_error_free(failure);
        failure = NULL;
        ratls_attested_close(way->attested);
        status = reach_once(way, tls, &failure);
    }
    if (err != NULL) {
        *err = failure;
        failure = NULL;
    }
out:
    ratls_error_free(failure);
    SSL_CTX_free(own);
    return status;
}

ratls_status ratls_attested_fetch(
    uint8_t **der, size_t *der_len, const ratls_upstream *upstream, ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_attested made = {.fd = -1};
    approach way = approach_to(&made, upstream, cancel);
    ratls_bytes certificate;

    *der = NULL;
    *der_len = 0;
    TRY(reach_upstream(&way, err));
    certificate = ratls_stream_certificate(made.stream);
    CHECK(certificate.len > 0, RATLS_ERR_CERTIFICATE_MISSING);
    *der = malloc(certificate.len);
    CHECK(*der != NULL, RATLS_ERR_OUT_OF_MEMORY);
    memcpy(*der, certificate.data, certificate.len);
    *der_len = certificate.len;
    status = RATLS_OK;
out:
    ratls_attested_close(&made);
    return status;
}

ratls_status ratls_attested_open(
    ratls_attested *out, ratls_verdict **verdict, const ratls_upstream *upstream, const ratls_judge *judge,
    ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_attested made = {.fd = -1};
    approach way = approach_to(&made, upstream, cancel);

    *out = made;
    *verdict = NULL;
    TRY(reach_upstream(&way, err));
    status = judge_certificate(&way, verdict, judge, err);
    if (status != RATLS_OK) {
        add_hint(upstream, err);
        goto out;
    }
    *out = made;
    return RATLS_OK;
out:
    ratls_attested_close(&made);
    return status;
}

ratls_status ratls_attested_judge(
    ratls_attested *attested, ratls_verdict **verdict, const ratls_upstream *upstream, const ratls_judge *judge, ratls_cancel *cancel,
    ratls_error **err)
{
    approach way = approach_to(attested, upstream, cancel);

    *verdict = NULL;
    return judge_certificate(&way, verdict, judge, err);
}

/* What the server says after our goodbye. It counts only as far as it is about our certificate. */
static ratls_status hear_parting(const approach *way, ratls_error **err)
{
    ratls_status status = RATLS_OK;
    uint8_t wire[WIRE_SIZE], plain[WIRE_SIZE];
    ratls_error *failure = NULL;
    size_t taken = 0, len = 0;
    ssize_t got = 1;

    while (status == RATLS_OK && got > 0 && ratls_wait_one(way->attested->fd, POLLIN, way->handshake, way->cancel) == RATLS_WAIT_READY) {
        got = recv(way->attested->fd, wire, sizeof wire, 0);
        if (got > 0) {
            status = ratls_stream_feed(way->attested->stream, wire, (size_t)got, &taken, &failure);
        }
        if (got > 0 && status == RATLS_OK) {
            status = ratls_stream_read(way->attested->stream, plain, sizeof plain, &len, &failure);
        }
    }
    if (status != RATLS_ERR_CLIENT_CERTIFICATE_REFUSED && status != RATLS_ERR_CLIENT_CERTIFICATE_REQUIRED) {
        status = RATLS_OK;
    } else if (err != NULL) {
        *err = failure;
        failure = NULL;
    }
    ratls_error_free(failure);
    return status;
}

ratls_status ratls_attested_part(ratls_attested *attested, const ratls_upstream *upstream, ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    approach way = approach_to(attested, upstream, cancel);
    uint8_t wire[WIRE_SIZE];
    size_t len = 0;

    if (!ratls_stream_is_judged_later(attested->stream)) {
        return RATLS_OK;
    }
    way.handshake = ratls_deadline_earlier(ratls_deadline_in(PARTING_MS), way.all);
    TRY(ratls_stream_close(attested->stream, err));
    TRY(ratls_stream_take(attested->stream, wire, sizeof wire, &len, err));
    (void)send(attested->fd, wire, len, MSG_NOSIGNAL); /* an empty socket buffer takes so little */
    (void)shutdown(attested->fd, SHUT_WR);
    TRY(hear_parting(&way, err));
    status = RATLS_OK;
out:
    return status;
}

void ratls_attested_close(ratls_attested *attested)
{
    uint8_t wire[WIRE_SIZE];
    size_t len = 0;

    if (attested->stream != NULL && attested->fd >= 0) {
        (void)ratls_stream_close(attested->stream, NULL);
        while (ratls_stream_take(attested->stream, wire, sizeof wire, &len, NULL) == RATLS_OK && len > 0 &&
               send(attested->fd, wire, len, MSG_NOSIGNAL) == (ssize_t)len) {
        }
        /* Also for a forked child that has the descriptor: the end must not wait for its exit. */
        (void)shutdown(attested->fd, SHUT_WR);
        for (int i = 0; i < GOODBYE_READS_MAX && recv(attested->fd, wire, sizeof wire, 0) > 0; i++) {
        }
    }
    if (attested->fd >= 0) {
        (void)close(attested->fd);
    }
    ratls_stream_free(attested->stream);
    *attested = (ratls_attested){.fd = -1};
}

#include "tunnel/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tunnel/keeper.h"
#include "tunnel/postgres.h"

enum {
    FIRST_BYTES_MAX = 16 * 1024, /* above RATLS_STARTUP_PACKET_MAX */
    DISMISSED_WORDS = 4096
};

/* What the driver said so far, from its first packet on. */
typedef struct {
    int driver;
    size_t encryption_requests;
    ratls_packet_kind kind;
    size_t len;
    uint8_t bytes[FIRST_BYTES_MAX];
} opening;

/* To the driver, as far as it takes it now: what is sent here fits into an empty socket buffer. */
static void tell_driver(int driver, const uint8_t *bytes, size_t len)
{
    for (size_t sent = 0; sent < len;) {
        ssize_t step = send(driver, bytes + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (step < 0 && errno != EINTR) {
            return;
        }
        sent += step > 0 ? (size_t)step : 0;
    }
}

/* An encryption request is answered here and forgotten: the attested TLS is beyond this socket. */
static ratls_status decline_encryption(opening *said, size_t packet_len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(++said->encryption_requests <= RATLS_ENCRYPTION_REQUESTS_MAX, RATLS_ERR_STARTUP_INVALID,
          WHAT("encryption is asked for again and again"));
    tell_driver(said->driver, (const uint8_t *)RATLS_ENCRYPTION_DECLINED, sizeof RATLS_ENCRYPTION_DECLINED - 1);
    said->len -= packet_len;
    memmove(said->bytes, said->bytes + packet_len, said->len);
    said->kind = RATLS_PACKET_INCOMPLETE;
    status = RATLS_OK;
out:
    return status;
}

/* More of the driver's bytes. False: there are none, it has left or the time is up. */
static bool hear_more(opening *said, ratls_deadline deadline, const ratls_cancel *closing)
{
    for (;;) {
        ssize_t got;

        if (ratls_wait_one(said->driver, POLLIN, deadline, closing) != RATLS_WAIT_READY) {
            return false;
        }
        got = recv(said->driver, said->bytes + said->len, sizeof said->bytes - said->len, MSG_DONTWAIT);
        if (got > 0) {
            said->len += (size_t)got;
            return true;
        }
        if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
            return false;
        }
    }
}

/* The driver's first packet, complete. RATLS_OK with INCOMPLETE: it left, or said too little in time. */
static ratls_status hear_opening(opening *said, const ratls_cancel *closing, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_deadline deadline = ratls_deadline_in(RATLS_FIRST_PACKET_TIMEOUT_MS);
    size_t packet_len = 0;

    for (;;) {
        TRY(ratls_first_packet_read(&said->kind, &packet_len, (ratls_bytes){said->bytes, said->len}, err));
        if (said->kind == RATLS_PACKET_ENCRYPTION) {
            TRY(decline_encryption(said, packet_len, err));
        } else if (said->kind != RATLS_PACKET_INCOMPLETE || !hear_more(said, deadline, closing)) {
            return RATLS_OK;
        }
    }
out:
    return status;
}

/* Say why, once it is the tunnel's last error: whoever was told may ask for it at once. Who sent a cancel request
 * expects no answer, as from PostgreSQL. */
static void refuse_driver(const opening *said, const ratls_service *service, const ratls_error *error)
{
    size_t len = 0;
    uint8_t *response = said->kind == RATLS_PACKET_CANCEL ? NULL : ratls_error_response_make(&len, error, service->spelling);

    service->failed(service->user, error, false);
    if (response != NULL) {
        tell_driver(said->driver, response, len);
    }
    free(response);
}

/* Failures before the server's first word to the driver: an offer that it was not shown, and what a server of TLS 1.3 thinks of
 * our own certificate, which it says after the handshake only. */
static bool driver_heard_nothing(ratls_status status)
{
    return status == RATLS_ERR_CHANNEL_BINDING_ONLY || status == RATLS_ERR_CLIENT_CERTIFICATE_REFUSED ||
           status == RATLS_ERR_CLIENT_CERTIFICATE_REQUIRED;
}

/* Another one leads. Who can be told is told so, as by a server that shuts down. */
static void dismiss_driver(const opening *said, const ratls_service *service, bool between, const ratls_error *error)
{
    size_t len = 0;
    uint8_t *response = between ? ratls_error_response_make(&len, error, service->spelling) : NULL;

    if (response != NULL) {
        tell_driver(said->driver, response, len);
    }
    free(response);
}

/* Take what a driver says that has not read its dismissal yet: closed with something unread, its end of the socket would be
 * reset, and drivers then report that instead. */
static void hear_out(const opening *said, const ratls_cancel *closing)
{
    ratls_deadline deadline = ratls_deadline_in(RATLS_DISMISSAL_MS);
    uint8_t words[DISMISSED_WORDS];
    ssize_t got = 1;

    (void)shutdown(said->driver, SHUT_WR);
    while (got > 0 && ratls_wait_one(said->driver, POLLIN, deadline, closing) == RATLS_WAIT_READY) {
        got = recv(said->driver, words, sizeof words, MSG_DONTWAIT);
    }
}

/* From the pump: perhaps because another one leads now. */
static void suspect_leader(void *user)
{
    ratls_follower_lost(user);
}

static ratls_status relay(
    const opening *said, const ratls_service *service, ratls_attested *attested, const ratls_destination *destination, ratls_error **err)
{
    const ratls_pump_driver driver = {
        .fd = said->driver, .first = {said->bytes, said->len}, .starts_up = said->kind == RATLS_PACKET_STARTUP,
        .over = ratls_destination_over(destination), .drain_ms = service->drain_ms,
        .server_left = service->follower == NULL ? NULL : suspect_leader, .user = service->follower};
    bool between = false;
    ratls_status status = ratls_pump_run(&between, attested, &driver, service->counters, service->closing, err);

    if (status == RATLS_ERR_CLIENT_CERTIFICATE_REFUSED) {
        (void)ratls_keeper_refused(service->upstream->keeper);
    }
    if (status == RATLS_ERR_LEADER_SUPERSEDED) {
        dismiss_driver(said, service, between, *err);
    } else if (driver_heard_nothing(status)) {
        refuse_driver(said, service, *err);
    } else if (status != RATLS_OK && status != RATLS_ERR_CANCELLED) {
        service->failed(service->user, *err, true);
    }
    return status;
}

/* Dial who leads now; one that has ceased to by the time it has answered is none. */
static ratls_status dial(
    ratls_attested *attested, ratls_verdict **verdict, ratls_destination *destination, const ratls_service *service, ratls_deadline all,
    ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = ratls_destination_find(destination, service->upstream, service->leader, all, cancel, err);

    if (status != RATLS_OK || service->leader == NULL) {
        return status == RATLS_OK ? ratls_attested_open(attested, verdict, &destination->upstream, &service->judge, cancel, err) : status;
    }
    if (service->upstream->connect_timeout_ms > 0) {
        int64_t left = ratls_deadline_left(all);

        destination->upstream.connect_timeout_ms = left > 0 ? left : 1; /* 0 would be for ever */
    }
    status = ratls_attested_open(attested, verdict, &destination->upstream, &service->judge, cancel, err);
    if (status == RATLS_OK && ratls_cancel_triggered(ratls_destination_over(destination))) {
        ratls_attested_close(attested);
        ratls_verdict_free(*verdict);
        *verdict = NULL;
        return RAISE(err, RATLS_ERR_LEADER_SUPERSEDED);
    }
    if (status == RATLS_OK) {
        ratls_leader_reached(service->leader);
    }
    return status;
}

/* After a failure: whether a look-up, made now or a moment ago, names another leader than the one that was dialled. */
static bool another_leads(const ratls_destination *dialled, const ratls_service *service, ratls_deadline all, const ratls_cancel *cancel)
{
    ratls_leader_term *term = NULL;
    bool another;

    if (dialled->term == NULL) {
        return false;
    }
    (void)ratls_leader_renew(service->leader, all, cancel);
    another = ratls_leader_current(&term, service->leader, all, cancel, NULL) == RATLS_OK && term != dialled->term;
    ratls_leader_term_free(term);
    return another;
}

ratls_status ratls_connection_reach(
    ratls_attested *attested, ratls_verdict **verdict, ratls_destination *destination, const ratls_service *service, ratls_cancel *cancel,
    ratls_error **err)
{
    int64_t limit = service->upstream->connect_timeout_ms;
    ratls_deadline all = limit > 0 ? ratls_deadline_in(limit) : ratls_deadline_none();

    for (int tries = 1;; tries++) {
        ratls_error *failure = NULL;
        ratls_status status = dial(attested, verdict, destination, service, all, cancel, &failure);

        /* What was judged and refused is refused, whoever else leads. */
        if (status == RATLS_OK || ratls_status_class(status) != RATLS_CLASS_UNAVAILABLE || tries == RATLS_LEADERS_TRIED_MAX ||
            !another_leads(destination, service, all, cancel)) {
            if (err != NULL && *err == NULL) {
                *err = failure;
            } else {
                ratls_error_free(failure);
            }
            return status;
        }
        ratls_error_free(failure);
        ratls_destination_clear(destination);
    }
}

/* The connection that is there already, if its server is still acceptable, or a new one. */
static ratls_status reach_server(
    ratls_attested *attested, ratls_verdict **verdict, ratls_destination *destination, const ratls_service *service, ratls_error **err)
{
    if (service->spare != NULL && ratls_spare_take(service->spare, attested, destination)) {
        if (ratls_attested_judge(attested, verdict, &destination->upstream, &service->judge, service->closing, NULL) == RATLS_OK) {
            return RATLS_OK;
        }
        ratls_attested_close(attested); /* what a new one meets with is what counts */
        ratls_destination_clear(destination);
    }
    return ratls_connection_reach(attested, verdict, destination, service, service->closing, err);
}

/* Refused, relayed to the end, or nobody there any more; what went wrong is in *err as well. */
static ratls_status serve_driver(opening *said, const ratls_service *service, size_t full, ratls_error **err)
{
    ratls_attested attested = {.fd = -1};
    ratls_destination destination = {0};
    ratls_verdict_entry entry = {0};
    ratls_verdict *verdict = NULL;
    ratls_status status = hear_opening(said, service->closing, err);

    if (status == RATLS_OK && said->kind == RATLS_PACKET_INCOMPLETE) {
        return RATLS_OK;
    }
    if (status == RATLS_OK && full > 0) {
        status = RAISE(err, RATLS_ERR_CONNECTIONS_EXHAUSTED, FOUND_NUMBER(full));
    }
    if (status == RATLS_OK) {
        status = reach_server(&attested, &verdict, &destination, service, err);
    }
    if (status != RATLS_OK) {
        refuse_driver(said, service, *err);
        ratls_destination_clear(&destination);
        return status;
    }
    ratls_verdicts_enter(service->verdicts, &entry, said->driver, verdict);
    ratls_follower_enter(service->follower);
    status = relay(said, service, &attested, &destination, err);
    ratls_follower_leave(service->follower);
    ratls_verdicts_leave(service->verdicts, &entry);
    ratls_attested_close(&attested);
    ratls_destination_clear(&destination);
    if (status == RATLS_ERR_LEADER_SUPERSEDED) {
        hear_out(said, service->closing);
    }
    return status;
}

/* A renewal of our certificate that failed is nobody's failure as long as the old one serves; it is warned about in time. */
static void warn_of_renewal(const ratls_service *service)
{
    ratls_keeper *keeper = service->upstream->keeper;
    ratls_error *failure = keeper == NULL ? NULL : ratls_keeper_take_failure(keeper);

    if (failure != NULL) {
        service->warn(service->user, failure);
    }
    ratls_error_free(failure);
}

void ratls_connection_serve(int driver, const ratls_service *service, size_t full)
{
    opening *said = calloc(1, sizeof *said);
    ratls_error *error = NULL;
    ratls_status status = RATLS_ERR_OUT_OF_MEMORY;

    if (said != NULL) {
        said->driver = driver;
        status = serve_driver(said, service, full, &error);
        free(said);
    }
    (void)shutdown(driver, SHUT_RDWR);
    (void)close(driver);
    /* That the leader changed is in nobody's way: the driver was told. */
    if (status != RATLS_OK && status != RATLS_ERR_LEADER_SUPERSEDED && !ratls_cancel_triggered(service->closing)) {
        service->warn(service->user, error);
    }
    warn_of_renewal(service);
    ratls_error_free(error);
}

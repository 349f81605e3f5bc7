/* The tunnel of the public header: settings, one attested handshake up front, then socket and threads. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "base/text.h"
#include "tunnel/acceptor.h"
#include "tunnel/settings.h"
#include "verifier/verifier.h"

enum {
    NEWEST = -1, /* instead of a descriptor: the newest verdict */
    NO_DESCRIPTOR = -2
};

struct ratls_tunnel {
    pid_t owner; /* the process that opened it: threads and connections are its */
    ratls_tunnel_settings settings;
    ratls_verifier *verifier;
    ratls_cancel *closing;
    ratls_socket_directory *directory;
    ratls_acceptor *acceptor;
    ratls_service service;
    ratls_pump_counters counters;
    atomic_uint_least64_t refused;
    ratls_verdicts *verdicts;
    pthread_mutex_t *lock; /* of the one that follows */
    ratls_error *last_error;
};

void ratls_tunnel_options_init(ratls_tunnel_options *options, size_t size)
{
    ratls_options_init(options, size);
}

/* Tell the caller's log. */
static void warn(void *user, const ratls_error *error)
{
    const ratls_tunnel *tunnel = user;
    ratls_text line = {0};
    char *taken;

    if (tunnel->settings.log == NULL) {
        return;
    }
    ratls_text_add(&line, "tunnel to ");
    ratls_text_add(&line, tunnel->settings.upstream.label);
    ratls_text_add(&line, ": ");
    ratls_text_add(&line, ratls_error_message(error, tunnel->settings.spelling));
    taken = ratls_text_take(&line);
    if (taken != NULL) {
        tunnel->settings.log(tunnel->settings.log_user, taken);
    }
    free(taken);
}

/* A connection failed; a tunnel that is closing fails them all, which is no news. */
static void keep_failure(void *user, const ratls_error *error, bool was_open)
{
    ratls_tunnel *tunnel = user;
    ratls_error *copy, *older;

    if (ratls_cancel_triggered(tunnel->closing)) {
        return;
    }
    atomic_fetch_add(&tunnel->refused, was_open ? 0 : 1);
    copy = ratls_error_copy(error);
    (void)pthread_mutex_lock(tunnel->lock);
    older = tunnel->last_error;
    tunnel->last_error = copy;
    (void)pthread_mutex_unlock(tunnel->lock);
    ratls_error_free(older);
}

static ratls_status check_owner(const ratls_tunnel *tunnel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(tunnel != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "tunnel"), WHAT("it is NULL"));
    CHECK(tunnel->owner == getpid(), RATLS_ERR_TUNNEL_FORKED, EXPECTED_NUMBER(tunnel->owner), FOUND_NUMBER(getpid()));
    status = RATLS_OK;
out:
    return status;
}

/* One attested handshake, so that a refusal is told to who opens the tunnel; the connection is not needed further. */
static ratls_status attest_first(ratls_tunnel *tunnel, ratls_cancel *cancel, ratls_error **err)
{
    ratls_attested attested = {.fd = -1};
    ratls_verdict *verdict = NULL;
    ratls_status status = ratls_attested_open(
        &attested, &verdict, &tunnel->settings.upstream, &tunnel->service.judge, cancel, err);

    if (status == RATLS_OK) {
        ratls_verdicts_add(tunnel->verdicts, verdict);
    }
    ratls_attested_close(&attested);
    return status;
}

static ratls_status make_lock(pthread_mutex_t **out, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    pthread_mutex_t *lock = malloc(sizeof *lock);

    *out = NULL;
    CHECK(lock != NULL && pthread_mutex_init(lock, NULL) == 0, RATLS_ERR_OUT_OF_MEMORY);
    *out = lock;
    return RATLS_OK;
out:
    free(lock);
    return status;
}

static ratls_status fill_tunnel(ratls_tunnel *tunnel, ratls_verifier *verifier, const ratls_tunnel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    tunnel->owner = getpid();
    atomic_init(&tunnel->refused, 0);
    atomic_init(&tunnel->counters.to_upstream, 0);
    atomic_init(&tunnel->counters.from_upstream, 0);
    TRY(ratls_tunnel_settings_read(&tunnel->settings, options, err));
    TRY(make_lock(&tunnel->lock, err));
    TRY(ratls_verdicts_new(&tunnel->verdicts, err));
    TRY(ratls_cancel_new(&tunnel->closing, err));
    tunnel->verifier = ratls_verifier_hold(verifier);
    tunnel->service = (ratls_service){
        .upstream = &tunnel->settings.upstream,
        .judge = {.verifier = tunnel->verifier, .policy = &tunnel->settings.policy},
        .closing = tunnel->closing,
        .spelling = tunnel->settings.spelling,
        .counters = &tunnel->counters,
        .verdicts = tunnel->verdicts,
        .user = tunnel,
        .failed = keep_failure,
        .warn = warn,
    };
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_tunnel_open(
    ratls_tunnel **out, ratls_verifier *verifier, const ratls_tunnel_options *options, ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_tunnel *tunnel = NULL;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    CHECK(verifier != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "verifier"), WHAT("it is NULL"));
    tunnel = calloc(1, sizeof *tunnel);
    CHECK(tunnel != NULL, RATLS_ERR_OUT_OF_MEMORY);
    TRY(fill_tunnel(tunnel, verifier, options, err));
    /* The directory first: a wrong one is the caller's mistake and needs no server to be found. */
    TRY(ratls_socket_directory_open(
        &tunnel->directory, tunnel->settings.socket_dir, tunnel->settings.port, tunnel->settings.peer, err));
    TRY(attest_first(tunnel, cancel, err));
    TRY(ratls_acceptor_start(&tunnel->acceptor, tunnel->directory, &tunnel->service, RATLS_CONNECTIONS_MAX, err));
    *out = tunnel;
    tunnel = NULL;
    status = RATLS_OK;
out:
    ratls_tunnel_close(tunnel);
    return status;
}

const char *ratls_tunnel_directory(const ratls_tunnel *tunnel)
{
    return check_owner(tunnel, NULL) == RATLS_OK ? ratls_socket_directory_host(tunnel->directory) : NULL;
}

int32_t ratls_tunnel_port(const ratls_tunnel *tunnel)
{
    return check_owner(tunnel, NULL) == RATLS_OK ? tunnel->settings.port : 0;
}

/* The newest verdict, or the one of a connection; a hold of the caller's. */
static ratls_status find_verdict(ratls_verdict **out, const ratls_tunnel *tunnel, int fd, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (fd != NEWEST) {
        return ratls_verdicts_find(out, tunnel->verdicts, fd, err);
    }
    *out = ratls_verdicts_newest(tunnel->verdicts);
    CHECK(*out != NULL, RATLS_ERR_INTERNAL, WHAT("a tunnel without a verdict"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status copy_result(ratls_result **out, const ratls_tunnel *tunnel, int fd, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verdict *verdict = NULL;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    TRY(check_owner(tunnel, err));
    TRY(find_verdict(&verdict, tunnel, fd, err));
    TRY(ratls_result_copy(out, ratls_verdict_result(verdict), err));
    status = RATLS_OK;
out:
    ratls_verdict_free(verdict);
    return status;
}

ratls_status ratls_tunnel_result(ratls_result **out, const ratls_tunnel *tunnel, ratls_error **err)
{
    return copy_result(out, tunnel, NEWEST, err);
}

ratls_status ratls_tunnel_result_of(ratls_result **out, const ratls_tunnel *tunnel, int32_t fd, ratls_error **err)
{
    /* A descriptor that is none must not ask for the newest. */
    return copy_result(out, tunnel, fd < 0 ? NO_DESCRIPTOR : fd, err);
}

ratls_status ratls_tunnel_evidence(char **json, const ratls_tunnel *tunnel, int32_t fd, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verdict *verdict = NULL;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(json != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "json"), WHAT("it is NULL"));
    *json = NULL;
    TRY(check_owner(tunnel, err));
    TRY(find_verdict(&verdict, tunnel, fd, err));
    TRY(ratls_verifier_evidence(json, tunnel->verifier, ratls_verdict_certificate(verdict), ratls_verdict_result(verdict), err));
    status = RATLS_OK;
out:
    ratls_verdict_free(verdict);
    return status;
}

ratls_error *ratls_tunnel_last_error(const ratls_tunnel *tunnel)
{
    ratls_error *error = NULL;

    if (check_owner(tunnel, &error) != RATLS_OK) {
        return error;
    }
    (void)pthread_mutex_lock(tunnel->lock);
    error = ratls_error_copy(tunnel->last_error);
    (void)pthread_mutex_unlock(tunnel->lock);
    return error;
}

char *ratls_tunnel_stats(const ratls_tunnel *tunnel)
{
    ratls_text text = {0};

    if (check_owner(tunnel, NULL) != RATLS_OK) {
        return NULL;
    }
    ratls_text_add(&text, "{\"connections_now\":");
    ratls_text_add_number(&text, (int64_t)ratls_acceptor_serving(tunnel->acceptor));
    ratls_text_add(&text, ",\"connections_total\":");
    ratls_text_add_number(&text, (int64_t)ratls_acceptor_total(tunnel->acceptor));
    ratls_text_add(&text, ",\"connections_refused\":");
    ratls_text_add_number(&text, (int64_t)atomic_load(&tunnel->refused));
    ratls_text_add(&text, ",\"bytes_to_upstream\":");
    ratls_text_add_number(&text, (int64_t)atomic_load(&tunnel->counters.to_upstream));
    ratls_text_add(&text, ",\"bytes_from_upstream\":");
    ratls_text_add_number(&text, (int64_t)atomic_load(&tunnel->counters.from_upstream));
    ratls_text_add(&text, "}");
    return ratls_text_take(&text);
}

void ratls_tunnel_close(ratls_tunnel *tunnel)
{
    if (tunnel == NULL) {
        return;
    }
    if (tunnel->owner != getpid()) {
        /* A child has neither the threads nor a say on their connections, and a lock may be held for ever: it lets
         * go of the socket's descriptors and leaves the rest as the fork left it. */
        ratls_socket_directory_forget(tunnel->directory);
        tunnel->directory = NULL;
        return;
    }
    ratls_cancel_trigger(tunnel->closing);
    ratls_acceptor_stop(tunnel->acceptor);
    ratls_socket_directory_close(tunnel->directory);
    ratls_verdicts_free(tunnel->verdicts);
    ratls_error_free(tunnel->last_error);
    ratls_verifier_free(tunnel->verifier);
    ratls_cancel_free(tunnel->closing);
    ratls_tunnel_settings_clear(&tunnel->settings);
    if (tunnel->lock != NULL) {
        (void)pthread_mutex_destroy(tunnel->lock);
    }
    free(tunnel->lock);
    free(tunnel);
}

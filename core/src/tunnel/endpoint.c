#include "tunnel/endpoint.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tunnel/acceptor.h"
#include "tunnel/keeper.h"
#include "tunnel/tls_context.h"
#include "verifier/verifier.h"

struct ratls_endpoint {
    ratls_tunnel_settings settings;
    ratls_verifier *verifier;
    ratls_cancel *closing;
    SSL_CTX *tls;
    _Atomic(ratls_socket_directory *) directory;
    ratls_acceptor *acceptor;
    ratls_follower *follower; /* NULL without a leader */
    ratls_service service;
    ratls_pump_counters counters;
    ratls_verdicts *verdicts;
    atomic_uint_least64_t refused;
    bool locks_made;
    ratls_spare spare;
    pthread_mutex_t lock; /* of the one that follows */
    ratls_error *last_error;
};

/* Tell the caller's log. */
static void warn(void *user, const ratls_error *error)
{
    const ratls_endpoint *endpoint = user;
    const ratls_tunnel_settings *settings = &endpoint->settings;
    ratls_text line = {0};
    char *taken;

    if (settings->log == NULL) {
        return;
    }
    ratls_text_add(&line, "tunnel to ");
    ratls_text_add(&line, settings->upstream.label);
    ratls_text_add(&line, ": ");
    ratls_text_add(&line, ratls_error_message(error, settings->spelling));
    taken = ratls_text_take(&line);
    if (taken != NULL) {
        settings->log(settings->log_user, taken);
    }
    free(taken);
}

/* A connection failed; a tunnel that is closing fails them all, which is no news. */
static void keep_failure(void *user, const ratls_error *error, bool was_open)
{
    ratls_endpoint *endpoint = user;
    ratls_error *copy, *older;

    if (ratls_cancel_triggered(endpoint->closing)) {
        return;
    }
    atomic_fetch_add(&endpoint->refused, was_open ? 0 : 1);
    copy = ratls_error_copy(error);
    (void)pthread_mutex_lock(&endpoint->lock);
    older = endpoint->last_error;
    endpoint->last_error = copy;
    (void)pthread_mutex_unlock(&endpoint->lock);
    ratls_error_free(older);
}

static ratls_status make_locks(ratls_endpoint *endpoint, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(pthread_mutex_init(&endpoint->lock, NULL) == 0, RATLS_ERR_OUT_OF_MEMORY);
    status = ratls_spare_begin(&endpoint->spare, err);
    if (status != RATLS_OK) {
        (void)pthread_mutex_destroy(&endpoint->lock);
        goto out;
    }
    endpoint->locks_made = true;
out:
    return status;
}

static ratls_status fill_endpoint(ratls_endpoint *endpoint, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    atomic_init(&endpoint->directory, NULL);
    atomic_init(&endpoint->refused, 0);
    atomic_init(&endpoint->counters.to_upstream, 0);
    atomic_init(&endpoint->counters.from_upstream, 0);
    TRY(make_locks(endpoint, err));
    TRY(ratls_verdicts_new(&endpoint->verdicts, err));
    TRY(ratls_cancel_new(&endpoint->closing, err));
    endpoint->service = (ratls_service){
        .upstream = &endpoint->settings.upstream,
        .leader = endpoint->settings.leader,
        .drain_ms = endpoint->settings.drain_ms,
        .judge = {.verifier = endpoint->verifier, .policy = &endpoint->settings.policy},
        .closing = endpoint->closing,
        .spelling = endpoint->settings.spelling,
        .counters = &endpoint->counters,
        .verdicts = endpoint->verdicts,
        .spare = &endpoint->spare,
        .user = endpoint,
        .failed = keep_failure,
        .warn = warn,
    };
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_endpoint_new(
    ratls_endpoint **out, ratls_verifier *verifier, ratls_tunnel_settings *settings, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_endpoint *endpoint = NULL;

    *out = NULL;
    endpoint = calloc(1, sizeof *endpoint);
    CHECK(endpoint != NULL, RATLS_ERR_OUT_OF_MEMORY);
    endpoint->settings = *settings;
    memset(settings, 0, sizeof *settings);
    endpoint->verifier = ratls_verifier_hold(verifier);
    TRY(fill_endpoint(endpoint, err));
    *out = endpoint;
    endpoint = NULL;
    status = RATLS_OK;
out:
    ratls_endpoint_close(endpoint);
    ratls_tunnel_settings_clear(settings);
    return status;
}

/* Whether the connection is given up to hear what the server thinks of our certificate: once, as long as that is the same. */
static bool must_ask_server(const ratls_endpoint *endpoint, const ratls_attested *attested)
{
    ratls_keeper *keeper = endpoint->settings.upstream.keeper;

    return ratls_stream_is_judged_later(attested->stream) && (keeper == NULL || !ratls_keeper_is_proven(keeper));
}

static ratls_status ask_server(ratls_attested *attested, const ratls_upstream *upstream, ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = ratls_attested_part(attested, upstream, cancel, err);

    if (upstream->keeper != NULL && status == RATLS_OK) {
        ratls_keeper_prove(upstream->keeper);
    } else if (upstream->keeper != NULL) {
        (void)ratls_keeper_refused(upstream->keeper);
    }
    return status;
}

/* One attested handshake, so that a refusal is told to who opens the tunnel. For a driver of this process, which is
 * about to come, the connection is kept; when other processes come nobody knows. */
static ratls_status attest_first(ratls_endpoint *endpoint, ratls_cancel *cancel, ratls_error **err)
{
    ratls_attested attested = {.fd = -1};
    ratls_destination destination = {0};
    ratls_verdict *verdict = NULL;
    ratls_status status = ratls_connection_reach(&attested, &verdict, &destination, &endpoint->service, cancel, err);

    if (status == RATLS_OK) {
        ratls_verdicts_add(endpoint->verdicts, verdict);
        if (endpoint->settings.peer == RATLS_PEER_SAME_PROCESS && !must_ask_server(endpoint, &attested)) {
            ratls_spare_keep(&endpoint->spare, &attested, &destination);
        } else {
            status = ask_server(&attested, &destination.upstream, cancel, err);
        }
    }
    ratls_attested_close(&attested);
    ratls_destination_clear(&destination);
    return status;
}

ratls_status ratls_endpoint_start(ratls_endpoint *endpoint, ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_tunnel_settings *settings = &endpoint->settings;
    ratls_socket_directory *directory = NULL;

    /* The directory first: a wrong one is the caller's mistake and needs no server to be found. */
    TRY(ratls_socket_directory_open(&directory, settings->socket_dir, settings->port, settings->peer, err));
    atomic_store(&endpoint->directory, directory);
    /* Once for all connections: making it costs a good part of a handshake, and nothing in it changes. */
    TRY(ratls_tls_context_new(&endpoint->tls, err));
    endpoint->settings.upstream.tls = endpoint->tls;
    TRY(attest_first(endpoint, cancel, err));
    if (settings->leader != NULL) {
        TRY(ratls_follower_start(&endpoint->follower, settings->leader, endpoint->closing, err));
        endpoint->service.follower = endpoint->follower;
    }
    TRY(ratls_acceptor_start(&endpoint->acceptor, directory, &endpoint->service, RATLS_CONNECTIONS_MAX, err));
    status = RATLS_OK;
out:
    return status;
}

void ratls_endpoint_close(ratls_endpoint *endpoint)
{
    if (endpoint == NULL) {
        return;
    }
    ratls_cancel_trigger(endpoint->closing);
    ratls_acceptor_stop(endpoint->acceptor);
    ratls_follower_stop(endpoint->follower);
    ratls_socket_directory_close(atomic_load(&endpoint->directory));
    if (endpoint->locks_made) {
        ratls_spare_end(&endpoint->spare);
        (void)pthread_mutex_destroy(&endpoint->lock);
    }
    ratls_verdicts_free(endpoint->verdicts);
    ratls_error_free(endpoint->last_error);
    ratls_cancel_free(endpoint->closing);
    SSL_CTX_free(endpoint->tls);
    ratls_tunnel_settings_clear(&endpoint->settings);
    ratls_verifier_free(endpoint->verifier);
    free(endpoint);
}

void ratls_endpoint_forget(ratls_endpoint *endpoint)
{
    ratls_socket_directory_forget(atomic_exchange(&endpoint->directory, NULL));
}

const ratls_tunnel_settings *ratls_endpoint_settings(const ratls_endpoint *endpoint)
{
    return &endpoint->settings;
}

ratls_verifier *ratls_endpoint_verifier(const ratls_endpoint *endpoint)
{
    return endpoint->verifier;
}

ratls_verdicts *ratls_endpoint_verdicts(const ratls_endpoint *endpoint)
{
    return endpoint->verdicts;
}

const char *ratls_endpoint_host(const ratls_endpoint *endpoint)
{
    return ratls_socket_directory_host(atomic_load(&endpoint->directory));
}

ratls_error *ratls_endpoint_last_error(ratls_endpoint *endpoint)
{
    ratls_error *copy;

    (void)pthread_mutex_lock(&endpoint->lock);
    copy = ratls_error_copy(endpoint->last_error);
    (void)pthread_mutex_unlock(&endpoint->lock);
    return copy;
}

char *ratls_endpoint_stats(const ratls_endpoint *endpoint)
{
    ratls_text text = {0};

    ratls_text_add(&text, "{\"connections_now\":");
    ratls_text_add_number(&text, (int64_t)ratls_acceptor_serving(endpoint->acceptor));
    ratls_text_add(&text, ",\"connections_total\":");
    ratls_text_add_number(&text, (int64_t)ratls_acceptor_total(endpoint->acceptor));
    ratls_text_add(&text, ",\"connections_refused\":");
    ratls_text_add_number(&text, (int64_t)atomic_load(&endpoint->refused));
    ratls_text_add(&text, ",\"bytes_to_upstream\":");
    ratls_text_add_number(&text, (int64_t)atomic_load(&endpoint->counters.to_upstream));
    ratls_text_add(&text, ",\"bytes_from_upstream\":");
    ratls_text_add_number(&text, (int64_t)atomic_load(&endpoint->counters.from_upstream));
    ratls_text_add(&text, "}");
    return ratls_text_take(&text);
}

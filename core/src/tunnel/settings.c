#include "tunnel/settings.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "base/tables.h"
#include "base/text.h"
#include "leader/leader.h"
#include "tunnel/place.h"
#include "tunnel/verify_options_copy.h"

enum {
    /* The struct's size before anything was appended. */
    TUNNEL_OPTIONS_FIRST_SIZE = offsetof(ratls_tunnel_options, tcp_user_timeout_ms),
    TIMEOUT_MS_MAX = INT32_MAX,
    PORT_MAX = 65535,
    KEEPALIVE_S_MAX = 32767, /* what the kernel takes */
    KEEPALIVE_COUNT_MAX = 127
};

static ratls_status check_range(const char *option, int64_t value, int64_t lowest, int64_t highest, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text range = {0};
    char *expected = NULL;

    if (value >= lowest && value <= highest) {
        return RATLS_OK;
    }
    ratls_text_add_number(&range, lowest);
    ratls_text_add(&range, " to ");
    ratls_text_add_number(&range, highest);
    expected = ratls_text_take(&range);
    CHECK(expected != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RAISE(err, RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", option), FOUND_NUMBER(value), EXPECTED(expected));
out:
    free(expected);
    return status;
}

static ratls_status check_numbers(const ratls_tunnel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(check_range("port", options->port, 0, PORT_MAX, err));
    TRY(check_range("peer", options->peer, RATLS_PEER_SAME_PROCESS, RATLS_PEER_SAME_USER, err));
    TRY(check_range("spelling", options->spelling, 0, RATLS_SPELLING_COUNT - 1, err));
    TRY(check_range("connect_timeout_ms", options->connect_timeout_ms, 0, TIMEOUT_MS_MAX, err));
    TRY(check_range("handshake_timeout_ms", options->handshake_timeout_ms, 0, TIMEOUT_MS_MAX, err));
    TRY(check_range("reserved", options->reserved, 0, 0, err));
    TRY(check_range("tcp_user_timeout_ms", options->tcp_user_timeout_ms, -TIMEOUT_MS_MAX, TIMEOUT_MS_MAX, err));
    TRY(check_range("keepalive_idle_s", options->keepalive_idle_s, -KEEPALIVE_S_MAX, KEEPALIVE_S_MAX, err));
    TRY(check_range("keepalive_interval_s", options->keepalive_interval_s, 0, KEEPALIVE_S_MAX, err));
    TRY(check_range("keepalive_count", options->keepalive_count, 0, KEEPALIVE_COUNT_MAX, err));
    TRY(check_range("start_tls", options->start_tls, 0, 1, err));
    TRY(check_range("leader_drain_ms", options->leader_drain_ms, -TIMEOUT_MS_MAX, TIMEOUT_MS_MAX, err));
    status = RATLS_OK;
out:
    return status;
}

/* A name or address: printable, without spaces, not longer than DNS allows. */
static int or_default(int64_t given, int otherwise)
{
    return given == 0 ? otherwise : (int)given;
}

/* Linux heeds TCP_USER_TIMEOUT and no longer the number of probes where both are set. So that the caller's probes mean what
 * they say, a timeout that was not given is no longer than they take. */
static int default_user_timeout(const ratls_upstream *upstream)
{
    int64_t probes_s = (int64_t)upstream->keepalive_idle_s + (int64_t)upstream->keepalive_interval_s * upstream->keepalive_count;

    return upstream->keepalive_idle_s >= 0 && probes_s * 1000 < RATLS_USER_TIMEOUT_MS ? (int)(probes_s * 1000) : RATLS_USER_TIMEOUT_MS;
}

/* Everything but the names. The numbers were checked. */
static void copy_timing(ratls_upstream *upstream, const ratls_tunnel_options *options)
{
    upstream->connect_timeout_ms = options->connect_timeout_ms;
    upstream->handshake_timeout_ms = or_default(options->handshake_timeout_ms, RATLS_HANDSHAKE_TIMEOUT_MS_DEFAULT);
    upstream->start_tls = options->start_tls == 1;
    upstream->keepalive_idle_s = or_default(options->keepalive_idle_s, RATLS_KEEPALIVE_IDLE_S);
    upstream->keepalive_interval_s = or_default(options->keepalive_interval_s, RATLS_KEEPALIVE_INTERVAL_S);
    upstream->keepalive_count = or_default(options->keepalive_count, RATLS_KEEPALIVE_COUNT);
    upstream->user_timeout_ms = or_default(options->tcp_user_timeout_ms, default_user_timeout(upstream));
}

/* A host, or a cluster: its leader's place is known when it is dialled. */
static ratls_status copy_place(ratls_tunnel_settings *out, const ratls_tunnel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (options->leader == NULL) {
        return ratls_upstream_set_place(&out->upstream, options->host, out->port, options->server_name, err);
    }
    CHECK(options->host == NULL && options->server_name == NULL, RATLS_ERR_UPSTREAM_INVALID,
          FOUND(options->host == NULL ? options->server_name : options->host), EXPECTED("neither host nor server_name beside a leader"));
    out->leader = ratls_leader_hold(options->leader);
    out->upstream.label = strdup(ratls_leader_domain(options->leader));
    CHECK(out->upstream.label != NULL, RATLS_ERR_OUT_OF_MEMORY);
    out->drain_ms = options->leader_drain_ms == 0 ? RATLS_LEADER_DRAIN_MS_DEFAULT : options->leader_drain_ms;
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_tunnel_settings_read(ratls_tunnel_settings *out, const ratls_tunnel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_tunnel_options given;

    memset(out, 0, sizeof *out);
    CHECK(options != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "options"), WHAT("it is NULL"));
    TRY(ratls_options_copy(&given, sizeof given, options, TUNNEL_OPTIONS_FIRST_SIZE, err));
    TRY(check_numbers(&given, err));
    out->port = given.port == 0 ? RATLS_TUNNEL_PORT_DEFAULT : given.port;
    out->peer = given.peer;
    out->spelling = given.spelling;
    out->log = given.log;
    out->log_user = given.log_user;
    TRY(copy_place(out, &given, err));
    copy_timing(&out->upstream, &given);
    TRY(ratls_agent_settings_read(&out->upstream.agent, &given, err));
    TRY(ratls_verify_options_copy(&out->policy, given.verify, err));
    if (given.socket_dir != NULL) {
        out->socket_dir = strdup(given.socket_dir);
        CHECK(out->socket_dir != NULL, RATLS_ERR_OUT_OF_MEMORY);
    }
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_tunnel_settings_clear(out);
    }
    return status;
}

void ratls_tunnel_settings_clear(ratls_tunnel_settings *settings)
{
    ratls_upstream_clear_place(&settings->upstream);
    ratls_leader_free(settings->leader);
    ratls_agent_settings_clear(&settings->upstream.agent);
    free(settings->socket_dir);
    ratls_verify_options_clear(&settings->policy);
    memset(settings, 0, sizeof *settings);
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_upstream(const ratls_upstream *a, const ratls_upstream *b)
{
    return same_text(a->host, b->host) && same_text(a->service, b->service) && same_text(a->server_name, b->server_name) &&
           a->connect_timeout_ms == b->connect_timeout_ms && a->handshake_timeout_ms == b->handshake_timeout_ms &&
           a->start_tls == b->start_tls && a->user_timeout_ms == b->user_timeout_ms && a->keepalive_idle_s == b->keepalive_idle_s &&
           a->keepalive_interval_s == b->keepalive_interval_s && a->keepalive_count == b->keepalive_count &&
           ratls_agent_settings_equal(&a->agent, &b->agent);
}

bool ratls_tunnel_settings_equal(const ratls_tunnel_settings *a, const ratls_tunnel_settings *b)
{
    return same_upstream(&a->upstream, &b->upstream) && ratls_verify_options_equal(&a->policy, &b->policy) && a->log == b->log &&
           a->log_user == b->log_user && a->port == b->port && a->peer == b->peer && a->spelling == b->spelling &&
           ratls_leader_equal(a->leader, b->leader) && a->drain_ms == b->drain_ms;
}

#include "connection.h"

#include <stdlib.h>

#include "cluster.h"
#include "endpoint.h"
#include "number.h"
#include "output.h"

enum { CLI_CONNECT_TIMEOUT_S_MAX = 86400 };

/* Milliseconds that --connect-timeout allows; 0: not given. */
static bool read_timeout(int64_t *out, const cli_arguments *arguments, cli_failure *failure)
{
    const char *text = cli_argument(arguments, "connect_timeout");
    int64_t seconds = 0;

    *out = 0;
    for (const char *next = text; next != NULL && *next != '\0' && seconds <= CLI_CONNECT_TIMEOUT_S_MAX; next++) {
        seconds = *next >= '0' && *next <= '9' ? 10 * seconds + (*next - '0') : CLI_CONNECT_TIMEOUT_S_MAX + 1;
    }
    if (text != NULL && (seconds < 1 || seconds > CLI_CONNECT_TIMEOUT_S_MAX)) {
        return CLI_FAIL(failure, RATLS_ERR_OPTION_VALUE, {"option", "--connect-timeout"}, {"found", text}, {"expected", "1 to 86400 seconds"});
    }
    *out = 1000 * seconds;
    return true;
}

/* What the link to the server is like. */
static bool read_link(ratls_tunnel_options *options, const cli_arguments *arguments, cli_failure *failure)
{
    int32_t user_timeout_ms = 0, drain_ms = 0;
    bool read = cli_number(&user_timeout_ms, arguments, "tcp_user_timeout_ms", "--tcp-user-timeout-ms", failure) &&
                cli_number(&options->keepalive_idle_s, arguments, "keepalive_idle_s", "--keepalive-idle-s", failure) &&
                cli_number(&options->keepalive_interval_s, arguments, "keepalive_interval_s", "--keepalive-interval-s", failure) &&
                cli_number(&options->keepalive_count, arguments, "keepalive_count", "--keepalive-count", failure) &&
                cli_number(&drain_ms, arguments, "leader_drain_ms", "--leader-drain-ms", failure);

    options->tcp_user_timeout_ms = user_timeout_ms;
    options->leader_drain_ms = drain_ms;
    options->start_tls = cli_argument(arguments, "start_tls") != NULL;
    return read;
}

/* How this client attests itself. The environment is read as dstack's own tools read it; whether it counts, the library says. */
static bool read_client(ratls_tunnel_options *options, const cli_arguments *arguments, cli_failure *failure)
{
    bool wanted = cli_argument(arguments, "client_attestation") != NULL, forbidden = cli_argument(arguments, "no_client_attestation") != NULL;
    int32_t timeout_ms = 0;

    if (wanted && forbidden) {
        return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", "--no-client-attestation"}, {"what", "contradicts --client-attestation"});
    }
    if (!cli_number(&timeout_ms, arguments, "dstack_timeout_ms", "--dstack-timeout-ms", failure)) {
        return false;
    }
    options->client_attestation = wanted ? 1 : forbidden ? -1 : 0;
    options->dstack_timeout_ms = timeout_ms;
    options->dstack_socket = cli_argument(arguments, "dstack_socket");
    options->dstack_simulator_endpoint = secure_getenv("DSTACK_SIMULATOR_ENDPOINT");
    if (options->dstack_simulator_endpoint == NULL || options->dstack_simulator_endpoint[0] == '\0') {
        options->dstack_simulator_endpoint = secure_getenv("TAPPD_SIMULATOR_ENDPOINT");
    }
    return true;
}

/* Where to, and how long it may take. options->host borrows `upstream`; endpoint NULL: there is none. */
static bool fill_options(
    ratls_tunnel_options *options, cli_endpoint *upstream, const cli_arguments *arguments, const char *endpoint, cli_failure *failure)
{
    *upstream = (cli_endpoint){0};
    ratls_tunnel_options_init(options, sizeof *options);
    if (!read_timeout(&options->connect_timeout_ms, arguments, failure) || !read_link(options, arguments, failure) ||
        !read_client(options, arguments, failure) ||
        (endpoint != NULL && !cli_endpoint_parse(upstream, endpoint, failure))) {
        return false;
    }
    options->host = upstream->host;
    options->port = upstream->port;
    options->spelling = RATLS_SPELLING_COMMAND;
    return true;
}

bool cli_connection_certificate(uint8_t **der, size_t *der_len, const cli_arguments *arguments, const char *endpoint, cli_failure *failure)
{
    ratls_tunnel_options options;
    cli_endpoint upstream;
    bool fetched;

    if (!fill_options(&options, &upstream, arguments, endpoint, failure)) {
        return false;
    }
    fetched = cli_succeeded(failure, ratls_tunnel_fetch_certificate(der, der_len, &options, NULL, &failure->error));
    cli_endpoint_clear(&upstream);
    return fetched;
}

bool cli_connection_open(
    ratls_tunnel **out, const cli_arguments *arguments, const cli_judge *judge, const char *endpoint,
    const char *socket_dir, ratls_cancel *cancel, cli_failure *failure)
{
    ratls_tunnel_options options;
    cli_endpoint upstream;
    bool opened;

    if (!fill_options(&options, &upstream, arguments, endpoint, failure)) {
        return false;
    }
    options.socket_dir = socket_dir;
    options.verify = ratls_policy_options(judge->policy);
    options.log = cli_output_warning;
    options.peer = RATLS_PEER_SAME_USER;
    opened = (endpoint != NULL || cli_cluster_leader(&options.leader, arguments, options.verify->now, failure)) &&
             cli_succeeded(failure, ratls_tunnel_open(out, judge->verifier, &options, cancel, &failure->error));
    ratls_leader_free(options.leader);
    cli_endpoint_clear(&upstream);
    return opened;
}

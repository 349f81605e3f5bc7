#include "connection.h"

#include <errno.h>
#include <stdlib.h>

#include "endpoint.h"
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

/* A whole number of at most 32 bits; which ones mean something, the library says. 0: not given. */
static bool read_number(int32_t *out, const cli_arguments *arguments, const char *name, const char *flag, cli_failure *failure)
{
    const char *text = cli_argument(arguments, name);
    char *end = NULL;
    long number = 0;

    *out = 0;
    if (text == NULL) {
        return true;
    }
    errno = 0;
    number = strtol(text, &end, 10);
    if ((text[0] != '-' && (text[0] < '0' || text[0] > '9')) || *end != '\0' || end == text || errno != 0 || number < INT32_MIN || number > INT32_MAX) {
        return CLI_FAIL(failure, RATLS_ERR_OPTION_VALUE, {"option", flag}, {"found", text}, {"expected", "a whole number"});
    }
    *out = (int32_t)number;
    return true;
}

/* What the link to the server is like. */
static bool read_link(ratls_tunnel_options *options, const cli_arguments *arguments, cli_failure *failure)
{
    int32_t user_timeout_ms = 0;
    bool read = read_number(&user_timeout_ms, arguments, "tcp_user_timeout_ms", "--tcp-user-timeout-ms", failure) &&
                read_number(&options->keepalive_idle_s, arguments, "keepalive_idle_s", "--keepalive-idle-s", failure) &&
                read_number(&options->keepalive_interval_s, arguments, "keepalive_interval_s", "--keepalive-interval-s", failure) &&
                read_number(&options->keepalive_count, arguments, "keepalive_count", "--keepalive-count", failure);

    options->tcp_user_timeout_ms = user_timeout_ms;
    options->start_tls = cli_argument(arguments, "start_tls") != NULL;
    return read;
}

/* Where to, and how long it may take. options->host borrows `upstream`. */
static bool fill_options(
    ratls_tunnel_options *options, cli_endpoint *upstream, const cli_arguments *arguments, const char *endpoint, cli_failure *failure)
{
    ratls_tunnel_options_init(options, sizeof *options);
    if (!read_timeout(&options->connect_timeout_ms, arguments, failure) || !read_link(options, arguments, failure) ||
        !cli_endpoint_parse(upstream, endpoint, failure)) {
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
    opened = cli_succeeded(failure, ratls_tunnel_open(out, judge->verifier, &options, cancel, &failure->error));
    cli_endpoint_clear(&upstream);
    return opened;
}

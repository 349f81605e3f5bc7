#include "connection.h"

#include "endpoint.h"
#include "output.h"

enum { CLI_CONNECT_TIMEOUT_S_MAX = 86400 };

bool cli_connection_timeout(int64_t *out, const cli_arguments *arguments, cli_failure *failure)
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

bool cli_connection_open(
    ratls_tunnel **out, const cli_arguments *arguments, const cli_judge *judge, const char *endpoint,
    const char *socket_dir, ratls_cancel *cancel, cli_failure *failure)
{
    ratls_tunnel_options options;
    cli_endpoint upstream;
    bool opened;

    ratls_tunnel_options_init(&options, sizeof options);
    if (!cli_connection_timeout(&options.connect_timeout_ms, arguments, failure) || !cli_endpoint_parse(&upstream, endpoint, failure)) {
        return false;
    }
    options.host = upstream.host;
    options.port = upstream.port;
    options.socket_dir = socket_dir;
    options.verify = ratls_policy_options(judge->policy);
    options.log = cli_output_warning;
    options.peer = RATLS_PEER_SAME_USER;
    options.spelling = RATLS_SPELLING_COMMAND;
    opened = ratls_tunnel_open(out, judge->verifier, &options, cancel, &failure->error) == RATLS_OK;
    cli_endpoint_clear(&upstream);
    return opened;
}

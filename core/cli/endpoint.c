#include "endpoint.h"

#include <stdlib.h>
#include <string.h>

enum { CLI_PORT_MAX = 65535 };

static bool parse_port(const char *text, int32_t *out)
{
    int32_t port = 0;

    for (const char *next = text; *next != '\0'; next++) {
        if (*next < '0' || *next > '9' || port > CLI_PORT_MAX) {
            return false;
        }
        port = 10 * port + (*next - '0');
    }
    *out = port;
    return port >= 1 && port <= CLI_PORT_MAX;
}

bool cli_endpoint_parse(cli_endpoint *out, const char *text, cli_failure *failure)
{
    bool bracketed = text[0] == '[';
    const char *start = bracketed ? text + 1 : text;
    const char *end = bracketed ? strchr(start, ']') : strrchr(start, ':');
    const char *colon = bracketed && end != NULL ? end + 1 : end;

    *out = (cli_endpoint){0};
    if (end == NULL || end == start || *colon != ':' || !parse_port(colon + 1, &out->port) ||
        (!bracketed && memchr(start, ':', (size_t)(end - start)) != NULL)) {
        return CLI_FAIL(failure, RATLS_ERR_UPSTREAM_INVALID, {"found", text}, {"expected", "HOST:PORT, an IPv6 address in brackets"});
    }
    out->host = strndup(start, (size_t)(end - start));
    return out->host != NULL || cli_fail_memory(failure);
}

void cli_endpoint_clear(cli_endpoint *endpoint)
{
    free(endpoint->host);
    *endpoint = (cli_endpoint){0};
}

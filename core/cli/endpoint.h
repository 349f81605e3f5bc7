/** HOST:PORT, with an IPv6 address in brackets. */
#ifndef RATLS_CLI_ENDPOINT_H
#define RATLS_CLI_ENDPOINT_H

#include "failure.h"

typedef struct {
    char *host; /* owned */
    int32_t port;
} cli_endpoint;

bool cli_endpoint_parse(cli_endpoint *out, const char *text, cli_failure *failure);

void cli_endpoint_clear(cli_endpoint *endpoint);

#endif

/** The tunnel as the command opens it: from HOST:PORT, the flags and a judge. */
#ifndef RATLS_CLI_CONNECTION_H
#define RATLS_CLI_CONNECTION_H

#include "interrupt.h"
#include "judge.h"

/** The certificate that the server at `endpoint` presents, without any judgement; ratls_bytes_free(). */
bool cli_connection_certificate(uint8_t **der, size_t *der_len, const cli_arguments *arguments, const char *endpoint, cli_failure *failure);

/** Open a tunnel to `endpoint` (HOST:PORT), or to the leader of the flags' cluster where that is NULL. socket_dir NULL: a private one, removed at close. */
bool cli_connection_open(
    ratls_tunnel **out, const cli_arguments *arguments, const cli_judge *judge, const char *endpoint,
    const char *socket_dir, ratls_cancel *cancel, cli_failure *failure);

#endif

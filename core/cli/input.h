/** Files of the user: read whole, with a limit, and turned into bytes from whatever form they came in. */
#ifndef RATLS_CLI_INPUT_H
#define RATLS_CLI_INPUT_H

#include <stdint.h>

#include "failure.h"

enum {
    CLI_EVIDENCE_FILE_MAX = 4 << 20,    /* a certificate of 1 MiB as hexadecimal, and some air */
    CLI_COLLATERAL_FILE_MAX = 16 << 20, /* more than the library takes: it says so itself */
    CLI_SMALL_FILE_MAX = 1 << 20        /* policies and root certificates */
};

/** Owned bytes, followed by a NUL that `len` does not count. */
typedef struct {
    uint8_t *data;
    size_t len;
} cli_bytes;

/** Read a file whole; "-" is standard input. More than `max` bytes is a failure. */
bool cli_input_read(cli_bytes *out, const char *path, size_t max, cli_failure *failure);

/** Read a certificate as DER: from PEM (the first one), DER, hexadecimal or base64. */
bool cli_input_certificate(cli_bytes *out, const char *path, cli_failure *failure);

/** Read a quote's raw bytes: from raw, hexadecimal, base64 or PEM. */
bool cli_input_quote(cli_bytes *out, const char *path, cli_failure *failure);

void cli_bytes_clear(cli_bytes *bytes);

#endif

/** Bytes as people paste them: PEM, hexadecimal or base64, with any line ends; or binary. */
#ifndef RATLS_CLI_DECODE_H
#define RATLS_CLI_DECODE_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    CLI_DECODE_BINARY, /* not text: to be taken as it is */
    CLI_DECODE_TEXT,   /* decoded */
    CLI_DECODE_NONE,   /* text, but of no known form; or empty */
    CLI_DECODE_MEMORY
} cli_decode_outcome;

/** Decode `input`; *out is the caller's to free(), only for CLI_DECODE_TEXT. Of PEM the first block that is
 *  labelled `pem_label` is taken, and text around it is ignored. */
cli_decode_outcome cli_decode(uint8_t **out, size_t *out_len, const uint8_t *input, size_t len, const char *pem_label);

#endif

/** Evidence that was kept beside a verdict (ratls_tunnel_evidence()), to reach the verdict again. */
#ifndef RATLS_CLI_SAVED_H
#define RATLS_CLI_SAVED_H

#include "input.h"

enum { CLI_SAVED_FILE_MAX = 32 << 20 };

/** What the file holds; each part is as its own flag's file would be, empty where the file says null. */
typedef struct {
    cli_bytes certificate;  /* DER */
    cli_bytes collateral;   /* a bundle */
    cli_bytes trust_anchor; /* PEM */
    char *verified_at;
} cli_saved;

/** Read the file, strictly: exactly the known members, and a quote that is the certificate's own. */
bool cli_saved_read(cli_saved *out, const char *path, cli_failure *failure);

void cli_saved_clear(cli_saved *saved);

#endif

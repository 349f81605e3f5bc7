/** Attestation reports of sidecars, as the command gets them: from a file, or from a URL. */
#ifndef RATLS_CLI_REPORT_H
#define RATLS_CLI_REPORT_H

#include "arguments.h"
#include "input.h"

/** It is a URL, of whatever scheme, and not a file. */
bool cli_report_is_url(const char *where);

/** Read the report: a file, - for standard input, or http:// or https://. `timeout_ms` and `cancel` (may be NULL) are for URLs. */
bool cli_report_read(
    cli_bytes *out, const char *where, const cli_arguments *arguments, int64_t timeout_ms, ratls_cancel *cancel, cli_failure *failure);

#endif

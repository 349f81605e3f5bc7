/** What the command prints: one JSON object, or a report for people with errors on standard error. */
#ifndef RATLS_CLI_OUTPUT_H
#define RATLS_CLI_OUTPUT_H

#include "arguments.h"

/** Print an object, deleted here, as one line of JSON. NULL is a failure of memory. */
bool cli_output_json(cJSON *object, cli_failure *failure);

/** Push out what was printed; a failure when standard output does not take it. */
bool cli_output_flush(cli_failure *failure);

/** {"accepted", "verified", "result"} of an acceptance, the caller's; NULL when memory ran out. */
cJSON *cli_output_accepted(const ratls_result *result);

/** Tell a failure: as JSON (the verdict's shape where `verdict`) or as a line on standard error. */
void cli_output_failure(const cli_failure *failure, bool json, bool verdict);

/** The fields that are there, one a line; lists are left out. */
void cli_output_fields(const cJSON *fields);

/** The verdict of a verification for people, with how long it took. */
void cli_output_verdict(const ratls_result *result, int64_t milliseconds);

/** A warning of the library (ratls_log_callback): to standard error. */
void cli_output_warning(void *user, const char *message);

#endif

/** Why the command stops: an error of the library's, or one that the command found itself, from the same table. */
#ifndef RATLS_CLI_FAILURE_H
#define RATLS_CLI_FAILURE_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "ratls/ratls.h"

/** Zero is "no failure". */
typedef struct {
    ratls_error *error; /* the library's; NULL: the command's own, in what follows */
    ratls_status code;
    cJSON *details; /* name → text */
    bool told;      /* what was printed says it already */
} cli_failure;

/** A detail of the command's own failures; a list of them ends with a NULL name. */
typedef struct {
    const char *name;
    const char *value;
} cli_detail;

enum { CLI_DETAILS_MAX = 4 };

/** Note a failure of the command's own. Always false, for `return cli_fail(…)`. */
bool cli_fail(cli_failure *failure, ratls_status code, const cli_detail details[CLI_DETAILS_MAX + 1]);

/** cli_fail() with the details written out: CLI_FAIL(failure, CODE, {"path", path}, {"what", what}). */
#define CLI_FAIL(failure, code, ...) \
    cli_fail((failure), (code), (const cli_detail[CLI_DETAILS_MAX + 1]){__VA_ARGS__})

/** Memory ran out. Always false. */
bool cli_fail_memory(cli_failure *failure);

/** True when a call of the library's succeeded. Its error went to failure->error; one that it had no memory to make
 *  is told by its status alone. */
bool cli_succeeded(cli_failure *failure, ratls_status status);

/** Exit status of a failure: by its class. */
int cli_failure_exit(const cli_failure *failure);

ratls_status cli_failure_code(const cli_failure *failure);

/** The sentence, the caller's to free(); NULL when memory ran out. */
char *cli_failure_message(const cli_failure *failure);

/** The error object of JSON output, the caller's; NULL when memory ran out. */
cJSON *cli_failure_json(const cli_failure *failure);

/** What was known of the TCB, the caller's; a JSON null where nothing was. */
cJSON *cli_failure_tcb(const cli_failure *failure);

void cli_failure_clear(cli_failure *failure);

#endif

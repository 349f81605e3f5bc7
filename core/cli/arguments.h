/** The command line, taken apart: what was asked for, the policy as JSON, everything else as text. */
#ifndef RATLS_CLI_ARGUMENTS_H
#define RATLS_CLI_ARGUMENTS_H

#include "failure.h"
#include "flags.h"

typedef struct {
    int command;    /* CLI_INSPECT and so on; 0 with help or version */
    bool help;
    bool version;
    cJSON *policy;  /* options of scope verify, as a policy file has them */
    cJSON *given;   /* the other flags: name → text */
} cli_arguments;

/** True when --json is among the arguments, whatever else is wrong with them. */
bool cli_arguments_want_json(int argc, char *const argv[]);

/** Read the command line; a mistake is a failure of class usage. */
bool cli_arguments_parse(cli_arguments *out, int argc, char *const argv[], cli_failure *failure);

/** Value of a flag by its row's name ("cert", "collateral", …); NULL when it was not given. */
const char *cli_argument(const cli_arguments *arguments, const char *name);

/** The text that --help prints, the caller's to free(); NULL when memory ran out. */
char *cli_arguments_help(void);

void cli_arguments_clear(cli_arguments *arguments);

#endif

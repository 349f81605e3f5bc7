/** Who judges and by which policy: made from the flags, for verify and proxy alike. */
#ifndef RATLS_CLI_JUDGE_H
#define RATLS_CLI_JUDGE_H

#include "arguments.h"
#include "saved.h"

typedef struct {
    ratls_verifier *verifier;
    ratls_policy *policy;
    cli_saved saved; /* of --saved; flags win over what it brings along */
} cli_judge;

bool cli_judge_new(cli_judge *out, const cli_arguments *arguments, cli_failure *failure);

void cli_judge_clear(cli_judge *judge);

#endif

/** The verifier that checks Intel's signing chain on this machine, from the command's flags. */
#ifndef RATLS_CLI_DCAP_H
#define RATLS_CLI_DCAP_H

#include "arguments.h"
#include "saved.h"

/** `saved` (may be NULL) brings the collateral and the anchor that no flag gives. */
bool cli_dcap_verifier(ratls_verifier **out, const cli_arguments *arguments, const cli_saved *saved, cli_failure *failure);

/** The flags that mean something to this verifier alone: NULL ends the list of {name, flag}. */
extern const char *const cli_dcap_flags[][2];

#endif

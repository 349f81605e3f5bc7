/** What the command takes from its environment, since the library takes nothing. */
#ifndef RATLS_CLI_ENVIRONMENT_H
#define RATLS_CLI_ENVIRONMENT_H

#include "arguments.h"

/** The first of these variables that says something; NULL when none does. `second` may be NULL. */
const char *cli_environment(const char *first, const char *second);

/** Proxy and exceptions from it: those of the flags, or else of the environment; NULL: none. */
void cli_environment_proxy(const char **proxy, const char **no_proxy, const cli_arguments *arguments);

/** Where collateral is kept: as the flag says, or else below $XDG_CACHE_HOME or $HOME. *out is the caller's to free(); NULL:
 *  nowhere. */
bool cli_environment_cache_dir(char **out, const cli_arguments *arguments, cli_failure *failure);

#endif

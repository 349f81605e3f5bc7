/** Whole numbers of flags. */
#ifndef RATLS_CLI_NUMBER_H
#define RATLS_CLI_NUMBER_H

#include "arguments.h"

/** A flag's value, of at most 32 bits; which ones mean something, the library says. 0: not given. */
bool cli_number(int32_t *out, const cli_arguments *arguments, const char *name, const char *flag, cli_failure *failure);

#endif

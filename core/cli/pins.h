/** The options that pin what an inspection shows, for copying: as a policy file, and as each language spells them. */
#ifndef RATLS_CLI_PINS_H
#define RATLS_CLI_PINS_H

#include "failure.h"

/** Print the policy that pins this quote; with `json` the policy file alone. */
bool cli_pins_print(const ratls_quote *quote, bool json, cli_failure *failure);

#endif

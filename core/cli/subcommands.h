/** The subcommands. Each prints what it found unless it fails, and false means that `failure` says why. */
#ifndef RATLS_CLI_SUBCOMMANDS_H
#define RATLS_CLI_SUBCOMMANDS_H

#include "arguments.h"

bool cli_inspect(const cli_arguments *arguments, bool json, cli_failure *failure);
bool cli_verify(const cli_arguments *arguments, bool json, cli_failure *failure);
bool cli_leader(const cli_arguments *arguments, bool json, cli_failure *failure);
bool cli_proxy(const cli_arguments *arguments, bool json, cli_failure *failure);
bool cli_watch(const cli_arguments *arguments, bool json, cli_failure *failure);
bool cli_compose_hash(const cli_arguments *arguments, bool json, cli_failure *failure);
bool cli_collateral(const cli_arguments *arguments, bool json, cli_failure *failure);

#endif

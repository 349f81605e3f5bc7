/** The cluster whose leader is meant: from its domain, who signs its records, and the flags beside them. */
#ifndef RATLS_CLI_CLUSTER_H
#define RATLS_CLI_CLUSTER_H

#include "arguments.h"

/** The leader of the flags' cluster, looked at as of `now` (0: the clock); ratls_leader_free(). */
bool cli_cluster_leader(ratls_leader **out, const cli_arguments *arguments, int64_t now, cli_failure *failure);

#endif

/** The verifier that asks Intel Trust Authority, from its flags. */
#ifndef RATLS_CLI_INTEL_H
#define RATLS_CLI_INTEL_H

#include "arguments.h"

/** The key is in the file that --api-key-file names, or in INTEL_TRUST_AUTHORITY_API_KEY. */
bool cli_intel_verifier(ratls_verifier **out, const cli_arguments *arguments, cli_failure *failure);

#endif

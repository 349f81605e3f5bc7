/** Intel Trust Authority in conformance cases: a verifier that asks the stand-in which runs beside the runner. */
#ifndef RATLS_CONFORMANCE_RUNNER_INTEL_H
#define RATLS_CONFORMANCE_RUNNER_INTEL_H

#include <cjson/cJSON.h>

#include "ratls/ratls.h"

/** Where the stand-in is: read from the file that RATLS_INTEL_STANDIN names; NULL when it names none. Ends the run when
 *  the file cannot be used. */
cJSON *intel_standin_read(void);

/** A verifier for what a case says of it (its `verifier.intel`), with these pinned roots (NULL: none). */
ratls_status intel_verifier_new(
    ratls_verifier **out, const cJSON *standin, const cJSON *intel, const uint8_t *pinned_roots, size_t pinned_roots_len, ratls_error **err);

#endif

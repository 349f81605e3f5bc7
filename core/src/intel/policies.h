/** The policies that the service appraised it by (Intel rules 4.10). */
#ifndef RATLS_INTEL_POLICIES_H
#define RATLS_INTEL_POLICIES_H

#include <cjson/cJSON.h>

#include "intel/config.h"

#define CLAIM(name) ratls_detail_text("claim", (name))

/** Every policy that was asked for is among the matched ones and none is among the unmatched; nor is any other, unless
 *  the options allow it. The lists may be at the top or beside the attester's claims. */
ratls_status ratls_intel_policies_check(const cJSON *payload, const cJSON *attester, const ratls_intel_config *config, ratls_error **err);

#endif

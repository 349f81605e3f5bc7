/** The claims that a caller's own verifier answers with, as JSON: strict, since they decide. */
#ifndef RATLS_VERIFIER_CUSTOM_CLAIMS_H
#define RATLS_VERIFIER_CUSTOM_CLAIMS_H

#include "policy/claims.h"

/** Out: claims; cleared first, empty unless RATLS_OK. tcb_status must be there; null stands for an absent member elsewhere.
 *  USER_VERIFIER_CLAIMS for anything else than what ratls_custom_accept() documents. */
ratls_status ratls_custom_claims_parse(ratls_claims *out, ratls_bytes json, ratls_error **err);

#endif

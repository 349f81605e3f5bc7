/** What chains are checked under: the anchor, ready for use. */
#ifndef RATLS_DCAP_TRUST_H
#define RATLS_DCAP_TRUST_H

#include "base/p256.h"
#include "dcap/dcap.h"

typedef struct {
    ratls_trust_anchor anchor; /* owned */
    ratls_p256_curve *curve;
    ratls_p256_key *root_key;
} ratls_trust;

ratls_status ratls_trust_make(ratls_trust *out, const ratls_trust_anchor *anchor, ratls_error **err);
void ratls_trust_clear(ratls_trust *trust);

#endif

/** DCAP verification: collateral and anchor → prepared; quote, prepared and time → claims. No I/O, no clock. */
#ifndef RATLS_DCAP_DCAP_H
#define RATLS_DCAP_DCAP_H

#include "dcap/bundle.h"
#include "evidence/quote.h"
#include "policy/claims.h"

/** The root key that is believed; see trust_anchor.c. */
typedef struct {
    uint8_t spki_sha256[32]; /* SHA-256 of the root's SubjectPublicKeyInfo */
    uint8_t spki[91];
    uint8_t certificate_sha256[32]; /* of the root certificate that is known to be as its key signed it */
    ratls_bytes subject;     /* Name that the root must have; borrows `storage` or a constant */
    char name[65];           /* "intel", or SHA-256 of the certificate given, in hex */
    bool intel;              /* the one that is built in, and with it what is known of Intel's certificates */
    void *storage;
} ratls_trust_anchor;

/** Intel's SGX root key, built in. */
void ratls_trust_anchor_intel(ratls_trust_anchor *out);

/** A root certificate of the caller's, PEM or DER. */
ratls_status ratls_trust_anchor_parse(ratls_trust_anchor *out, ratls_bytes certificate, ratls_error **err);

/** A copy with a storage of its own. */
ratls_status ratls_trust_anchor_copy(ratls_trust_anchor *out, const ratls_trust_anchor *anchor, ratls_error **err);

void ratls_trust_anchor_clear(ratls_trust_anchor *anchor);

/** The anchor ready for use, and what was verified under it before: signatures and PCK chains, bounded, each by everything
 *  that it depends on. One per verifier; safe to share between threads. */
typedef struct ratls_trust ratls_trust;

ratls_status ratls_trust_new(ratls_trust **out, const ratls_trust_anchor *anchor, ratls_error **err);

/** Take another hold; each is let go with ratls_trust_free(), which accepts NULL. */
ratls_trust *ratls_trust_hold(ratls_trust *trust);
void ratls_trust_free(ratls_trust *trust);

/** Collateral with every signature on it verified; safe to share between threads. It holds its trust. */
typedef struct ratls_prepared ratls_prepared;

/** Verify what can be verified without a quote and without a time: chains, names, roles, CRL and JSON
 *  signatures, formats. Dates and revocation are kept for each use. Collateral that replaces other is prepared under
 *  the same trust: what has not changed is known then. */
ratls_status ratls_prepare(ratls_prepared **out, const ratls_collateral *collateral, ratls_trust *trust, ratls_error **err);

void ratls_prepared_free(ratls_prepared *prepared);

/** Every check of the DCAP rules, section 3, on this quote at this time; the TCB verdict is in the
 *  claims, whatever it is: whether it is acceptable is the policy's. Out: claims, cleared first. */
ratls_status ratls_dcap_verify(ratls_claims *out, const ratls_parsed_quote *quote, const ratls_prepared *prepared, int64_t now, ratls_error **err);

/** What must still hold when a cached verdict on this quote is used again: the PCK chain and its CRL, dates and
 *  revocation at `now`. The levels are not looked at: the verdict was reached with this collateral. */
ratls_status ratls_dcap_recheck(const ratls_parsed_quote *quote, const ratls_prepared *prepared, int64_t now, ratls_error **err);

#endif

/** What chains are checked under: the anchor, ready for use, and what was verified under it before. One per verifier. */
#ifndef RATLS_DCAP_TRUST_H
#define RATLS_DCAP_TRUST_H

#include <stdatomic.h>

#include "base/digest.h"
#include "base/p256.h"
#include "dcap/dcap.h"
#include "dcap/known.h"

struct ratls_trust {
    atomic_size_t holds;
    ratls_trust_anchor anchor; /* owned */
    ratls_p256_curve *curve;
    ratls_p256_key *root_key;
    ratls_known *signatures; /* that verified, by key, message and signature */
    ratls_known *chains;     /* PCK chains that were verified, by their text */
};

/** Whose signature it is. */
typedef struct {
    const ratls_p256_key *key;
    ratls_bytes spki; /* the key's SubjectPublicKeyInfo */
} ratls_signer;

/** The root's key. */
ratls_signer ratls_trust_root(const ratls_trust *trust);

/** `signature64` (r ‖ s) over a message with this SHA-256 is the signer's. What verified before is known to. */
bool ratls_trust_verify(
    ratls_trust *trust, const ratls_signer *signer, const uint8_t message_sha256[RATLS_SHA256_LEN],
    const uint8_t signature64[RATLS_P256_SIGNATURE_LEN]);

/** Ecdsa-Sig-Value in strict DER. */
bool ratls_trust_verify_der(
    ratls_trust *trust, const ratls_signer *signer, const uint8_t message_sha256[RATLS_SHA256_LEN], ratls_bytes signature);

/** A certificate that is known, by the digest of its whole DER, to be as the root signed it: the few that are the same on
 *  every machine. Under a root that is not Intel's none is. */
bool ratls_trust_recognises(const ratls_trust *trust, ratls_bytes der);

#endif

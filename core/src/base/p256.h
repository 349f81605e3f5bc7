/** ECDSA on P-256 with SHA-256, by OpenSSL, without its X.509 decoders (each costs more than a signature). */
#ifndef RATLS_BASE_P256_H
#define RATLS_BASE_P256_H

#include "base/bytes.h"

enum {
    RATLS_P256_POINT_LEN = 64,
    RATLS_P256_SIGNATURE_LEN = 64,
    RATLS_P256_SPKI_LEN = 91 /* of the only form that is accepted */
};

/** The curve's parameters, set up once: setting them up costs several times what a key on them costs. */
typedef struct ratls_p256_curve ratls_p256_curve;

/** NULL when out of memory. Immutable, safe to share between threads. */
ratls_p256_curve *ratls_p256_curve_new(void);

/** Keys that were made on the curve outlive it. */
void ratls_p256_curve_free(ratls_p256_curve *curve);

/** Immutable, safe to share between threads. */
typedef struct ratls_p256_key ratls_p256_key;

/** A key from X ‖ Y, big-endian; NULL when that is not a point on the curve (or out of memory). */
ratls_p256_key *ratls_p256_key_new(const ratls_p256_curve *curve, const uint8_t point64[RATLS_P256_POINT_LEN]);

/** A key from a SubjectPublicKeyInfo: id-ecPublicKey, named curve prime256v1, uncompressed. */
ratls_p256_key *ratls_p256_key_from_spki(const ratls_p256_curve *curve, ratls_bytes spki);

void ratls_p256_key_free(ratls_p256_key *key);

/** r ‖ s, big-endian, over the SHA-256 of `message`; false for anything but a valid signature. */
bool ratls_p256_verify_raw(const ratls_p256_key *key, ratls_bytes message, const uint8_t signature64[RATLS_P256_SIGNATURE_LEN]);

/** r ‖ s over a message with this SHA-256. */
bool ratls_p256_verify_digest(const ratls_p256_key *key, const uint8_t digest[32], const uint8_t signature64[RATLS_P256_SIGNATURE_LEN]);

/** Ecdsa-Sig-Value in strict DER as r ‖ s; false when it is anything else. */
bool ratls_p256_signature_from_der(uint8_t out[RATLS_P256_SIGNATURE_LEN], ratls_bytes signature);

/** Ecdsa-Sig-Value in strict DER over the SHA-256 of `message`. */
bool ratls_p256_verify_der(const ratls_p256_key *key, ratls_bytes message, ratls_bytes signature);

#endif

/** Who made an ECDSA signature on secp256k1, by OpenSSL's arithmetic. */
#ifndef RATLS_LEADER_SECP256K1_H
#define RATLS_LEADER_SECP256K1_H

#include "base/error.h"

enum {
    RATLS_SECP256K1_DIGEST_LEN = 32,
    RATLS_SECP256K1_SCALAR_LEN = 32,
    RATLS_SECP256K1_SIGNATURE_LEN = 65, /* r ‖ s ‖ v */
    RATLS_SECP256K1_POINT_LEN = 64,     /* X ‖ Y */
    RATLS_ADDRESS_LEN = 20
};

/** The public key X ‖ Y under which the signature r ‖ s ‖ v is one of the digest; v is 0, 1, 27 or 28.
 *
 *  Fails with LEADER_SIGNATURE_FORMAT when there is no such key: r or s out of range, another v, r not the X of a point.
 *  High values of s are accepted: what counts is who signed, not that there is one signature only. */
ratls_status ratls_secp256k1_recover(
    uint8_t point[RATLS_SECP256K1_POINT_LEN], const uint8_t digest[RATLS_SECP256K1_DIGEST_LEN],
    const uint8_t signature[RATLS_SECP256K1_SIGNATURE_LEN], ratls_error **err);

/** Ethereum's address of a public key: the last bytes of its Keccak-256. */
void ratls_address_of(uint8_t address[RATLS_ADDRESS_LEN], const uint8_t point[RATLS_SECP256K1_POINT_LEN]);

#endif

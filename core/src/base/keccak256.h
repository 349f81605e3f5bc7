/** Keccak-256 as Ethereum has it: the padding of before FIPS 202, which OpenSSL 3.0 does not offer. */
#ifndef RATLS_BASE_KECCAK256_H
#define RATLS_BASE_KECCAK256_H

#include "base/bytes.h"

enum { RATLS_KECCAK256_LEN = 32 };

/** Digest of a ‖ b; either may be empty. Cannot fail. */
void ratls_keccak256(uint8_t out[RATLS_KECCAK256_LEN], ratls_bytes a, ratls_bytes b);

#endif

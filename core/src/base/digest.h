/** SHA-2, by OpenSSL. */
#ifndef RATLS_BASE_DIGEST_H
#define RATLS_BASE_DIGEST_H

#include "base/error.h"

enum { RATLS_SHA256_LEN = 32, RATLS_SHA384_LEN = 48, RATLS_SHA512_LEN = 64 };

/** Digest of a ‖ b; either may be empty. */
ratls_status ratls_sha256(uint8_t out[RATLS_SHA256_LEN], ratls_bytes a, ratls_bytes b, ratls_error **err);
ratls_status ratls_sha384(uint8_t out[RATLS_SHA384_LEN], ratls_bytes a, ratls_bytes b, ratls_error **err);
ratls_status ratls_sha512(uint8_t out[RATLS_SHA512_LEN], ratls_bytes a, ratls_bytes b, ratls_error **err);

#endif

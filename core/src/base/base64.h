/** Base64 (RFC 4648), read strictly: no white space, exact padding, unused bits zero. */
#ifndef RATLS_BASE_BASE64_H
#define RATLS_BASE_BASE64_H

#include "base/bytes.h"

typedef enum {
    RATLS_BASE64_OK,
    RATLS_BASE64_MALFORMED,
    RATLS_BASE64_OUT_OF_MEMORY
} ratls_base64_outcome;

/** Standard alphabet with padding. *out is the caller's to free(), never NULL on success. */
ratls_base64_outcome ratls_base64_decode(uint8_t **out, size_t *out_len, ratls_bytes text);

/** The same into `out`, which has room for three bytes for each group of four; false when the text is malformed. */
bool ratls_base64_decode_into(uint8_t *out, size_t *out_len, ratls_bytes text);

/** The alphabet for URLs, without padding. *out is the caller's to free(), never NULL on success. */
ratls_base64_outcome ratls_base64url_decode(uint8_t **out, size_t *out_len, ratls_bytes text);

/** Standard alphabet with padding, the caller's to free(); NULL when out of memory. */
char *ratls_base64_encode(ratls_bytes bytes);

#endif

/** Base64 (RFC 4648), read strictly: no white space, exact padding, unused bits zero. */
#ifndef RATLS_BASE_BASE64_H
#define RATLS_BASE_BASE64_H

#include "base/bytes.h"

/** Standard alphabet with padding. *out is the caller's to free(), never NULL on success. */
bool ratls_base64_decode(uint8_t **out, size_t *out_len, ratls_bytes text);

/** The alphabet for URLs, without padding. *out is the caller's to free(), never NULL on success. */
bool ratls_base64url_decode(uint8_t **out, size_t *out_len, ratls_bytes text);

/** Standard alphabet with padding, the caller's to free(); NULL when out of memory. */
char *ratls_base64_encode(ratls_bytes bytes);

#endif

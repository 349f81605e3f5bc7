/** A private key on P-256 in PKCS#8 (RFC 5958, RFC 5915), read strictly and without a copy. */
#ifndef RATLS_AGENT_PRIVATE_KEY_H
#define RATLS_AGENT_PRIVATE_KEY_H

#include "base/bytes.h"

enum { RATLS_P256_SCALAR_LEN = 32 };

/** The private scalar, big-endian, borrowed from `pkcs8`, which must be one PrivateKeyInfo for prime256v1. */
bool ratls_private_key_read(ratls_bytes *scalar, ratls_bytes pkcs8);

#endif

/** The one TLS client configuration of the tunnel, whatever the system's OpenSSL configuration file says. */
#ifndef RATLS_TUNNEL_TLS_CONTEXT_H
#define RATLS_TUNNEL_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "base/error.h"

/** The application protocol that is offered; PostgreSQL 17 and later ask for the offer. */
#define RATLS_TLS_ALPN "postgresql"

enum {
    /* Bytes of the peer's Certificate message: an RA-TLS leaf carries its evidence, so it may be far
     * above 16 KiB (evidence format 6.6); one leaf of the largest size plus a chain. */
    RATLS_TLS_CERTIFICATES_MAX = (1 << 20) + (1 << 18),
    RATLS_TLS_SECURITY_LEVEL = 2, /* 112 bits: RSA 2048, P-224 and better */
    RATLS_TLS_KEY_BITS_MIN = 112  /* the same for the leaf's key, whose chain OpenSSL does not look at */
};

/** A client of TLS 1.2 and 1.3: forward-secret AEAD suites only, no resumption, no compression, no
 *  renegotiation. The chain is not validated: identity comes from the quote; the peer's proof that it
 *  holds its certificate's key is checked by the handshake as always. */
ratls_status ratls_tls_context_new(SSL_CTX **out, ratls_error **err);

#endif

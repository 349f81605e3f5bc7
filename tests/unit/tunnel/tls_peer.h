/** The other end of the tunnel's TLS, for tests: keys and certificates made on the spot, and OpenSSL servers. */
#ifndef TESTS_TUNNEL_TLS_PEER_H
#define TESTS_TUNNEL_TLS_PEER_H

#include <openssl/ssl.h>

#include "base/bytes.h"

/** A fresh P-256 key. */
EVP_PKEY *peer_key_new(void);

/** A self-signed certificate. `oid` (may be NULL): an extension with `value` in an OCTET STRING. */
X509 *peer_certificate_new(EVP_PKEY *key, const char *oid, ratls_bytes value);

/** SubjectPublicKeyInfo of a certificate: free with OPENSSL_free(). */
ratls_bytes peer_spki(const X509 *certificate);

/** A server's settings. Everything at zero or NULL is the ordinary thing. */
typedef struct {
    EVP_PKEY *key;
    X509 *certificate;       /* NULL: anonymous suites, no certificate */
    int max_version;         /* 0: TLS 1.3 */
    const char *ciphers;     /* TLS 1.2 and below */
    const char *alpn;        /* what it answers, offered or not; NULL: nothing */
} peer_settings;

SSL_CTX *peer_context_new(const peer_settings *settings);

#endif

#include "tunnel/tls_context.h"

#include <openssl/err.h>

#include "base/openssl_start.h"

#define TLS12_SUITES                                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"     \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:"       \
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256"
#define TLS13_SUITES "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
#define GROUPS "X25519:P-256:P-384:P-521"
#define SIGNATURES                                                          \
    "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:" \
    "ed25519:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"  \
    "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"             \
    "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512"

/* The protocol list as it goes on the wire: each name after its length (RFC 7301). */
static const unsigned char alpn_offer[] = "\x0apostgresql";

/* Identity is the quote's business. The signature of the handshake is not checked here but by the
 * handshake itself, after this. */
static int accept_chain(X509_STORE_CTX *store, void *unused)
{
    (void)unused;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

/* The system's configuration may have switched anything on or off: begin from nothing. */
static void set_options(SSL_CTX *context)
{
    (void)SSL_CTX_clear_options(context, ~(uint64_t)0);
    (void)SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                           SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
    /* A certificate's size is checked as it comes, so it has to come as it is. */
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RX_CERTIFICATE_COMPRESSION | SSL_OP_NO_TX_CERTIFICATE_COMPRESSION);
#endif
    (void)SSL_CTX_clear_mode(context, ~(uint32_t)0);
    (void)SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_quiet_shutdown(context, 0);
    SSL_CTX_set_post_handshake_auth(context, 0);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, accept_chain, NULL);
    SSL_CTX_set_max_cert_list(context, RATLS_TLS_CERTIFICATES_MAX);
    SSL_CTX_set_security_level(context, RATLS_TLS_SECURITY_LEVEL);
}

ratls_status ratls_tls_context_new(SSL_CTX **out, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    SSL_CTX *context = NULL;

    *out = NULL;
    ratls_openssl_start();
    ERR_clear_error();
    context = SSL_CTX_new(TLS_client_method());
    CHECK(context != NULL, RATLS_ERR_OUT_OF_MEMORY);
    set_options(context);
    CHECK(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
              SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1,
          RATLS_ERR_INTERNAL, WHAT("OpenSSL has no TLS 1.2 or no TLS 1.3"));
    CHECK(SSL_CTX_set_cipher_list(context, TLS12_SUITES) == 1 && SSL_CTX_set_ciphersuites(context, TLS13_SUITES) == 1,
          RATLS_ERR_INTERNAL, WHAT("OpenSSL lacks the cipher suites"));
    CHECK(SSL_CTX_set1_groups_list(context, GROUPS) == 1 && SSL_CTX_set1_sigalgs_list(context, SIGNATURES) == 1,
          RATLS_ERR_INTERNAL, WHAT("OpenSSL lacks the key exchange groups or signatures"));
    /* Unlike its neighbours this one returns 0 for success. */
    CHECK(SSL_CTX_set_alpn_protos(context, alpn_offer, sizeof alpn_offer - 1) == 0, RATLS_ERR_OUT_OF_MEMORY);
    *out = context;
    context = NULL;
    status = RATLS_OK;
out:
    SSL_CTX_free(context);
    ERR_clear_error();
    return status;
}

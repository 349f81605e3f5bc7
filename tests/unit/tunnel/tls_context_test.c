#include "failure.h"

#include <unistd.h>

#include "tunnel/tls_context.h"

/* A system that asks for everything that the tunnel must not do. */
static const char hostile[] = "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = all\n[all]\n"
                              "MinProtocol = TLSv1\nMaxProtocol = TLSv1.2\nCipherString = ALL:aNULL:eNULL:@SECLEVEL=0\n"
                              "Ciphersuites = TLS_AES_128_CCM_8_SHA256\nGroups = P-521\n"
                              "SignatureAlgorithms = RSA+SHA1\nVerifyMode = Peer\n"
                              "Options = UnsafeLegacyRenegotiation,SessionTicket,Compression,-MiddleboxCompat\n";

static char config_path[] = "/tmp/ratls-test-XXXXXX";

/* OpenSSL reads it on its first use: before that. */
static void write_configuration(void)
{
    int fd = mkstemp(config_path);

    if (fd < 0 || write(fd, hostile, sizeof hostile - 1) != (ssize_t)sizeof hostile - 1 || close(fd) != 0 ||
        setenv("OPENSSL_CONF", config_path, 1) != 0) {
        abort();
    }
}

static bool configuration_is_in_force(void)
{
    SSL_CTX *plain = SSL_CTX_new(TLS_client_method());
    bool in_force = plain != NULL && SSL_CTX_get_min_proto_version(plain) == TLS1_VERSION;

    SSL_CTX_free(plain);
    return in_force;
}

static void settings_are_our_own(void **state)
{
    SSL_CTX *context = NULL;

    (void)state;
    assert_true(configuration_is_in_force());
    assert_int_equal(ratls_tls_context_new(&context, NULL), RATLS_OK);
    assert_int_equal(SSL_CTX_get_min_proto_version(context), TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_get_max_proto_version(context), TLS1_3_VERSION);
    assert_int_equal(SSL_CTX_get_security_level(context), RATLS_TLS_SECURITY_LEVEL);
    assert_int_equal(SSL_CTX_get_verify_mode(context), SSL_VERIFY_PEER);
    assert_int_equal(SSL_CTX_get_session_cache_mode(context), SSL_SESS_CACHE_OFF);
    assert_true((SSL_CTX_get_options(context) & SSL_OP_NO_TICKET) != 0);
    assert_true((SSL_CTX_get_options(context) & SSL_OP_NO_RENEGOTIATION) != 0);
    assert_true((SSL_CTX_get_options(context) & SSL_OP_NO_COMPRESSION) != 0);
    assert_true((SSL_CTX_get_options(context) & SSL_OP_ENABLE_MIDDLEBOX_COMPAT) != 0);
    assert_true((SSL_CTX_get_options(context) & SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION) == 0);
    assert_true((SSL_CTX_get_options(context) & SSL_OP_IGNORE_UNEXPECTED_EOF) == 0);
    SSL_CTX_free(context);
}

static void suites_are_forward_secret_and_authenticated(void **state)
{
    SSL_CTX *context = NULL;
    STACK_OF(SSL_CIPHER) *suites;

    (void)state;
    assert_int_equal(ratls_tls_context_new(&context, NULL), RATLS_OK);
    suites = SSL_CTX_get_ciphers(context);
    assert_int_equal(sk_SSL_CIPHER_num(suites), 9);
    for (int i = 0; i < sk_SSL_CIPHER_num(suites); i++) {
        const SSL_CIPHER *suite = sk_SSL_CIPHER_value(suites, i);
        int exchange = SSL_CIPHER_get_kx_nid(suite), proof = SSL_CIPHER_get_auth_nid(suite);

        assert_true(SSL_CIPHER_is_aead(suite));
        assert_true(exchange == NID_kx_ecdhe || exchange == NID_kx_any);
        assert_true(proof == NID_auth_ecdsa || proof == NID_auth_rsa || proof == NID_auth_any);
        assert_true(SSL_CIPHER_get_bits(suite, NULL) >= 128);
        assert_null(strstr(SSL_CIPHER_get_name(suite), "CCM"));
    }
    SSL_CTX_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_our_own),
        cmocka_unit_test(suites_are_forward_secret_and_authenticated),
    };
    int failed;

    write_configuration();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(config_path);
    return failed;
}

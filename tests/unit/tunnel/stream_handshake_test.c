#include "failure.h"

#include <openssl/err.h>

#include "tunnel/stream_pair.h"
#include "tunnel/tls_context.h"

static void assert_handshake_fails(pair *p, ratls_status expected)
{
    assert_int_equal(pair_carry(p), expected);
    assert_int_equal(ratls_error_code(p->error), expected);
    assert_int_equal(ratls_stream_state_of(p->stream), RATLS_STREAM_FAILED);
    assert_int_equal(ratls_stream_certificate(p->stream).len, 0);
    pair_end(p);
}

static void opens_and_carries_both_ways(void **state)
{
    pair p;

    (void)state;
    pair_open(&p, (peer_settings){0});
    assert_int_equal(SSL_version(p.server), TLS1_3_VERSION);
    assert_string_equal(SSL_get_servername(p.server, TLSEXT_NAMETYPE_host_name), "db.example");
    pair_talks(&p);
    pair_end(&p);
}

static void opens_with_tls_1_2(void **state)
{
    pair p;

    (void)state;
    pair_open(&p, (peer_settings){.max_version = TLS1_2_VERSION});
    assert_int_equal(SSL_version(p.server), TLS1_2_VERSION);
    pair_talks(&p);
    pair_end(&p);
}

static void opens_byte_by_byte(void **state)
{
    pair p;

    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        pair_begin(&p, (peer_settings){.max_version = version});
        p.chunk = 1;
        pair_handshake(&p);
        assert_int_equal(ratls_stream_accept(p.stream, p.spki, NULL), RATLS_OK);
        pair_talks(&p);
        pair_end(&p);
    }
}

static void hands_out_the_leaf(void **state)
{
    unsigned char *der = NULL;
    int len;
    pair p;

    (void)state;
    pair_begin(&p, (peer_settings){0});
    assert_int_equal(ratls_stream_certificate(p.stream).len, 0);
    pair_handshake(&p);
    len = i2d_X509(p.certificate, &der);
    assert_true(len > 0);
    assert_true(ratls_bytes_equal(ratls_stream_certificate(p.stream), (ratls_bytes){der, (size_t)len}));
    OPENSSL_free(der);
    pair_end(&p);
}

static void takes_large_certificates(void **state)
{
    static const size_t sizes[] = {64 * 1024, 1024 * 1024};
    uint8_t *padding = calloc(1, sizes[1]);
    EVP_PKEY *key = peer_key_new();
    pair p;

    (void)state;
    assert_non_null(padding);
    for (size_t i = 0; i < 4; i++) {
        int version = i % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
        X509 *large = peer_certificate_new(key, "1.2.3.4", (ratls_bytes){padding, sizes[i / 2]});

        assert_int_equal(EVP_PKEY_up_ref(key), 1);
        pair_open(&p, (peer_settings){.key = key, .certificate = large, .max_version = version});
        assert_true(ratls_stream_certificate(p.stream).len > sizes[i / 2]);
        pair_talks(&p);
        pair_end(&p);
    }
    EVP_PKEY_free(key);
    free(padding);
}

static void certificate_above_the_limit(void **state)
{
    size_t len = (1 << 20) + (1 << 18);
    uint8_t *padding = calloc(1, len);
    EVP_PKEY *key = peer_key_new();
    pair p;

    (void)state;
    assert_non_null(padding);
    pair_begin(&p, (peer_settings){.key = key, .certificate = peer_certificate_new(key, "1.2.3.4", (ratls_bytes){padding, len})});
    free(padding);
    assert_handshake_fails(&p, RATLS_ERR_HANDSHAKE_FAILED);
}

static void key_of_another_certificate(void **state)
{
    EVP_PKEY *key = peer_key_new();
    X509 *other = peer_certificate_new(key, NULL, (ratls_bytes){0});
    ratls_bytes spki = peer_spki(other);
    pair p;

    (void)state;
    pair_begin(&p, (peer_settings){0});
    pair_handshake(&p);
    assert_int_equal(ratls_stream_accept(p.stream, spki, &p.error), RATLS_ERR_KEY_NOT_HANDSHAKE);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_FAILED);
    assert_int_equal(ratls_stream_accept(p.stream, p.spki, NULL), RATLS_ERR_INTERNAL);
    OPENSSL_free((void *)(uintptr_t)spki.data);
    X509_free(other);
    EVP_PKEY_free(key);
    pair_end(&p);
}

static void key_empty_or_cut(void **state)
{
    pair p;

    (void)state;
    for (size_t cut = 0; cut < 2; cut++) {
        pair_begin(&p, (peer_settings){0});
        pair_handshake(&p);
        p.error = NULL;
        assert_int_equal(ratls_stream_accept(p.stream, (ratls_bytes){p.spki.data, cut * (p.spki.len - 1)}, NULL),
                         RATLS_ERR_KEY_NOT_HANDSHAKE);
        pair_end(&p);
    }
}

/* The server shows a certificate whose key it does not have. */
static void key_not_possessed(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    pair p;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY *other = peer_key_new();

        pair_begin(&p, (peer_settings){.max_version = versions[i]});
        /* OpenSSL refuses a pair that does not match, so the key in the certificate is changed afterwards. */
        X509 *forged = peer_certificate_new(p.key, NULL, (ratls_bytes){0});

        assert_int_equal(SSL_use_certificate(p.server, forged), 1);
        assert_int_equal(SSL_use_PrivateKey(p.server, p.key), 1);
        assert_int_equal(X509_set_pubkey(forged, other), 1);
        assert_true(X509_sign(forged, other, EVP_sha256()) > 0);
        X509_free(forged);
        EVP_PKEY_free(other);
        assert_int_equal(pair_carry(&p), RATLS_ERR_HANDSHAKE_FAILED);
        assert_string_equal(ratls_error_detail(p.error, "what"), "bad signature");
        assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_FAILED);
        pair_end(&p);
    }
}

static void server_only_tls_1_1(void **state)
{
    pair p;

    (void)state;
    pair_begin(&p, (peer_settings){.max_version = TLS1_1_VERSION});
    assert_handshake_fails(&p, RATLS_ERR_HANDSHAKE_FAILED);
}

static void server_anonymous(void **state)
{
    pair p;

    (void)state;
    pair_begin(&p, (peer_settings){.max_version = TLS1_2_VERSION, .ciphers = "ADH-AES128-GCM-SHA256:AECDH-AES128-SHA"});
    assert_handshake_fails(&p, RATLS_ERR_HANDSHAKE_FAILED);
}

static void server_without_forward_secrecy(void **state)
{
    pair p;

    (void)state;
    pair_begin(&p, (peer_settings){.max_version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-SHA:NULL"});
    assert_handshake_fails(&p, RATLS_ERR_HANDSHAKE_FAILED);
}

static void key_too_weak(void **state)
{
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    pair p;

    (void)state;
    assert_non_null(weak);
    pair_begin(&p, (peer_settings){.key = weak});
    assert_handshake_fails(&p, RATLS_ERR_HANDSHAKE_FAILED);
}

static void alpn_postgresql(void **state)
{
    pair p;

    (void)state;
    pair_open(&p, (peer_settings){.alpn = "postgresql"});
    pair_talks(&p);
    pair_end(&p);
}

static void alpn_other(void **state)
{
    static const char *const others[] = {"h2", "postgresq", "postgresql2"};
    pair p;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        pair_begin(&p, (peer_settings){.alpn = others[i]});
        assert_handshake_fails(&p, RATLS_ERR_HANDSHAKE_FAILED);
    }
}

static void garbage_for_a_server_hello(void **state)
{
    static const char garbage[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    size_t taken = 0;
    pair p;

    (void)state;
    pair_begin(&p, (peer_settings){0});
    assert_int_equal(ratls_stream_feed(p.stream, (const uint8_t *)garbage, sizeof garbage - 1, &taken, &p.error),
                     RATLS_ERR_HANDSHAKE_FAILED);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_FAILED);
    assert_int_equal(ratls_stream_feed(p.stream, NULL, 0, &taken, NULL), RATLS_ERR_TLS_FAILED);
    pair_end(&p);
}

static void first_byte_is_a_tls_record(void **state)
{
    uint8_t wire[4096];
    size_t len = 0, taken = 0;
    pair p;

    (void)state;
    pair_begin(&p, (peer_settings){0});
    assert_int_equal(ratls_stream_feed(p.stream, NULL, 0, &taken, NULL), RATLS_OK);
    assert_int_equal(ratls_stream_take(p.stream, wire, sizeof wire, &len, NULL), RATLS_OK);
    assert_true(len > 5);
    assert_int_equal(wire[0], 0x16);
    pair_end(&p);
}

static void closed_in_the_handshake(void **state)
{
    pair p;

    (void)state;
    pair_begin(&p, (peer_settings){0});
    (void)pair_carry_out(&p);
    assert_int_equal(ratls_stream_feed_end(p.stream, &p.error), RATLS_ERR_HANDSHAKE_CLOSED);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_FAILED);
    pair_end(&p);
}

static void a_session_is_not_kept(void **state)
{
    pair p;

    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        pair_open(&p, (peer_settings){.max_version = version});
        assert_int_equal(SSL_session_reused(p.server), 0);
        pair_talks(&p);
        pair_end(&p);
    }
}

static void name_too_long(void **state)
{
    ratls_stream *stream = NULL;
    ratls_error *error = NULL;
    SSL_CTX *context = NULL;
    char name[300];

    (void)state;
    assert_int_equal(ratls_tls_context_new(&context, NULL), RATLS_OK);
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(ratls_stream_new(&stream, context, name, &error), RATLS_ERR_UPSTREAM_INVALID);
    assert_null(stream);
    ratls_error_free(error);
    SSL_CTX_free(context);
}

static void no_name(void **state)
{
    ratls_stream *stream = pair_stream_new(NULL);

    (void)state;
    assert_int_equal(ratls_stream_close(stream, NULL), RATLS_OK); /* in the handshake: nothing happens */
    assert_int_equal(ratls_stream_state_of(stream), RATLS_STREAM_HANDSHAKE);
    ratls_stream_free(stream);
    ratls_stream_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_and_carries_both_ways),
        cmocka_unit_test(opens_with_tls_1_2),
        cmocka_unit_test(opens_byte_by_byte),
        cmocka_unit_test(hands_out_the_leaf),
        cmocka_unit_test(takes_large_certificates),
        cmocka_unit_test(certificate_above_the_limit),
        cmocka_unit_test(key_of_another_certificate),
        cmocka_unit_test(key_empty_or_cut),
        cmocka_unit_test(key_not_possessed),
        cmocka_unit_test(server_only_tls_1_1),
        cmocka_unit_test(server_anonymous),
        cmocka_unit_test(server_without_forward_secrecy),
        cmocka_unit_test(key_too_weak),
        cmocka_unit_test(alpn_postgresql),
        cmocka_unit_test(alpn_other),
        cmocka_unit_test(garbage_for_a_server_hello),
        cmocka_unit_test(first_byte_is_a_tls_record),
        cmocka_unit_test(closed_in_the_handshake),
        cmocka_unit_test(a_session_is_not_kept),
        cmocka_unit_test(name_too_long),
        cmocka_unit_test(no_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

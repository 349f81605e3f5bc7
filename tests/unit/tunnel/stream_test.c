#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "tunnel/stream.h"
#include "tunnel/tls_peer.h"

enum { WIRE_MAX = 32 * 1024, ROUNDS_MAX = 100000 };

/* A client stream and a server in memory; the test carries the bytes. */
typedef struct {
    EVP_PKEY *key;
    X509 *certificate;
    ratls_bytes spki;
    SSL_CTX *context;
    SSL *server;
    ratls_stream *stream;
    ratls_error *error;
    size_t chunk;      /* bytes that the stream is fed at a time */
    bool cut;          /* nothing more comes from the server */
} pair;

static void begin(pair *p, peer_settings settings)
{
    memset(p, 0, sizeof *p);
    p->chunk = WIRE_MAX;
    p->key = settings.key == NULL ? peer_key_new() : settings.key;
    p->certificate = settings.certificate == NULL ? peer_certificate_new(p->key, NULL, (ratls_bytes){0}) : settings.certificate;
    p->spki = peer_spki(p->certificate);
    settings.key = p->key;
    settings.certificate = p->certificate;
    p->context = peer_context_new(&settings);
    p->server = SSL_new(p->context);
    assert_non_null(p->server);
    SSL_set_bio(p->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(p->server), -1);
    SSL_set_accept_state(p->server);
    assert_int_equal(ratls_stream_new(&p->stream, "db.example", &p->error), RATLS_OK);
}

static void end(pair *p)
{
    assert_int_equal(ERR_peek_error(), 0); /* the stream leaves no error behind */
    ratls_error_free(p->error);
    ratls_stream_free(p->stream);
    SSL_free(p->server);
    SSL_CTX_free(p->context);
    OPENSSL_free((void *)(uintptr_t)p->spki.data);
    X509_free(p->certificate);
    EVP_PKEY_free(p->key);
}

/* Ours to the server; how many bytes moved. */
static size_t carry_out(pair *p)
{
    uint8_t wire[WIRE_MAX];
    size_t len = 0;

    assert_int_equal(ratls_stream_take(p->stream, wire, sizeof wire, &len, NULL), RATLS_OK);
    if (len > 0) {
        assert_int_equal(BIO_write(SSL_get_rbio(p->server), wire, (int)len), (int)len);
    }
    return len;
}

/* The server's to us, in chunks; what is not taken is put nowhere, so it must be taken. */
static ratls_status carry_in(pair *p, size_t *moved)
{
    uint8_t wire[WIRE_MAX];
    int len = p->cut ? 0 : BIO_read(SSL_get_wbio(p->server), wire, (int)p->chunk);
    size_t taken = 0;
    ratls_status status = ratls_stream_feed(p->stream, wire, len > 0 ? (size_t)len : 0, &taken, &p->error);

    *moved = taken;
    if (status == RATLS_OK) {
        assert_int_equal(taken, len > 0 ? len : 0);
    }
    return status;
}

/* Carry until nothing moves for two rounds: in the first, what was fed may have made an answer. */
static ratls_status carry(pair *p)
{
    size_t quiet = 0;

    for (size_t round = 0; round < ROUNDS_MAX; round++) {
        size_t in = 0, out = carry_out(p);
        ratls_status status;

        if (!SSL_is_init_finished(p->server)) {
            (void)SSL_do_handshake(p->server);
            ERR_clear_error();
        }
        status = carry_in(p, &in);
        if (status != RATLS_OK) {
            return status;
        }
        quiet = in == 0 && out == 0 ? quiet + 1 : 0;
        if (quiet == 2) {
            return RATLS_OK;
        }
    }
    fail_msg("the two never come to rest");
    return RATLS_ERR_INTERNAL;
}

static void handshake(pair *p)
{
    assert_int_equal(carry(p), RATLS_OK);
    assert_int_equal(ratls_stream_state_of(p->stream), RATLS_STREAM_VERDICT_NEEDED);
    assert_true(SSL_is_init_finished(p->server));
}

static void open_pair(pair *p, peer_settings settings)
{
    begin(p, settings);
    handshake(p);
    assert_int_equal(ratls_stream_accept(p->stream, p->spki, NULL), RATLS_OK);
    assert_int_equal(ratls_stream_state_of(p->stream), RATLS_STREAM_OPEN);
}

static void assert_handshake_fails(pair *p, ratls_status expected)
{
    assert_int_equal(carry(p), expected);
    assert_int_equal(ratls_error_code(p->error), expected);
    assert_int_equal(ratls_stream_state_of(p->stream), RATLS_STREAM_FAILED);
    assert_int_equal(ratls_stream_certificate(p->stream).len, 0);
    end(p);
}

static void send_text(pair *p, const char *text)
{
    size_t taken = 0;

    assert_int_equal(ratls_stream_write(p->stream, (const uint8_t *)text, strlen(text), &taken, NULL), RATLS_OK);
    assert_int_equal(taken, strlen(text));
}

static void assert_server_gets(pair *p, const char *text)
{
    char plain[256] = {0};
    size_t len = 0;

    assert_int_equal(SSL_read_ex(p->server, plain, sizeof plain - 1, &len), 1);
    assert_string_equal(plain, text);
}

static void assert_client_gets(pair *p, const char *text)
{
    uint8_t plain[256] = {0};
    size_t len = 0;

    assert_int_equal(ratls_stream_read(p->stream, plain, sizeof plain - 1, &len, NULL), RATLS_OK);
    assert_int_equal(len, strlen(text));
    assert_string_equal((char *)plain, text);
}

static void server_sends(pair *p, const char *text)
{
    assert_int_equal(SSL_write(p->server, text, (int)strlen(text)), (int)strlen(text));
}

static void assert_plain_text_moves(pair *p)
{
    send_text(p, "select 1");
    assert_int_equal(carry(p), RATLS_OK);
    assert_server_gets(p, "select 1");
    server_sends(p, "one row");
    assert_int_equal(carry(p), RATLS_OK);
    assert_client_gets(p, "one row");
}

static void opens_and_carries_both_ways(void **state)
{
    pair p;

    (void)state;
    open_pair(&p, (peer_settings){0});
    assert_int_equal(SSL_version(p.server), TLS1_3_VERSION);
    assert_string_equal(SSL_get_servername(p.server, TLSEXT_NAMETYPE_host_name), "db.example");
    assert_plain_text_moves(&p);
    end(&p);
}

static void opens_with_tls_1_2(void **state)
{
    pair p;

    (void)state;
    open_pair(&p, (peer_settings){.max_version = TLS1_2_VERSION});
    assert_int_equal(SSL_version(p.server), TLS1_2_VERSION);
    assert_plain_text_moves(&p);
    end(&p);
}

static void opens_byte_by_byte(void **state)
{
    pair p;

    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        begin(&p, (peer_settings){.max_version = version});
        p.chunk = 1;
        handshake(&p);
        assert_int_equal(ratls_stream_accept(p.stream, p.spki, NULL), RATLS_OK);
        assert_plain_text_moves(&p);
        end(&p);
    }
}

static void hands_out_the_leaf(void **state)
{
    unsigned char *der = NULL;
    int len;
    pair p;

    (void)state;
    begin(&p, (peer_settings){0});
    assert_int_equal(ratls_stream_certificate(p.stream).len, 0);
    handshake(&p);
    len = i2d_X509(p.certificate, &der);
    assert_true(len > 0);
    assert_true(ratls_bytes_equal(ratls_stream_certificate(p.stream), (ratls_bytes){der, (size_t)len}));
    OPENSSL_free(der);
    end(&p);
}

static void takes_a_certificate_of_64_kib(void **state)
{
    uint8_t *padding = calloc(1, 64 * 1024);
    EVP_PKEY *key = peer_key_new();
    pair p;

    (void)state;
    assert_non_null(padding);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        X509 *large = peer_certificate_new(key, "1.2.3.4", (ratls_bytes){padding, 64 * 1024});

        assert_int_equal(EVP_PKEY_up_ref(key), 1);
        open_pair(&p, (peer_settings){.key = key, .certificate = large, .max_version = version});
        assert_true(ratls_stream_certificate(p.stream).len > 64 * 1024);
        assert_plain_text_moves(&p);
        end(&p);
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
    begin(&p, (peer_settings){.key = key, .certificate = peer_certificate_new(key, "1.2.3.4", (ratls_bytes){padding, len})});
    free(padding);
    assert_handshake_fails(&p, RATLS_ERR_HANDSHAKE_FAILED);
}

static void plain_text_before_accept(void **state)
{
    uint8_t plain[16];
    size_t len = 1;
    pair p;

    (void)state;
    begin(&p, (peer_settings){0});
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ratls_stream_write(p.stream, (const uint8_t *)"password", 8, &len, NULL), RATLS_ERR_INTERNAL);
        assert_int_equal(len, 0);
        assert_int_equal(ratls_stream_read(p.stream, plain, sizeof plain, &len, NULL), RATLS_ERR_INTERNAL);
        assert_int_equal(len, 0);
        if (i == 0) {
            assert_int_equal(ratls_stream_accept(p.stream, p.spki, NULL), RATLS_ERR_INTERNAL);
            handshake(&p);
        }
    }
    assert_int_equal(carry_out(&p), 0); /* and nothing of it is on the wire */
    end(&p);
}

static void server_speaks_before_accept(void **state)
{
    uint8_t plain[16];
    size_t len = 1;
    pair p;

    (void)state;
    begin(&p, (peer_settings){0});
    handshake(&p);
    server_sends(&p, "early");
    assert_int_equal(carry(&p), RATLS_OK);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_VERDICT_NEEDED);
    assert_int_equal(ratls_stream_read(p.stream, plain, sizeof plain, &len, NULL), RATLS_ERR_INTERNAL);
    assert_int_equal(len, 0);
    assert_int_equal(ratls_stream_accept(p.stream, p.spki, NULL), RATLS_OK);
    assert_client_gets(&p, "early");
    end(&p);
}

static void server_floods_before_accept(void **state)
{
    uint8_t *flood = calloc(1, 256 * 1024);
    size_t taken = 0;
    pair p;

    (void)state;
    assert_non_null(flood);
    begin(&p, (peer_settings){0});
    handshake(&p);
    assert_int_equal(ratls_stream_feed(p.stream, flood, 256 * 1024, &taken, NULL), RATLS_OK);
    assert_true(taken < 128 * 1024); /* the rest stays in the socket: back-pressure */
    free(flood);
    end(&p);
}

static void key_of_another_certificate(void **state)
{
    EVP_PKEY *key = peer_key_new();
    X509 *other = peer_certificate_new(key, NULL, (ratls_bytes){0});
    ratls_bytes spki = peer_spki(other);
    pair p;

    (void)state;
    begin(&p, (peer_settings){0});
    handshake(&p);
    assert_int_equal(ratls_stream_accept(p.stream, spki, &p.error), RATLS_ERR_KEY_NOT_HANDSHAKE);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_FAILED);
    assert_int_equal(ratls_stream_accept(p.stream, p.spki, NULL), RATLS_ERR_INTERNAL);
    OPENSSL_free((void *)(uintptr_t)spki.data);
    X509_free(other);
    EVP_PKEY_free(key);
    end(&p);
}

static void key_empty_or_cut(void **state)
{
    pair p;

    (void)state;
    for (size_t cut = 0; cut < 2; cut++) {
        begin(&p, (peer_settings){0});
        handshake(&p);
        p.error = NULL;
        assert_int_equal(ratls_stream_accept(p.stream, (ratls_bytes){p.spki.data, cut * (p.spki.len - 1)}, NULL),
                         RATLS_ERR_KEY_NOT_HANDSHAKE);
        end(&p);
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

        begin(&p, (peer_settings){.max_version = versions[i]});
        /* OpenSSL refuses a pair that does not match, so the key in the certificate is changed afterwards. */
        X509 *forged = peer_certificate_new(p.key, NULL, (ratls_bytes){0});

        assert_int_equal(SSL_use_certificate(p.server, forged), 1);
        assert_int_equal(SSL_use_PrivateKey(p.server, p.key), 1);
        assert_int_equal(X509_set_pubkey(forged, other), 1);
        assert_true(X509_sign(forged, other, EVP_sha256()) > 0);
        X509_free(forged);
        EVP_PKEY_free(other);
        assert_int_equal(carry(&p), RATLS_ERR_HANDSHAKE_FAILED);
        assert_string_equal(ratls_error_detail(p.error, "what"), "bad signature");
        assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_FAILED);
        end(&p);
    }
}

static void server_only_tls_1_1(void **state)
{
    pair p;

    (void)state;
    begin(&p, (peer_settings){.max_version = TLS1_1_VERSION});
    assert_handshake_fails(&p, RATLS_ERR_HANDSHAKE_FAILED);
}

static void server_anonymous(void **state)
{
    pair p;

    (void)state;
    begin(&p, (peer_settings){.max_version = TLS1_2_VERSION, .ciphers = "ADH-AES128-GCM-SHA256:AECDH-AES128-SHA"});
    assert_handshake_fails(&p, RATLS_ERR_HANDSHAKE_FAILED);
}

static void server_without_forward_secrecy(void **state)
{
    pair p;

    (void)state;
    begin(&p, (peer_settings){.max_version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-SHA:NULL"});
    assert_handshake_fails(&p, RATLS_ERR_HANDSHAKE_FAILED);
}

static void key_too_weak(void **state)
{
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    pair p;

    (void)state;
    assert_non_null(weak);
    begin(&p, (peer_settings){.key = weak});
    assert_handshake_fails(&p, RATLS_ERR_HANDSHAKE_FAILED);
}

static void alpn_postgresql(void **state)
{
    pair p;

    (void)state;
    open_pair(&p, (peer_settings){.alpn = "postgresql"});
    assert_plain_text_moves(&p);
    end(&p);
}

static void alpn_other(void **state)
{
    static const char *const others[] = {"h2", "postgresq", "postgresql2"};
    pair p;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        begin(&p, (peer_settings){.alpn = others[i]});
        assert_handshake_fails(&p, RATLS_ERR_HANDSHAKE_FAILED);
    }
}

static void garbage_for_a_server_hello(void **state)
{
    static const char garbage[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    size_t taken = 0;
    pair p;

    (void)state;
    begin(&p, (peer_settings){0});
    assert_int_equal(ratls_stream_feed(p.stream, (const uint8_t *)garbage, sizeof garbage - 1, &taken, &p.error),
                     RATLS_ERR_HANDSHAKE_FAILED);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_FAILED);
    assert_int_equal(ratls_stream_feed(p.stream, NULL, 0, &taken, NULL), RATLS_ERR_TLS_FAILED);
    end(&p);
}

static void first_byte_is_a_tls_record(void **state)
{
    uint8_t wire[4096];
    size_t len = 0, taken = 0;
    pair p;

    (void)state;
    begin(&p, (peer_settings){0});
    assert_int_equal(ratls_stream_feed(p.stream, NULL, 0, &taken, NULL), RATLS_OK);
    assert_int_equal(ratls_stream_take(p.stream, wire, sizeof wire, &len, NULL), RATLS_OK);
    assert_true(len > 5);
    assert_int_equal(wire[0], 0x16);
    end(&p);
}

static void closed_in_the_handshake(void **state)
{
    pair p;

    (void)state;
    begin(&p, (peer_settings){0});
    (void)carry_out(&p);
    assert_int_equal(ratls_stream_feed_end(p.stream, &p.error), RATLS_ERR_HANDSHAKE_CLOSED);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_FAILED);
    end(&p);
}

static void truncated(void **state)
{
    uint8_t plain[16];
    size_t len = 0;
    pair p;

    (void)state;
    open_pair(&p, (peer_settings){0});
    server_sends(&p, "half a");
    assert_int_equal(carry(&p), RATLS_OK);
    assert_int_equal(ratls_stream_feed_end(p.stream, &p.error), RATLS_OK);
    assert_client_gets(&p, "half a"); /* what came is still handed out */
    assert_int_equal(ratls_stream_read(p.stream, plain, sizeof plain, &len, &p.error), RATLS_ERR_TLS_TRUNCATED);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_FAILED);
    end(&p);
}

static void truncated_while_the_verdict_is_awaited(void **state)
{
    uint8_t plain[16];
    size_t len = 0;
    pair p;

    (void)state;
    begin(&p, (peer_settings){0});
    handshake(&p);
    assert_int_equal(ratls_stream_feed_end(p.stream, &p.error), RATLS_OK);
    assert_int_equal(ratls_stream_accept(p.stream, p.spki, NULL), RATLS_OK);
    assert_int_equal(ratls_stream_read(p.stream, plain, sizeof plain, &len, &p.error), RATLS_ERR_TLS_TRUNCATED);
    end(&p);
}

static void record_tampered_with(void **state)
{
    uint8_t wire[256], plain[16];
    size_t len = 0, taken = 0;
    int got;
    pair p;

    (void)state;
    open_pair(&p, (peer_settings){0});
    server_sends(&p, "row");
    got = BIO_read(SSL_get_wbio(p.server), wire, sizeof wire);
    assert_true(got > 10);
    wire[got - 1] ^= 1;
    assert_int_equal(ratls_stream_feed(p.stream, wire, (size_t)got, &taken, NULL), RATLS_OK);
    assert_int_equal(ratls_stream_read(p.stream, plain, sizeof plain, &len, &p.error), RATLS_ERR_TLS_FAILED);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_FAILED);
    end(&p);
}

static void server_says_goodbye(void **state)
{
    uint8_t plain[16];
    size_t len = 1;
    pair p;

    (void)state;
    open_pair(&p, (peer_settings){0});
    server_sends(&p, "last");
    assert_true(SSL_shutdown(p.server) >= 0);
    assert_int_equal(carry(&p), RATLS_OK);
    assert_client_gets(&p, "last");
    assert_int_equal(ratls_stream_read(p.stream, plain, sizeof plain, &len, NULL), RATLS_OK);
    assert_int_equal(len, 0);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_CLOSED);
    assert_int_equal(ratls_stream_feed_end(p.stream, &p.error), RATLS_OK); /* an end that was announced */
    end(&p);
}

static void client_says_goodbye(void **state)
{
    char plain[16];
    size_t len = 0;
    pair p;

    (void)state;
    open_pair(&p, (peer_settings){0});
    send_text(&p, "bye");
    assert_int_equal(ratls_stream_close(p.stream, NULL), RATLS_OK);
    assert_int_equal(ratls_stream_write(p.stream, (const uint8_t *)"x", 1, &len, NULL), RATLS_ERR_INTERNAL);
    assert_int_equal(carry(&p), RATLS_OK);
    assert_server_gets(&p, "bye");
    assert_int_equal(SSL_read_ex(p.server, plain, sizeof plain, &len), 0);
    assert_int_equal(SSL_get_shutdown(p.server) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    server_sends(&p, "rest"); /* reading goes on */
    assert_int_equal(carry(&p), RATLS_OK);
    assert_client_gets(&p, "rest");
    ERR_clear_error();
    end(&p);
}

static void goodbye_waits_for_room(void **state)
{
    uint8_t *plain = calloc(1, 256 * 1024);
    char got[16 * 1024];
    size_t taken = 0, len = 0, total = 0;
    pair p;

    (void)state;
    assert_non_null(plain);
    open_pair(&p, (peer_settings){0});
    assert_int_equal(ratls_stream_write(p.stream, plain, 256 * 1024, &taken, NULL), RATLS_OK);
    assert_true(taken > 0 && taken < 128 * 1024); /* bounded */
    assert_int_equal(ratls_stream_close(p.stream, NULL), RATLS_OK);
    assert_int_equal(carry(&p), RATLS_OK);
    while (SSL_read_ex(p.server, got, sizeof got, &len) == 1) {
        total += len;
    }
    assert_int_equal(total, taken);
    assert_int_equal(SSL_get_shutdown(p.server) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    ERR_clear_error();
    free(plain);
    end(&p);
}

static void server_asks_for_renegotiation(void **state)
{
    uint8_t plain[16];
    size_t len = 0;
    pair p;

    (void)state;
    open_pair(&p, (peer_settings){.max_version = TLS1_2_VERSION});
    assert_int_equal(SSL_renegotiate(p.server), 1);
    (void)SSL_do_handshake(p.server);
    assert_int_equal(carry(&p), RATLS_OK);
    assert_int_equal(ratls_stream_read(p.stream, plain, sizeof plain, &len, NULL), RATLS_OK);
    assert_int_equal(len, 0);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_OPEN);
    (void)carry_out(&p);
    /* The answer is a refusal, not a second handshake. */
    assert_true(SSL_read(p.server, plain, sizeof plain) <= 0);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    ERR_clear_error();
    end(&p);
}

static void server_updates_its_keys(void **state)
{
    pair p;

    (void)state;
    open_pair(&p, (peer_settings){0});
    for (int i = 0; i < 3; i++) {
        assert_int_equal(SSL_key_update(p.server, SSL_KEY_UPDATE_REQUESTED), 1);
        server_sends(&p, "new keys");
        assert_int_equal(carry(&p), RATLS_OK);
        assert_client_gets(&p, "new keys");
        assert_plain_text_moves(&p);
    }
    end(&p);
}

/* A peer that asks for answers and takes none fills its own side, not our memory. */
static void server_floods_with_key_updates(void **state)
{
    uint8_t wire[WIRE_MAX], plain[16];
    size_t len = 0, taken = 0;
    bool full = false;
    pair p;

    (void)state;
    open_pair(&p, (peer_settings){0});
    for (int i = 0; i < 20000 && !full; i++) {
        int got;

        assert_int_equal(SSL_key_update(p.server, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(p.server), 1);
        got = BIO_read(SSL_get_wbio(p.server), wire, sizeof wire);
        assert_true(got > 0);
        assert_int_equal(ratls_stream_feed(p.stream, wire, (size_t)got, &taken, NULL), RATLS_OK);
        full = taken < (size_t)got;
        if (ratls_stream_read(p.stream, plain, sizeof plain, &len, NULL) != RATLS_OK) {
            full = true;
        }
    }
    assert_true(full);
    end(&p);
}

static void a_session_is_not_kept(void **state)
{
    pair p;

    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        open_pair(&p, (peer_settings){.max_version = version});
        assert_int_equal(SSL_session_reused(p.server), 0);
        assert_plain_text_moves(&p);
        end(&p);
    }
}

static void name_too_long(void **state)
{
    ratls_stream *stream = NULL;
    ratls_error *error = NULL;
    char name[300];

    (void)state;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(ratls_stream_new(&stream, name, &error), RATLS_ERR_UPSTREAM_INVALID);
    assert_null(stream);
    ratls_error_free(error);
}

static void no_name(void **state)
{
    ratls_stream *stream = NULL;

    (void)state;
    assert_int_equal(ratls_stream_new(&stream, NULL, NULL), RATLS_OK);
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
        cmocka_unit_test(takes_a_certificate_of_64_kib),
        cmocka_unit_test(certificate_above_the_limit),
        cmocka_unit_test(plain_text_before_accept),
        cmocka_unit_test(server_speaks_before_accept),
        cmocka_unit_test(server_floods_before_accept),
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
        cmocka_unit_test(truncated),
        cmocka_unit_test(truncated_while_the_verdict_is_awaited),
        cmocka_unit_test(record_tampered_with),
        cmocka_unit_test(server_says_goodbye),
        cmocka_unit_test(client_says_goodbye),
        cmocka_unit_test(goodbye_waits_for_room),
        cmocka_unit_test(server_asks_for_renegotiation),
        cmocka_unit_test(server_updates_its_keys),
        cmocka_unit_test(server_floods_with_key_updates),
        cmocka_unit_test(a_session_is_not_kept),
        cmocka_unit_test(name_too_long),
        cmocka_unit_test(no_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

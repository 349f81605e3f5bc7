#include "tunnel/stream_pair.h"

#include "failure.h"

#include <openssl/err.h>

#include "tunnel/tls_context.h"

enum { ROUNDS_MAX = 100000 };

ratls_stream *pair_stream_new(const char *server_name)
{
    ratls_stream *stream = NULL;
    SSL_CTX *context = NULL;

    assert_int_equal(ratls_tls_context_new(&context, NULL), RATLS_OK);
    assert_int_equal(ratls_stream_new(&stream, context, server_name, NULL), RATLS_OK);
    SSL_CTX_free(context);
    return stream;
}

void pair_begin(pair *p, peer_settings settings)
{
    memset(p, 0, sizeof *p);
    p->chunk = PAIR_WIRE_MAX;
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
    p->stream = pair_stream_new("db.example");
}

void pair_end(pair *p)
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

size_t pair_carry_out(pair *p)
{
    uint8_t wire[PAIR_WIRE_MAX];
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
    uint8_t wire[PAIR_WIRE_MAX];
    int len = BIO_read(SSL_get_wbio(p->server), wire, (int)p->chunk);
    size_t taken = 0;
    ratls_status status = ratls_stream_feed(p->stream, wire, len > 0 ? (size_t)len : 0, &taken, &p->error);

    *moved = taken;
    if (status == RATLS_OK) {
        assert_int_equal(taken, len > 0 ? len : 0);
    }
    return status;
}

ratls_status pair_carry(pair *p)
{
    size_t quiet = 0;

    for (size_t round = 0; round < ROUNDS_MAX; round++) {
        size_t in = 0, out = pair_carry_out(p);
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

void pair_handshake(pair *p)
{
    assert_int_equal(pair_carry(p), RATLS_OK);
    assert_int_equal(ratls_stream_state_of(p->stream), RATLS_STREAM_VERDICT_NEEDED);
    assert_true(SSL_is_init_finished(p->server));
}

void pair_open(pair *p, peer_settings settings)
{
    pair_begin(p, settings);
    pair_handshake(p);
    assert_int_equal(ratls_stream_accept(p->stream, p->spki, NULL), RATLS_OK);
    assert_int_equal(ratls_stream_state_of(p->stream), RATLS_STREAM_OPEN);
}

void pair_client_says(pair *p, const char *text)
{
    size_t taken = 0;

    assert_int_equal(ratls_stream_write(p->stream, (const uint8_t *)text, strlen(text), &taken, NULL), RATLS_OK);
    assert_int_equal(taken, strlen(text));
}

void pair_server_hears(pair *p, const char *text)
{
    char plain[256] = {0};
    size_t len = 0;

    assert_int_equal(SSL_read_ex(p->server, plain, sizeof plain - 1, &len), 1);
    assert_string_equal(plain, text);
}

void pair_client_hears(pair *p, const char *text)
{
    uint8_t plain[256] = {0};
    size_t len = 0;

    assert_int_equal(ratls_stream_read(p->stream, plain, sizeof plain - 1, &len, NULL), RATLS_OK);
    assert_int_equal(len, strlen(text));
    assert_string_equal((char *)plain, text);
}

void pair_server_says(pair *p, const char *text)
{
    assert_int_equal(SSL_write(p->server, text, (int)strlen(text)), (int)strlen(text));
}

void pair_talks(pair *p)
{
    pair_client_says(p, "select 1");
    assert_int_equal(pair_carry(p), RATLS_OK);
    pair_server_hears(p, "select 1");
    pair_server_says(p, "one row");
    assert_int_equal(pair_carry(p), RATLS_OK);
    pair_client_hears(p, "one row");
}

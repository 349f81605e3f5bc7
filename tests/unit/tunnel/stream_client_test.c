/* This client's own certificate in the handshake. */
#include "failure.h"

#include <openssl/err.h>

#include "agent/agent_answer.h"
#include "tunnel/stream_pair.h"

/* How the server sees the client's certificate. */
static int judge_ok(X509_STORE_CTX *context, void *unused)
{
    (void)unused;
    X509_STORE_CTX_set_error(context, X509_V_OK);
    return 1;
}

static int judge_expired(X509_STORE_CTX *context, void *unused)
{
    (void)unused;
    X509_STORE_CTX_set_error(context, X509_V_ERR_CERT_HAS_EXPIRED);
    return 0;
}

static int judge_itself(X509_STORE_CTX *context, void *unused)
{
    (void)unused;
    X509_STORE_CTX_set_error(context, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

static void begin(pair *p, int version, int mode, int (*judge)(X509_STORE_CTX *, void *))
{
    pair_begin(p, (peer_settings){.max_version = version});
    SSL_CTX_set_cert_verify_callback(p->context, judge, NULL);
    SSL_free(p->server);
    SSL_CTX_set_max_cert_list(p->context, 1 << 20);
    (void)SSL_CTX_set_num_tickets(p->context, 0); /* OpenSSL's would have to hold the certificate */
    (void)SSL_CTX_set_options(p->context, SSL_OP_NO_TICKET);
    p->server = SSL_new(p->context);
    SSL_set_bio(p->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(p->server), -1);
    SSL_set_accept_state(p->server);
    SSL_set_verify(p->server, SSL_VERIFY_PEER | mode, NULL);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void present(pair *p, size_t padding)
{
    ratls_identity *identity = agent_identity_new(3600, padding);

    assert_int_equal(ratls_stream_present(p->stream, identity, NULL, NULL), RATLS_OK);
    ratls_identity_free(identity);
}

static void assert_presented(pair *p)
{
    X509 *seen = SSL_get1_peer_certificate(p->server);

    assert_non_null(seen);
    assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(p->server)), 1); /* of a client: the issuers alone */
    X509_free(seen);
    assert_true(ratls_stream_was_asked(p->stream));
    assert_int_equal(ratls_stream_is_judged_later(p->stream), SSL_version(p->server) == TLS1_3_VERSION);
}

static void waits_until_it_is_told_what_to_present(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        pair p;

        begin(&p, versions[i], SSL_VERIFY_FAIL_IF_NO_PEER_CERT, judge_ok);
        assert_false(ratls_stream_was_asked(p.stream));
        assert_int_equal(pair_carry(&p), RATLS_OK);
        assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_CERTIFICATE_WANTED);
        present(&p, 0);
        pair_handshake(&p);
        assert_presented(&p);
        assert_int_equal(ratls_stream_accept(p.stream, p.spki, NULL), RATLS_OK);
        pair_talks(&p);
        pair_end(&p);
    }
}

static void presents_what_it_was_told_before(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        pair p;

        begin(&p, versions[i], SSL_VERIFY_FAIL_IF_NO_PEER_CERT, judge_ok);
        present(&p, 0);
        assert_int_equal(ratls_stream_present(p.stream, NULL, "twice", NULL), RATLS_ERR_INTERNAL);
        pair_handshake(&p);
        assert_presented(&p);
        pair_end(&p);
    }
}

/* More than the stream's own buffers hold. */
static void presents_a_large_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        pair p;

        begin(&p, versions[i], SSL_VERIFY_FAIL_IF_NO_PEER_CERT, judge_ok);
        present(&p, 200000);
        pair_handshake(&p);
        assert_presented(&p);
        pair_end(&p);
    }
}

static void presents_nothing_where_that_is_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        pair p;

        begin(&p, versions[i], 0, judge_ok);
        assert_int_equal(ratls_stream_present(p.stream, NULL, "a reason", NULL), RATLS_OK);
        pair_handshake(&p);
        assert_null(SSL_get0_peer_certificate(p.server));
        assert_true(ratls_stream_was_asked(p.stream));
        pair_end(&p);
    }
}

static void not_asked(void **state)
{
    pair p;

    (void)state;
    pair_begin(&p, (peer_settings){0});
    present(&p, 0);
    pair_handshake(&p);
    assert_false(ratls_stream_was_asked(p.stream));
    assert_null(SSL_get0_peer_certificate(p.server));
    pair_end(&p);
}

/* With TLS 1.2 the alert comes in the handshake, with 1.3 after it. */
static ratls_status hear_alert(pair *p)
{
    uint8_t plain[16];
    size_t len = 0;
    ratls_status status = pair_carry(p);

    ERR_clear_error();
    if (status == RATLS_OK) {
        assert_int_equal(ratls_stream_accept(p->stream, p->spki, NULL), RATLS_OK);
        status = ratls_stream_read(p->stream, plain, sizeof plain, &len, &p->error);
    }
    assert_int_equal(ratls_stream_state_of(p->stream), RATLS_STREAM_FAILED);
    return status;
}

static void assert_refused(int (*judge)(X509_STORE_CTX *, void *), const char *alert)
{
    for (size_t i = 0; i < 2; i++) {
        pair p;

        begin(&p, versions[i], SSL_VERIFY_FAIL_IF_NO_PEER_CERT, judge);
        present(&p, 0);
        assert_int_equal(hear_alert(&p), RATLS_ERR_CLIENT_CERTIFICATE_REFUSED);
        assert_string_equal(ratls_error_detail(p.error, "alert"), alert);
        assert_int_equal(ratls_error_class(p.error), RATLS_CLASS_REFUSED);
        pair_end(&p);
    }
}

static void refused_as_expired(void **state)
{
    (void)state;
    assert_refused(judge_expired, "certificate expired");
}

static void refused_by_a_check_of_the_server_s_own(void **state)
{
    (void)state;
    assert_refused(judge_itself, "handshake failure");
}

static void required_and_not_presented(void **state)
{
    static const char *const alerts[] = {"handshake failure", "certificate required"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        pair p;

        begin(&p, versions[i], SSL_VERIFY_FAIL_IF_NO_PEER_CERT, judge_ok);
        assert_int_equal(ratls_stream_present(p.stream, NULL, "a reason", NULL), RATLS_OK);
        assert_int_equal(hear_alert(&p), RATLS_ERR_CLIENT_CERTIFICATE_REQUIRED);
        assert_string_equal(ratls_error_detail(p.error, "alert"), alerts[i]);
        assert_string_equal(ratls_error_detail(p.error, "what"), "a reason");
        pair_end(&p);
    }
}

/* Bytes that cannot be sent any more: only the alert is listened to. */
static void last_words(void **state)
{
    pair p;

    (void)state;
    begin(&p, TLS1_3_VERSION, SSL_VERIFY_FAIL_IF_NO_PEER_CERT, judge_expired);
    present(&p, 0);
    (void)pair_carry(&p);
    ERR_clear_error();
    assert_int_equal(ratls_stream_hear_alert(p.stream, &p.error), RATLS_ERR_CLIENT_CERTIFICATE_REFUSED);
    pair_end(&p);
    begin(&p, TLS1_3_VERSION, 0, judge_ok);
    present(&p, 0);
    pair_handshake(&p);
    assert_int_equal(ratls_stream_hear_alert(p.stream, &p.error), RATLS_OK);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_FAILED);
    pair_end(&p);
}

static void closed_after_it_had_asked(void **state)
{
    uint8_t plain[16];
    size_t len = 0;
    pair p;

    (void)state;
    begin(&p, TLS1_3_VERSION, 0, judge_ok);
    present(&p, 0);
    pair_handshake(&p);
    assert_int_equal(ratls_stream_accept(p.stream, p.spki, NULL), RATLS_OK);
    assert_int_equal(ratls_stream_feed_end(p.stream, NULL), RATLS_OK);
    assert_int_equal(ratls_stream_read(p.stream, plain, sizeof plain, &len, &p.error), RATLS_ERR_TLS_TRUNCATED);
    assert_string_equal(ratls_error_detail(p.error, "hint"), "the server had asked for a certificate of this client, and may not have accepted it");
    pair_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_until_it_is_told_what_to_present),
        cmocka_unit_test(presents_what_it_was_told_before),
        cmocka_unit_test(presents_a_large_one),
        cmocka_unit_test(presents_nothing_where_that_is_allowed),
        cmocka_unit_test(not_asked),
        cmocka_unit_test(refused_as_expired),
        cmocka_unit_test(refused_by_a_check_of_the_server_s_own),
        cmocka_unit_test(required_and_not_presented),
        cmocka_unit_test(last_words),
        cmocka_unit_test(closed_after_it_had_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

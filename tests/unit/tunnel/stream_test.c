#include "failure.h"

#include <openssl/err.h>

#include "tunnel/stream_pair.h"

static void plain_text_before_accept(void **state)
{
    uint8_t plain[16];
    size_t len = 1;
    pair p;

    (void)state;
    pair_begin(&p, (peer_settings){0});
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ratls_stream_write(p.stream, (const uint8_t *)"password", 8, &len, NULL), RATLS_ERR_INTERNAL);
        assert_int_equal(len, 0);
        assert_int_equal(ratls_stream_read(p.stream, plain, sizeof plain, &len, NULL), RATLS_ERR_INTERNAL);
        assert_int_equal(len, 0);
        if (i == 0) {
            assert_int_equal(ratls_stream_accept(p.stream, p.spki, NULL), RATLS_ERR_INTERNAL);
            pair_handshake(&p);
        }
    }
    assert_int_equal(pair_carry_out(&p), 0); /* and nothing of it is on the wire */
    pair_end(&p);
}

static void server_speaks_before_accept(void **state)
{
    uint8_t plain[16];
    size_t len = 1;
    pair p;

    (void)state;
    pair_begin(&p, (peer_settings){0});
    pair_handshake(&p);
    pair_server_says(&p, "early");
    assert_int_equal(pair_carry(&p), RATLS_OK);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_VERDICT_NEEDED);
    assert_int_equal(ratls_stream_read(p.stream, plain, sizeof plain, &len, NULL), RATLS_ERR_INTERNAL);
    assert_int_equal(len, 0);
    assert_int_equal(ratls_stream_accept(p.stream, p.spki, NULL), RATLS_OK);
    pair_client_hears(&p, "early");
    pair_end(&p);
}

static void server_floods_before_accept(void **state)
{
    uint8_t *flood = calloc(1, 256 * 1024);
    size_t taken = 0;
    pair p;

    (void)state;
    assert_non_null(flood);
    pair_begin(&p, (peer_settings){0});
    pair_handshake(&p);
    assert_int_equal(ratls_stream_feed(p.stream, flood, 256 * 1024, &taken, NULL), RATLS_OK);
    assert_true(taken < 128 * 1024); /* the rest stays in the socket: back-pressure */
    free(flood);
    pair_end(&p);
}

static void truncated(void **state)
{
    uint8_t plain[16];
    size_t len = 0;
    pair p;

    (void)state;
    pair_open(&p, (peer_settings){0});
    pair_server_says(&p, "half a");
    assert_int_equal(pair_carry(&p), RATLS_OK);
    assert_int_equal(ratls_stream_feed_end(p.stream, &p.error), RATLS_OK);
    pair_client_hears(&p, "half a"); /* what came is still handed out */
    assert_int_equal(ratls_stream_read(p.stream, plain, sizeof plain, &len, &p.error), RATLS_ERR_TLS_TRUNCATED);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_FAILED);
    pair_end(&p);
}

static void truncated_while_the_verdict_is_awaited(void **state)
{
    uint8_t plain[16];
    size_t len = 0;
    pair p;

    (void)state;
    pair_begin(&p, (peer_settings){0});
    pair_handshake(&p);
    assert_int_equal(ratls_stream_feed_end(p.stream, &p.error), RATLS_OK);
    assert_int_equal(ratls_stream_accept(p.stream, p.spki, NULL), RATLS_OK);
    assert_int_equal(ratls_stream_read(p.stream, plain, sizeof plain, &len, &p.error), RATLS_ERR_TLS_TRUNCATED);
    pair_end(&p);
}

static void record_tampered_with(void **state)
{
    uint8_t wire[256], plain[16];
    size_t len = 0, taken = 0;
    int got;
    pair p;

    (void)state;
    pair_open(&p, (peer_settings){0});
    pair_server_says(&p, "row");
    got = BIO_read(SSL_get_wbio(p.server), wire, sizeof wire);
    assert_true(got > 10);
    wire[got - 1] ^= 1;
    assert_int_equal(ratls_stream_feed(p.stream, wire, (size_t)got, &taken, NULL), RATLS_OK);
    assert_int_equal(ratls_stream_read(p.stream, plain, sizeof plain, &len, &p.error), RATLS_ERR_TLS_FAILED);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_FAILED);
    pair_end(&p);
}

static void server_says_goodbye(void **state)
{
    uint8_t plain[16];
    size_t len = 1;
    pair p;

    (void)state;
    pair_open(&p, (peer_settings){0});
    pair_server_says(&p, "last");
    assert_true(SSL_shutdown(p.server) >= 0);
    assert_int_equal(pair_carry(&p), RATLS_OK);
    pair_client_hears(&p, "last");
    assert_int_equal(ratls_stream_read(p.stream, plain, sizeof plain, &len, NULL), RATLS_OK);
    assert_int_equal(len, 0);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_CLOSED);
    assert_int_equal(ratls_stream_feed_end(p.stream, &p.error), RATLS_OK); /* an end that was announced */
    pair_end(&p);
}

static void client_says_goodbye(void **state)
{
    char plain[16];
    size_t len = 0;
    pair p;

    (void)state;
    pair_open(&p, (peer_settings){0});
    pair_client_says(&p, "bye");
    assert_int_equal(ratls_stream_close(p.stream, NULL), RATLS_OK);
    assert_int_equal(ratls_stream_write(p.stream, (const uint8_t *)"x", 1, &len, NULL), RATLS_ERR_INTERNAL);
    assert_int_equal(pair_carry(&p), RATLS_OK);
    pair_server_hears(&p, "bye");
    assert_int_equal(SSL_read_ex(p.server, plain, sizeof plain, &len), 0);
    assert_int_equal(SSL_get_shutdown(p.server) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    pair_server_says(&p, "rest"); /* reading goes on */
    assert_int_equal(pair_carry(&p), RATLS_OK);
    pair_client_hears(&p, "rest");
    ERR_clear_error();
    pair_end(&p);
}

static void goodbye_waits_for_room(void **state)
{
    uint8_t *plain = calloc(1, 256 * 1024);
    char got[16 * 1024];
    size_t taken = 0, len = 0, total = 0;
    pair p;

    (void)state;
    assert_non_null(plain);
    pair_open(&p, (peer_settings){0});
    assert_int_equal(ratls_stream_write(p.stream, plain, 256 * 1024, &taken, NULL), RATLS_OK);
    assert_true(taken > 0 && taken < 128 * 1024); /* bounded */
    assert_int_equal(ratls_stream_close(p.stream, NULL), RATLS_OK);
    assert_int_equal(pair_carry(&p), RATLS_OK);
    while (SSL_read_ex(p.server, got, sizeof got, &len) == 1) {
        total += len;
    }
    assert_int_equal(total, taken);
    assert_int_equal(SSL_get_shutdown(p.server) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    ERR_clear_error();
    free(plain);
    pair_end(&p);
}

static void server_asks_for_renegotiation(void **state)
{
    uint8_t plain[16];
    size_t len = 0;
    pair p;

    (void)state;
    pair_open(&p, (peer_settings){.max_version = TLS1_2_VERSION});
    assert_int_equal(SSL_renegotiate(p.server), 1);
    (void)SSL_do_handshake(p.server);
    assert_int_equal(pair_carry(&p), RATLS_OK);
    assert_int_equal(ratls_stream_read(p.stream, plain, sizeof plain, &len, NULL), RATLS_OK);
    assert_int_equal(len, 0);
    assert_int_equal(ratls_stream_state_of(p.stream), RATLS_STREAM_OPEN);
    (void)pair_carry_out(&p);
    /* The answer is a refusal, not a second handshake. */
    assert_true(SSL_read(p.server, plain, sizeof plain) <= 0);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    ERR_clear_error();
    pair_end(&p);
}

static void server_updates_its_keys(void **state)
{
    pair p;

    (void)state;
    pair_open(&p, (peer_settings){0});
    for (int i = 0; i < 3; i++) {
        assert_int_equal(SSL_key_update(p.server, SSL_KEY_UPDATE_REQUESTED), 1);
        pair_server_says(&p, "new keys");
        assert_int_equal(pair_carry(&p), RATLS_OK);
        pair_client_hears(&p, "new keys");
        pair_talks(&p);
    }
    pair_end(&p);
}

/* A peer that asks for answers and takes none fills its own side, not our memory. */
static void server_floods_with_key_updates(void **state)
{
    uint8_t wire[PAIR_WIRE_MAX], plain[16];
    size_t len = 0, taken = 0;
    bool full = false;
    pair p;

    (void)state;
    pair_open(&p, (peer_settings){0});
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
    pair_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_before_accept),
        cmocka_unit_test(server_speaks_before_accept),
        cmocka_unit_test(server_floods_before_accept),
        cmocka_unit_test(truncated),
        cmocka_unit_test(truncated_while_the_verdict_is_awaited),
        cmocka_unit_test(record_tampered_with),
        cmocka_unit_test(server_says_goodbye),
        cmocka_unit_test(client_says_goodbye),
        cmocka_unit_test(goodbye_waits_for_room),
        cmocka_unit_test(server_asks_for_renegotiation),
        cmocka_unit_test(server_updates_its_keys),
        cmocka_unit_test(server_floods_with_key_updates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

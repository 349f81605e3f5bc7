#include "failure.h"

#include "tunnel/sasl_offer.h"

enum { ROOM = 8192 };

#define VERSION "v\0\0\0\x14\0\0\0\0\0\0\0\1_pq_.x\0\0"
#define VERSION_LEN 21
#define OFFER(len, list) "R\0\0\0" len "\0\0\0\x0a" list
#define BOTH OFFER("\x2a", "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")
#define BOTH_LEN 43
#define PLAIN OFFER("\x17", "SCRAM-SHA-256\0\0")
#define PLAIN_LEN 24
#define READY "R\0\0\0\x08\0\0\0\0Z\0\0\0\5I"
#define READY_LEN 15

/* What reaches the driver of `input` that comes in two pieces, or all at once for `split` 0; what is held at the end is
 * released, as at the end of the stream. */
static ratls_status pass(uint8_t out[ROOM], size_t *out_len, const void *input, size_t len, size_t split, ratls_error **err)
{
    ratls_sasl_offer offer = {0};
    uint8_t *buffer = malloc(len + 1);
    size_t cleared = 0, held = 0;
    ratls_status status = RATLS_OK;

    assert_non_null(buffer);
    for (size_t at = 0, end = split; at < len && status == RATLS_OK; at = end, end = len) {
        size_t rest, clear = 0;

        end = end == 0 ? len : end;
        memcpy(buffer + cleared + held, (const uint8_t *)input + at, end - at);
        rest = held + end - at;
        status = ratls_sasl_offer_look(&offer, buffer + cleared, &rest, &clear, err);
        assert_true(clear <= rest);
        cleared += clear;
        held = rest - clear;
        assert_true(!offer.done || held == 0 || status != RATLS_OK);
        assert_true(held <= RATLS_SASL_OFFER_MAX + 1 || status != RATLS_OK);
    }
    *out_len = cleared + (status == RATLS_OK ? held : 0);
    memcpy(out, buffer, *out_len);
    free(buffer);
    return status;
}

/* The same whatever the pieces. */
static void assert_passes(const void *input, size_t len, const void *expected, size_t expected_len)
{
    uint8_t out[ROOM];
    size_t out_len;

    for (size_t split = 0; split < len; split++) {
        assert_int_equal(pass(out, &out_len, input, len, split, NULL), RATLS_OK);
        assert_int_equal(out_len, expected_len);
        assert_memory_equal(out, expected, expected_len);
    }
}

static void assert_untouched(const void *input, size_t len)
{
    assert_passes(input, len, input, len);
}

static void plus_is_taken_out(void **state)
{
    (void)state;
    assert_passes(BOTH, BOTH_LEN, PLAIN, PLAIN_LEN);
    assert_passes(OFFER("\x2a", "SCRAM-SHA-256\0SCRAM-SHA-256-PLUS\0\0"), BOTH_LEN, PLAIN, PLAIN_LEN);
    assert_passes(OFFER("\x3e", "SCRAM-SHA-512-PLUS\0SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0\0"), 63,
                  OFFER("\x3e", "SCRAM-SHA-512-PLUS\0SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0\0"), 63); /* two ends: no list */
    assert_passes(OFFER("\x3d", "SCRAM-SHA-512-PLUS\0SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"), 62, PLAIN, PLAIN_LEN);
}

static void and_nothing_after_it(void **state)
{
    (void)state;
    assert_passes(BOTH READY, BOTH_LEN + READY_LEN, PLAIN READY, PLAIN_LEN + READY_LEN);
    assert_passes(BOTH BOTH, 2 * BOTH_LEN, PLAIN BOTH, PLAIN_LEN + BOTH_LEN); /* only once */
}

static void after_a_version_and_notices(void **state)
{
    (void)state;
    assert_passes(VERSION BOTH, VERSION_LEN + BOTH_LEN, VERSION PLAIN, VERSION_LEN + PLAIN_LEN);
    assert_passes("N\0\0\0\x06x\0" VERSION BOTH READY, 7 + VERSION_LEN + BOTH_LEN + READY_LEN, "N\0\0\0\x06x\0" VERSION PLAIN READY,
                  7 + VERSION_LEN + PLAIN_LEN + READY_LEN);
}

static void offers_without_plus(void **state)
{
    (void)state;
    assert_untouched(PLAIN READY, PLAIN_LEN + READY_LEN);
    assert_untouched(OFFER("\x1b", "SCRAM-SHA-256-plus\0\0"), 28);
    assert_untouched(OFFER("\x0f", "-PLUS\0\0"), 16); /* of nothing */
    assert_untouched(OFFER("\x09", "\0"), 10);
}

static void other_authentication(void **state)
{
    (void)state;
    assert_untouched(READY, READY_LEN);
    assert_untouched("R\0\0\0\x0c\0\0\0\5salt" BOTH, 13 + BOTH_LEN);
    assert_untouched("R\0\0\0\x08\0\0\0\3" BOTH, 9 + BOTH_LEN);
    assert_untouched("R\0\0\0\x2a\0\0\0\x0bSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0", BOTH_LEN); /* SASLContinue */
}

static void errors_and_strangers(void **state)
{
    (void)state;
    assert_untouched("E\0\0\0\x08SX\0\0" BOTH, 9 + BOTH_LEN);
    assert_untouched("Efatal: what do you want?\n", 27);
    assert_untouched("HTTP/1.1 400 Bad Request", 24);
    assert_untouched("R\0\0\0\3\0\0\0\x0a" BOTH, 9 + BOTH_LEN);    /* a length that is none */
    assert_untouched("R\0\0\0\4" BOTH, 5 + BOTH_LEN);              /* no kind */
    assert_untouched("R\0\0\0\7\0\0\0" BOTH, 8 + BOTH_LEN);        /* half a kind */
    assert_untouched("R\xff\xff\xff\xff\0\0\0\x0a" BOTH, 9 + BOTH_LEN);
    assert_untouched("v\xff\xff\xff\xff" BOTH, 5 + BOTH_LEN); /* still within it */
}

static void lists_that_are_none(void **state)
{
    (void)state;
    assert_untouched(OFFER("\x29", "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0") READY, BOTH_LEN - 1 + READY_LEN); /* no end */
    assert_untouched(OFFER("\x08", "") READY, 9 + READY_LEN);
    assert_untouched(OFFER("\x0d", "-PLUS") READY, 14 + READY_LEN);
    assert_untouched(OFFER("\x1f", "\0SCRAM-SHA-256-PLUS\0aa\0"), 32); /* more after its end */
}

static void messages_cut_short(void **state)
{
    (void)state;
    for (size_t len = 1; len < BOTH_LEN; len++) {
        assert_untouched(BOTH, len);
    }
}

/* An offer of `len` bytes in all: PLUS, then one name that fills it. */
static size_t fill_offer(uint8_t out[ROOM], size_t len)
{
    static const char head[] = "R\0\0\0\0\0\0\0\x0aSCRAM-SHA-256-PLUS";
    size_t count = len - 1;

    memset(out, 'x', len);
    memcpy(out, head, sizeof head);
    out[3] = (uint8_t)(count >> 8);
    out[4] = (uint8_t)count;
    out[len - 2] = out[len - 1] = 0;
    return len;
}

static void longest_offer(void **state)
{
    uint8_t offer[ROOM], out[ROOM];
    size_t len = fill_offer(offer, RATLS_SASL_OFFER_MAX), out_len;

    (void)state;
    assert_int_equal(pass(out, &out_len, offer, len, 5, NULL), RATLS_OK);
    assert_int_equal(out_len, len - sizeof "SCRAM-SHA-256-PLUS");
    assert_int_equal((out[3] << 8) + out[4], out_len - 1);
    assert_int_equal(out[9], 'x');
    len = fill_offer(offer, RATLS_SASL_OFFER_MAX + 1);
    assert_untouched(offer, len);
}

static void nothing_but_plus(void **state)
{
    static const char input[] = VERSION OFFER("\x1c", "SCRAM-SHA-256-PLUS\0\0") READY;

    (void)state;
    for (size_t split = 0; split < VERSION_LEN + 29; split++) {
        uint8_t out[ROOM];
        size_t out_len;
        ratls_error *err = NULL;

        ASSERT_FAILS(pass(out, &out_len, input, sizeof input - 1, split, &err), CHANNEL_BINDING_ONLY);
        ASSERT_DETAIL("found", "SCRAM-SHA-256-PLUS");
        assert_int_equal(out_len, VERSION_LEN);
        assert_memory_equal(out, VERSION, VERSION_LEN);
        ratls_error_free(err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plus_is_taken_out),
        cmocka_unit_test(and_nothing_after_it),
        cmocka_unit_test(after_a_version_and_notices),
        cmocka_unit_test(offers_without_plus),
        cmocka_unit_test(other_authentication),
        cmocka_unit_test(errors_and_strangers),
        cmocka_unit_test(lists_that_are_none),
        cmocka_unit_test(messages_cut_short),
        cmocka_unit_test(longest_offer),
        cmocka_unit_test(nothing_but_plus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

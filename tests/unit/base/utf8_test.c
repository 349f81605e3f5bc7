#include "support/unit.h"

#include "base/utf8.h"

static void every_length_is_read(void **state)
{
    (void)state;
    assert_int_equal(ratls_utf8_sequence(BYTES_OF("a")), 1);
    assert_int_equal(ratls_utf8_sequence(BYTES_OF("\xc2\x80")), 2);
    assert_int_equal(ratls_utf8_sequence(BYTES_OF("\xe0\xa0\x80")), 3);
    assert_int_equal(ratls_utf8_sequence(BYTES_OF("\xed\x9f\xbf")), 3);
    assert_int_equal(ratls_utf8_sequence(BYTES_OF("\xee\x80\x80")), 3);
    assert_int_equal(ratls_utf8_sequence(BYTES_OF("\xf0\x90\x80\x80")), 4);
    assert_int_equal(ratls_utf8_sequence(BYTES_OF("\xf4\x8f\xbf\xbf")), 4);
    assert_true(ratls_utf8_valid(BYTES_OF("aé€😀\0b")));
    assert_true(ratls_utf8_valid((ratls_bytes){NULL, 0}));
}

static void nothing_is_no_sequence(void **state)
{
    (void)state;
    assert_int_equal(ratls_utf8_sequence((ratls_bytes){NULL, 0}), 0);
}

static void malformed_sequences_are_refused(void **state)
{
    static const char *const wrong[] = {
        "\x80",                 /* continuation first */
        "\xc0\x80",             /* overlong */
        "\xc1\xbf",
        "\xe0\x9f\xbf",         /* overlong */
        "\xed\xa0\x80",         /* surrogate */
        "\xf0\x8f\xbf\xbf",     /* overlong */
        "\xf4\x90\x80\x80",     /* above U+10FFFF */
        "\xf5\x80\x80\x80",
        "\xff",
        "\xc3(",
        "\xe2\x82(",
        "\xf0\x9f\x98(",
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(ratls_utf8_valid((ratls_bytes){(const uint8_t *)wrong[i], strlen(wrong[i])}));
    }
}

static void a_cut_sequence_is_refused(void **state)
{
    static const uint8_t euro[] = {0xe2, 0x82, 0xac}, smile[] = {0xf0, 0x9f, 0x98, 0x80};

    (void)state;
    for (size_t len = 1; len < sizeof euro; len++) {
        assert_false(ratls_utf8_valid((ratls_bytes){euro, len}));
    }
    for (size_t len = 1; len < sizeof smile; len++) {
        assert_false(ratls_utf8_valid((ratls_bytes){smile, len}));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_is_read),
        cmocka_unit_test(nothing_is_no_sequence),
        cmocka_unit_test(malformed_sequences_are_refused),
        cmocka_unit_test(a_cut_sequence_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

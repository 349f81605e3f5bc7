#include "support/unit.h"

static void equal_bytes_are_equal(void **state)
{
    (void)state;
    assert_true(ratls_bytes_equal(BYTES_OF("abc"), BYTES_OF("abc")));
    assert_true(ratls_bytes_equal((ratls_bytes){NULL, 0}, BYTES_OF("")));
}

static void other_content_is_not_equal(void **state)
{
    (void)state;
    assert_false(ratls_bytes_equal(BYTES_OF("abc"), BYTES_OF("abd")));
}

static void a_prefix_is_not_equal(void **state)
{
    (void)state;
    assert_false(ratls_bytes_equal(BYTES_OF("abc"), BYTES_OF("ab")));
    assert_false(ratls_bytes_equal_text(BYTES_OF("abc"), "ab"));
    assert_false(ratls_bytes_equal_text(BYTES_OF("ab"), "abc"));
}

static void an_embedded_nul_is_not_the_end(void **state)
{
    (void)state;
    assert_true(ratls_bytes_equal_text(BYTES_OF("ab"), "ab"));
    assert_false(ratls_bytes_equal_text(BYTES_OF("ab\0c"), "ab"));
}

static void all_zero_sees_every_byte(void **state)
{
    uint8_t bytes[17] = {0};

    (void)state;
    assert_true(ratls_bytes_all_zero((ratls_bytes){bytes, sizeof bytes}));
    assert_true(ratls_bytes_all_zero((ratls_bytes){NULL, 0}));
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = 0x10;
        assert_false(ratls_bytes_all_zero((ratls_bytes){bytes, sizeof bytes}));
        bytes[i] = 0;
    }
}

static void hex_goes_out_and_comes_back(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x1f, 0xa0, 0xff};
    uint8_t back[sizeof bytes];
    char text[2 * sizeof bytes + 1];

    (void)state;
    ratls_hex_write(text, bytes, sizeof bytes);
    assert_string_equal(text, "001fa0ff");
    assert_true(ratls_hex_read(back, sizeof back, "001FA0ff", 8));
    assert_memory_equal(back, bytes, sizeof bytes);
}

static void hex_of_another_length_is_refused(void **state)
{
    uint8_t out[2];

    (void)state;
    assert_false(ratls_hex_read(out, 2, "0011223", 7));
    assert_false(ratls_hex_read(out, 2, "001122", 6));
    assert_false(ratls_hex_read(out, 2, "00", 2));
    assert_false(ratls_hex_read(out, 2, "001", 3));
    assert_true(ratls_hex_read(out, 0, "", 0));
}

static void hex_with_another_character_is_refused(void **state)
{
    static const char *const wrong[] = {"0g", "g0", "0x", " 0", "0/", "0:", "0@", "0G", "0`"};
    uint8_t out[1];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(ratls_hex_read(out, 1, wrong[i], 2));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_bytes_are_equal),
        cmocka_unit_test(other_content_is_not_equal),
        cmocka_unit_test(a_prefix_is_not_equal),
        cmocka_unit_test(an_embedded_nul_is_not_the_end),
        cmocka_unit_test(all_zero_sees_every_byte),
        cmocka_unit_test(hex_goes_out_and_comes_back),
        cmocka_unit_test(hex_of_another_length_is_refused),
        cmocka_unit_test(hex_with_another_character_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

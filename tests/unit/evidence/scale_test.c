#include "support/unit.h"

#include "evidence/scale.h"

static void assert_compact(ratls_bytes input, uint32_t expected)
{
    ratls_reader reader = ratls_reader_over(input);
    uint32_t value;

    assert_true(ratls_scale_compact(&reader, &value));
    assert_int_equal(value, expected);
    assert_int_equal(reader.left, 0);
}

static void assert_no_compact(ratls_bytes input)
{
    ratls_reader reader = ratls_reader_over(input);
    uint32_t value;

    assert_false(ratls_scale_compact(&reader, &value));
}

static void compact_integers_are_read(void **state)
{
    (void)state;
    assert_compact(BYTES_OF("\x00"), 0);
    assert_compact(BYTES_OF("\x04"), 1);
    assert_compact(BYTES_OF("\xfc"), 63);
    assert_compact(BYTES_OF("\x01\x01"), 64);
    assert_compact(BYTES_OF("\x31\x03"), 204);
    assert_compact(BYTES_OF("\x49\x4e"), 5010);
    assert_compact(BYTES_OF("\xfd\xff"), 16383);
    assert_compact(BYTES_OF("\x02\x00\x01\x00"), 16384);
    assert_compact(BYTES_OF("\xfe\xff\xff\xff"), 0x3fffffff);
}

static void compact_integers_that_are_not_minimal_are_refused(void **state)
{
    (void)state;
    assert_no_compact(BYTES_OF("\x01\x00"));
    assert_no_compact(BYTES_OF("\xfd\x00"));
    assert_no_compact(BYTES_OF("\x02\x00\x00\x00"));
    assert_no_compact(BYTES_OF("\xfe\xff\x00\x00"));
}

static void the_big_mode_is_refused(void **state)
{
    (void)state;
    assert_no_compact(BYTES_OF("\x03\x00\x00\x00\x40"));
}

static void cut_compact_integers_are_refused(void **state)
{
    (void)state;
    assert_no_compact(BYTES_OF(""));
    assert_no_compact(BYTES_OF("\x01"));
    assert_no_compact(BYTES_OF("\x02\x00\x01"));
}

static void bytes_and_text_are_read(void **state)
{
    ratls_reader reader = ratls_reader_over(BYTES_OF("\x08" "ab" "\x0c" "\xe2\x82\xac" "\x00"));
    ratls_bytes bytes;

    (void)state;
    assert_true(ratls_scale_bytes(&reader, &bytes));
    ASSERT_BYTES(bytes, "ab");
    assert_true(ratls_scale_text(&reader, &bytes));
    ASSERT_BYTES(bytes, "€");
    assert_true(ratls_scale_text(&reader, &bytes) && bytes.len == 0);
}

static void bytes_past_the_end_are_refused(void **state)
{
    ratls_reader reader = ratls_reader_over(BYTES_OF("\x0c" "ab"));
    ratls_bytes bytes;

    (void)state;
    assert_false(ratls_scale_bytes(&reader, &bytes));
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    ratls_reader reader = ratls_reader_over(BYTES_OF("\x04\xff"));
    ratls_bytes bytes;

    (void)state;
    assert_false(ratls_scale_text(&reader, &bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compact_integers_are_read),
        cmocka_unit_test(compact_integers_that_are_not_minimal_are_refused),
        cmocka_unit_test(the_big_mode_is_refused),
        cmocka_unit_test(cut_compact_integers_are_refused),
        cmocka_unit_test(bytes_and_text_are_read),
        cmocka_unit_test(bytes_past_the_end_are_refused),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "support/unit.h"

#include "base/reader.h"

static void numbers_are_read_in_their_order(void **state)
{
    static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a};
    ratls_reader reader = ratls_reader_over((ratls_bytes){bytes, sizeof bytes});
    uint8_t one;
    uint16_t two;
    uint32_t four;
    uint64_t three;

    (void)state;
    assert_true(ratls_reader_u8(&reader, &one) && one == 0x01);
    assert_true(ratls_reader_u16_le(&reader, &two) && two == 0x0302);
    assert_true(ratls_reader_u32_le(&reader, &four) && four == 0x07060504);
    assert_int_equal(ratls_reader_offset(&reader), 7);
    assert_true(ratls_reader_uint_be(&reader, &three, 3) && three == 0x08090a);
    assert_int_equal(reader.left, 0);
}

static void a_take_past_the_end_moves_nothing(void **state)
{
    static const uint8_t bytes[] = {0x01, 0x02, 0x03};
    ratls_reader reader = ratls_reader_over((ratls_bytes){bytes, sizeof bytes});
    ratls_bytes taken;
    uint8_t copy[4];
    uint32_t four;
    uint64_t big;

    (void)state;
    assert_false(ratls_reader_take(&reader, &taken, 4));
    assert_false(ratls_reader_take(&reader, &taken, SIZE_MAX));
    assert_false(ratls_reader_skip(&reader, 4));
    assert_false(ratls_reader_copy(&reader, copy, 4));
    assert_false(ratls_reader_u32_le(&reader, &four));
    assert_false(ratls_reader_uint_be(&reader, &big, 4));
    assert_int_equal(ratls_reader_offset(&reader), 0);
    assert_true(ratls_reader_take(&reader, &taken, 3));
}

static void a_big_endian_number_has_one_to_eight_bytes(void **state)
{
    static const uint8_t bytes[9] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    ratls_reader reader = ratls_reader_over((ratls_bytes){bytes, sizeof bytes});
    uint64_t value;

    (void)state;
    assert_false(ratls_reader_uint_be(&reader, &value, 0));
    assert_false(ratls_reader_uint_be(&reader, &value, 9));
    assert_true(ratls_reader_uint_be(&reader, &value, 8) && value == UINT64_MAX);
}

static void an_empty_input_gives_nothing(void **state)
{
    ratls_reader reader = ratls_reader_over((ratls_bytes){NULL, 0});
    ratls_bytes taken;
    uint8_t one;

    (void)state;
    assert_false(ratls_reader_u8(&reader, &one));
    assert_true(ratls_reader_take(&reader, &taken, 0));
    assert_true(ratls_reader_skip(&reader, 0));
    assert_int_equal(taken.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_in_their_order),
        cmocka_unit_test(a_take_past_the_end_moves_nothing),
        cmocka_unit_test(a_big_endian_number_has_one_to_eight_bytes),
        cmocka_unit_test(an_empty_input_gives_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

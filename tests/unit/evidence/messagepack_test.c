#include "support/unit.h"

#include "evidence/messagepack.h"
#include "support/envelope_builder.h"

static bool skips(ratls_bytes input, size_t depth)
{
    ratls_reader reader = ratls_reader_over(input);
    ratls_bytes value;

    return ratls_messagepack_skip(&reader, depth, &value) && value.len == input.len && reader.left == 0;
}

static void every_kind_of_value_is_skipped_whole(void **state)
{
    static const ratls_bytes values[] = {
        BYTES_OF("\x00"), BYTES_OF("\x7f"), BYTES_OF("\xe0"), BYTES_OF("\xff"), BYTES_OF("\xc0"), BYTES_OF("\xc2"), BYTES_OF("\xc3"),
        BYTES_OF("\xa0"), BYTES_OF("\xa3" "abc"), BYTES_OF("\xd9\x01" "a"), BYTES_OF("\xda\x00\x01" "a"), BYTES_OF("\xdb\x00\x00\x00\x01" "a"),
        BYTES_OF("\xc4\x01" "a"), BYTES_OF("\xc5\x00\x01" "a"), BYTES_OF("\xc6\x00\x00\x00\x01" "a"),
        BYTES_OF("\xc7\x01\x05" "a"), BYTES_OF("\xc8\x00\x01\x05" "a"), BYTES_OF("\xc9\x00\x00\x00\x01\x05" "a"),
        BYTES_OF("\xca" "1234"), BYTES_OF("\xcb" "12345678"),
        BYTES_OF("\xcc" "1"), BYTES_OF("\xcd" "12"), BYTES_OF("\xce" "1234"), BYTES_OF("\xcf" "12345678"),
        BYTES_OF("\xd0" "1"), BYTES_OF("\xd1" "12"), BYTES_OF("\xd2" "1234"), BYTES_OF("\xd3" "12345678"),
        BYTES_OF("\xd4" "t" "1"), BYTES_OF("\xd5" "t" "12"), BYTES_OF("\xd6" "t" "1234"), BYTES_OF("\xd7" "t" "12345678"),
        BYTES_OF("\xd8" "t" "1234567890123456"),
        BYTES_OF("\x80"), BYTES_OF("\x90"), BYTES_OF("\x92\x01\x90"), BYTES_OF("\x81\xa1" "k" "\x91\x02"),
        BYTES_OF("\xdc\x00\x01\x07"), BYTES_OF("\xdd\x00\x00\x00\x01\x07"), BYTES_OF("\xde\x00\x01\x01\x02"), BYTES_OF("\xdf\x00\x00\x00\x01\x01\x02"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_true(skips(values[i], RATLS_MESSAGEPACK_DEPTH_MAX));
        for (size_t len = 0; len < values[i].len; len++) {
            assert_false(skips((ratls_bytes){values[i].data, len}, RATLS_MESSAGEPACK_DEPTH_MAX));
        }
    }
}

static void the_byte_that_is_never_used_is_refused(void **state)
{
    (void)state;
    assert_false(skips(BYTES_OF("\xc1"), 1));
    assert_false(skips(BYTES_OF("\x91\xc1"), 1));
}

static void nesting_is_bounded(void **state)
{
    test_buffer deep = {0};

    (void)state;
    for (size_t i = 1; i <= RATLS_MESSAGEPACK_DEPTH_MAX; i++) {
        buffer_u8(&deep, 0x91);
        buffer_u8(&deep, 0x00);
        assert_true(skips(buffer_bytes(&deep), i));
        assert_false(skips(buffer_bytes(&deep), i - 1));
        deep.len--;
    }
    buffer_fill(&deep, 0x91, 1 << 20);
    assert_false(skips(buffer_bytes(&deep), RATLS_MESSAGEPACK_DEPTH_MAX));
    assert_false(skips(buffer_bytes(&deep), RATLS_MESSAGEPACK_DEPTH_MAX + 1));
    buffer_free(&deep);
}

static void a_count_past_the_end_is_refused(void **state)
{
    (void)state;
    assert_false(skips(BYTES_OF("\xdd\xff\xff\xff\xff\x00"), 1));
    assert_false(skips(BYTES_OF("\xdf\xff\xff\xff\xff\x00"), 1));
    assert_false(skips(BYTES_OF("\xc6\xff\xff\xff\xff\x00"), 1));
    assert_false(skips(BYTES_OF("\xc9\xff\xff\xff\xff\x00"), 1));
}

static void typed_readers_take_only_their_kind(void **state)
{
    ratls_reader text = ratls_reader_over(BYTES_OF("\xa1" "a")), bin = ratls_reader_over(BYTES_OF("\xc4\x01" "a"));
    ratls_bytes bytes;
    uint64_t number;
    uint32_t count;

    (void)state;
    assert_false(ratls_messagepack_bin(&text, &bytes));
    assert_false(ratls_messagepack_map(&text, &count));
    assert_false(ratls_messagepack_array(&text, &count));
    assert_false(ratls_messagepack_unsigned(&text, UINT64_MAX, &number));
    assert_int_equal(text.left, 2);
    assert_true(ratls_messagepack_text(&text, &bytes));
    assert_false(ratls_messagepack_text(&bin, &bytes));
    assert_true(ratls_messagepack_bin(&bin, &bytes));
    ASSERT_BYTES(bytes, "a");
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    ratls_reader reader = ratls_reader_over(BYTES_OF("\xa1\xff"));
    ratls_bytes bytes;

    (void)state;
    assert_false(ratls_messagepack_text(&reader, &bytes));
}

static void numbers_have_a_maximum_and_no_sign(void **state)
{
    static const ratls_bytes good[] = {BYTES_OF("\x05"), BYTES_OF("\xcc\x05"), BYTES_OF("\xcd\x00\x05"), BYTES_OF("\xce\x00\x00\x00\x05"),
                                       BYTES_OF("\xcf\x00\x00\x00\x00\x00\x00\x00\x05")};
    static const ratls_bytes wrong[] = {BYTES_OF("\x06"), BYTES_OF("\xcc\x06"), BYTES_OF("\xff"), BYTES_OF("\xd0\x05"), BYTES_OF("\xcd\x01")};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ratls_reader right = ratls_reader_over(good[i]), other = ratls_reader_over(wrong[i]);
        uint64_t number;

        assert_true(ratls_messagepack_unsigned(&right, 5, &number) && number == 5);
        assert_false(ratls_messagepack_unsigned(&other, 5, &number));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_is_skipped_whole),
        cmocka_unit_test(the_byte_that_is_never_used_is_refused),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(a_count_past_the_end_is_refused),
        cmocka_unit_test(typed_readers_take_only_their_kind),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
        cmocka_unit_test(numbers_have_a_maximum_and_no_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

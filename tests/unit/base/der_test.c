#include "support/unit.h"

#include "base/der.h"
#include "support/buffer.h"

static bool next_is(ratls_bytes input, uint8_t tag, size_t content_len)
{
    ratls_reader reader = ratls_reader_over(input);
    ratls_der element;

    return ratls_der_next(&reader, &element) && element.tag == tag && element.content.len == content_len &&
           element.whole.data == input.data && element.whole.len == input.len - reader.left;
}

static bool next_fails(ratls_bytes input)
{
    ratls_reader reader = ratls_reader_over(input);
    ratls_der element;
    bool failed = !ratls_der_next(&reader, &element);

    return failed && reader.left == input.len;
}

/* An element with this tag over a literal's bytes. */
static ratls_der element_of(uint8_t tag, ratls_bytes content)
{
    return (ratls_der){tag, content, content};
}

static void elements_follow_each_other(void **state)
{
    ratls_reader reader = ratls_reader_over(BYTES_OF("\x02\x01\x07\x30\x02\x05\x00"));
    ratls_der element;

    (void)state;
    assert_true(ratls_der_expect(&reader, RATLS_DER_INTEGER, &element));
    assert_int_equal(element.whole.len, 3);
    assert_true(ratls_der_expect(&reader, RATLS_DER_SEQUENCE, &element));
    ASSERT_BYTES(element.content, "\x05\x00");
    assert_false(ratls_der_next(&reader, &element));
}

static void every_length_form_is_read(void **state)
{
    static const size_t lengths[] = {0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0x123456};

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        test_buffer buffer = {0};
        size_t opened = der_open(&buffer, RATLS_DER_OCTET_STRING);

        buffer_fill(&buffer, 0x11, lengths[i]);
        der_close(&buffer, opened);
        assert_true(next_is(buffer_bytes(&buffer), RATLS_DER_OCTET_STRING, lengths[i]));
        assert_true(next_fails((ratls_bytes){buffer.data, buffer.len - 1}));
        buffer_free(&buffer);
    }
}

static void an_indefinite_length_is_refused(void **state)
{
    (void)state;
    assert_true(next_fails(BYTES_OF("\x30\x80\x05\x00\x00\x00")));
}

static void a_length_that_is_not_minimal_is_refused(void **state)
{
    test_buffer padded = {0};

    (void)state;
    assert_true(next_fails(BYTES_OF("\x04\x81\x01\x00")));
    assert_true(next_fails(BYTES_OF("\x04\x82\x00\x01\x00")));
    assert_true(next_fails(BYTES_OF("\x04\x81\x00")));
    buffer_add_text(&padded, "\x04\x82");
    buffer_u16_be(&padded, 0x80);
    buffer_fill(&padded, 0x11, 0x80);
    assert_true(next_fails(buffer_bytes(&padded)));
    buffer_free(&padded);
}

static void a_length_of_five_bytes_is_refused(void **state)
{
    (void)state;
    assert_true(next_fails(BYTES_OF("\x04\x85\x01\x00\x00\x00\x00\x00")));
    assert_true(next_fails(BYTES_OF("\x04\xff\x00")));
}

static void a_length_past_the_end_is_refused(void **state)
{
    (void)state;
    assert_true(next_fails(BYTES_OF("\x04\x02\x00")));
    assert_true(next_fails(BYTES_OF("\x04\x84\xff\xff\xff\xff")));
    assert_true(next_fails(BYTES_OF("\x04\x82\x01")));
    assert_true(next_fails(BYTES_OF("\x04")));
    assert_true(next_fails((ratls_bytes){NULL, 0}));
}

static void a_high_tag_number_is_refused(void **state)
{
    (void)state;
    assert_true(next_fails(BYTES_OF("\x1f\x1f\x00")));
    assert_true(next_fails(BYTES_OF("\xbf\x81\x00\x00")));
}

static void another_tag_is_not_taken(void **state)
{
    ratls_reader reader = ratls_reader_over(BYTES_OF("\x04\x01\x00"));
    ratls_der element;
    bool present = true;

    (void)state;
    assert_false(ratls_der_expect(&reader, RATLS_DER_INTEGER, &element));
    assert_true(ratls_der_optional(&reader, RATLS_DER_INTEGER, &element, &present));
    assert_false(present);
    assert_int_equal(reader.left, 3);
}

static void an_optional_element_is_taken_or_fails(void **state)
{
    ratls_reader reader = ratls_reader_over(BYTES_OF("\x01\x01\xff"));
    ratls_reader cut = ratls_reader_over(BYTES_OF("\x01\x02\xff"));
    ratls_reader empty = ratls_reader_over((ratls_bytes){NULL, 0});
    ratls_der element;
    bool present;

    (void)state;
    assert_true(ratls_der_optional(&reader, RATLS_DER_BOOLEAN, &element, &present));
    assert_true(present);
    assert_false(ratls_der_optional(&cut, RATLS_DER_BOOLEAN, &element, &present));
    assert_true(ratls_der_optional(&empty, RATLS_DER_BOOLEAN, &element, &present));
    assert_false(present);
}

static void trailing_bytes_are_refused(void **state)
{
    ratls_der element;

    (void)state;
    assert_true(ratls_der_only(BYTES_OF("\x05\x00"), RATLS_DER_NULL, &element));
    assert_false(ratls_der_only(BYTES_OF("\x05\x00\x00"), RATLS_DER_NULL, &element));
}

static void a_boolean_is_00_or_ff(void **state)
{
    ratls_der yes = element_of(RATLS_DER_BOOLEAN, BYTES_OF("\xff"));
    ratls_der no = element_of(RATLS_DER_BOOLEAN, BYTES_OF("\x00"));
    ratls_der other = element_of(RATLS_DER_BOOLEAN, BYTES_OF("\x01"));
    ratls_der longer = element_of(RATLS_DER_BOOLEAN, BYTES_OF("\xff\xff"));
    ratls_der integer = element_of(RATLS_DER_INTEGER, BYTES_OF("\x00"));
    bool value = false;

    (void)state;
    assert_true(ratls_der_boolean(&yes, &value) && value);
    assert_true(ratls_der_boolean(&no, &value) && !value);
    assert_false(ratls_der_boolean(&other, &value));
    assert_false(ratls_der_boolean(&longer, &value));
    assert_false(ratls_der_boolean(&integer, &value));
}

static void an_integer_is_minimal(void **state)
{
    static const ratls_bytes good[] = {BYTES_OF("\x00"), BYTES_OF("\x7f"), BYTES_OF("\x00\x80"), BYTES_OF("\x80"), BYTES_OF("\xff\x7f")};
    static const ratls_bytes wrong[] = {BYTES_OF(""), BYTES_OF("\x00\x00"), BYTES_OF("\x00\x7f"), BYTES_OF("\xff\x80"), BYTES_OF("\xff\xff")};
    ratls_der octets = element_of(RATLS_DER_OCTET_STRING, BYTES_OF("\x01"));

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ratls_der right = element_of(RATLS_DER_INTEGER, good[i]);
        ratls_der malformed = element_of(RATLS_DER_INTEGER, wrong[i]);

        assert_true(ratls_der_integer_valid(&right));
        assert_false(ratls_der_integer_valid(&malformed));
    }
    assert_false(ratls_der_integer_valid(&octets));
}

static void an_unsigned_number_has_up_to_64_bits(void **state)
{
    ratls_der largest = element_of(RATLS_DER_INTEGER, BYTES_OF("\x00\xff\xff\xff\xff\xff\xff\xff\xff"));
    ratls_der larger = element_of(RATLS_DER_INTEGER, BYTES_OF("\x01\x00\x00\x00\x00\x00\x00\x00\x00"));
    ratls_der negative = element_of(RATLS_DER_INTEGER, BYTES_OF("\xff"));
    ratls_der zero = element_of(RATLS_DER_INTEGER, BYTES_OF("\x00"));
    ratls_der enumerated = element_of(RATLS_DER_ENUMERATED, BYTES_OF("\x02"));
    uint64_t value = 1;

    (void)state;
    assert_true(ratls_der_unsigned(&largest, &value) && value == UINT64_MAX);
    assert_true(ratls_der_unsigned(&zero, &value) && value == 0);
    assert_true(ratls_der_unsigned(&enumerated, &value) && value == 2);
    assert_false(ratls_der_unsigned(&larger, &value));
    assert_false(ratls_der_unsigned(&negative, &value));
}

static void a_bit_string_has_no_unused_bits(void **state)
{
    ratls_der whole = element_of(RATLS_DER_BIT_STRING, BYTES_OF("\x00\xab"));
    ratls_der none = element_of(RATLS_DER_BIT_STRING, BYTES_OF("\x00"));
    ratls_der unused = element_of(RATLS_DER_BIT_STRING, BYTES_OF("\x01\xaa"));
    ratls_der empty = element_of(RATLS_DER_BIT_STRING, BYTES_OF(""));
    ratls_bytes bytes;

    (void)state;
    assert_true(ratls_der_bit_string_bytes(&whole, &bytes));
    ASSERT_BYTES(bytes, "\xab");
    assert_true(ratls_der_bit_string_bytes(&none, &bytes) && bytes.len == 0);
    assert_false(ratls_der_bit_string_bytes(&unused, &bytes));
    assert_false(ratls_der_bit_string_bytes(&empty, &bytes));
}

static void an_oid_has_whole_minimal_components(void **state)
{
    (void)state;
    assert_true(ratls_der_oid_valid(BYTES_OF("\x2a\x86\x48")));
    assert_false(ratls_der_oid_valid(BYTES_OF("")));
    assert_false(ratls_der_oid_valid(BYTES_OF("\x2a\x86")));
    assert_false(ratls_der_oid_valid(BYTES_OF("\x80\x01")));
    assert_false(ratls_der_oid_valid(BYTES_OF("\x2a\x80\x01")));
}

static void assert_time(uint8_t tag, const char *text, int64_t expected)
{
    ratls_der element = element_of(tag, (ratls_bytes){(const uint8_t *)text, strlen(text)});
    int64_t seconds = -1;

    assert_true(ratls_der_time(&element, &seconds));
    assert_int_equal(seconds, expected);
}

static void assert_no_time(uint8_t tag, const char *text)
{
    ratls_der element = element_of(tag, (ratls_bytes){(const uint8_t *)text, strlen(text)});
    int64_t seconds;

    assert_false(ratls_der_time(&element, &seconds));
}

static void both_kinds_of_time_are_read(void **state)
{
    (void)state;
    assert_time(RATLS_DER_UTC_TIME, "700101000000Z", 0);
    assert_time(RATLS_DER_UTC_TIME, "500101000000Z", INT64_C(-631152000));
    assert_time(RATLS_DER_UTC_TIME, "491231235959Z", INT64_C(2524607999));
    assert_time(RATLS_DER_GENERALIZED_TIME, "20500101000000Z", INT64_C(2524608000));
    assert_time(RATLS_DER_GENERALIZED_TIME, "99991231235959Z", INT64_C(253402300799));
}

static void times_in_another_form_are_refused(void **state)
{
    (void)state;
    assert_no_time(RATLS_DER_UTC_TIME, "7001010000Z");
    assert_no_time(RATLS_DER_UTC_TIME, "700101000000+0000");
    assert_no_time(RATLS_DER_UTC_TIME, "7001010000000");
    assert_no_time(RATLS_DER_UTC_TIME, "700230000000Z");
    assert_no_time(RATLS_DER_UTC_TIME, "7a0101000000Z");
    assert_no_time(RATLS_DER_UTC_TIME, "70010100000-Z");
    assert_no_time(RATLS_DER_GENERALIZED_TIME, "20500101000000.5Z");
    assert_no_time(RATLS_DER_GENERALIZED_TIME, "2050010100000Z");
    assert_no_time(RATLS_DER_GENERALIZED_TIME, "x0500101000000Z");
    assert_no_time(RATLS_DER_GENERALIZED_TIME, "20x00101000000Z");
    assert_no_time(RATLS_DER_UTF8_STRING, "700101000000Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_follow_each_other),
        cmocka_unit_test(every_length_form_is_read),
        cmocka_unit_test(an_indefinite_length_is_refused),
        cmocka_unit_test(a_length_that_is_not_minimal_is_refused),
        cmocka_unit_test(a_length_of_five_bytes_is_refused),
        cmocka_unit_test(a_length_past_the_end_is_refused),
        cmocka_unit_test(a_high_tag_number_is_refused),
        cmocka_unit_test(another_tag_is_not_taken),
        cmocka_unit_test(an_optional_element_is_taken_or_fails),
        cmocka_unit_test(trailing_bytes_are_refused),
        cmocka_unit_test(a_boolean_is_00_or_ff),
        cmocka_unit_test(an_integer_is_minimal),
        cmocka_unit_test(an_unsigned_number_has_up_to_64_bits),
        cmocka_unit_test(a_bit_string_has_no_unused_bits),
        cmocka_unit_test(an_oid_has_whole_minimal_components),
        cmocka_unit_test(both_kinds_of_time_are_read),
        cmocka_unit_test(times_in_another_form_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

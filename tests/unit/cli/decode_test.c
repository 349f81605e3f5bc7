#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"

static void assert_decodes(const char *text, const char *expected)
{
    uint8_t *out = NULL;
    size_t len = 0;

    assert_int_equal(cli_decode(&out, &len, (const uint8_t *)text, strlen(text), "CERTIFICATE"), CLI_DECODE_TEXT);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(out, expected, len);
    free(out);
}

static void assert_none(const char *text)
{
    uint8_t *out = (uint8_t *)1;
    size_t len = 1;

    assert_int_equal(cli_decode(&out, &len, (const uint8_t *)text, strlen(text), "CERTIFICATE"), CLI_DECODE_NONE);
    assert_null(out);
    assert_int_equal(len, 0);
}

static void hexadecimal(void **state)
{
    (void)state;
    assert_decodes("48656c6C6F", "Hello");
    assert_decodes("0x48656c6C6F", "Hello");
    assert_decodes("0X48 65\r\n6c 6C 6F\r\n", "Hello");
}

static void base64(void **state)
{
    (void)state;
    assert_decodes("SGVsbG8=", "Hello");
    assert_decodes("SGVsbG8", "Hello");
    assert_decodes("SGVs\r\nbG8h\r\n", "Hello!");
    assert_decodes("SGk=", "Hi");
    assert_decodes("SA==", "H");
}

static void pem_first_block_with_text_around(void **state)
{
    (void)state;
    assert_decodes("depth=0\r\n-----BEGIN CERTIFICATE-----\r\nSGVs\r\nbG8=\r\n-----END CERTIFICATE-----\r\n"
                   "-----BEGIN CERTIFICATE-----\nSGk=\n-----END CERTIFICATE-----\n", "Hello");
    assert_decodes("-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n"
                   "-----BEGIN CERTIFICATE-----\nSGk=\n-----END CERTIFICATE-----", "Hi");
}

static void byte_order_mark(void **state)
{
    (void)state;
    assert_decodes("\xef\xbb\xbfSGVsbG8=", "Hello");
}

static void binary_is_left_alone(void **state)
{
    const uint8_t der[] = {0x30, 0x82, 0x01, 0x00};
    uint8_t *out = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(cli_decode(&out, &len, der, sizeof der, "CERTIFICATE"), CLI_DECODE_BINARY);
    assert_null(out);
}

static void empty(void **state)
{
    (void)state;
    assert_none("");
    assert_none(" \r\n");
    assert_none("0x");
}

static void words(void **state)
{
    (void)state;
    assert_none("not a quote!");
}

static void base64_with_bits_left_over(void **state)
{
    (void)state;
    assert_none("SGVsbG9=");
    assert_none("SB==");
}

static void base64_of_impossible_length(void **state)
{
    (void)state;
    assert_none("SGVsbG8hS");
}

static void base64_with_padding_inside(void **state)
{
    (void)state;
    assert_none("SG==bG8h");
    assert_none("A===");
    assert_none("====");
}

static void pem_without_end(void **state)
{
    (void)state;
    assert_none("-----BEGIN CERTIFICATE-----\nSGVsbG8=\n");
}

static void pem_of_another_kind(void **state)
{
    (void)state;
    assert_none("-----BEGIN PRIVATE KEY-----\nSGVsbG8=\n-----END PRIVATE KEY-----\n");
}

static void pem_with_end_of_another_kind(void **state)
{
    (void)state;
    assert_none("-----BEGIN CERTIFICATE-----\nSGVsbG8=\n-----END PRIVATE KEY-----\n");
}

static void pem_with_hexadecimal(void **state)
{
    (void)state;
    /* Hexadecimal digits are base64 digits too: in PEM they are read as base64 only. */
    assert_decodes("-----BEGIN CERTIFICATE-----\n4865\n-----END CERTIFICATE-----\n", "\xe3\xce\xb9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hexadecimal), cmocka_unit_test(base64), cmocka_unit_test(pem_first_block_with_text_around),
        cmocka_unit_test(byte_order_mark), cmocka_unit_test(binary_is_left_alone), cmocka_unit_test(empty),
        cmocka_unit_test(words), cmocka_unit_test(base64_with_bits_left_over), cmocka_unit_test(base64_of_impossible_length),
        cmocka_unit_test(base64_with_padding_inside), cmocka_unit_test(pem_without_end), cmocka_unit_test(pem_of_another_kind),
        cmocka_unit_test(pem_with_end_of_another_kind), cmocka_unit_test(pem_with_hexadecimal)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "support/unit.h"

#include "base/pem.h"
#include "support/quote_builder.h"

enum { TEST_BLOCK_MAX = 64 };

static bool parse(ratls_pem *out, ratls_bytes text, const char **what)
{
    return ratls_pem_parse(out, text, "CERTIFICATE", TEST_BLOCK_MAX, what);
}

static void assert_blocks(ratls_bytes text, size_t count)
{
    const char *what = NULL;
    ratls_pem pem;

    assert_true(parse(&pem, text, &what));
    assert_int_equal(pem.len, count);
    for (size_t i = 0; i < count; i++) {
        ASSERT_BYTES(pem.blocks[i], "Hello");
    }
    ratls_pem_clear(&pem);
    assert_null(pem.storage);
}

static void assert_refused(ratls_bytes text, const char *expected)
{
    const char *what = NULL;
    ratls_pem pem;

    assert_false(parse(&pem, text, &what));
    assert_string_equal(what, expected);
    assert_null(pem.storage);
    assert_int_equal(pem.len, 0);
}

#define BLOCK "-----BEGIN CERTIFICATE-----\nSGVsbG8=\n-----END CERTIFICATE-----"

static void blocks_are_decoded_in_order(void **state)
{
    (void)state;
    assert_blocks(BYTES_OF(BLOCK), 1);
    assert_blocks(BYTES_OF(BLOCK "\n" BLOCK "\n" BLOCK "\n"), 3);
    assert_blocks(BYTES_OF("-----BEGIN CERTIFICATE-----\nSGVs\nbG8=\n-----END CERTIFICATE-----\n"), 1);
}

static void a_run_of_nul_and_space_at_the_end_is_cut_off(void **state)
{
    (void)state;
    assert_blocks(BYTES_OF(BLOCK "\n\0"), 1);
    assert_blocks(BYTES_OF(BLOCK "\n\0\0 \t\r\n\0"), 1);
}

static void crlf_and_blank_lines_between_are_accepted(void **state)
{
    (void)state;
    assert_blocks(BYTES_OF("\r\n-----BEGIN CERTIFICATE-----\r\nSGVsbG8=\r\n-----END CERTIFICATE-----\r\n\r\n \t" BLOCK), 2);
}

static void glued_marks_are_accepted(void **state)
{
    (void)state;
    assert_blocks(BYTES_OF(BLOCK BLOCK), 2);
}

static void a_nul_inside_is_refused(void **state)
{
    (void)state;
    assert_refused(BYTES_OF(BLOCK "\n\0" BLOCK), "a NUL byte in the text");
    assert_refused(BYTES_OF("-----BEGIN CERTIFICATE-----\nSGVs\0bG8=\n-----END CERTIFICATE-----"), "a NUL byte in the text");
}

static void nothing_is_refused(void **state)
{
    (void)state;
    assert_refused(BYTES_OF(""), "no block");
    assert_refused(BYTES_OF(" \n\0"), "no block");
}

static void text_around_is_refused(void **state)
{
    static const char expected[] = "text that is not a block of the expected kind";

    (void)state;
    assert_refused(BYTES_OF("x" BLOCK), expected);
    assert_refused(BYTES_OF(BLOCK "x"), expected);
    assert_refused(BYTES_OF(BLOCK "\njunk\n" BLOCK), expected);
    assert_refused(BYTES_OF("-----BEGIN CERTIFICATE----- \nSGVsbG8=\n-----END CERTIFICATE-----"), expected);
}

static void another_label_is_refused(void **state)
{
    (void)state;
    assert_refused(BYTES_OF("-----BEGIN X509 CRL-----\nSGVsbG8=\n-----END X509 CRL-----"), "text that is not a block of the expected kind");
    assert_refused(BYTES_OF("-----BEGIN CERTIFICATE-----\nSGVsbG8=\n-----END X509 CRL-----"), "a block has no end");
}

static void a_block_without_an_end_is_refused(void **state)
{
    (void)state;
    assert_refused(BYTES_OF("-----BEGIN CERTIFICATE-----\nSGVsbG8=\n"), "a block has no end");
    assert_refused(BYTES_OF("-----BEGIN CERTIFICATE-----"), "a block has no end");
}

static void an_empty_line_inside_is_refused(void **state)
{
    (void)state;
    assert_refused(BYTES_OF("-----BEGIN CERTIFICATE-----\nSGVs\n\nbG8=\n-----END CERTIFICATE-----"), "an empty line inside a block");
}

static void base64_that_is_not_strict_is_refused(void **state)
{
    static const char *const wrong[] = {
        "SGVsbG8",      /* no padding */
        "SGVsbG9=",     /* bits left over: the last digit should end in zeros */
        "SGVsbG==",     /* bits left over */
        "SGVs====",     /* padding only */
        "SG=sbG8=",     /* padding inside */
        "SGVs bG8=",    /* space inside */
        "SGVsbG8=\r\r", /* more than CRLF at the end of a line */
        "SGVsbG8_",     /* the other alphabet */
        "====",
        "S===",
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        test_buffer text = {0};

        buffer_add_text(&text, "-----BEGIN CERTIFICATE-----\n");
        buffer_add_text(&text, wrong[i]);
        buffer_add_text(&text, "\n-----END CERTIFICATE-----\n");
        assert_refused(buffer_bytes(&text), "a block is not strict base64");
        buffer_free(&text);
    }
}

static void a_block_without_content_is_refused(void **state)
{
    (void)state;
    assert_refused(BYTES_OF("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"), "a block is not strict base64");
}

static void a_block_over_the_limit_is_refused(void **state)
{
    const char *what = NULL;

    (void)state;
    for (size_t len = TEST_BLOCK_MAX; len <= TEST_BLOCK_MAX + 5; len++) {
        test_buffer text = {0};
        uint8_t content[TEST_BLOCK_MAX + 5] = {0};
        ratls_pem pem;

        pem_add(&text, "CERTIFICATE", content, len);
        assert_int_equal(parse(&pem, buffer_bytes(&text), &what), len <= TEST_BLOCK_MAX);
        if (len > TEST_BLOCK_MAX) {
            assert_string_equal(what, "a block is longer than the limit");
        }
        ratls_pem_clear(&pem);
        buffer_free(&text);
    }
}

static void more_blocks_than_the_limit_are_refused(void **state)
{
    test_buffer text = {0};

    (void)state;
    for (size_t i = 0; i <= RATLS_PEM_BLOCKS_MAX; i++) {
        buffer_add_text(&text, BLOCK "\n");
    }
    assert_refused(buffer_bytes(&text), "more blocks than the limit");
    buffer_free(&text);
}

static void what_is_written_is_read_again(void **state)
{
    uint8_t block[200];

    (void)state;
    for (size_t len = 1; len <= sizeof block; len++) {
        const char *what = NULL;
        ratls_pem pem;
        char *text;

        memset(block, (int)len, sizeof block);
        text = ratls_pem_write("X509 CRL", (ratls_bytes){block, len});
        assert_non_null(text);
        assert_true(ratls_pem_parse(&pem, (ratls_bytes){(const uint8_t *)text, strlen(text)}, "X509 CRL", sizeof block, &what));
        assert_int_equal(pem.len, 1);
        assert_true(ratls_bytes_equal(pem.blocks[0], (ratls_bytes){block, len}));
        for (const char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            assert_true(end - line <= 64);
        }
        ratls_pem_clear(&pem);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_decoded_in_order),
        cmocka_unit_test(a_run_of_nul_and_space_at_the_end_is_cut_off),
        cmocka_unit_test(crlf_and_blank_lines_between_are_accepted),
        cmocka_unit_test(glued_marks_are_accepted),
        cmocka_unit_test(a_nul_inside_is_refused),
        cmocka_unit_test(nothing_is_refused),
        cmocka_unit_test(text_around_is_refused),
        cmocka_unit_test(another_label_is_refused),
        cmocka_unit_test(a_block_without_an_end_is_refused),
        cmocka_unit_test(an_empty_line_inside_is_refused),
        cmocka_unit_test(base64_that_is_not_strict_is_refused),
        cmocka_unit_test(a_block_without_content_is_refused),
        cmocka_unit_test(a_block_over_the_limit_is_refused),
        cmocka_unit_test(more_blocks_than_the_limit_are_refused),
        cmocka_unit_test(what_is_written_is_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

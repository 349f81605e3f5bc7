#include "support/unit.h"

#include "base/text.h"

/* The text as it is handed out; freed with free(). */
static char *json_of(const char *piece)
{
    ratls_text text = {0};

    ratls_text_add_json_string(&text, piece);
    return ratls_text_take(&text);
}

static void assert_json(const char *piece, const char *expected)
{
    char *json = json_of(piece);

    assert_string_equal(json, expected);
    free(json);
}

static void pieces_follow_each_other(void **state)
{
    static const uint8_t bytes[] = {0x0a, 0xff};
    ratls_text text = {0};
    char *taken;

    (void)state;
    ratls_text_add(&text, "a");
    ratls_text_add_bytes(&text, "bcd", 2);
    ratls_text_add_number(&text, INT64_MIN);
    ratls_text_add_hex(&text, bytes, sizeof bytes);
    taken = ratls_text_take(&text);
    assert_string_equal(taken, "abc-92233720368547758080aff");
    assert_null(text.data);
    free(taken);
}

static void an_empty_text_is_an_empty_string(void **state)
{
    ratls_text text = {0};
    char *taken = ratls_text_take(&text);

    (void)state;
    assert_string_equal(taken, "");
    free(taken);
}

static void it_grows_past_its_first_capacity(void **state)
{
    ratls_text text = {0};
    char *taken;

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        ratls_text_add(&text, "0123456789");
    }
    taken = ratls_text_take(&text);
    assert_int_equal(strlen(taken), 10000);
    free(taken);
}

static void json_escapes_what_it_must(void **state)
{
    (void)state;
    assert_json("a\"b\\c", "\"a\\\"b\\\\c\"");
    assert_json("\n\t\x01\x1f\x7f", "\"\\u000a\\u0009\\u0001\\u001f\\u007f\"");
    assert_json("/é€😀", "\"/é€😀\"");
}

static void json_replaces_what_is_not_utf8(void **state)
{
    (void)state;
    assert_json("a\x80z", "\"a\\ufffdz\"");
    assert_json("\xc3", "\"\\ufffd\"");
    assert_json("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
    assert_json("\xc0\xaf", "\"\\ufffd\\ufffd\"");
}

static void once_failed_it_stays_failed(void **state)
{
    ratls_text text = {0};

    (void)state;
    ratls_text_add(&text, "a");
    ratls_text_add_bytes(&text, "b", SIZE_MAX / 2);
    assert_true(text.failed);
    ratls_text_add(&text, "c");
    assert_null(ratls_text_take(&text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_follow_each_other),
        cmocka_unit_test(an_empty_text_is_an_empty_string),
        cmocka_unit_test(it_grows_past_its_first_capacity),
        cmocka_unit_test(json_escapes_what_it_must),
        cmocka_unit_test(json_replaces_what_is_not_utf8),
        cmocka_unit_test(once_failed_it_stays_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

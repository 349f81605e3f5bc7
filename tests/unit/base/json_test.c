#include "base/json.h"
#include "support/buffer.h"
#include "support/unit.h"

static ratls_bytes text_of(const char *text)
{
    return (ratls_bytes){(const uint8_t *)text, strlen(text)};
}

static ratls_json_outcome check(const char *text)
{
    return ratls_json_check(text_of(text), NULL);
}

static void valid_texts(void **state)
{
    static const char *const texts[] = {
        "{}", "[]", " \t\r\n{ } ", "0", "-0", "1", "-12", "1.5", "0.25", "1e2", "1E+2", "1.5e-10", "1e99", "1234567890123456789012345678901234567890", "true", "false", "null", "\"\"",
        "\"a\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0001\\u00e9\\uffff\"", "\"\\ud83d\\ude00\"", "\"\xc3\xa9\xf0\x9f\x98\x80\"",
        "[1,2,3]", "[ 1 , [ ] , { } ]", "{\"a\":1}", "{ \"a\" : 1 , \"b\" : [ { \"a\" : 2 } ] }", "{\"a\":{\"a\":{\"a\":1}}}", "[[[]],[]]",
        "{\"\":1}", "[{\"a\":1},{\"a\":1}]", "\"\x7f\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cJSON *parsed;

        assert_int_equal(check(texts[i]), RATLS_JSON_OK);
        /* What passes the scanner, cJSON reads too. */
        assert_int_equal(ratls_json_parse(&parsed, text_of(texts[i]), NULL), RATLS_JSON_OK);
        assert_non_null(parsed);
        cJSON_Delete(parsed);
    }
}

static void malformed_texts(void **state)
{
    static const char *const texts[] = {
        "", " ", "{", "}", "[", "]", "{]", "[}", "{,}", "[,]", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\" 1}", "{a:1}",
        "{'a':1}", "{1:1}", "[1]]", "{}{}", "{} x", "1 2", "tru", "trueish", "True", "nul", "NaN", "Infinity", "-", "+1", "01", "-01", "1.",
        ".5", "1e", "1e+", "0x10", "1_000", "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u123g\"", "\"\\u0000\"", "\"\\ud83d\"",
        "\"\\ud83d\\u0041\"", "\"\\ude00\"", "\"\\ud83dx\"", "\"a\tb\"", "\"a\nb\"", "\"\x1f\"", "\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\xef\xbb\xbf{}",
        "{\"a\":1/**/}", "// x\n1", "{\"\\u0061\":1}", "{\"a\\n\":1}", "[1,,2]", "\"\\\n\"", "[\"a\"\"b\"]", "{\"a\":1 \"b\":2}", "\v1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cJSON *parsed = (cJSON *)&parsed;

        if (check(texts[i]) != RATLS_JSON_MALFORMED) {
            fail_msg("not refused: %s", texts[i]);
        }
        assert_int_equal(ratls_json_parse(&parsed, text_of(texts[i]), NULL), RATLS_JSON_MALFORMED);
        assert_null(parsed);
    }
}

static void numbers_beyond_what_is_read(void **state)
{
    static const char *const texts[] = {"1e100", "1E-001", "[1e400]", "{\"a\":12345678901234567890123456789012345678901}", "-1e999}"};
    cJSON *parsed;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(ratls_json_parse(&parsed, text_of(texts[i]), NULL), RATLS_JSON_NUMBER);
        assert_null(parsed);
    }
}

static void nul_byte(void **state)
{
    (void)state;
    assert_int_equal(ratls_json_check(BYTES_OF("{}\0"), NULL), RATLS_JSON_MALFORMED);
    assert_int_equal(ratls_json_check(BYTES_OF("\"a\0b\""), NULL), RATLS_JSON_MALFORMED);
    assert_int_equal(ratls_json_check(BYTES_OF("\"\\\0\""), NULL), RATLS_JSON_MALFORMED);
}

static void every_cut_of_a_document(void **state)
{
    static const char text[] = "{\"a\":[1,-2.5e3,true,null,\"x\\u00e9\\n\"],\"b\":{\"c\":\"\\ud83d\\ude00\"}}";

    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++) {
        assert_int_equal(ratls_json_check((ratls_bytes){(const uint8_t *)text, len}, NULL), RATLS_JSON_MALFORMED);
    }
    assert_int_equal(check(text), RATLS_JSON_OK);
}

static void key_twice(void **state)
{
    ratls_bytes duplicate;

    (void)state;
    assert_int_equal(ratls_json_check(text_of("{\"a\":1,\"bc\":2,\"a\":1}"), &duplicate), RATLS_JSON_DUPLICATE_KEY);
    ASSERT_BYTES(duplicate, "a");
    assert_int_equal(ratls_json_check(text_of("[{\"x\":{\"bc\":2,\"\":3,\"bc\":{}}}]"), &duplicate), RATLS_JSON_DUPLICATE_KEY);
    ASSERT_BYTES(duplicate, "bc");
    assert_int_equal(ratls_json_check(text_of("{\"\":1,\"\":2}"), &duplicate), RATLS_JSON_DUPLICATE_KEY);
    assert_int_equal(check("{\"a\":1,\"A\":2,\"aa\":3,\"b\":{\"a\":1},\"c\":{\"a\":1}}"), RATLS_JSON_OK);
}

static void nested(test_buffer *text, size_t depth)
{
    buffer_fill(text, '[', depth);
    buffer_fill(text, ']', depth);
}

static void depth(void **state)
{
    test_buffer at_limit = {0}, above = {0}, far_above = {0};

    (void)state;
    nested(&at_limit, RATLS_JSON_DEPTH_MAX);
    nested(&above, RATLS_JSON_DEPTH_MAX + 1);
    nested(&far_above, 100000);
    assert_int_equal(ratls_json_check(buffer_bytes(&at_limit), NULL), RATLS_JSON_OK);
    assert_int_equal(ratls_json_check(buffer_bytes(&above), NULL), RATLS_JSON_MALFORMED);
    assert_int_equal(ratls_json_check(buffer_bytes(&far_above), NULL), RATLS_JSON_MALFORMED);
    buffer_free(&at_limit);
    buffer_free(&above);
    buffer_free(&far_above);
}

/* An object of so many members, the last named as the first if asked. */
static void many_members(test_buffer *text, int members, bool twice)
{
    buffer_add_text(text, "{");
    for (int i = 0; i < members; i++) {
        char member[32];

        snprintf(member, sizeof member, "%s\"k%d\":%d", i == 0 ? "" : ",", twice && i == members - 1 ? 0 : i, i);
        buffer_add_text(text, member);
    }
    buffer_add_text(text, "}");
}

static void members(void **state)
{
    test_buffer at_limit = {0}, above = {0}, twice = {0};

    (void)state;
    many_members(&at_limit, RATLS_JSON_MEMBERS_MAX, false);
    many_members(&above, RATLS_JSON_MEMBERS_MAX + 1, false);
    many_members(&twice, RATLS_JSON_MEMBERS_MAX, true);
    assert_int_equal(ratls_json_check(buffer_bytes(&at_limit), NULL), RATLS_JSON_OK);
    assert_int_equal(ratls_json_check(buffer_bytes(&above), NULL), RATLS_JSON_MALFORMED);
    assert_int_equal(ratls_json_check(buffer_bytes(&twice), NULL), RATLS_JSON_DUPLICATE_KEY);
    buffer_free(&at_limit);
    buffer_free(&above);
    buffer_free(&twice);
}

static void key_length(void **state)
{
    test_buffer text = {0};

    (void)state;
    buffer_add_text(&text, "{\"");
    buffer_fill(&text, 'k', RATLS_JSON_KEY_MAX);
    buffer_add_text(&text, "\":1}");
    assert_int_equal(ratls_json_check(buffer_bytes(&text), NULL), RATLS_JSON_OK);
    buffer_insert(&text, 2, "k", 1);
    assert_int_equal(ratls_json_check(buffer_bytes(&text), NULL), RATLS_JSON_MALFORMED);
    buffer_free(&text);
}

static void integers_only(void **state)
{
    static const char *const texts[] = {"[1.5]", "[1.0]", "[1e2]", "[1E2]", "[0.0]", "{\"a\":[{\"b\":0e0}]}"};
    cJSON *parsed;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(ratls_json_parse_integers(&parsed, text_of(texts[i]), NULL), RATLS_JSON_MALFORMED);
        assert_null(parsed);
    }
    assert_int_equal(ratls_json_parse_integers(&parsed, text_of("{\"a\":[10,-3,0],\"b\":\"1.5\"}"), NULL), RATLS_JSON_OK);
    cJSON_Delete(parsed);
}

static void assert_slice(const char *text, const char *key, const char *expected)
{
    ratls_bytes slice;

    assert_int_equal(check(text), RATLS_JSON_OK);
    assert_true(ratls_json_slice(&slice, text_of(text), key));
    assert_true(ratls_bytes_equal_text(slice, expected));
}

static void slices(void **state)
{
    ratls_bytes slice;

    (void)state;
    assert_slice("{\"a\":1}", "a", "1");
    assert_slice(" { \"x\" : [ 1 , 2 ] , \"a\" : { \"b\" : \"}\" } , \"c\" : 0 } ", "a", "{ \"b\" : \"}\" }");
    assert_slice("{\"x\":\"a\\\"\",\"a\":\"\\\\\"}", "a", "\"\\\\\"");
    assert_slice("{\"x\":{\"a\":1},\"a\":true }", "a", "true");
    assert_slice("{\"a\":[[],{}],\"b\":-1.5e3}", "b", "-1.5e3");
    assert_slice("{\"a\":[[],{}],\"b\":-1.5e3}", "a", "[[],{}]");
    assert_false(ratls_json_slice(&slice, text_of("{\"a\":1}"), "b"));
    assert_false(ratls_json_slice(&slice, text_of("{\"x\":{\"b\":1}}"), "b"));
    assert_false(ratls_json_slice(&slice, text_of("{}"), "b"));
    assert_false(ratls_json_slice(&slice, text_of("[1]"), "b"));
}

static void strict_getters(void **state)
{
    static const char text[] = "{\"text\":\"x\",\"number\":255,\"big\":9007199254740993,\"half\":1.5,\"negative\":-1,\"hex\":\"00fF\","
                               "\"time\":\"2025-01-15T00:00:00Z\",\"list\":[1],\"object\":{\"a\":1},\"null\":null,\"flag\":true}";
    cJSON *object;
    const char *found = NULL;
    int64_t number = 77;
    uint8_t raw[2];

    (void)state;
    assert_int_equal(ratls_json_parse(&object, text_of(text), NULL), RATLS_JSON_OK);
    assert_true(ratls_json_get_text(object, "text", &found));
    assert_string_equal(found, "x");
    assert_false(ratls_json_get_text(object, "TEXT", &found));
    assert_false(ratls_json_get_text(object, "number", &found));
    assert_false(ratls_json_get_text(object, "null", &found));
    assert_false(ratls_json_get_text(object, "absent", &found));
    assert_true(ratls_json_get_integer(object, "number", 0, 255, &number));
    assert_int_equal(number, 255);
    assert_false(ratls_json_get_integer(object, "number", 0, 254, &number));
    assert_false(ratls_json_get_integer(object, "number", 256, 300, &number));
    assert_false(ratls_json_get_integer(object, "big", 0, INT64_MAX, &number));
    assert_false(ratls_json_get_integer(object, "half", 0, 10, &number));
    assert_false(ratls_json_get_integer(object, "negative", 0, 10, &number));
    assert_true(ratls_json_get_integer(object, "negative", -1, 10, &number));
    assert_false(ratls_json_get_integer(object, "text", 0, 10, &number));
    assert_false(ratls_json_get_integer(object, "flag", 0, 10, &number));
    assert_true(ratls_json_get_hex(object, "hex", raw, 2));
    assert_int_equal(raw[1], 0xff);
    assert_false(ratls_json_get_hex(object, "hex", raw, 1));
    assert_false(ratls_json_get_hex(object, "text", raw, 1));
    assert_true(ratls_json_get_time(object, "time", &number));
    assert_int_equal(number, 1736899200);
    assert_false(ratls_json_get_time(object, "text", &number));
    assert_non_null(ratls_json_get_array(object, "list"));
    assert_null(ratls_json_get_array(object, "object"));
    assert_null(ratls_json_get_array(object, "absent"));
    assert_non_null(ratls_json_get_object(object, "object"));
    assert_null(ratls_json_get_object(object, "list"));
    cJSON_Delete(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_texts),
        cmocka_unit_test(malformed_texts),
        cmocka_unit_test(numbers_beyond_what_is_read),
        cmocka_unit_test(numbers_beyond_what_is_read),
        cmocka_unit_test(nul_byte),
        cmocka_unit_test(every_cut_of_a_document),
        cmocka_unit_test(key_twice),
        cmocka_unit_test(depth),
        cmocka_unit_test(members),
        cmocka_unit_test(key_length),
        cmocka_unit_test(integers_only),
        cmocka_unit_test(slices),
        cmocka_unit_test(strict_getters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "support/unit.h"

#include <stdlib.h>

#include "base/json_tree.h"

static ratls_bytes text_of(const char *text)
{
    return (ratls_bytes){(const uint8_t *)text, strlen(text)};
}

static ratls_json_tree parsed(const char *text)
{
    ratls_json_tree tree;

    assert_int_equal(ratls_json_tree_parse(&tree, text_of(text), false, NULL), RATLS_JSON_OK);
    return tree;
}

static void members(void **state)
{
    ratls_json_tree tree = parsed(" { \"a\" : { \"b\" : [1, {\"c\":2}], \"d\":\"x\" }, \"b\":\"y\", \"n\":null, \"e\":[] } ");
    ratls_json_value root = ratls_json_root(&tree), a = ratls_json_member(root, "a");
    ratls_bytes text;

    (void)state;
    assert_true(ratls_json_is(root, RATLS_JSON_OBJECT) && ratls_json_is(a, RATLS_JSON_OBJECT));
    assert_true(ratls_json_member_text(&text, root, "b") && ratls_bytes_equal_text(text, "y"));
    assert_true(ratls_json_member_text(&text, a, "d") && ratls_bytes_equal_text(text, "x"));
    assert_true(ratls_json_is(ratls_json_member(root, "n"), RATLS_JSON_NULL));
    assert_int_equal(ratls_json_count(ratls_json_member(a, "b")), 2);
    assert_int_equal(ratls_json_count(ratls_json_member(root, "e")), 0);
    assert_false(ratls_json_is_present(ratls_json_member(root, "c")));
    assert_false(ratls_json_is_present(ratls_json_member(root, "A")));
    assert_false(ratls_json_is_present(ratls_json_member(root, "aa")));
    assert_false(ratls_json_is_present(ratls_json_member(ratls_json_member(root, "b"), "a"))); /* text has none */
    assert_false(ratls_json_is_present(ratls_json_member(ratls_json_member(root, "no"), "a")));
    ratls_json_tree_clear(&tree);
}

static void items(void **state)
{
    ratls_json_tree tree = parsed("[[1,[2]],{\"a\":[3]},\"4\",5]");
    ratls_json_items left = ratls_json_items_of(ratls_json_root(&tree));
    static const ratls_json_kind kinds[] = {RATLS_JSON_ARRAY, RATLS_JSON_OBJECT, RATLS_JSON_STRING, RATLS_JSON_NUMBER_KIND};
    ratls_json_value value;
    size_t count = 0;

    (void)state;
    while (ratls_json_items_next(&left, &value)) {
        assert_true(ratls_json_is(value, kinds[count++]));
    }
    assert_int_equal(count, 4);
    left = ratls_json_items_of(value); /* a number */
    assert_false(ratls_json_items_next(&left, &value));
    ratls_json_tree_clear(&tree);
}

static void integers(void **state)
{
    static const struct {
        const char *text;
        bool read;
        int64_t value;
    } cases[] = {
        {"{\"n\":0}", true, 0}, {"{\"n\":-0}", true, 0}, {"{\"n\":-5}", true, -5}, {"{\"n\":100}", true, 100},
        {"{\"n\":101}", false, 0}, {"{\"n\":-11}", false, 0}, {"{\"n\":1.0}", false, 0}, {"{\"n\":1e1}", false, 0}, {"{\"n\":\"1\"}", false, 0},
        {"{\"n\":true}", false, 0}, {"{\"n\":null}", false, 0}, {"{\"n\":[1]}", false, 0}, {"{\"m\":1}", false, 0},
        {"{\"n\":18446744073709551617}", false, 0}, {"{\"n\":1000000000000000000000000000001}", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ratls_json_tree tree = parsed(cases[i].text);
        int64_t value = 77;

        assert_int_equal(ratls_json_member_integer(&value, ratls_json_root(&tree), "n", -10, 100), cases[i].read);
        assert_int_equal(value, cases[i].read ? cases[i].value : 77);
        ratls_json_tree_clear(&tree);
    }
}

/* A document of integers alone has no other numbers, anywhere. */
static void integers_only(void **state)
{
    static const char *const texts[] = {"[1.0]", "{\"a\":{\"b\":1e2}}", "[0,-1,2E0]"};
    ratls_json_tree tree;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(ratls_json_tree_parse(&tree, text_of(texts[i]), true, NULL), RATLS_JSON_MALFORMED);
        assert_null(tree.nodes);
    }
    assert_int_equal(ratls_json_tree_parse(&tree, text_of("[0,-1]"), true, NULL), RATLS_JSON_OK);
    ratls_json_tree_clear(&tree);
}

static void escaped_text_is_no_word(void **state)
{
    ratls_json_tree tree = parsed("{\"a\":\"Up\\u0054oDate\",\"h\":\"\\u0030\\u0030\",\"t\":\"2025-01-01T00:00:00\\u005a\"}");
    ratls_json_value root = ratls_json_root(&tree);
    ratls_bytes text;
    uint8_t byte;
    int64_t time;

    (void)state;
    assert_false(ratls_json_member_text(&text, root, "a"));
    assert_false(ratls_json_member_hex(&byte, 1, root, "h"));
    assert_false(ratls_json_member_time(&time, root, "t"));
    ratls_json_tree_clear(&tree);
}

/* Unescaping is what cJSON makes of the same string. */
static void unescaped_as_cjson_does(void **state)
{
    static const char *const texts[] = {
        "\"\"", "\"a\"", "\"\\\"\"", "\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"abcdefgh\\nabcdefgh\"", "\"abcdefg\\nabcdefghi\"", "\"\\u00e9\\u20ac\\ud83d\\ude00x\"",
        "\"\xc3\xa9\xf0\x9f\x98\x80\\u0041\"", "\"12345678\"", "\"1234567\\\\\"", "\"\\\\\\\\\\\\\\\\\\\\\"", "\"-----BEGIN X-----\\nAAAA\\nBBBB\\n\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ratls_json_tree tree = parsed(texts[i]);
        cJSON *expected = cJSON_Parse(texts[i]);
        size_t room = strlen(texts[i]) - 2, len = 99;
        uint8_t *out = malloc(room + 1); /* exactly what is promised: sanitizers see a byte more */

        assert_true(ratls_json_unescape(out, &len, ratls_json_root(&tree)));
        assert_int_equal(len, strlen(expected->valuestring));
        assert_memory_equal(out, expected->valuestring, len);
        free(out);
        cJSON_Delete(expected);
        ratls_json_tree_clear(&tree);
    }
}

static void refused_as_elsewhere(void **state)
{
    ratls_bytes duplicate = {0};
    ratls_json_tree tree;

    (void)state;
    assert_int_equal(ratls_json_tree_parse(&tree, text_of("{\"a\":1,\"b\":{\"c\":1,\"d\":2,\"c\":3}}"), false, &duplicate), RATLS_JSON_DUPLICATE_KEY);
    assert_true(ratls_bytes_equal_text(duplicate, "c"));
    assert_null(tree.nodes);
    assert_int_equal(ratls_json_tree_parse(&tree, text_of("{\"a\":1"), false, NULL), RATLS_JSON_MALFORMED);
    assert_int_equal(ratls_json_tree_parse(&tree, text_of(""), false, NULL), RATLS_JSON_MALFORMED);
    assert_null(tree.nodes);
}

/* Of many members any two are compared, of few each with each. */
static void duplicates_among_many(void **state)
{
    char text[1024];
    ratls_json_tree tree;

    (void)state;
    for (int count = 2; count < 40; count++) {
        int at = snprintf(text, sizeof text, "{\"k0\":0");

        for (int i = 1; i < count; i++) {
            at += snprintf(text + at, sizeof text - (size_t)at, ",\"k%d\":%d", i, i);
        }
        snprintf(text + at, sizeof text - (size_t)at, "}");
        assert_int_equal(ratls_json_tree_parse(&tree, text_of(text), true, NULL), RATLS_JSON_OK);
        ratls_json_tree_clear(&tree);
        snprintf(text + at, sizeof text - (size_t)at, ",\"k%d\":1}", count / 2);
        assert_int_equal(ratls_json_tree_parse(&tree, text_of(text), true, NULL), RATLS_JSON_DUPLICATE_KEY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members),
        cmocka_unit_test(items),
        cmocka_unit_test(integers),
        cmocka_unit_test(integers_only),
        cmocka_unit_test(escaped_text_is_no_word),
        cmocka_unit_test(unescaped_as_cjson_does),
        cmocka_unit_test(refused_as_elsewhere),
        cmocka_unit_test(duplicates_among_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

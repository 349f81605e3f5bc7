#include "failure.h"

#include "base/base64.h"

static ratls_bytes text_of(const char *text)
{
    return (ratls_bytes){(const uint8_t *)text, strlen(text)};
}

static void there_and_back(void **state)
{
    uint8_t bytes[256];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    for (size_t len = 0; len <= sizeof bytes; len++) {
        char *text = ratls_base64_encode((ratls_bytes){bytes, len});
        uint8_t *back = NULL;
        size_t back_len = 0;

        assert_int_equal(ratls_base64_decode(&back, &back_len, text_of(text)), RATLS_BASE64_OK);
        assert_true(ratls_bytes_equal((ratls_bytes){back, back_len}, (ratls_bytes){bytes, len}));
        free(back);
        free(text);
    }
}

static void alphabets(void **state)
{
    static const uint8_t expected[] = {0xfb, 0xff, 0xbf};
    uint8_t *bytes = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(ratls_base64_decode(&bytes, &len, text_of("+/+/")), RATLS_BASE64_OK);
    assert_memory_equal(bytes, expected, sizeof expected);
    free(bytes);
    assert_int_equal(ratls_base64url_decode(&bytes, &len, text_of("-_-_")), RATLS_BASE64_OK);
    assert_memory_equal(bytes, expected, sizeof expected);
    free(bytes);
    assert_int_equal(ratls_base64url_decode(&bytes, &len, text_of("")), RATLS_BASE64_OK);
    assert_non_null(bytes);
    assert_int_equal(len, 0);
    free(bytes);
}

static void standard_texts_that_are_refused(void **state)
{
    static const char *const texts[] = {"A", "AA", "AAA", "AA=", "A===", "====", "AAA=A", "AA==AA==", "AB==", "AAB=", "-_-_", "AAAA\n", " AAA",
                                        "AA=A", "AA A", "AAAA="};
    uint8_t *bytes = NULL;
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (ratls_base64_decode(&bytes, &len, text_of(texts[i])) != RATLS_BASE64_MALFORMED) {
            fail_msg("not refused: %s", texts[i]);
        }
        assert_null(bytes);
    }
}

static void url_texts_that_are_refused(void **state)
{
    static const char *const texts[] = {"A", "AAAAA", "AA==", "AAA=", "AB", "AAB", "+/+/", "AA\n", "AA.", " AA"};
    uint8_t *bytes = NULL;
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (ratls_base64url_decode(&bytes, &len, text_of(texts[i])) != RATLS_BASE64_MALFORMED) {
            fail_msg("not refused: %s", texts[i]);
        }
        assert_null(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(alphabets),
        cmocka_unit_test(standard_texts_that_are_refused),
        cmocka_unit_test(url_texts_that_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "support/unit.h"

#include "base/keccak256.h"

enum { RATE = 136 };

static void assert_digest(ratls_bytes a, ratls_bytes b, const char *expected)
{
    uint8_t out[RATLS_KECCAK256_LEN];
    char hex[2 * sizeof out + 1];

    ratls_keccak256(out, a, b);
    ratls_hex_write(hex, out, sizeof out);
    assert_string_equal(hex, expected);
}

/* The values that Ethereum's documents give. */
static void published_values_come_out(void **state)
{
    (void)state;
    assert_digest((ratls_bytes){0}, (ratls_bytes){0}, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    assert_digest(BYTES_OF("testing"), (ratls_bytes){0}, "5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02");
    assert_digest(BYTES_OF("The quick brown fox jumps over the lazy dog"), (ratls_bytes){0},
                  "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15");
    assert_digest(BYTES_OF("The quick brown fox jumps over the lazy dog."), (ratls_bytes){0},
                  "578951e24efd62a3d63a86f7cd19aaa53c898fe287d2552133220370240b572d");
}

/* Where the input goes to is the same whichever part it comes in. */
static void parts_are_one_input(void **state)
{
    ratls_bytes text = BYTES_OF("abc");

    (void)state;
    for (size_t split = 0; split <= text.len; split++) {
        assert_digest((ratls_bytes){text.data, split}, (ratls_bytes){text.data + split, text.len - split},
                      "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    }
}

/* One byte before, at and after the end of a block: the padding is one byte, two, or a block of its own. Computed with
 * pycryptodome. */
static void ends_of_blocks_are_right(void **state)
{
    static const struct { size_t len; const char *expected; } cases[] = {
        {RATE - 1, "34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446"}, {RATE, "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e"}, {RATE + 1, "d869f639c7046b4929fc92a4d988a8b22c55fbadb802c0c66ebcd484f1915f39"}, {2 * RATE, "cf7fcd4f705ee749930d19ca84561a9bf62516bd90a471545fa2f49fdc7e63c8"}};
    uint8_t bytes[2 * RATE];

    (void)state;
    memset(bytes, 'a', sizeof bytes);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_digest((ratls_bytes){bytes, cases[i].len}, (ratls_bytes){0}, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values_come_out),
        cmocka_unit_test(parts_are_one_input),
        cmocka_unit_test(ends_of_blocks_are_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

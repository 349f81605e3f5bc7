#include "support/unit.h"

#include "base/digest.h"

typedef ratls_status (*digest)(uint8_t *out, ratls_bytes a, ratls_bytes b, ratls_error **err);

/* NIST's values for "abc", split in every way. */
static void assert_digest(digest compute, size_t len, const char *expected)
{
    ratls_bytes text = BYTES_OF("abc");
    uint8_t out[RATLS_SHA512_LEN];
    char hex[2 * sizeof out + 1];

    for (size_t split = 0; split <= text.len; split++) {
        ratls_bytes a = {text.data, split}, b = {text.data + split, text.len - split};

        assert_int_equal(compute(out, a, b, NULL), RATLS_OK);
        ratls_hex_write(hex, out, len);
        assert_string_equal(hex, expected);
    }
}

static void published_values_come_out(void **state)
{
    (void)state;
    assert_digest(ratls_sha256, RATLS_SHA256_LEN, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_digest(ratls_sha384, RATLS_SHA384_LEN,
                  "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
    assert_digest(ratls_sha512, RATLS_SHA512_LEN,
                  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

static void nothing_at_all_has_a_digest(void **state)
{
    uint8_t out[RATLS_SHA256_LEN];
    char hex[2 * sizeof out + 1];

    (void)state;
    assert_int_equal(ratls_sha256(out, (ratls_bytes){0}, (ratls_bytes){0}, NULL), RATLS_OK);
    ratls_hex_write(hex, out, sizeof out);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values_come_out),
        cmocka_unit_test(nothing_at_all_has_a_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

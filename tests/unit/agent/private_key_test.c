#include "failure.h"

#include "agent/private_key.h"

/* PrivateKeyInfo of a P-256 key whose scalar is 01 02 … 20, without the public key. */
static const uint8_t sound[] = {
    0x30, 0x41, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
    0x03, 0x01, 0x07, 0x04, 0x27, 0x30, 0x25, 0x02, 0x01, 0x01, 0x04, 0x20, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
    0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20};

enum { AT_VERSION = 4, AT_CURVE = 25, AT_EC_VERSION = 32, AT_SCALAR_LEN = 34 };

static void assert_refused(const uint8_t *bytes, size_t len)
{
    ratls_bytes scalar = {0};

    assert_false(ratls_private_key_read(&scalar, (ratls_bytes){bytes, len}));
}

static void scalar_is_found(void **state)
{
    ratls_bytes scalar = {0};

    (void)state;
    assert_true(ratls_private_key_read(&scalar, (ratls_bytes){sound, sizeof sound}));
    assert_int_equal(scalar.len, 32);
    assert_int_equal(scalar.data[0], 1);
    assert_int_equal(scalar.data[31], 32);
}

static void one_byte_wrong(void **state)
{
    static const size_t places[] = {0, AT_VERSION, AT_CURVE, AT_EC_VERSION, AT_SCALAR_LEN};

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        uint8_t bytes[sizeof sound];

        memcpy(bytes, sound, sizeof sound);
        bytes[places[i]] = (uint8_t)(bytes[places[i]] + 2);
        assert_refused(bytes, sizeof bytes);
    }
}

static void truncated_anywhere(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof sound; len++) {
        assert_refused(sound, len);
    }
}

static void something_after_it(void **state)
{
    uint8_t bytes[sizeof sound + 2];

    (void)state;
    memcpy(bytes, sound, sizeof sound);
    bytes[sizeof sound] = 0x05;
    bytes[sizeof sound + 1] = 0x00;
    assert_refused(bytes, sizeof bytes);
    bytes[1] = (uint8_t)(bytes[1] + 2); /* inside the SEQUENCE */
    assert_refused(bytes, sizeof bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(scalar_is_found), cmocka_unit_test(one_byte_wrong), cmocka_unit_test(truncated_anywhere),
                                       cmocka_unit_test(something_after_it)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

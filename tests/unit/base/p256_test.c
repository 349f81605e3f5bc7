#include "base/p256.h"
#include "dcap/pki.h"
#include "support/unit.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509.h>

static const uint8_t message[] = "what was signed";

/* A key of its own, known to both libraries. */
typedef struct {
    EVP_PKEY *pair;
    ratls_p256_curve *curve;
    ratls_p256_key *key;
    uint8_t point[64];
    uint8_t signature[64];
} fixture;

static ratls_bytes signed_message(void)
{
    return (ratls_bytes){message, sizeof message};
}

static int set_up(void **state)
{
    fixture *made = calloc(1, sizeof *made);

    assert_non_null(made);
    made->pair = pki_key_new();
    made->curve = ratls_p256_curve_new();
    pki_point(made->point, made->pair);
    made->key = ratls_p256_key_new(made->curve, made->point);
    assert_non_null(made->key);
    pki_sign_raw(made->signature, made->pair, signed_message());
    *state = made;
    return 0;
}

static int tear_down(void **state)
{
    fixture *made = *state;

    EVP_PKEY_free(made->pair);
    ratls_p256_curve_free(made->curve);
    ratls_p256_key_free(made->key);
    free(made);
    return 0;
}

static void valid_signature(void **state)
{
    fixture *made = *state;

    assert_true(ratls_p256_verify_raw(made->key, signed_message(), made->signature));
    assert_true(ratls_p256_verify_raw(made->key, signed_message(), made->signature)); /* the key is unchanged */
}

static void empty_message(void **state)
{
    fixture *made = *state;

    pki_sign_raw(made->signature, made->pair, (ratls_bytes){0});
    assert_true(ratls_p256_verify_raw(made->key, (ratls_bytes){0}, made->signature));
}

static void another_message(void **state)
{
    fixture *made = *state;

    assert_false(ratls_p256_verify_raw(made->key, (ratls_bytes){message, sizeof message - 1}, made->signature));
}

static void another_key(void **state)
{
    fixture *made = *state;
    EVP_PKEY *pair = pki_key_new();
    ratls_p256_key *key;

    pki_point(made->point, pair);
    key = ratls_p256_key_new(made->curve, made->point);
    assert_false(ratls_p256_verify_raw(key, signed_message(), made->signature));
    ratls_p256_key_free(key);
    EVP_PKEY_free(pair);
}

static void every_bit_of_the_signature(void **state)
{
    fixture *made = *state;

    for (size_t bit = 0; bit < 8 * sizeof made->signature; bit++) {
        made->signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(ratls_p256_verify_raw(made->key, signed_message(), made->signature));
        made->signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void scalars_out_of_range(void **state)
{
    static const char order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    fixture *made = *state;

    for (size_t half = 0; half < 64; half += 32) {
        uint8_t changed[64];

        memcpy(changed, made->signature, sizeof changed);
        memset(changed + half, 0, 32);
        assert_false(ratls_p256_verify_raw(made->key, signed_message(), changed));
        assert_true(ratls_hex_read(changed + half, 32, order, 64));
        assert_false(ratls_p256_verify_raw(made->key, signed_message(), changed));
        memset(changed + half, 0xff, 32);
        assert_false(ratls_p256_verify_raw(made->key, signed_message(), changed));
    }
}

static void keys_outlive_the_curve(void **state)
{
    fixture *made = *state;

    ratls_p256_curve_free(made->curve);
    made->curve = NULL;
    assert_true(ratls_p256_verify_raw(made->key, signed_message(), made->signature));
}

static void points_that_are_none(void **state)
{
    fixture *made = *state;
    uint8_t point[64] = {0};

    assert_null(ratls_p256_key_new(made->curve, point));
    memset(point, 0xff, sizeof point);
    assert_null(ratls_p256_key_new(made->curve, point));
    memcpy(point, made->point, sizeof point);
    point[63] ^= 1;
    assert_null(ratls_p256_key_new(made->curve, point));
}

/* The program's own TLS in this thread reads OpenSSL's list of errors after every call of its own. */
static void failures_leave_nothing_in_openssls_list(void **state)
{
    fixture *made = *state;
    uint8_t point[64] = {1}, signature[64];

    memset(signature, 0x11, sizeof signature);
    ERR_clear_error();
    assert_null(ratls_p256_key_new(made->curve, point));
    assert_int_equal(ERR_peek_error(), 0);
    assert_false(ratls_p256_verify_raw(made->key, signed_message(), signature));
    assert_int_equal(ERR_peek_error(), 0);
    ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR); /* and what was there before stays */
    assert_null(ratls_p256_key_new(made->curve, point));
    assert_int_equal(ERR_GET_LIB(ERR_get_error()), ERR_LIB_USER);
    assert_int_equal(ERR_peek_error(), 0);
}

static void spki(void **state)
{
    fixture *made = *state;
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(made->pair, &der);
    ratls_p256_key *key;

    assert_int_equal(len, RATLS_P256_SPKI_LEN);
    key = ratls_p256_key_from_spki(made->curve, (ratls_bytes){der, (size_t)len});
    assert_non_null(key);
    assert_true(ratls_p256_verify_raw(key, signed_message(), made->signature));
    ratls_p256_key_free(key);
    assert_null(ratls_p256_key_from_spki(made->curve, (ratls_bytes){der, (size_t)len - 1}));
    assert_null(ratls_p256_key_from_spki(made->curve, (ratls_bytes){0}));
    for (int at = 0; at < RATLS_P256_SPKI_LEN - 64; at++) {
        der[at] ^= 1;
        assert_null(ratls_p256_key_from_spki(made->curve, (ratls_bytes){der, (size_t)len}));
        der[at] ^= 1;
    }
    OPENSSL_free(der);
}

static void spki_of_other_forms(void **state)
{
    static const char *const settings[][2] = {{"point-format", "compressed"}, {"encoding", "explicit"}};
    fixture *made = *state;

    for (size_t i = 0; i < 2; i++) {
        uint8_t *der = NULL;
        int len;

        assert_int_equal(EVP_PKEY_set_utf8_string_param(made->pair, settings[i][0], settings[i][1]), 1);
        len = i2d_PUBKEY(made->pair, &der);
        assert_true(len > 0);
        assert_null(ratls_p256_key_from_spki(made->curve, (ratls_bytes){der, (size_t)len}));
        OPENSSL_free(der);
    }
}

/* The signature as DER, its scalars written with so many bytes of zeros before them. */
static void write_der(test_buffer *out, const uint8_t signature[64], size_t zeros)
{
    size_t sequence = der_open(out, 0x30);

    for (size_t half = 0; half < 64; half += 32) {
        size_t skip = 0, opened = der_open(out, 0x02);

        while (skip < 31 && signature[half + skip] == 0) {
            skip++;
        }
        buffer_fill(out, 0, zeros + (signature[half + skip] >= 0x80 ? 1 : 0));
        buffer_add(out, signature + half + skip, 32 - skip);
        der_close(out, opened);
    }
    der_close(out, sequence);
}

static void der_signatures(void **state)
{
    fixture *made = *state;
    test_buffer der = {0};

    write_der(&der, made->signature, 0);
    assert_true(ratls_p256_verify_der(made->key, signed_message(), buffer_bytes(&der)));
    for (size_t len = 0; len < der.len; len++) {
        assert_false(ratls_p256_verify_der(made->key, signed_message(), (ratls_bytes){der.data, len}));
    }
    buffer_u8(&der, 0);
    assert_false(ratls_p256_verify_der(made->key, signed_message(), buffer_bytes(&der)));
    der.len = 0;
    write_der(&der, made->signature, 1); /* the same numbers, not minimal */
    assert_false(ratls_p256_verify_der(made->key, signed_message(), buffer_bytes(&der)));
    buffer_free(&der);
}

static void der_signature_of_a_third_number(void **state)
{
    static const uint8_t one = 1;
    fixture *made = *state;
    test_buffer der = {0}, longer = {0};
    size_t sequence = der_open(&longer, 0x30);

    write_der(&der, made->signature, 0);
    buffer_add(&longer, der.data + 2, der.len - 2);
    der_add(&longer, 0x02, &one, 1);
    der_close(&longer, sequence);
    assert_false(ratls_p256_verify_der(made->key, signed_message(), buffer_bytes(&longer)));
    buffer_free(&der);
    buffer_free(&longer);
}

static void der_signature_negative(void **state)
{
    static const uint8_t negative[] = {0x30, 0x06, 0x02, 0x01, 0xff, 0x02, 0x01, 0x01};
    fixture *made = *state;

    assert_false(ratls_p256_verify_der(made->key, signed_message(), (ratls_bytes){negative, sizeof negative}));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(valid_signature),
        TEST(empty_message),
        TEST(another_message),
        TEST(another_key),
        TEST(every_bit_of_the_signature),
        TEST(scalars_out_of_range),
        TEST(keys_outlive_the_curve),
        TEST(failures_leave_nothing_in_openssls_list),
        TEST(points_that_are_none),
        TEST(spki),
        TEST(spki_of_other_forms),
        TEST(der_signatures),
        TEST(der_signature_of_a_third_number),
        TEST(der_signature_negative),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The low-level interface of OpenSSL 3: on 3.0 a key through EVP_PKEY_fromdata takes 24 us to make and 76 us to
 * verify with, through EC_KEY on a curve set up before 3 us and 71 us. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/p256.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/der.h"
#include "base/digest.h"
#include "base/openssl_start.h"

enum {
    SCALAR_LEN = RATLS_P256_SIGNATURE_LEN / 2,
    POINT_UNCOMPRESSED = 0x04,
    POINT_ENCODED_LEN = RATLS_P256_POINT_LEN + 1
};

/* Both types are OpenSSL's, behind a name of ours: curve is an EC_GROUP, key an EC_KEY. */

/* Everything of an SPKI before X ‖ Y: id-ecPublicKey, prime256v1, BIT STRING, uncompressed. As there is one
 * encoding only, explicit parameters and other curves are out by comparing (DCAP rules 3.2, X3). */
static const uint8_t spki_prefix[RATLS_P256_SPKI_LEN - RATLS_P256_POINT_LEN] = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, POINT_UNCOMPRESSED};

/* The order n of the group. */
static const uint8_t group_order[SCALAR_LEN] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

ratls_p256_curve *ratls_p256_curve_new(void)
{
    ratls_openssl_start();
    return (ratls_p256_curve *)EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
}

void ratls_p256_curve_free(ratls_p256_curve *curve)
{
    EC_GROUP_free((EC_GROUP *)curve);
}

/* Set the point, which OpenSSL takes only when it lies on the curve. */
static bool set_point(EC_KEY *key, const EC_GROUP *group, const uint8_t point64[RATLS_P256_POINT_LEN])
{
    uint8_t encoded[POINT_ENCODED_LEN] = {POINT_UNCOMPRESSED};
    EC_POINT *point;
    bool done;

    /* A refusal is ours to tell: left in OpenSSL's list it would be read as a failure of the program's next TLS call. */
    (void)ERR_set_mark();
    point = EC_POINT_new(group);
    memcpy(encoded + 1, point64, RATLS_P256_POINT_LEN);
    done = point != NULL && EC_POINT_oct2point(group, point, encoded, sizeof encoded, NULL) == 1 &&
           EC_KEY_set_public_key(key, point) == 1;
    EC_POINT_free(point);
    (void)ERR_pop_to_mark();
    return done;
}

ratls_p256_key *ratls_p256_key_new(const ratls_p256_curve *curve, const uint8_t point64[RATLS_P256_POINT_LEN])
{
    const EC_GROUP *group = (const EC_GROUP *)curve;
    EC_KEY *key = EC_KEY_new();

    if (key == NULL || EC_KEY_set_group(key, group) != 1 || !set_point(key, group, point64)) {
        EC_KEY_free(key);
        return NULL;
    }
    return (ratls_p256_key *)key;
}

ratls_p256_key *ratls_p256_key_from_spki(const ratls_p256_curve *curve, ratls_bytes spki)
{
    ratls_reader reader = ratls_reader_over(spki);
    ratls_bytes prefix, point;

    if (spki.len != RATLS_P256_SPKI_LEN || !ratls_reader_take(&reader, &prefix, sizeof spki_prefix) ||
        !ratls_bytes_equal(prefix, (ratls_bytes){spki_prefix, sizeof spki_prefix}) ||
        !ratls_reader_take(&reader, &point, RATLS_P256_POINT_LEN)) {
        return NULL;
    }
    return ratls_p256_key_new(curve, point.data);
}

void ratls_p256_key_free(ratls_p256_key *key)
{
    EC_KEY_free((EC_KEY *)key);
}

/* 1 <= scalar <= n - 1 (DCAP rules 1.9). */
static bool scalar_in_range(const uint8_t scalar[SCALAR_LEN])
{
    return !ratls_bytes_all_zero((ratls_bytes){scalar, SCALAR_LEN}) && memcmp(scalar, group_order, SCALAR_LEN) < 0;
}

/* The signature as OpenSSL wants it; NULL when out of memory. */
static ECDSA_SIG *make_signature(const uint8_t signature64[RATLS_P256_SIGNATURE_LEN])
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature64, SCALAR_LEN, NULL);
    BIGNUM *s = BN_bin2bn(signature64 + SCALAR_LEN, SCALAR_LEN, NULL);

    if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
        return signature;
    }
    ECDSA_SIG_free(signature);
    BN_free(r);
    BN_free(s);
    return NULL;
}

bool ratls_p256_verify_digest(const ratls_p256_key *key, const uint8_t digest[32], const uint8_t signature64[RATLS_P256_SIGNATURE_LEN])
{
    ECDSA_SIG *signature;
    bool valid;

    if (!scalar_in_range(signature64) || !scalar_in_range(signature64 + SCALAR_LEN)) {
        return false;
    }
    (void)ERR_set_mark();
    signature = make_signature(signature64);
    /* OpenSSL's parameter is not const, but verification changes nothing in the key. */
    valid = signature != NULL && ECDSA_do_verify(digest, SHA256_DIGEST_LENGTH, signature, (EC_KEY *)key) == 1;
    ECDSA_SIG_free(signature);
    (void)ERR_pop_to_mark();
    return valid;
}

bool ratls_p256_verify_raw(const ratls_p256_key *key, ratls_bytes message, const uint8_t signature64[RATLS_P256_SIGNATURE_LEN])
{
    uint8_t digest[RATLS_SHA256_LEN];

    return ratls_sha256(digest, message, (ratls_bytes){0}, NULL) == RATLS_OK && ratls_p256_verify_digest(key, digest, signature64);
}

/* A positive INTEGER of at most 32 significant bytes, right-aligned into `out`. */
static bool read_scalar(uint8_t out[SCALAR_LEN], ratls_reader *reader)
{
    ratls_der element;
    ratls_reader digits;

    if (!ratls_der_expect(reader, RATLS_DER_INTEGER, &element) || !ratls_der_integer_valid(&element) || element.content.data[0] >= 0x80) {
        return false;
    }
    digits = ratls_reader_over(element.content);
    if (digits.left > 1 && element.content.data[0] == 0x00 && !ratls_reader_skip(&digits, 1)) {
        return false;
    }
    memset(out, 0, SCALAR_LEN);
    return digits.left <= SCALAR_LEN && ratls_reader_copy(&digits, out + SCALAR_LEN - digits.left, digits.left);
}

bool ratls_p256_signature_from_der(uint8_t out[RATLS_P256_SIGNATURE_LEN], ratls_bytes signature)
{
    ratls_der sequence;
    ratls_reader reader;

    if (!ratls_der_only(signature, RATLS_DER_SEQUENCE, &sequence)) {
        return false;
    }
    reader = ratls_reader_over(sequence.content);
    return read_scalar(out, &reader) && read_scalar(out + SCALAR_LEN, &reader) && reader.left == 0;
}

bool ratls_p256_verify_der(const ratls_p256_key *key, ratls_bytes message, ratls_bytes signature)
{
    uint8_t signature64[RATLS_P256_SIGNATURE_LEN];

    return ratls_p256_signature_from_der(signature64, signature) && ratls_p256_verify_raw(key, message, signature64);
}

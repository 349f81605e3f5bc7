#include "support/unit.h"

#include <cjson/cJSON.h>
#include <openssl/bn.h>

#include "base/keccak256.h"
#include "leader/signer.h"

enum { KEY = 42, FILE_MAX = 1 << 16 };

/* The group's order. */
static const char order_hex[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

static const uint8_t digest[RATLS_SECP256K1_DIGEST_LEN] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};

static void assert_signed_by(const uint8_t of[RATLS_SECP256K1_DIGEST_LEN], const uint8_t signature[RATLS_SECP256K1_SIGNATURE_LEN], unsigned key)
{
    uint8_t point[RATLS_SECP256K1_POINT_LEN], address[RATLS_ADDRESS_LEN], expected[RATLS_ADDRESS_LEN];

    signer_address(expected, key);
    assert_int_equal(ratls_secp256k1_recover(point, of, signature, NULL), RATLS_OK);
    ratls_address_of(address, point);
    assert_memory_equal(address, expected, sizeof address);
}

static void assert_no_signature(const uint8_t signature[RATLS_SECP256K1_SIGNATURE_LEN])
{
    uint8_t point[RATLS_SECP256K1_POINT_LEN], zero[RATLS_SECP256K1_POINT_LEN] = {0};
    ratls_error *error = NULL;

    memset(point, 1, sizeof point);
    assert_int_equal(ratls_secp256k1_recover(point, digest, signature, &error), RATLS_ERR_LEADER_SIGNATURE_FORMAT);
    assert_memory_equal(point, zero, sizeof point);
    ratls_error_free(error);
}

/* Published for the key 1, whose public key is the generator. */
static void address_of_a_known_key(void **state)
{
    uint8_t address[RATLS_ADDRESS_LEN];
    char hex[2 * RATLS_ADDRESS_LEN + 1];

    (void)state;
    signer_address(address, 1);
    ratls_hex_write(hex, address, sizeof address);
    assert_string_equal(hex, "7e5f4552091a69125d5dfcb7b8c2659029395bdf");
}

static void signer_is_recovered(void **state)
{
    uint8_t signature[RATLS_SECP256K1_SIGNATURE_LEN], other[RATLS_SECP256K1_DIGEST_LEN];

    (void)state;
    for (unsigned key = 1; key < 20; key++) {
        memset(other, (int)key, sizeof other);
        signer_sign_digest(signature, key, other);
        assert_signed_by(other, signature, key);
        signature[64] = (uint8_t)(signature[64] - 27); /* as some write it */
        assert_signed_by(other, signature, key);
    }
    memset(other, 0xff, sizeof other); /* more than the order */
    signer_sign_digest(signature, KEY, other);
    assert_signed_by(other, signature, KEY);
    memset(other, 0, sizeof other);
    signer_sign_digest(signature, KEY, other);
    assert_signed_by(other, signature, KEY);
}

/* The other of the two signatures that each one stands for. */
static void high_s_is_accepted(void **state)
{
    uint8_t signature[RATLS_SECP256K1_SIGNATURE_LEN];
    BIGNUM *order = NULL, *s;

    (void)state;
    signer_sign_digest(signature, KEY, digest);
    s = BN_bin2bn(signature + 32, 32, NULL);
    assert_int_not_equal(BN_hex2bn(&order, order_hex), 0);
    assert_int_equal(BN_sub(s, order, s), 1);
    assert_int_equal(BN_bn2binpad(s, signature + 32, 32), 32);
    signature[64] = (uint8_t)(55 - signature[64]);
    assert_signed_by(digest, signature, KEY);
    BN_free(s);
    BN_free(order);
}

static void r_or_s_out_of_range(void **state)
{
    uint8_t good[RATLS_SECP256K1_SIGNATURE_LEN], bad[RATLS_SECP256K1_SIGNATURE_LEN], order[32];

    (void)state;
    assert_true(ratls_hex_read(order, sizeof order, order_hex, sizeof order_hex - 1));
    signer_sign_digest(good, KEY, digest);
    for (size_t part = 0; part < 64; part += 32) {
        memcpy(bad, good, sizeof bad);
        memset(bad + part, 0, 32);
        assert_no_signature(bad);
        memcpy(bad + part, order, 32);
        assert_no_signature(bad);
        memset(bad + part, 0xff, 32);
        assert_no_signature(bad);
    }
}

static void v_unknown(void **state)
{
    static const uint8_t unknown[] = {2, 3, 26, 29, 30, 31, 35, 255};
    uint8_t signature[RATLS_SECP256K1_SIGNATURE_LEN];

    (void)state;
    signer_sign_digest(signature, KEY, digest);
    for (size_t i = 0; i < sizeof unknown; i++) {
        signature[64] = unknown[i];
        assert_no_signature(signature);
    }
}

/* 5 is no X of any point. */
static void r_of_no_point(void **state)
{
    uint8_t signature[RATLS_SECP256K1_SIGNATURE_LEN];

    (void)state;
    signer_sign_digest(signature, KEY, digest);
    memset(signature, 0, 32);
    signature[31] = 5;
    assert_no_signature(signature);
}

static void every_bit_counts(void **state)
{
    uint8_t signature[RATLS_SECP256K1_SIGNATURE_LEN], point[RATLS_SECP256K1_POINT_LEN], address[RATLS_ADDRESS_LEN], signer[RATLS_ADDRESS_LEN];

    (void)state;
    signer_address(signer, KEY);
    signer_sign_digest(signature, KEY, digest);
    for (size_t bit = 0; bit < 8 * 64; bit += 5) {
        signature[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        if (ratls_secp256k1_recover(point, digest, signature, NULL) == RATLS_OK) {
            ratls_address_of(address, point);
            assert_memory_not_equal(address, signer, sizeof address);
        }
        signature[bit / 8] ^= (uint8_t)(1 << (bit % 8));
    }
}

/* Evidence format 8: key, body, digest, address and signature, written by others. */
static void published_vectors(void **state)
{
    char path[1024], *text = malloc(FILE_MAX);
    const char *folder = getenv("RATLS_VECTORS");
    const cJSON *vector;
    size_t len, count = 0;
    cJSON *vectors;
    FILE *file;

    (void)state;
    if (folder == NULL) {
        free(text);
        print_message("skipped: the published records, since RATLS_VECTORS is not set\n");
        skip();
    }
    (void)snprintf(path, sizeof path, "%s/dstack/generated/manifest_vectors.json", folder);
    file = fopen(path, "rb");
    assert_non_null(file);
    len = fread(text, 1, FILE_MAX, file);
    fclose(file);
    vectors = cJSON_ParseWithLength(text, len);
    assert_non_null(vectors);
    cJSON_ArrayForEach(vector, vectors)
    {
        const char *record = cJSON_GetObjectItem(vector, "txt")->valuestring, *address = cJSON_GetObjectItem(vector, "signer_address")->valuestring;
        ratls_manifest manifest;
        uint8_t signer[RATLS_ADDRESS_LEN];

        assert_true(ratls_hex_read(signer, sizeof signer, address + 2, strlen(address + 2)));
        assert_int_equal(ratls_manifest_read(&manifest, (ratls_bytes){(const uint8_t *)record, strlen(record)}, NULL), RATLS_OK);
        assert_string_equal(manifest.body, cJSON_GetObjectItem(vector, "canonical_body")->valuestring);
        assert_int_equal(ratls_manifest_check_signer(&manifest, signer, NULL), RATLS_OK);
        signer[0] ^= 1;
        assert_int_equal(ratls_manifest_check_signer(&manifest, signer, NULL), RATLS_ERR_LEADER_SIGNATURE);
        ratls_manifest_clear(&manifest);
        count++;
    }
    assert_int_equal(count, 2);
    cJSON_Delete(vectors);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_of_a_known_key), cmocka_unit_test(signer_is_recovered), cmocka_unit_test(high_s_is_accepted),
        cmocka_unit_test(r_or_s_out_of_range),    cmocka_unit_test(v_unknown),           cmocka_unit_test(r_of_no_point),
        cmocka_unit_test(every_bit_counts),       cmocka_unit_test(published_vectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

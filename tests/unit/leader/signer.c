#include "leader/signer.h"

#include <inttypes.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/keccak256.h"

/* What cannot be is not tested for in every test. */
static void must(int condition)
{
    if (condition != 1) {
        abort();
    }
}

static void write_number(uint8_t out[32], const BIGNUM *number)
{
    must(BN_bn2binpad(number, out, 32) == 32);
}

void signer_address(uint8_t address[RATLS_ADDRESS_LEN], unsigned key)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_secp256k1);
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *secret = BN_new();
    uint8_t encoded[1 + RATLS_SECP256K1_POINT_LEN];

    must(BN_set_word(secret, key) == 1 && EC_POINT_mul(group, point, secret, NULL, NULL, NULL) == 1);
    must(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, encoded, sizeof encoded, NULL) == sizeof encoded);
    ratls_address_of(address, encoded + 1);
    BN_free(secret);
    EC_POINT_free(point);
    EC_GROUP_free(group);
}

void signer_sign_digest(uint8_t signature[RATLS_SECP256K1_SIGNATURE_LEN], unsigned key, const uint8_t digest[RATLS_SECP256K1_DIGEST_LEN])
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_secp256k1);
    const BIGNUM *order = EC_GROUP_get0_order(group);
    EC_POINT *point = EC_POINT_new(group);
    BN_CTX *context = BN_CTX_new();
    BIGNUM *nonce = BN_new(), *r = BN_new(), *y = BN_new(), *s = BN_new(), *e = BN_bin2bn(digest, RATLS_SECP256K1_DIGEST_LEN, NULL);

    must(BN_set_word(nonce, 0x51617) == 1 && EC_POINT_mul(group, point, nonce, NULL, NULL, context) == 1);
    must(EC_POINT_get_affine_coordinates(group, point, r, y, context) == 1);
    must(BN_set_word(s, key) == 1 && BN_mod_mul(s, s, r, order, context) == 1 && BN_mod_add(s, s, e, order, context) == 1);
    must(BN_mod_inverse(nonce, nonce, order, context) != NULL && BN_mod_mul(s, s, nonce, order, context) == 1);
    write_number(signature, r);
    write_number(signature + 32, s);
    signature[64] = (uint8_t)(27 + BN_is_odd(y));
    BN_free(nonce), BN_free(r), BN_free(y), BN_free(s), BN_free(e);
    BN_CTX_free(context);
    EC_POINT_free(point);
    EC_GROUP_free(group);
}

ratls_bytes signer_sign(char out[RECORD_ROOM], unsigned key, const char *body)
{
    char head[64], hex[2 * RATLS_SECP256K1_SIGNATURE_LEN + 1];
    uint8_t digest[RATLS_KECCAK256_LEN], signature[RATLS_SECP256K1_SIGNATURE_LEN];
    int head_len = snprintf(head, sizeof head, "\x19" "Ethereum Signed Message:\n%zu", strlen(body)), len;

    ratls_keccak256(digest, (ratls_bytes){(const uint8_t *)head, (size_t)head_len}, (ratls_bytes){(const uint8_t *)body, strlen(body)});
    signer_sign_digest(signature, key, digest);
    ratls_hex_write(hex, signature, sizeof signature);
    len = snprintf(out, RECORD_ROOM, "%s;sig=0x%s", body, hex);
    return (ratls_bytes){(const uint8_t *)out, (size_t)len};
}

ratls_bytes signer_record(char out[RECORD_ROOM], unsigned key, uint64_t epoch, char leader, const char *url, uint64_t valid_until)
{
    char body[RECORD_ROOM - 256], instance[41] = {0};

    memset(instance, leader, sizeof instance - 1);
    (void)snprintf(body, sizeof body,
                   "cluster=0xc1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1;epoch=%" PRIu64 ";leader_instance=%s;leader_url=%s;v=1;valid_until=%" PRIu64,
                   epoch, instance, url, valid_until);
    return signer_sign(out, key, body);
}

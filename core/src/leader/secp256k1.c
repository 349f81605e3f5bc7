#include "leader/secp256k1.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <string.h>

#include "base/keccak256.h"

enum { V_OFFSET = 27 /* what Ethereum adds to the parity */ };

/* What one recovery works with. */
typedef struct {
    EC_GROUP *group;
    BN_CTX *context;
    const BIGNUM *order; /* the group's */
    BIGNUM *r;
    BIGNUM *s;
    BIGNUM *e; /* the digest as a number */
    EC_POINT *point;
} recovery;

static ratls_status prepare(recovery *work, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    work->group = EC_GROUP_new_by_curve_name(NID_secp256k1);
    CHECK(work->group != NULL, RATLS_ERR_INTERNAL, WHAT("the cryptographic library has no secp256k1"));
    work->order = EC_GROUP_get0_order(work->group);
    work->context = BN_CTX_new();
    work->r = BN_new();
    work->s = BN_new();
    work->e = BN_new();
    work->point = EC_POINT_new(work->group);
    CHECK(work->order != NULL && work->context != NULL && work->r != NULL && work->s != NULL && work->e != NULL && work->point != NULL,
          RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

static void clear(recovery *work)
{
    EC_POINT_free(work->point);
    BN_free(work->e);
    BN_free(work->s);
    BN_free(work->r);
    BN_CTX_free(work->context);
    EC_GROUP_free(work->group);
    ERR_clear_error(); /* whoever runs on this thread next must not find ours */
}

/* From 1 to the order less one (SEC 1, 4.1.4). */
static ratls_status read_scalar(BIGNUM *out, const recovery *work, const uint8_t bytes[RATLS_SECP256K1_SCALAR_LEN], ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(BN_bin2bn(bytes, RATLS_SECP256K1_SCALAR_LEN, out) != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(!BN_is_zero(out) && BN_cmp(out, work->order) < 0, RATLS_ERR_LEADER_SIGNATURE_FORMAT, WHAT("a part of it is out of range"));
    status = RATLS_OK;
out:
    return status;
}

/* v says which of the two points with this X was used. That X could have been reduced by the order as well is not
 * provided for: nobody can make such a signature but by trying 2^128 of them. */
static ratls_status read_parity(int *out, uint8_t v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t parity = v >= V_OFFSET ? (uint8_t)(v - V_OFFSET) : v;

    CHECK(parity <= 1, RATLS_ERR_LEADER_SIGNATURE_FORMAT, WHAT("its last byte is none of 0, 1, 27 and 28"));
    *out = parity;
    status = RATLS_OK;
out:
    return status;
}

/* SEC 1, 4.1.6: Q = r⁻¹ (s R - e G), into work->point, which is R before. */
static ratls_status recover_point(recovery *work, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    BIGNUM *inverse = BN_mod_inverse(NULL, work->r, work->order, work->context);

    CHECK(inverse != NULL && BN_mod_mul(work->s, work->s, inverse, work->order, work->context) == 1 &&
              BN_nnmod(work->e, work->e, work->order, work->context) == 1 &&
              BN_mod_mul(work->e, work->e, inverse, work->order, work->context) == 1,
          RATLS_ERR_INTERNAL, WHAT("the cryptographic library computed no scalar"));
    if (!BN_is_zero(work->e)) {
        CHECK(BN_sub(work->e, work->order, work->e) == 1, RATLS_ERR_INTERNAL, WHAT("the cryptographic library computed no scalar"));
    }
    CHECK(EC_POINT_mul(work->group, work->point, work->e, work->point, work->s, work->context) == 1, RATLS_ERR_INTERNAL,
          WHAT("the cryptographic library computed no point"));
    CHECK(EC_POINT_is_at_infinity(work->group, work->point) == 0, RATLS_ERR_LEADER_SIGNATURE_FORMAT, WHAT("it belongs to no key"));
    status = RATLS_OK;
out:
    BN_free(inverse);
    return status;
}

static ratls_status write_point(uint8_t out[RATLS_SECP256K1_POINT_LEN], const recovery *work, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t encoded[1 + RATLS_SECP256K1_POINT_LEN]; /* 04, X, Y */

    CHECK(EC_POINT_point2oct(work->group, work->point, POINT_CONVERSION_UNCOMPRESSED, encoded, sizeof encoded, work->context) == sizeof encoded,
          RATLS_ERR_INTERNAL, WHAT("the cryptographic library wrote no point"));
    memcpy(out, encoded + 1, RATLS_SECP256K1_POINT_LEN);
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_secp256k1_recover(
    uint8_t point[RATLS_SECP256K1_POINT_LEN], const uint8_t digest[RATLS_SECP256K1_DIGEST_LEN],
    const uint8_t signature[RATLS_SECP256K1_SIGNATURE_LEN], ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    recovery work = {0};
    int parity = 0;

    memset(point, 0, RATLS_SECP256K1_POINT_LEN);
    TRY(prepare(&work, err));
    TRY(read_scalar(work.r, &work, signature, err));
    TRY(read_scalar(work.s, &work, signature + RATLS_SECP256K1_SCALAR_LEN, err));
    TRY(read_parity(&parity, signature[2 * RATLS_SECP256K1_SCALAR_LEN], err));
    CHECK(BN_bin2bn(digest, RATLS_SECP256K1_DIGEST_LEN, work.e) != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(EC_POINT_set_compressed_coordinates(work.group, work.point, work.r, parity, work.context) == 1,
          RATLS_ERR_LEADER_SIGNATURE_FORMAT, WHAT("its first part belongs to no point of the curve"));
    TRY(recover_point(&work, err));
    TRY(write_point(point, &work, err));
    status = RATLS_OK;
out:
    clear(&work);
    return status;
}

void ratls_address_of(uint8_t address[RATLS_ADDRESS_LEN], const uint8_t point[RATLS_SECP256K1_POINT_LEN])
{
    uint8_t digest[RATLS_KECCAK256_LEN];

    ratls_keccak256(digest, (ratls_bytes){point, RATLS_SECP256K1_POINT_LEN}, (ratls_bytes){0});
    memcpy(address, digest + RATLS_KECCAK256_LEN - RATLS_ADDRESS_LEN, RATLS_ADDRESS_LEN);
}

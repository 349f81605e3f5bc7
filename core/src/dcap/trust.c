#include "dcap/trust.h"

#include <stdlib.h>
#include <string.h>

/* Directly under Intel's root, of which each signature was verified when its digest was written down here: to find another
 * certificate with the same digest is as hard as to forge the root's signature, which is over a digest of the same kind. */
static const uint8_t intel_certificates[][RATLS_SHA256_LEN] = {
    /* Intel SGX PCK Platform CA, 2018 to 2033 */
    {0x22, 0xeb, 0x77, 0x0d, 0xca, 0x21, 0x5b, 0x60, 0x7b, 0x5c, 0xcf, 0xc2, 0x1a, 0x67, 0x2b, 0x1d,
     0xa5, 0xcc, 0x66, 0x0b, 0x1a, 0xd0, 0x36, 0x50, 0x20, 0x56, 0x79, 0x79, 0xed, 0xca, 0xa0, 0xe1},
    /* Intel SGX PCK Processor CA, 2018 to 2033 */
    {0x13, 0xb2, 0xdc, 0xce, 0xf8, 0xfc, 0x4e, 0xc9, 0x77, 0xee, 0x52, 0x49, 0x74, 0x3b, 0x0f, 0x75,
     0x8e, 0xbd, 0x1e, 0x28, 0xd7, 0x68, 0xb2, 0xe1, 0xe1, 0x2b, 0xc3, 0x48, 0xad, 0xaa, 0x09, 0xfb},
    /* Intel SGX PCK Processor CA, 2018 to 2033, as it was issued first */
    {0xf6, 0x5b, 0x24, 0x9b, 0xe2, 0xe8, 0x03, 0x0b, 0x2e, 0x16, 0x82, 0xe7, 0xf7, 0xa1, 0xf2, 0xd4,
     0x8b, 0xf4, 0xc3, 0x5e, 0xec, 0x93, 0x04, 0x83, 0xa4, 0xee, 0x20, 0x08, 0x97, 0x08, 0x1f, 0xfe},
    /* Intel SGX TCB Signing, 2025 to 2032 */
    {0xc0, 0x57, 0x5e, 0x76, 0xd0, 0x30, 0x3b, 0x61, 0xd0, 0x9c, 0xde, 0x8c, 0xbd, 0xb7, 0x0d, 0xb3,
     0x4a, 0x74, 0xf3, 0x83, 0x18, 0x30, 0x0d, 0x7c, 0x0e, 0x6b, 0xa8, 0xcf, 0x4b, 0xf4, 0x5a, 0xea},
    /* Intel SGX TCB Signing, 2018 to 2025 */
    {0xec, 0x37, 0xd9, 0x81, 0x07, 0xbf, 0xb7, 0xda, 0xb6, 0xff, 0x8d, 0xe4, 0xd4, 0xdd, 0xa6, 0xfd,
     0xe3, 0x0a, 0x6f, 0x50, 0xb0, 0xd7, 0xb0, 0x3e, 0xef, 0xb5, 0x65, 0x2f, 0x1e, 0x65, 0x29, 0x69},
};

static ratls_status fill_trust(ratls_trust *trust, const ratls_trust_anchor *anchor, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_trust_anchor_copy(&trust->anchor, anchor, err));
    trust->curve = ratls_p256_curve_new();
    CHECK(trust->curve != NULL, RATLS_ERR_OUT_OF_MEMORY);
    trust->root_key = ratls_p256_key_from_spki(trust->curve, (ratls_bytes){trust->anchor.spki, sizeof trust->anchor.spki});
    CHECK(trust->root_key != NULL, RATLS_ERR_TRUST_ANCHOR_INVALID, WHAT("its key is not a point on P-256"));
    trust->signatures = ratls_known_new(RATLS_KNOWN_SIGNATURES);
    trust->chains = ratls_known_new(RATLS_KNOWN_CHAINS);
    CHECK(trust->signatures != NULL && trust->chains != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_trust_new(ratls_trust **out, const ratls_trust_anchor *anchor, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_trust *trust = NULL;

    *out = NULL;
    trust = calloc(1, sizeof *trust);
    CHECK(trust != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&trust->holds, 1);
    TRY(fill_trust(trust, anchor, err));
    *out = trust;
    trust = NULL;
    status = RATLS_OK;
out:
    ratls_trust_free(trust);
    return status;
}

ratls_trust *ratls_trust_hold(ratls_trust *trust)
{
    (void)atomic_fetch_add(&trust->holds, 1);
    return trust;
}

void ratls_trust_free(ratls_trust *trust)
{
    if (trust == NULL || atomic_fetch_sub(&trust->holds, 1) != 1) {
        return;
    }
    ratls_known_free(trust->chains);
    ratls_known_free(trust->signatures);
    ratls_p256_key_free(trust->root_key);
    ratls_p256_curve_free(trust->curve);
    ratls_trust_anchor_clear(&trust->anchor);
    free(trust);
}

ratls_signer ratls_trust_root(const ratls_trust *trust)
{
    return (ratls_signer){trust->root_key, {trust->anchor.spki, sizeof trust->anchor.spki}};
}

static void destroy_signature(ratls_fact *fact)
{
    free(fact);
}

static void keep_signature(ratls_known *signatures, const uint8_t key[RATLS_SHA256_LEN])
{
    ratls_fact *fact = malloc(sizeof *fact);

    if (fact != NULL) {
        *fact = (ratls_fact){.destroy = destroy_signature};
        memcpy(fact->key, key, sizeof fact->key);
        ratls_known_keep(signatures, fact);
    }
}

/* Key, message and signature, whole, each of one length: everything that the answer depends on. */
static bool signature_key(
    uint8_t out[RATLS_SHA256_LEN], ratls_bytes spki, const uint8_t message_sha256[RATLS_SHA256_LEN],
    const uint8_t signature64[RATLS_P256_SIGNATURE_LEN])
{
    uint8_t signed_part[RATLS_SHA256_LEN + RATLS_P256_SIGNATURE_LEN];

    memcpy(signed_part, message_sha256, RATLS_SHA256_LEN);
    memcpy(signed_part + RATLS_SHA256_LEN, signature64, RATLS_P256_SIGNATURE_LEN);
    return spki.len == RATLS_P256_SPKI_LEN && ratls_sha256(out, spki, (ratls_bytes){signed_part, sizeof signed_part}, NULL) == RATLS_OK;
}

bool ratls_trust_verify(
    ratls_trust *trust, const ratls_signer *signer, const uint8_t message_sha256[RATLS_SHA256_LEN],
    const uint8_t signature64[RATLS_P256_SIGNATURE_LEN])
{
    uint8_t key[RATLS_SHA256_LEN];
    const ratls_fact *fact;

    if (!signature_key(key, signer->spki, message_sha256, signature64)) {
        return false;
    }
    fact = ratls_known_find(trust->signatures, key);
    ratls_known_release(trust->signatures, fact);
    if (fact != NULL) {
        return true;
    }
    if (!ratls_p256_verify_digest(signer->key, message_sha256, signature64)) {
        return false;
    }
    keep_signature(trust->signatures, key);
    return true;
}

bool ratls_trust_verify_der(
    ratls_trust *trust, const ratls_signer *signer, const uint8_t message_sha256[RATLS_SHA256_LEN], ratls_bytes signature)
{
    uint8_t signature64[RATLS_P256_SIGNATURE_LEN];

    return ratls_p256_signature_from_der(signature64, signature) && ratls_trust_verify(trust, signer, message_sha256, signature64);
}

bool ratls_trust_recognises(const ratls_trust *trust, ratls_bytes der)
{
    uint8_t digest[RATLS_SHA256_LEN];

    if (!trust->anchor.intel || ratls_sha256(digest, der, (ratls_bytes){0}, NULL) != RATLS_OK) {
        return false;
    }
    for (size_t i = 0; i < sizeof intel_certificates / sizeof intel_certificates[0]; i++) {
        if (memcmp(digest, intel_certificates[i], sizeof digest) == 0) {
            return true;
        }
    }
    return false;
}

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "dcap/certificate_rules.h"
#include "dcap/chain.h"

enum { DER_SEQUENCE_BYTE = 0x30 };

/* DCAP rules 2.9. The key is pinned, not a certificate: several with the same key are in use. */
static const uint8_t intel_spki[RATLS_P256_SPKI_LEN] = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0x0b, 0xa9, 0xc4, 0xc0, 0xc0,
    0xc8, 0x61, 0x93, 0xa3, 0xfe, 0x23, 0xd6, 0xb0, 0x2c, 0xda, 0x10, 0xa8, 0xbb, 0xd4, 0xe8, 0x8e,
    0x48, 0xb4, 0x45, 0x85, 0x61, 0xa3, 0x6e, 0x70, 0x55, 0x25, 0xf5, 0x67, 0x91, 0x8e, 0x2e, 0xdc,
    0x88, 0xe4, 0x0d, 0x86, 0x0b, 0xd0, 0xcc, 0x4e, 0xe2, 0x6a, 0xac, 0xc9, 0x88, 0xe5, 0x05, 0xa9,
    0x53, 0x55, 0x8c, 0x45, 0x3f, 0x6b, 0x09, 0x04, 0xae, 0x73, 0x94};

static const uint8_t intel_spki_sha256[RATLS_SHA256_LEN] = {
    0xa0, 0xaf, 0x03, 0x12, 0x89, 0xf5, 0xd5, 0xd4, 0x13, 0x2f, 0x91, 0x86, 0x06, 0x8a, 0x7f, 0xc1,
    0x36, 0x28, 0x63, 0x3b, 0xa2, 0x35, 0x77, 0x74, 0x72, 0xe2, 0x9b, 0x6b, 0x6c, 0x67, 0xa4, 0x9e};

/* Of the certificate that chains end in today. */
static const uint8_t intel_certificate_sha256[RATLS_SHA256_LEN] = {
    0x44, 0xa0, 0x19, 0x6b, 0x2b, 0x99, 0xf8, 0x89, 0xb8, 0xe1, 0x49, 0xe9, 0x5b, 0x80, 0x7a, 0x35,
    0x0e, 0x74, 0x24, 0x96, 0x43, 0x99, 0xe8, 0x85, 0xa7, 0xcb, 0xb8, 0xcc, 0xfa, 0xb6, 0x74, 0xd3};

/* CN=Intel SGX Root CA, O=Intel Corporation, L=Santa Clara, ST=CA, C=US. */
static const uint8_t intel_subject[] = {
    0x30, 0x68, 0x31, 0x1a, 0x30, 0x18, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x11, 'I', 'n', 't', 'e', 'l', ' ', 'S', 'G', 'X', ' ', 'R',
    'o', 'o', 't', ' ', 'C', 'A', 0x31, 0x1a, 0x30, 0x18, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x11, 'I', 'n', 't', 'e', 'l', ' ', 'C',
    'o', 'r', 'p', 'o', 'r', 'a', 't', 'i', 'o', 'n', 0x31, 0x14, 0x30, 0x12, 0x06, 0x03, 0x55, 0x04, 0x07, 0x0c, 0x0b, 'S', 'a', 'n',
    't', 'a', ' ', 'C', 'l', 'a', 'r', 'a', 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x08, 0x0c, 0x02, 'C', 'A', 0x31, 0x0b,
    0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06, 0x13, 0x02, 'U', 'S'};

void ratls_trust_anchor_intel(ratls_trust_anchor *out)
{
    memset(out, 0, sizeof *out);
    memcpy(out->spki, intel_spki, sizeof out->spki);
    memcpy(out->spki_sha256, intel_spki_sha256, sizeof out->spki_sha256);
    memcpy(out->certificate_sha256, intel_certificate_sha256, sizeof out->certificate_sha256);
    memcpy(out->name, "intel", sizeof "intel");
    out->intel = true;
    out->subject = (ratls_bytes){intel_subject, sizeof intel_subject};
}

/* Keep a copy of the name. */
static ratls_status keep_subject(ratls_trust_anchor *out, ratls_bytes subject, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t *copy = malloc(subject.len);

    CHECK(copy != NULL, RATLS_ERR_OUT_OF_MEMORY);
    memcpy(copy, subject.data, subject.len);
    out->storage = copy;
    out->subject = (ratls_bytes){copy, subject.len};
    status = RATLS_OK;
out:
    return status;
}

/* A certificate that can end a chain by the rules for roots, and was made by the holder of its own key. */
static ratls_status check_root(const ratls_chain_link *root, const ratls_p256_key *key, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *fault;

    CHECK(key != NULL, RATLS_ERR_TRUST_ANCHOR_INVALID, WHAT("its key is not an uncompressed point on P-256"));
    CHECK(ratls_bytes_equal(root->parsed.subject, root->parsed.issuer), RATLS_ERR_TRUST_ANCHOR_INVALID, WHAT("it is not self-issued"));
    fault = ratls_certificate_judge_role(root, RATLS_ROLE_ROOT);
    CHECK(fault == NULL, RATLS_ERR_TRUST_ANCHOR_INVALID, WHAT(fault));
    CHECK(ratls_is_ecdsa_sha256(root->parsed.signature_algorithm) && ratls_p256_verify_der(key, root->parsed.tbs, root->parsed.signature),
          RATLS_ERR_TRUST_ANCHOR_INVALID, WHAT("its own signature does not verify"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_root(ratls_trust_anchor *out, ratls_bytes der, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_p256_curve *curve = NULL;
    ratls_p256_key *key = NULL;
    ratls_chain_link root = {0};
    const char *fault = ratls_certificate_read(&root, der);

    CHECK(fault == NULL, RATLS_ERR_TRUST_ANCHOR_INVALID, WHAT(fault));
    curve = ratls_p256_curve_new();
    CHECK(curve != NULL, RATLS_ERR_OUT_OF_MEMORY);
    key = ratls_p256_key_from_spki(curve, root.parsed.spki);
    TRY(check_root(&root, key, err));
    memcpy(out->spki, root.parsed.spki.data, sizeof out->spki);
    TRY(ratls_sha256(out->spki_sha256, root.parsed.spki, (ratls_bytes){0}, err));
    TRY(ratls_sha256(out->certificate_sha256, der, (ratls_bytes){0}, err));
    ratls_hex_write(out->name, out->certificate_sha256, sizeof out->certificate_sha256);
    TRY(keep_subject(out, root.parsed.subject, err));
    status = RATLS_OK;
out:
    ratls_p256_key_free(key);
    ratls_p256_curve_free(curve);
    return status;
}

ratls_status ratls_trust_anchor_parse(ratls_trust_anchor *out, ratls_bytes certificate, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes der = certificate;
    ratls_pem pem = {0};
    const char *fault = NULL;

    memset(out, 0, sizeof *out);
    CHECK(certificate.len > 0 && certificate.len <= RATLS_COLLATERAL_CHAIN_MAX, RATLS_ERR_TRUST_ANCHOR_INVALID,
          WHAT("it is empty or longer than the limit"));
    if (certificate.data[0] != DER_SEQUENCE_BYTE) {
        CHECK(ratls_pem_parse(&pem, certificate, "CERTIFICATE", RATLS_PEM_CERTIFICATE_MAX, &fault), RATLS_ERR_TRUST_ANCHOR_INVALID, WHAT(fault));
        CHECK(pem.len == 1, RATLS_ERR_TRUST_ANCHOR_INVALID, WHAT("it is more than one certificate"));
        der = pem.blocks[0];
    }
    TRY(read_root(out, der, err));
    status = RATLS_OK;
out:
    ratls_pem_clear(&pem);
    if (status != RATLS_OK) {
        ratls_trust_anchor_clear(out);
    }
    return status;
}

ratls_status ratls_trust_anchor_copy(ratls_trust_anchor *out, const ratls_trust_anchor *anchor, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    memset(out, 0, sizeof *out);
    CHECK(anchor->subject.len > 0, RATLS_ERR_TRUST_ANCHOR_INVALID, WHAT("it has no name"));
    *out = *anchor;
    out->storage = NULL;
    TRY(keep_subject(out, anchor->subject, err));
    status = RATLS_OK;
out:
    return status;
}

void ratls_trust_anchor_clear(ratls_trust_anchor *anchor)
{
    free(anchor->storage);
    memset(anchor, 0, sizeof *anchor);
}

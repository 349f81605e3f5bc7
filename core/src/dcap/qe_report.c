#include "dcap/qe_report.h"

#include <string.h>

#include "base/digest.h"
#include "base/reader.h"

enum { ATTRIBUTES_DEBUG = 0x02 };

/* A field of the QE report, which is an enclave report like any other. */
static ratls_bytes report_field(const ratls_parsed_quote *quote, ratls_field field)
{
    const ratls_parsed_quote report = {.tee_type = RATLS_TEE_SGX, .body = quote->qe_report};

    return ratls_quote_body_field(&report, field);
}

static bool report_number(uint16_t *out, const ratls_parsed_quote *quote, ratls_field field)
{
    ratls_reader reader = ratls_reader_over(report_field(quote, field));

    return ratls_reader_u16_le(&reader, out);
}

/* G1, memoised on the key, the whole report and its signature (case X5). */
static bool report_signed(const ratls_parsed_quote *quote, const ratls_signer *pck, ratls_trust *trust)
{
    uint8_t digest[RATLS_SHA256_LEN];

    return quote->qe_report_signature.len == RATLS_P256_SIGNATURE_LEN &&
           ratls_sha256(digest, quote->qe_report, (ratls_bytes){0}, NULL) == RATLS_OK &&
           ratls_trust_verify(trust, pck, digest, quote->qe_report_signature.data);
}

ratls_status ratls_qe_report_verify(const ratls_parsed_quote *quote, const ratls_signer *pck, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t expected[RATLS_REPORT_DATA_LEN] = {0}; /* the digest, then zeros (G3) */
    ratls_bytes found = report_field(quote, RATLS_FIELD_REPORT_DATA);

    CHECK(report_signed(quote, pck, trust), RATLS_ERR_DCAP_QE_REPORT_SIGNATURE);
    TRY(ratls_sha256(expected, quote->attestation_key, quote->qe_authentication_data, err));
    CHECK(ratls_bytes_equal(found, (ratls_bytes){expected, sizeof expected}), RATLS_ERR_DCAP_QE_REPORT_DATA,
          FOUND_HEX(found.data, found.len), EXPECTED_HEX(expected, sizeof expected));
    status = RATLS_OK;
out:
    return status;
}

/* value & mask == expected. */
static ratls_status check_masked(
    ratls_bytes value, const uint8_t *mask, const uint8_t *expected, ratls_status code, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t masked[RATLS_ENCLAVE_ATTRIBUTES_LEN];

    CHECK(value.len > 0 && value.len <= sizeof masked, RATLS_ERR_INTERNAL, WHAT("a QE report without the field"));
    for (size_t i = 0; i < value.len; i++) {
        masked[i] = value.data[i] & mask[i];
    }
    CHECK(memcmp(masked, expected, value.len) == 0, code, FOUND_HEX(masked, value.len), EXPECTED_HEX(expected, value.len));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_qe_report_match(const ratls_parsed_quote *quote, const ratls_qe_identity *identity, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes miscselect = report_field(quote, RATLS_FIELD_MISC_SELECT);
    ratls_bytes attributes = report_field(quote, RATLS_FIELD_ATTRIBUTES);
    ratls_bytes mr_signer = report_field(quote, RATLS_FIELD_MR_SIGNER);
    uint16_t isv_prod_id;

    CHECK(miscselect.len == sizeof identity->miscselect && attributes.len == sizeof identity->attributes, RATLS_ERR_INTERNAL,
          WHAT("a QE report without its fields"));
    TRY(check_masked(miscselect, identity->miscselect_mask, identity->miscselect, RATLS_ERR_DCAP_QE_MISCSELECT, err));
    /* G8: also when Intel's mask leaves DEBUG out. */
    CHECK((attributes.data[0] & ATTRIBUTES_DEBUG) == 0, RATLS_ERR_DCAP_QE_DEBUG);
    TRY(check_masked(attributes, identity->attributes_mask, identity->attributes, RATLS_ERR_DCAP_QE_ATTRIBUTES, err));
    CHECK(ratls_bytes_equal(mr_signer, (ratls_bytes){identity->mr_signer, sizeof identity->mr_signer}), RATLS_ERR_DCAP_QE_MRSIGNER,
          FOUND_HEX(mr_signer.data, mr_signer.len), EXPECTED_HEX(identity->mr_signer, sizeof identity->mr_signer));
    CHECK(report_number(&isv_prod_id, quote, RATLS_FIELD_ISV_PROD_ID), RATLS_ERR_INTERNAL, WHAT("a QE report without ISVPRODID"));
    CHECK(isv_prod_id == identity->isv_prod_id, RATLS_ERR_DCAP_QE_ISVPRODID, FOUND_NUMBER(isv_prod_id), EXPECTED_NUMBER(identity->isv_prod_id));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_qe_report_level(
    const ratls_tcb_verdict **out, const ratls_parsed_quote *quote, const ratls_qe_identity *identity, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_isv_level *level;
    uint16_t isv_svn;

    *out = NULL;
    CHECK(report_number(&isv_svn, quote, RATLS_FIELD_ISV_SVN), RATLS_ERR_INTERNAL, WHAT("a QE report without ISVSVN"));
    level = ratls_isv_levels_find(&identity->levels, isv_svn);
    CHECK(level != NULL, RATLS_ERR_DCAP_QE_SVN_UNSUPPORTED, FOUND_NUMBER(isv_svn));
    *out = &level->verdict;
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_quote_verify_signature(const ratls_parsed_quote *quote, const ratls_p256_curve *curve, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_p256_key *key = NULL;

    CHECK(quote->attestation_key.len == RATLS_P256_POINT_LEN && quote->signature.len == RATLS_P256_SIGNATURE_LEN, RATLS_ERR_INTERNAL,
          WHAT("a quote without its signature data"));
    key = ratls_p256_key_new(curve, quote->attestation_key.data);
    CHECK(key != NULL, RATLS_ERR_DCAP_ATTESTATION_KEY);
    CHECK(ratls_p256_verify_raw(key, quote->signed_bytes, quote->signature.data), RATLS_ERR_DCAP_QUOTE_SIGNATURE);
    status = RATLS_OK;
out:
    ratls_p256_key_free(key);
    return status;
}

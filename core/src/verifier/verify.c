/* From bytes to a result: what each kind of evidence adds to the steps that all have in common. */
#include "verifier/verification.h"

static ratls_status verify_certificate(
    ratls_result **out, ratls_bytes *spki, ratls_verification *v, ratls_verifier *verifier, const ratls_verify_options *options,
    const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    /* 1. What the caller accepts. */
    TRY(ratls_verification_begin(v, verifier, options, cancel, err));
    /* 2. The evidence in the certificate, or what waives it, if it was not read before. */
    TRY(ratls_verification_recall(v, err));
    if (!v->recalled) {
        TRY(ratls_verification_read_certificate(v, err));
    }
    /* 3. The time to verify for. */
    TRY(ratls_verification_set_time(v, err));
    /* 4. to 8. */
    if (v->has_quote) {
        TRY(ratls_verification_judge(v, err));
    }
    /* 9. The result. */
    TRY(ratls_verification_result(out, v, err));
    *spki = v->evidence.spki;
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_verify_certificate_key(
    ratls_result **out, ratls_bytes *spki, ratls_verifier *verifier, ratls_bytes der, const ratls_verify_options *options,
    ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verification v = {.certificate = der};

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    *spki = (ratls_bytes){0};
    CHECK(der.data != NULL && der.len > 0, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "der"), WHAT("it is empty"));
    TRY(verify_certificate(out, spki, &v, verifier, options, cancel, err));
    status = RATLS_OK;
out:
    ratls_verification_end(&v);
    return status;
}

ratls_status ratls_verify_certificate(
    ratls_result **out, ratls_verifier *verifier, const uint8_t *der, size_t der_len, const ratls_verify_options *options,
    ratls_cancel *cancel, ratls_error **err)
{
    ratls_bytes spki = {0};

    return ratls_verify_certificate_key(out, &spki, verifier, (ratls_bytes){der, der_len}, options, cancel, err);
}

static ratls_status verify_quote(
    ratls_result **out, ratls_verification *v, ratls_verifier *verifier, ratls_bytes quote, const ratls_verify_options *options,
    const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_verification_begin(v, verifier, options, cancel, err));
    TRY(ratls_verification_parse_quote(v, quote, err));
    TRY(ratls_verification_set_time(v, err));
    TRY(ratls_verification_judge(v, err));
    TRY(ratls_verification_result(out, v, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_verify(
    ratls_result **out, ratls_verifier *verifier, const uint8_t *quote, size_t quote_len, const ratls_verify_options *options,
    ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verification v = {0};

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    CHECK(quote != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "quote"), WHAT("it is NULL"));
    TRY(verify_quote(out, &v, verifier, (ratls_bytes){quote, quote_len}, options, cancel, err));
    status = RATLS_OK;
out:
    ratls_verification_end(&v);
    return status;
}

static ratls_status verify_evidence(
    ratls_result **out, ratls_verification *v, ratls_verifier *verifier, ratls_bytes evidence, const ratls_verify_options *options,
    const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_verification_begin(v, verifier, options, cancel, err));
    TRY(ratls_evidence_from_bytes(&v->evidence, evidence, err));
    TRY(ratls_verification_parse_quote(v, (ratls_bytes){v->evidence.quote, v->evidence.quote_len}, err));
    TRY(ratls_verification_set_time(v, err));
    TRY(ratls_verification_judge(v, err));
    TRY(ratls_verification_result(out, v, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_verify_evidence(
    ratls_result **out, ratls_verifier *verifier, const uint8_t *evidence, size_t evidence_len, const ratls_verify_options *options,
    ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verification v = {0};

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    CHECK(evidence != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "evidence"), WHAT("it is NULL"));
    TRY(verify_evidence(out, &v, verifier, (ratls_bytes){evidence, evidence_len}, options, cancel, err));
    status = RATLS_OK;
out:
    ratls_verification_end(&v);
    return status;
}

static ratls_status verify_report(
    ratls_result **out, ratls_verification *v, ratls_verifier *verifier, ratls_bytes json, const ratls_verify_options *options,
    const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_verification_begin(v, verifier, options, cancel, err));
    TRY(ratls_report_parse(&v->report, json, err));
    v->has_report = true;
    TRY(ratls_verification_parse_quote(v, (ratls_bytes){v->report.quote, v->report.quote_len}, err));
    CHECK(v->quote.tee_type == RATLS_TEE_TDX, RATLS_ERR_EVIDENCE_QUOTE_NOT_TDX, FOUND("SGX"));
    TRY(ratls_verification_set_time(v, err));
    TRY(ratls_verification_judge(v, err));
    TRY(ratls_verification_result(out, v, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_verify_report(
    ratls_result **out, ratls_verifier *verifier, const char *json, size_t json_len, const ratls_verify_options *options,
    ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verification v = {0};

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    CHECK(json != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "json"), WHAT("it is NULL"));
    TRY(verify_report(out, &v, verifier, (ratls_bytes){(const uint8_t *)json, json_len}, options, cancel, err));
    status = RATLS_OK;
out:
    ratls_verification_end(&v);
    return status;
}

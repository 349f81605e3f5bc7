/* Claims and a compiled policy → accepted, or the first refusal. The same for every verifier. */
#include <stdlib.h>
#include <string.h>

#include "base/tables.h"
#include "base/text.h"
#include "base/time.h"
#include "policy/compiled.h"

enum { QUOTE_VERSION_3 = 3 };

static const char not_known[] = "not known";

static ratls_status check_one_status(const ratls_compiled_policy *policy, ratls_tcb_status one, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *found = ratls_tcb_status_word(one);
    char *acceptable = NULL;

    if (found != NULL && one != RATLS_TCB_REVOKED && (policy->acceptable_tcb_statuses & (UINT32_C(1) << one)) != 0) {
        return RATLS_OK;
    }
    acceptable = ratls_policy_acceptable_text(policy);
    CHECK(acceptable != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RAISE(err, RATLS_ERR_TCB_STATUS, FOUND(found == NULL ? not_known : found), EXPECTED(acceptable));
out:
    free(acceptable);
    return status;
}

/* NONE is no verdict: only a verifier that checks no signature has none, and says so in its result. Of several
 * verifiers each one's status must be acceptable, not only the worst. */
static ratls_status check_tcb_status(const ratls_compiled_policy *policy, const ratls_claims *claims, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (claims->tcb_status == RATLS_TCB_NONE && !claims->hardware_verified) {
        return RATLS_OK;
    }
    TRY(check_one_status(policy, claims->tcb_status, err));
    for (ratls_tcb_status one = RATLS_TCB_NONE; one < RATLS_TCB_COUNT; one++) {
        if ((claims->further_tcb_statuses & (UINT32_C(1) << one)) != 0) {
            TRY(check_one_status(policy, one, err));
        }
    }
    status = RATLS_OK;
out:
    return status;
}

static bool lists_advisory(const ratls_advisories *set, const char *id)
{
    for (size_t i = 0; i < set->len; i++) {
        if (strcmp(set->ids[i], id) == 0) {
            return true;
        }
    }
    return false;
}

/* The first advisory that is not listed; NULL when all are. */
static const char *find_unlisted(const ratls_compiled_policy *policy, const ratls_claims *claims)
{
    if (claims->advisories_unknown) {
        return not_known;
    }
    for (size_t i = 0; i < claims->advisories.len; i++) {
        if (!lists_advisory(&policy->allowed_advisories, claims->advisories.ids[i])) {
            return claims->advisories.ids[i];
        }
    }
    return NULL;
}

static ratls_status check_advisories(const ratls_compiled_policy *policy, const ratls_claims *claims, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text allowed = {0};
    const char *unlisted = policy->advisories_limited ? find_unlisted(policy, claims) : NULL;

    if (unlisted == NULL) {
        return RATLS_OK;
    }
    for (size_t i = 0; i < policy->allowed_advisories.len; i++) {
        ratls_text_add(&allowed, i == 0 ? "" : ", ");
        ratls_text_add(&allowed, policy->allowed_advisories.ids[i]);
    }
    status = RAISE(err, RATLS_ERR_ADVISORY_NOT_ALLOWED, FOUND(unlisted), EXPECTED(allowed.failed ? "" : allowed.data));
    ratls_text_clear(&allowed);
    return status;
}

static ratls_status check_evaluation_number(const ratls_compiled_policy *policy, const ratls_claims *claims, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (policy->min_tcb_evaluation_data_number == 0) {
        return RATLS_OK;
    }
    CHECK(claims->has_tcb_evaluation_data_number, RATLS_ERR_TCB_EVALUATION_DATA_NUMBER, FOUND(not_known),
          EXPECTED_NUMBER(policy->min_tcb_evaluation_data_number));
    CHECK(claims->tcb_evaluation_data_number >= policy->min_tcb_evaluation_data_number, RATLS_ERR_TCB_EVALUATION_DATA_NUMBER,
          FOUND_NUMBER(claims->tcb_evaluation_data_number), EXPECTED_NUMBER(policy->min_tcb_evaluation_data_number));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status check_tcb_date(const ratls_compiled_policy *policy, const ratls_claims *claims, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char found[RATLS_TIME_TEXT_LEN + 1], expected[RATLS_TIME_TEXT_LEN + 1];

    if (policy->min_tcb_date == 0 || (claims->has_tcb_date && claims->tcb_date >= policy->min_tcb_date)) {
        return RATLS_OK;
    }
    ratls_time_write(found, claims->tcb_date);
    ratls_time_write(expected, policy->min_tcb_date);
    status = RAISE(err, RATLS_ERR_TCB_DATE, FOUND(claims->has_tcb_date ? found : not_known), EXPECTED(expected));
    return status;
}

/* What the quote alone says of its form. */
static ratls_status check_form(const ratls_compiled_policy *policy, const ratls_parsed_quote *quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(!policy->strict_trailing || ratls_bytes_all_zero(quote->trailing), RATLS_ERR_TRAILING_BYTES, FOUND_NUMBER(quote->trailing.len));
    CHECK(!policy->sgx_v3_only || quote->tee_type != RATLS_TEE_SGX || quote->version == QUOTE_VERSION_3, RATLS_ERR_SGX_VERSION,
          FOUND_NUMBER(quote->version));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status check_intersection(const ratls_compiled_policy *policy, const ratls_claims *claims, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(!policy->strict_intersection || claims->intersection_known, RATLS_ERR_STRICT_INTERSECTION, WHAT(not_known));
    CHECK(!policy->strict_intersection || claims->outside_intersection == NULL, RATLS_ERR_STRICT_INTERSECTION,
          WHAT(claims->outside_intersection));
    status = RATLS_OK;
out:
    return status;
}

static bool reaches_svn(ratls_bytes svn, const uint8_t minimum[16])
{
    for (size_t i = 0; i < 16; i++) {
        if (svn.data[i] < minimum[i]) {
            return false;
        }
    }
    return true;
}

static ratls_status check_tee_tcb_svn(const ratls_compiled_policy *policy, const ratls_parsed_quote *quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes svn = ratls_quote_body_field(quote, RATLS_FIELD_TEE_TCB_SVN);

    if (!policy->has_min_tee_tcb_svn) {
        return RATLS_OK;
    }
    CHECK(svn.len == sizeof policy->min_tee_tcb_svn, RATLS_ERR_TEE_TCB_SVN_TOO_LOW, FOUND(not_known),
          EXPECTED_HEX(policy->min_tee_tcb_svn, sizeof policy->min_tee_tcb_svn));
    CHECK(reaches_svn(svn, policy->min_tee_tcb_svn), RATLS_ERR_TEE_TCB_SVN_TOO_LOW, FOUND_HEX(svn.data, svn.len),
          EXPECTED_HEX(policy->min_tee_tcb_svn, sizeof policy->min_tee_tcb_svn));
    status = RATLS_OK;
out:
    return status;
}

static ratls_bytes when_known(bool known, const uint8_t *bytes, size_t len)
{
    return known ? (ratls_bytes){bytes, len} : (ratls_bytes){0};
}

/* Value of a field that may be pinned; empty when this evidence did not establish it. */
static ratls_bytes established_value(
    ratls_field field, const ratls_parsed_quote *quote, const ratls_claims *claims, const ratls_identity *identity)
{
    if (ratls_field_rows[field].pin == RATLS_PIN_APPLICATION) {
        return ratls_identity_field(identity, field);
    }
    switch (field) {
    case RATLS_FIELD_QE_VENDOR_ID:
        return quote->qe_vendor_id;
    case RATLS_FIELD_FMSPC:
        return when_known(claims->has_fmspc, claims->fmspc, sizeof claims->fmspc);
    case RATLS_FIELD_PPID:
        return when_known(claims->has_ppid, claims->ppid, sizeof claims->ppid);
    case RATLS_FIELD_PLATFORM_INSTANCE_ID:
        return when_known(claims->has_platform_instance_id, claims->platform_instance_id, sizeof claims->platform_instance_id);
    default:
        return ratls_quote_body_field(quote, field);
    }
}

static bool is_allowed(const ratls_allowed_values *allowed, ratls_bytes value)
{
    for (size_t i = 0; i < allowed->values_len; i++) {
        if (ratls_bytes_equal(value, (ratls_bytes){allowed->bytes + i * allowed->value_len, allowed->value_len})) {
            return true;
        }
    }
    return false;
}

/* A pin that is a name alone allows every id. */
static bool is_allowed_provider(const ratls_allowed_values *allowed, const ratls_identity *identity, const char *provider)
{
    for (size_t i = 0; i < allowed->values_len; i++) {
        if (strcmp(allowed->texts[i], provider) == 0 || strcmp(allowed->texts[i], identity->key_provider_name) == 0) {
            return true;
        }
    }
    return false;
}

static ratls_status check_key_provider(const ratls_allowed_values *allowed, const ratls_identity *identity, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *name = ratls_field_rows[RATLS_FIELD_KEY_PROVIDER].name;
    bool known = identity->key_provider_name[0] != '\0';
    char *provider = ratls_identity_key_provider(identity), *expected = ratls_allowed_values_text(allowed);

    CHECK(expected != NULL && (provider != NULL || !known), RATLS_ERR_OUT_OF_MEMORY);
    CHECK(known, RATLS_ERR_PIN_UNVERIFIABLE, ratls_detail_text("field", name), EXPECTED(expected));
    CHECK(is_allowed_provider(allowed, identity, provider), RATLS_ERR_PIN_MISMATCH, ratls_detail_text("field", name), FOUND(provider),
          EXPECTED(expected));
    status = RATLS_OK;
out:
    free(provider);
    free(expected);
    return status;
}

static ratls_status check_pin(
    ratls_field field, const ratls_allowed_values *allowed, ratls_bytes value, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *name = ratls_field_rows[field].name;
    char *expected = NULL;

    if (value.len > 0 && is_allowed(allowed, value)) {
        return RATLS_OK;
    }
    expected = ratls_allowed_values_text(allowed);
    CHECK(expected != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(value.len > 0, RATLS_ERR_PIN_UNVERIFIABLE, ratls_detail_text("field", name), EXPECTED(expected));
    CHECK(field != RATLS_FIELD_MR_TD, RATLS_ERR_MRTD_NOT_ALLOWED, FOUND_HEX(value.data, value.len), EXPECTED(expected));
    status = RAISE(err, RATLS_ERR_PIN_MISMATCH, ratls_detail_text("field", name), FOUND_HEX(value.data, value.len), EXPECTED(expected));
out:
    free(expected);
    return status;
}

/* MRTD comes before the other fields in the table, so that it is told first. */
static ratls_status check_pins(
    const ratls_compiled_policy *policy, const ratls_parsed_quote *quote, const ratls_claims *claims, const ratls_identity *identity,
    ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    for (ratls_field field = 0; field < RATLS_FIELD_COUNT; field++) {
        const ratls_allowed_values *allowed = &policy->pins[field];

        if (allowed->values_len > 0 && field == RATLS_FIELD_KEY_PROVIDER) {
            TRY(check_key_provider(allowed, identity, err));
        } else if (allowed->values_len > 0) {
            TRY(check_pin(field, allowed, established_value(field, quote, claims, identity), err));
        }
    }
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_policy_apply(
    const ratls_compiled_policy *policy, const ratls_parsed_quote *quote, const ratls_claims *claims, const ratls_identity *identity,
    ratls_advisories *waived, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(check_form(policy, quote, err));
    TRY(ratls_policy_check_attributes(policy, quote, waived, err));
    TRY(check_tcb_status(policy, claims, err));
    TRY(check_advisories(policy, claims, err));
    TRY(check_evaluation_number(policy, claims, err));
    TRY(check_tcb_date(policy, claims, err));
    TRY(check_tee_tcb_svn(policy, quote, err));
    TRY(check_intersection(policy, claims, err));
    TRY(check_pins(policy, quote, claims, identity, err));
    status = RATLS_OK;
out:
    return status;
}

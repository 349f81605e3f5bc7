#include "intel/claims.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/time.h"
#include "intel/policies.h"

enum { CLAIM_HEX_MAX = RATLS_REPORT_DATA_LEN };

static const double time_most = 9007199254740992.0; /* 2^53 */

/* A point in time as RFC 7519 has it: a whole number, and here one that a double holds exactly. */
static ratls_status read_time(int64_t *out, const cJSON *object, const char *name, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    CHECK(item != NULL, RATLS_ERR_INTEL_CLAIM_MISSING, CLAIM(name));
    CHECK(cJSON_IsNumber(item) && item->valuedouble > 0 && item->valuedouble < time_most && (double)(int64_t)item->valuedouble == item->valuedouble,
          RATLS_ERR_INTEL_CLAIM_TYPE, CLAIM(name), EXPECTED("a whole number of seconds"));
    *out = (int64_t)item->valuedouble;
    status = RATLS_OK;
out:
    return status;
}

typedef struct {
    int64_t issued, valid_from, expires;
} token_times;

static ratls_status check_freshness(const token_times *times, const ratls_intel_moment *moment, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char found[RATLS_TIME_TEXT_LEN + 1], expected[RATLS_TIME_TEXT_LEN + 1];

    ratls_time_write(found, times->issued);
    ratls_time_write(expected, moment->sent_at);
    CHECK(times->issued >= moment->sent_at - RATLS_INTEL_CLOCK_ALLOWANCE_S, RATLS_ERR_INTEL_TOKEN_STALE,
          WHAT("it was issued before the quote was sent"), FOUND(found), EXPECTED(expected));
    ratls_time_write(expected, times->expires);
    CHECK(times->valid_from <= times->expires && times->issued <= times->expires, RATLS_ERR_INTEL_TOKEN_STALE, WHAT("it expires before it begins"),
          FOUND(found), EXPECTED(expected));
    CHECK(times->expires - times->issued <= RATLS_INTEL_LIFETIME_MOST_S, RATLS_ERR_INTEL_TOKEN_STALE, WHAT("it lives too long"),
          FOUND_NUMBER(times->expires - times->issued), EXPECTED_NUMBER(RATLS_INTEL_LIFETIME_MOST_S));
    status = RATLS_OK;
out:
    return status;
}

/* Intel rules 2.7. */
static ratls_status check_times(const cJSON *payload, const ratls_intel_moment *moment, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char found[RATLS_TIME_TEXT_LEN + 1], expected[RATLS_TIME_TEXT_LEN + 1];
    token_times times = {0};
    int64_t begins;

    TRY(read_time(&times.expires, payload, "exp", err));
    TRY(read_time(&times.issued, payload, "iat", err));
    TRY(read_time(&times.valid_from, payload, "nbf", err));
    ratls_time_write(expected, moment->now);
    ratls_time_write(found, times.expires);
    CHECK(moment->now < times.expires, RATLS_ERR_INTEL_TOKEN_EXPIRED, FOUND(found), EXPECTED(expected));
    begins = times.issued > times.valid_from ? times.issued : times.valid_from;
    ratls_time_write(found, begins);
    CHECK(begins <= moment->now + RATLS_INTEL_CLOCK_ALLOWANCE_S, RATLS_ERR_INTEL_TOKEN_NOT_YET_VALID, FOUND(found), EXPECTED(expected));
    TRY(check_freshness(&times, moment, err));
    status = RATLS_OK;
out:
    return status;
}

/* Intel rules 2.8: the portal, and for version 1 the name that it had. */
static ratls_status check_issuer(const cJSON *payload, const ratls_intel_config *config, ratls_error **err)
{
    static const char first_name[] = "Intel Trust Authority";
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *issuer = "";
    bool known = ratls_json_get_text(payload, "iss", &issuer) && strcmp(issuer, config->portal_url) == 0;

    known = known || (config->api_version == 1 && strcmp(issuer, first_name) == 0);
    CHECK(known, RATLS_ERR_INTEL_TOKEN_ISSUER, FOUND(issuer), EXPECTED(config->portal_url));
    status = RATLS_OK;
out:
    return status;
}

/* The version agrees with the endpoint that was asked, and the shape with the version (Intel rules 2.8, 3.1).
 * *out is the object with the attester's claims. */
static ratls_status check_shape(const cJSON **out, const cJSON *payload, const ratls_intel_config *config, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *version = "none";
    const char *expected = config->api_version == 2 ? "2." : "1.";
    const cJSON *nested = cJSON_GetObjectItemCaseSensitive(payload, "tdx");
    bool flat = cJSON_GetObjectItemCaseSensitive(payload, "tdx_mrtd") != NULL;

    (void)ratls_json_get_text(payload, "ver", &version);
    CHECK(strncmp(version, expected, strlen(expected)) == 0, RATLS_ERR_INTEL_TOKEN_VERSION, FOUND(version), EXPECTED(expected));
    CHECK(nested == NULL || !flat, RATLS_ERR_INTEL_TOKEN_FORMAT, WHAT("it has claims about the TD in two places"));
    CHECK(nested == NULL || cJSON_IsObject(nested), RATLS_ERR_INTEL_CLAIM_TYPE, CLAIM("tdx"), EXPECTED("an object"));
    CHECK(nested != NULL || flat, RATLS_ERR_INTEL_CLAIM_MISSING, CLAIM(config->api_version == 2 ? "tdx" : "tdx_mrtd"));
    CHECK((nested != NULL) == (config->api_version == 2), RATLS_ERR_INTEL_TOKEN_VERSION, FOUND(nested != NULL ? "2 (nested claims)" : "1 (flat claims)"),
          EXPECTED(expected));
    *out = nested != NULL ? nested : payload;
    status = RATLS_OK;
out:
    return status;
}

static bool names_tdx(const cJSON *type)
{
    const cJSON *entry;

    if (cJSON_IsString(type)) {
        return strcmp(type->valuestring, "TDX") == 0;
    }
    if (cJSON_IsArray(type)) {
        cJSON_ArrayForEach(entry, type) {
            if (cJSON_IsString(entry) && strcmp(entry->valuestring, "TDX") == 0) {
                return true;
            }
        }
    }
    return false;
}

static ratls_status check_attester(const cJSON *attester, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(attester, "attester_type");

    CHECK(type != NULL, RATLS_ERR_INTEL_CLAIM_MISSING, CLAIM("attester_type"));
    CHECK(names_tdx(type), RATLS_ERR_INTEL_CLAIM_TYPE, CLAIM("attester_type"), EXPECTED("\"TDX\""));
    status = RATLS_OK;
out:
    return status;
}

/* What the token says of the quote, by field (Intel rules 3.4, 4.2). REPORTDATA is what tells two TDs of one image
 * apart. */
static const struct {
    const char *name;
    ratls_field field;
    bool required;
} bound_claims[] = {
    {"tdx_mrtd", RATLS_FIELD_MR_TD, true},
    {"tdx_rtmr0", RATLS_FIELD_RTMR0, true},
    {"tdx_rtmr1", RATLS_FIELD_RTMR1, true},
    {"tdx_rtmr2", RATLS_FIELD_RTMR2, true},
    {"tdx_rtmr3", RATLS_FIELD_RTMR3, true},
    {"tdx_report_data", RATLS_FIELD_REPORT_DATA, true},
    {"tdx_mrseam", RATLS_FIELD_MR_SEAM, true},
    {"tdx_td_attributes", RATLS_FIELD_TD_ATTRIBUTES, true},
    {"tdx_tee_tcb_svn", RATLS_FIELD_TEE_TCB_SVN, false},
    {"tdx_mrsignerseam", RATLS_FIELD_MR_SIGNER_SEAM, false},
    {"tdx_seam_attributes", RATLS_FIELD_SEAM_ATTRIBUTES, false},
    {"tdx_xfam", RATLS_FIELD_XFAM, false},
    {"tdx_mrconfigid", RATLS_FIELD_MR_CONFIG_ID, false},
    {"tdx_mrowner", RATLS_FIELD_MR_OWNER, false},
    {"tdx_mrownerconfig", RATLS_FIELD_MR_OWNER_CONFIG, false},
};

static ratls_status check_bound(const cJSON *attester, size_t row, const ratls_parsed_quote *quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *name = bound_claims[row].name;
    ratls_bytes actual = ratls_quote_body_field(quote, bound_claims[row].field);
    uint8_t said[CLAIM_HEX_MAX];

    if (cJSON_GetObjectItemCaseSensitive(attester, name) == NULL && !bound_claims[row].required) {
        return RATLS_OK;
    }
    CHECK(cJSON_GetObjectItemCaseSensitive(attester, name) != NULL, RATLS_ERR_INTEL_CLAIM_MISSING, CLAIM(name));
    CHECK(actual.len > 0 && actual.len <= sizeof said, RATLS_ERR_INTERNAL, WHAT("a field of the quote that a token cannot have"));
    CHECK(ratls_json_get_hex(attester, name, said, actual.len), RATLS_ERR_INTEL_CLAIM_TYPE, CLAIM(name),
          EXPECTED("as many hexadecimal digits as the quote's field has"));
    CHECK(ratls_bytes_equal((ratls_bytes){said, actual.len}, actual), RATLS_ERR_INTEL_TOKEN_BINDING, CLAIM(name));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status check_binding(const cJSON *attester, const ratls_parsed_quote *quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    for (size_t row = 0; row < sizeof bound_claims / sizeof bound_claims[0]; row++) {
        TRY(check_bound(attester, row, quote, err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* A flag that may be missing unless it is required: then it is false. */
static ratls_status read_flag(bool *out, const cJSON *object, const char *name, bool required, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    *out = false;
    if (item == NULL && !required) {
        return RATLS_OK;
    }
    CHECK(item != NULL, RATLS_ERR_INTEL_CLAIM_MISSING, CLAIM(name));
    CHECK(cJSON_IsBool(item), RATLS_ERR_INTEL_CLAIM_TYPE, CLAIM(name), EXPECTED("true or false"));
    *out = cJSON_IsTrue(item);
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_debug_status(bool *out, const cJSON *object, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *word = "disabled";

    CHECK(cJSON_GetObjectItemCaseSensitive(object, "dbgstat") == NULL || ratls_json_get_text(object, "dbgstat", &word),
          RATLS_ERR_INTEL_CLAIM_TYPE, CLAIM("dbgstat"), EXPECTED("a string"));
    *out = strcmp(word, "disabled") != 0 && strcmp(word, "disabled-since-boot") != 0;
    status = RATLS_OK;
out:
    return status;
}

/* Intel rules 4.6. A TD in debug mode that the token is honest about is the policy's business; one about which token
 * and quote, or two claims, say different things is refused here, whatever the policy. */
static ratls_status check_debug(
    const cJSON *payload, const cJSON *attester, const ratls_parsed_quote *quote, const ratls_intel_moment *moment, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    bool debuggable = false, attribute = false, status_above = false, status_beside = false, is_debug = ratls_quote_is_debug(quote);
    bool says_attribute = cJSON_GetObjectItemCaseSensitive(attester, "tdx_td_attributes_debug") != NULL;
    bool consistent;

    TRY(read_flag(&debuggable, attester, "tdx_is_debuggable", true, err));
    TRY(read_flag(&attribute, attester, "tdx_td_attributes_debug", false, err));
    TRY(read_debug_status(&status_above, payload, err));
    TRY(read_debug_status(&status_beside, attester, err));
    consistent = debuggable == is_debug && (!says_attribute || attribute == is_debug) && (is_debug || (!status_above && !status_beside));
    CHECK(consistent || moment->allow_debug_mode, RATLS_ERR_DEBUG_MODE, FOUND("a token that says so"));
    CHECK(consistent, RATLS_ERR_INTEL_TOKEN_BINDING, CLAIM("tdx_is_debuggable"));
    status = RATLS_OK;
out:
    return status;
}

/* Intel's own words only: "OK" is the product's, not a token's (Intel rules 3.5). */
static ratls_status read_tcb_status(ratls_claims *out, const cJSON *attester, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(attester, "attester_tcb_status");
    const char *intels;

    CHECK(item != NULL, RATLS_ERR_INTEL_CLAIM_MISSING, CLAIM("attester_tcb_status"));
    CHECK(cJSON_IsString(item), RATLS_ERR_INTEL_CLAIM_TYPE, CLAIM("attester_tcb_status"), EXPECTED("a string"));
    out->tcb_status = ratls_tcb_status_parse(item->valuestring);
    intels = ratls_tcb_status_intel(out->tcb_status);
    if (intels == NULL || strcmp(intels, item->valuestring) != 0) {
        out->tcb_status = RATLS_TCB_NONE;
        CHECK(false, RATLS_ERR_TCB_STATUS, FOUND(item->valuestring), EXPECTED("one of Intel's words"));
    }
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_tcb_date(ratls_claims *out, const cJSON *attester, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(attester, "attester_tcb_date");

    if (item == NULL || cJSON_IsNull(item)) {
        return RATLS_OK;
    }
    CHECK(ratls_json_get_time(attester, "attester_tcb_date", &out->tcb_date), RATLS_ERR_INTEL_CLAIM_TYPE, CLAIM("attester_tcb_date"),
          EXPECTED("a time as 2024-01-31T00:00:00Z"));
    out->has_tcb_date = true;
    status = RATLS_OK;
out:
    return status;
}

/* The service leaves the list out when none apply (Intel rules 3.3). */
static ratls_status read_advisories(ratls_claims *out, const cJSON *attester, ratls_error **err)
{
    static const char name[] = "attester_advisory_ids";
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(attester, name);
    const cJSON *entry;

    if (list == NULL || cJSON_IsNull(list)) {
        return RATLS_OK;
    }
    CHECK(cJSON_IsArray(list) && cJSON_GetArraySize(list) <= RATLS_ADVISORIES_MAX, RATLS_ERR_INTEL_CLAIM_TYPE, CLAIM(name),
          EXPECTED("a list of strings"));
    cJSON_ArrayForEach(entry, list) {
        CHECK(cJSON_IsString(entry) && strnlen(entry->valuestring, RATLS_ADVISORY_LEN_MAX + 1) <= RATLS_ADVISORY_LEN_MAX,
              RATLS_ERR_INTEL_CLAIM_TYPE, CLAIM(name), EXPECTED("a list of strings"));
        TRY(ratls_advisories_add(&out->advisories, entry->valuestring, err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* Version 2 tells the platform's family with the digests of the collateral. */
static void read_fmspc(ratls_claims *out, const cJSON *attester)
{
    const cJSON *collateral = ratls_json_get_object(attester, "tdx_collateral");

    out->has_fmspc = collateral != NULL && ratls_json_get_hex(collateral, "fmspc", out->fmspc, sizeof out->fmspc);
}

static ratls_status read_tcb(ratls_claims *out, const cJSON *attester, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(read_tcb_date(out, attester, err));
    TRY(read_advisories(out, attester, err));
    TRY(read_tcb_status(out, attester, err));
    read_fmspc(out, attester);
    out->hardware_verified = true;
    status = RATLS_OK;
out:
    return status;
}

/* Intel rules 4.11: the order in which a token's faults are told. */
static ratls_status read_payload(ratls_claims *out, const cJSON *payload, const ratls_parsed_quote *quote, const ratls_intel_config *config,
                                 const ratls_intel_moment *moment, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *attester = NULL;

    TRY(check_times(payload, moment, err));
    TRY(check_issuer(payload, config, err));
    TRY(check_shape(&attester, payload, config, err));
    TRY(check_attester(attester, err));
    TRY(check_binding(attester, quote, err));
    TRY(check_debug(payload, attester, quote, moment, err));
    TRY(read_tcb(out, attester, err));
    TRY(ratls_intel_policies_check(payload, attester, config, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_intel_claims_read(
    ratls_claims *out, ratls_bytes payload, const ratls_parsed_quote *quote, const ratls_intel_config *config,
    const ratls_intel_moment *moment, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_claims claims = {0};
    cJSON *object = NULL;
    ratls_json_outcome outcome = ratls_json_parse(&object, payload, NULL);

    CHECK(outcome != RATLS_JSON_OUT_OF_MEMORY, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(outcome != RATLS_JSON_NUMBER, RATLS_ERR_INTEL_CLAIM_TYPE, CLAIM("(one of them)"), EXPECTED("a number of an ordinary size"));
    CHECK(outcome == RATLS_JSON_OK && cJSON_IsObject(object), RATLS_ERR_INTEL_TOKEN_FORMAT,
          WHAT("its payload is not a JSON object without duplicate keys"));
    TRY(read_payload(&claims, object, quote, config, moment, err));
    *out = claims;
    claims = (ratls_claims){0};
    status = RATLS_OK;
out:
    cJSON_Delete(object);
    ratls_claims_clear(&claims);
    return status;
}

#include "verifier/custom_claims.h"

#include <string.h>

#include "base/json.h"

typedef bool (*claim_reader)(ratls_claims *claims, const cJSON *object, const char *key);

static bool read_status(ratls_tcb_status *out, const cJSON *object, const char *key)
{
    const char *word = NULL;

    if (!ratls_json_get_text(object, key, &word)) {
        return false;
    }
    *out = ratls_tcb_status_parse(word);
    return *out != RATLS_TCB_NONE;
}

/* tcb_status and tcb_status_dcap are one verdict in two spellings; which came first does not matter. */
static bool read_verdict(ratls_claims *claims, const cJSON *object, const char *key)
{
    ratls_tcb_status status = RATLS_TCB_NONE;

    if (!read_status(&status, object, key) || (claims->tcb_status != RATLS_TCB_NONE && claims->tcb_status != status)) {
        return false;
    }
    claims->tcb_status = status;
    return true;
}

static bool read_platform_status(ratls_claims *claims, const cJSON *object, const char *key)
{
    return read_status(&claims->platform_tcb_status, object, key);
}

static bool read_module_status(ratls_claims *claims, const cJSON *object, const char *key)
{
    return read_status(&claims->tdx_module_tcb_status, object, key);
}

static bool read_qe_status(ratls_claims *claims, const cJSON *object, const char *key)
{
    return read_status(&claims->qe_tcb_status, object, key);
}

static bool read_tcb_date(ratls_claims *claims, const cJSON *object, const char *key)
{
    return claims->has_tcb_date = ratls_json_get_time(object, key, &claims->tcb_date);
}

static bool read_expiry(ratls_claims *claims, const cJSON *object, const char *key)
{
    claims->valid_from = INT64_MIN;
    return claims->has_collateral_dates = ratls_json_get_time(object, key, &claims->expires_at);
}

static bool read_fmspc(ratls_claims *claims, const cJSON *object, const char *key)
{
    return claims->has_fmspc = ratls_json_get_hex(object, key, claims->fmspc, sizeof claims->fmspc);
}

static bool read_ppid(ratls_claims *claims, const cJSON *object, const char *key)
{
    return claims->has_ppid = ratls_json_get_hex(object, key, claims->ppid, sizeof claims->ppid);
}

static bool read_platform_instance(ratls_claims *claims, const cJSON *object, const char *key)
{
    return claims->has_platform_instance_id =
               ratls_json_get_hex(object, key, claims->platform_instance_id, sizeof claims->platform_instance_id);
}

static bool read_evaluation_number(ratls_claims *claims, const cJSON *object, const char *key)
{
    int64_t number = 0;

    claims->has_tcb_evaluation_data_number = ratls_json_get_integer(object, key, 0, INT32_MAX, &number);
    claims->tcb_evaluation_data_number = (uint32_t)number;
    return claims->has_tcb_evaluation_data_number;
}

static bool read_advisories(ratls_claims *claims, const cJSON *object, const char *key)
{
    const cJSON *list = ratls_json_get_array(object, key);
    const cJSON *entry;

    if (list == NULL || cJSON_GetArraySize(list) > RATLS_ADVISORIES_MAX) {
        return false;
    }
    cJSON_ArrayForEach(entry, list) {
        size_t len = cJSON_IsString(entry) ? strlen(entry->valuestring) : 0;

        if (len == 0 || len > RATLS_ADVISORY_LEN_MAX || ratls_advisories_add(&claims->advisories, entry->valuestring, NULL) != RATLS_OK) {
            return false;
        }
    }
    claims->advisories_unknown = false;
    return true;
}

static const struct {
    const char *key;
    claim_reader read;
} claim_keys[] = {
    {"tcb_status", read_verdict},
    {"tcb_status_dcap", read_verdict},
    {"platform_tcb_status", read_platform_status},
    {"tdx_module_tcb_status", read_module_status},
    {"qe_tcb_status", read_qe_status},
    {"tcb_date", read_tcb_date},
    {"advisory_ids", read_advisories},
    {"fmspc", read_fmspc},
    {"ppid", read_ppid},
    {"platform_instance_id", read_platform_instance},
    {"tcb_evaluation_data_number", read_evaluation_number},
    {"collateral_expires_at", read_expiry},
};

static claim_reader find_reader(const char *key)
{
    for (size_t i = 0; i < sizeof claim_keys / sizeof claim_keys[0]; i++) {
        if (strcmp(claim_keys[i].key, key) == 0) {
            return claim_keys[i].read;
        }
    }
    return NULL;
}

static ratls_status refuse_claims(const char *key, const char *what, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char sentence[RATLS_JSON_KEY_MAX + 64];
    size_t key_len = strnlen(key, RATLS_JSON_KEY_MAX);
    size_t what_len = strlen(what);

    CHECK(what_len < sizeof sentence - key_len, RATLS_ERR_INTERNAL, WHAT("a sentence that is too long"));
    memcpy(sentence, key, key_len);
    memcpy(sentence + key_len, what, what_len + 1);
    status = RAISE(err, RATLS_ERR_USER_VERIFIER_CLAIMS, WHAT(sentence), ratls_detail_text("field", key));
out:
    return status;
}

static ratls_status read_claims(ratls_claims *claims, const cJSON *object, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *word = NULL;
    const cJSON *item;

    claims->advisories_unknown = true;
    cJSON_ArrayForEach(item, object) {
        claim_reader read = find_reader(item->string);

        if (read == NULL) {
            return refuse_claims(item->string, " is not a claim that a verifier makes", err);
        }
        if (!cJSON_IsNull(item) && !read(claims, object, item->string)) {
            return refuse_claims(item->string, " has a value that is not valid", err);
        }
    }
    CHECK(ratls_json_get_text(object, "tcb_status", &word) && claims->tcb_status != RATLS_TCB_NONE, RATLS_ERR_USER_VERIFIER_CLAIMS,
          WHAT("tcb_status is missing"), ratls_detail_text("field", "tcb_status"));
    /* The caller's verifier vouches for the hardware's signature; under which root is not for us to say. */
    claims->hardware_verified = true;
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_custom_claims_parse(ratls_claims *out, ratls_bytes json, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_claims claims = {0};
    cJSON *object = NULL;

    *out = (ratls_claims){0};
    CHECK(ratls_json_parse(&object, json, NULL) == RATLS_JSON_OK && cJSON_IsObject(object), RATLS_ERR_USER_VERIFIER_CLAIMS,
          WHAT("they are not a JSON object without duplicate keys"));
    TRY(read_claims(&claims, object, err));
    *out = claims;
    claims = (ratls_claims){0};
    status = RATLS_OK;
out:
    cJSON_Delete(object);
    ratls_claims_clear(&claims);
    return status;
}

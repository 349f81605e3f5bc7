#include "intel/policies.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "intel/claims.h"

/* An entry is an object with an id, or the id alone (Intel rules 3.2). */
static const char *policy_id(const cJSON *entry)
{
    const char *id = NULL;

    if (cJSON_IsString(entry)) {
        return entry->valuestring;
    }
    return cJSON_IsObject(entry) && ratls_json_get_text(entry, "id", &id) ? id : NULL;
}

/* *out is the list, NULL where there is none. */
static ratls_status read_list(const cJSON **out, const cJSON *object, const char *name, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, name);
    const cJSON *entry;

    *out = NULL;
    if (list == NULL || cJSON_IsNull(list)) {
        return RATLS_OK;
    }
    CHECK(cJSON_IsArray(list) && cJSON_GetArraySize(list) <= RATLS_INTEL_POLICY_ENTRIES_MAX, RATLS_ERR_INTEL_CLAIM_TYPE, CLAIM(name),
          EXPECTED("a list of policies"));
    cJSON_ArrayForEach(entry, list) {
        CHECK(policy_id(entry) != NULL, RATLS_ERR_INTEL_CLAIM_TYPE, CLAIM(name), EXPECTED("a list of policies"));
    }
    *out = list;
    status = RATLS_OK;
out:
    return status;
}

static bool lists(const cJSON *list, const char *id)
{
    const cJSON *entry;

    cJSON_ArrayForEach(entry, list) {
        if (strcasecmp(policy_id(entry), id) == 0) {
            return true;
        }
    }
    return false;
}

static ratls_status check_requested(const cJSON *const matched[2], const cJSON *const unmatched[2], const char *id, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(!lists(unmatched[0], id) && !lists(unmatched[1], id), RATLS_ERR_INTEL_POLICY, FOUND(id), WHAT("the quote does not match it"));
    CHECK(lists(matched[0], id) || lists(matched[1], id), RATLS_ERR_INTEL_POLICY, FOUND(id), WHAT("the token does not mention it"));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_intel_policies_check(const cJSON *payload, const cJSON *attester, const ratls_intel_config *config, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *places[2] = {payload, attester == payload ? NULL : attester};
    const cJSON *matched[2] = {NULL, NULL}, *unmatched[2] = {NULL, NULL};

    for (size_t i = 0; i < 2; i++) {
        TRY(read_list(&matched[i], places[i], "policy_ids_matched", err));
        TRY(read_list(&unmatched[i], places[i], "policy_ids_unmatched", err));
    }
    for (size_t i = 0; i < config->policy_ids_len; i++) {
        TRY(check_requested(matched, unmatched, config->policy_ids[i], err));
    }
    for (size_t i = 0; i < 2 && !config->allow_unmatched_policies; i++) {
        const char *id = unmatched[i] == NULL || unmatched[i]->child == NULL ? NULL : policy_id(unmatched[i]->child);

        CHECK(id == NULL, RATLS_ERR_INTEL_POLICY, FOUND(id), WHAT("the quote does not match it"));
    }
    status = RATLS_OK;
out:
    return status;
}

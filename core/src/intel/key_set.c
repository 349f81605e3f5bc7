#include "intel/key_set.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "intel/config.h"

struct ratls_intel_key_set {
    atomic_size_t holds;
    cJSON *document;
    const cJSON *keys; /* its array */
};

static ratls_status parse_document(ratls_intel_key_set *set, ratls_bytes json, const char *url, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_detail where = ratls_detail_text("url", url);
    ratls_json_outcome outcome;

    CHECK(json.len <= RATLS_INTEL_KEY_SET_MAX, RATLS_ERR_INTEL_TOO_LARGE, where, WHAT("the key set"), EXPECTED_NUMBER(RATLS_INTEL_KEY_SET_MAX));
    outcome = ratls_json_parse(&set->document, json, NULL);
    CHECK(outcome != RATLS_JSON_OUT_OF_MEMORY, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(outcome == RATLS_JSON_OK && cJSON_IsObject(set->document), RATLS_ERR_INTEL_PROTOCOL, where,
          WHAT("the key set is not a JSON object without duplicate keys"));
    set->keys = ratls_json_get_array(set->document, "keys");
    CHECK(set->keys != NULL, RATLS_ERR_INTEL_PROTOCOL, where, WHAT("the key set has no array \"keys\""));
    CHECK(cJSON_GetArraySize(set->keys) <= RATLS_INTEL_KEYS_MAX, RATLS_ERR_INTEL_PROTOCOL, where, WHAT("the key set has more than 32 keys"));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_intel_key_set_parse(ratls_intel_key_set **out, ratls_bytes json, const char *url, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_intel_key_set *set = NULL;

    *out = NULL;
    set = calloc(1, sizeof *set);
    CHECK(set != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&set->holds, 1);
    TRY(parse_document(set, json, url, err));
    *out = set;
    set = NULL;
    status = RATLS_OK;
out:
    ratls_intel_key_set_free(set);
    return status;
}

ratls_intel_key_set *ratls_intel_key_set_hold(ratls_intel_key_set *set)
{
    if (set != NULL) {
        (void)atomic_fetch_add(&set->holds, 1);
    }
    return set;
}

void ratls_intel_key_set_free(ratls_intel_key_set *set)
{
    if (set == NULL || atomic_fetch_sub(&set->holds, 1) != 1) {
        return;
    }
    cJSON_Delete(set->document);
    free(set);
}

/* An entry without an algorithm serves any; two entries with one id, one per algorithm, are the service's habit. */
static bool serves(const cJSON *entry, const char *key_id, int algorithm)
{
    const char *id = NULL, *name = NULL;

    if (!cJSON_IsObject(entry) || !ratls_json_get_text(entry, "kid", &id) || strcmp(id, key_id) != 0) {
        return false;
    }
    if (cJSON_GetObjectItemCaseSensitive(entry, "alg") == NULL) {
        return true;
    }
    return ratls_json_get_text(entry, "alg", &name) && ratls_intel_algorithm_parse(name) == algorithm;
}

static bool same_member(const cJSON *a, const cJSON *b, const char *name)
{
    const char *left = NULL, *right = NULL;

    return ratls_json_get_text(a, name, &left) && ratls_json_get_text(b, name, &right) && strcmp(left, right) == 0;
}

ratls_status ratls_intel_key_set_find(
    const cJSON **out, const ratls_intel_key_set *set, const char *key_id, int algorithm, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *entry, *found = NULL;

    *out = NULL;
    cJSON_ArrayForEach(entry, set->keys) {
        if (!serves(entry, key_id, algorithm)) {
            continue;
        }
        CHECK(found == NULL || (same_member(found, entry, "n") && same_member(found, entry, "e")), RATLS_ERR_INTEL_KEY,
              WHAT("two different keys have its id and algorithm"));
        found = found == NULL ? entry : found;
    }
    *out = found;
    status = RATLS_OK;
out:
    return status;
}

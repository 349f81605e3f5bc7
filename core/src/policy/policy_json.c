/* Policy files: the fields of ratls_verify_options as a JSON object. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "policy/compiled.h"

struct ratls_policy {
    ratls_verify_options options;
    ratls_pin *pins; /* what options.pins shows, so that their lists can be freed */
    cJSON *json;     /* owns every text that the options show */
};

typedef enum {
    KEY_FLAG,
    KEY_NUMBER,
    KEY_TIME,
    KEY_TEXT,
    KEY_TEXTS,
    KEY_PINS
} key_kind;

typedef struct {
    const char *name;
    key_kind kind;
    size_t offset;     /* of the field in the options */
    size_t len_offset; /* of a list's length */
} policy_key;

#define KEY(name, kind) {#name, kind, offsetof(ratls_verify_options, name), 0}
#define KEY_LIST(name, kind) {#name, kind, offsetof(ratls_verify_options, name), offsetof(ratls_verify_options, name##_len)}

static const policy_key policy_keys[] = {
    KEY_LIST(allowed_mr_td, KEY_TEXTS),
    KEY_LIST(pins, KEY_PINS),
    KEY_LIST(acceptable_tcb_statuses, KEY_TEXTS),
    KEY_LIST(allowed_advisory_ids, KEY_TEXTS),
    KEY(min_tee_tcb_svn, KEY_TEXT),
    KEY(min_tcb_evaluation_data_number, KEY_NUMBER),
    KEY(now, KEY_TIME),
    KEY(cache_ttl_s, KEY_NUMBER),
    KEY(timeout_ms, KEY_NUMBER),
    KEY(max_age_s, KEY_NUMBER),
    KEY(allow_debug_mode, KEY_FLAG),
    KEY(allow_sept_ve, KEY_FLAG),
    KEY(allow_simulator, KEY_FLAG),
    KEY(allow_partial_pins, KEY_FLAG),
    KEY(min_tcb_date, KEY_TIME),
    KEY(strict_intersection, KEY_FLAG),
    KEY(strict_trailing, KEY_FLAG),
    KEY(sgx_v3_only, KEY_FLAG),
    KEY(allow_perfmon, KEY_FLAG),
    KEY(allow_lass, KEY_FLAG),
    KEY(allow_icssd, KEY_FLAG),
    KEY(allow_migratable, KEY_FLAG),
    KEY(allow_service_td, KEY_FLAG),
};

/* Beyond it a JSON number is no longer exactly what was written. */
static const int64_t integer_max = INT64_C(1) << 53;

static const policy_key *find_key(const char *name)
{
    for (size_t i = 0; i < sizeof policy_keys / sizeof policy_keys[0]; i++) {
        if (strcmp(policy_keys[i].name, name) == 0) {
            return &policy_keys[i];
        }
    }
    return NULL;
}

static const char *json_type(const cJSON *item)
{
    return cJSON_IsBool(item) ? "true or false" : cJSON_IsNumber(item) ? "a number" : cJSON_IsString(item) ? "text" :
           cJSON_IsArray(item) ? "a list" : cJSON_IsObject(item) ? "an object" : "null";
}

static ratls_status check_type(bool right, const char *option, const cJSON *item, const char *expected, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(right, RATLS_ERR_OPTION_TYPE, ratls_detail_text("option", option), FOUND(json_type(item)), EXPECTED(expected));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_flag(int32_t *out, const cJSON *item, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(check_type(cJSON_IsBool(item), item->string, item, "true or false", err));
    *out = cJSON_IsTrue(item) ? 1 : 0;
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_number(int64_t *out, const cJSON *object, const cJSON *item, const char *expected, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(check_type(cJSON_IsNumber(item), item->string, item, expected, err));
    CHECK(ratls_json_get_integer(object, item->string, -integer_max, integer_max, out), RATLS_ERR_OPTION_VALUE,
          ratls_detail_text("option", item->string), FOUND("a number that is not whole or too large"), EXPECTED(expected));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_time(int64_t *out, const cJSON *object, const cJSON *item, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    static const char expected[] = "RFC 3339 text in UTC, or whole seconds";

    if (!cJSON_IsString(item)) {
        return read_number(out, object, item, expected, err);
    }
    /* The first second of 1970 would mean the clock: refused, so that a text is always the time that it says. */
    CHECK(ratls_time_parse(out, (ratls_bytes){(const uint8_t *)item->valuestring, strlen(item->valuestring)}) && *out > 0,
          RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", item->string), FOUND(item->valuestring), EXPECTED(expected));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_text(const char **out, const cJSON *item, const char *option, const char *expected, ratls_error **err)
{
    ratls_status status = check_type(cJSON_IsString(item), option, item, expected, err);

    if (status == RATLS_OK) {
        *out = item->valuestring;
    }
    return status;
}

/* A list of texts; where `single` is allowed, one text stands for a list of it. */
static ratls_status read_texts(
    const char *const **out, size_t *len, const cJSON *item, const char *option, bool single, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    static const char expected[] = "a list of texts";
    size_t count = cJSON_IsArray(item) ? (size_t)cJSON_GetArraySize(item) : 1;
    const char **texts = NULL;
    size_t filled = 0;
    const cJSON *entry;

    TRY(check_type(cJSON_IsArray(item) || (single && cJSON_IsString(item)), option, item, expected, err));
    texts = calloc(count + 1, sizeof *texts); /* an empty list is given, not absent */
    CHECK(texts != NULL, RATLS_ERR_OUT_OF_MEMORY);
    if (cJSON_IsString(item)) {
        texts[filled++] = item->valuestring;
    } else {
        cJSON_ArrayForEach(entry, item) {
            TRY(read_text(&texts[filled++], entry, option, expected, err));
        }
    }
    *out = texts;
    *len = count;
    texts = NULL;
    status = RATLS_OK;
out:
    free(texts);
    return status;
}

static ratls_status read_pins(ratls_policy *policy, const cJSON *item, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *entry;

    TRY(check_type(cJSON_IsObject(item), item->string, item, "an object of field to value or list of values", err));
    policy->pins = calloc((size_t)cJSON_GetArraySize(item) + 1, sizeof *policy->pins);
    CHECK(policy->pins != NULL, RATLS_ERR_OUT_OF_MEMORY);
    policy->options.pins = policy->pins;
    cJSON_ArrayForEach(entry, item) {
        ratls_pin *pin = &policy->pins[policy->options.pins_len];

        pin->field = entry->string;
        TRY(read_texts(&pin->values, &pin->values_len, entry, "pins", true, err));
        policy->options.pins_len++;
    }
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_key(ratls_policy *policy, const cJSON *item, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const policy_key *key = find_key(item->string);
    uint8_t *field = (uint8_t *)&policy->options;

    CHECK(key != NULL, RATLS_ERR_OPTION_UNKNOWN, FOUND(item->string));
    field += key->offset;
    switch (key->kind) {
    case KEY_FLAG:
        return read_flag((int32_t *)(void *)field, item, err);
    case KEY_NUMBER:
        return read_number((int64_t *)(void *)field, policy->json, item, "a whole number", err);
    case KEY_TIME:
        return read_time((int64_t *)(void *)field, policy->json, item, err);
    case KEY_TEXT:
        return read_text((const char **)(void *)field, item, item->string, "text", err);
    case KEY_TEXTS:
        return read_texts((const char *const **)(void *)field, (size_t *)(void *)((uint8_t *)&policy->options + key->len_offset), item,
                          item->string, false, err);
    case KEY_PINS:
        return read_pins(policy, item, err);
    }
out:
    return status;
}

static ratls_status parse_json(cJSON **out, ratls_bytes text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes duplicate = {0};
    ratls_json_outcome outcome = RATLS_JSON_MALFORMED;

    CHECK(text.len <= RATLS_JSON_SIZE_MAX, RATLS_ERR_POLICY_FORMAT, WHAT("it is larger than 1 MiB"));
    outcome = ratls_json_parse(out, text, &duplicate);
    CHECK(outcome != RATLS_JSON_OUT_OF_MEMORY, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(outcome != RATLS_JSON_DUPLICATE_KEY, RATLS_ERR_OPTION_DUPLICATE, ratls_detail_chars("option", duplicate));
    CHECK(outcome == RATLS_JSON_OK, RATLS_ERR_POLICY_FORMAT, WHAT("it is not JSON"));
    CHECK(cJSON_IsObject(*out), RATLS_ERR_POLICY_FORMAT, WHAT("it is not an object"));
    status = RATLS_OK;
out:
    return status;
}

/* Everything that ratls_policy_compile() finds wrong is told now, when the file is read. */
static ratls_status check_options(const ratls_policy *policy, ratls_error **err)
{
    ratls_compiled_policy *compiled = NULL;
    ratls_status status = ratls_policy_compile(&compiled, &policy->options, err);

    ratls_compiled_policy_free(compiled);
    return status;
}

ratls_status ratls_policy_parse(ratls_policy **out, const char *json, size_t json_len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_policy *policy = NULL;
    const cJSON *item;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    CHECK(json != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "json"), WHAT("it is NULL"));
    policy = calloc(1, sizeof *policy);
    CHECK(policy != NULL, RATLS_ERR_OUT_OF_MEMORY);
    ratls_verify_options_init(&policy->options, sizeof policy->options);
    TRY(parse_json(&policy->json, (ratls_bytes){(const uint8_t *)json, json_len}, err));
    cJSON_ArrayForEach(item, policy->json) {
        TRY(read_key(policy, item, err));
    }
    TRY(check_options(policy, err));
    *out = policy;
    policy = NULL;
    status = RATLS_OK;
out:
    ratls_policy_free(policy);
    return status;
}

const ratls_verify_options *ratls_policy_options(const ratls_policy *policy)
{
    /* NULL would mean the defaults: a policy that could not be read must not become "accept any". */
    static const ratls_verify_options unusable = {.size = 0};

    return policy == NULL ? &unusable : &policy->options;
}

void ratls_policy_free(ratls_policy *policy)
{
    if (policy == NULL) {
        return;
    }
    for (size_t i = 0; i < policy->options.pins_len; i++) {
        free((void *)policy->pins[i].values);
    }
    free(policy->pins);
    free((void *)policy->options.allowed_mr_td);
    free((void *)policy->options.acceptable_tcb_statuses);
    free((void *)policy->options.allowed_advisory_ids);
    cJSON_Delete(policy->json);
    free(policy);
}

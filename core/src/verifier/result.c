#include "verifier/result.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/tables.h"
#include "base/text.h"
#include "base/time.h"
#include "verifier/verifier.h"

typedef struct {
    bool known;
    char *text;            /* of everything but lists */
    int64_t number;        /* numbers, times, flags */
    ratls_advisories list; /* a sorted set of words */
} result_value;

struct ratls_result {
    atomic_size_t holds; /* copies share what never changes */
    result_value values[RATLS_FIELD_COUNT];
    _Atomic(char *) json; /* written on first use, by whichever thread comes first */
};

static ratls_status set_text(ratls_result *result, ratls_field field, const char *text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    result_value *value = &result->values[field];

    if (text == NULL) {
        return RATLS_OK;
    }
    value->text = strdup(text);
    CHECK(value->text != NULL, RATLS_ERR_OUT_OF_MEMORY);
    value->known = true;
    status = RATLS_OK;
out:
    return status;
}

static ratls_status set_flag(ratls_result *result, ratls_field field, bool flag, ratls_error **err)
{
    result->values[field].number = flag ? 1 : 0;
    return set_text(result, field, flag ? "true" : "false", err);
}

static ratls_status set_number(ratls_result *result, ratls_field field, bool known, int64_t number, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text text = {0};

    if (!known) {
        return RATLS_OK;
    }
    ratls_text_add_number(&text, number);
    CHECK(!text.failed, RATLS_ERR_OUT_OF_MEMORY);
    TRY(set_text(result, field, text.data, err));
    result->values[field].number = number;
    status = RATLS_OK;
out:
    ratls_text_clear(&text);
    return status;
}

static ratls_status set_time(ratls_result *result, ratls_field field, bool known, int64_t seconds, ratls_error **err)
{
    char text[RATLS_TIME_TEXT_LEN + 1];

    if (!known) {
        return RATLS_OK;
    }
    ratls_time_write(text, seconds);
    result->values[field].number = seconds;
    return set_text(result, field, text, err);
}

static ratls_status set_hex(ratls_result *result, ratls_field field, bool known, const uint8_t *bytes, size_t len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    result_value *value = &result->values[field];

    if (!known) {
        return RATLS_OK;
    }
    value->text = malloc(2 * len + 1);
    CHECK(value->text != NULL, RATLS_ERR_OUT_OF_MEMORY);
    ratls_hex_write(value->text, bytes, len);
    value->known = true;
    status = RATLS_OK;
out:
    return status;
}

static ratls_status set_list(ratls_result *result, ratls_field field, bool known, const ratls_advisories *list, ratls_error **err)
{
    result->values[field].known = known;
    return known ? ratls_advisories_copy(&result->values[field].list, list, err) : RATLS_OK;
}

/* How the verdict came about. */
static ratls_status set_verdict(ratls_result *result, const ratls_result_parts *parts, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    bool verified = parts->quote != NULL && parts->claims->hardware_verified;
    const char *anchor = parts->claims->trust_anchor;

    TRY(set_flag(result, RATLS_FIELD_ACCEPTED, true, err));
    TRY(set_flag(result, RATLS_FIELD_VERIFIED, verified, err));
    TRY(set_text(result, RATLS_FIELD_VERIFIER, parts->verifier, err));
    TRY(set_text(result, RATLS_FIELD_TRUST_ANCHOR, verified && anchor[0] != '\0' ? anchor : NULL, err));
    TRY(set_list(result, RATLS_FIELD_WAIVED, true, parts->waived, err));
    TRY(set_flag(result, RATLS_FIELD_IDENTITY_PINNED, parts->identity_pinned, err));
    TRY(set_time(result, RATLS_FIELD_VERIFIED_AT, true, parts->verified_at, err));
    TRY(set_flag(result, RATLS_FIELD_FROM_CACHE, parts->from_cache, err));
    if (parts->tells_key_bound) {
        TRY(set_flag(result, RATLS_FIELD_KEY_BOUND, parts->key_bound, err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* Measurements and REPORTDATA come from the quote, whoever judged it. */
static ratls_status set_quote(ratls_result *result, const ratls_parsed_quote *quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (quote == NULL) {
        return RATLS_OK;
    }
    TRY(set_text(result, RATLS_FIELD_TEE, quote->tee_type == RATLS_TEE_TDX ? "tdx" : "sgx", err));
    TRY(set_flag(result, RATLS_FIELD_IS_DEBUG_MODE, ratls_quote_is_debug(quote), err));
    for (ratls_field field = 0; field < RATLS_FIELD_COUNT; field++) {
        const ratls_field_row *row = &ratls_field_rows[field];
        ratls_bytes value = {0};

        if (row->in_result && row->type == RATLS_TYPE_HEX && (row->td_offset >= 0 || row->sgx_offset >= 0)) {
            value = ratls_quote_body_field(quote, field);
            TRY(set_hex(result, field, value.len > 0, value.data, value.len, err));
        }
    }
    status = RATLS_OK;
out:
    return status;
}

static ratls_status set_tcb(ratls_result *result, const ratls_claims *claims, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(set_text(result, RATLS_FIELD_TCB_STATUS, ratls_tcb_status_word(claims->tcb_status), err));
    TRY(set_text(result, RATLS_FIELD_TCB_STATUS_DCAP, ratls_tcb_status_intel(claims->tcb_status), err));
    TRY(set_text(result, RATLS_FIELD_PLATFORM_TCB_STATUS, ratls_tcb_status_intel(claims->platform_tcb_status), err));
    TRY(set_text(result, RATLS_FIELD_TDX_MODULE_TCB_STATUS, ratls_tcb_status_intel(claims->tdx_module_tcb_status), err));
    TRY(set_text(result, RATLS_FIELD_QE_TCB_STATUS, ratls_tcb_status_intel(claims->qe_tcb_status), err));
    TRY(set_text(result, RATLS_FIELD_LAUNCH_TCB_STATUS, ratls_tcb_status_intel(claims->launch_tcb_status), err));
    TRY(set_text(result, RATLS_FIELD_CURRENT_TCB_STATUS, ratls_tcb_status_intel(claims->current_tcb_status), err));
    TRY(set_time(result, RATLS_FIELD_TCB_DATE, claims->has_tcb_date, claims->tcb_date, err));
    TRY(set_list(result, RATLS_FIELD_ADVISORY_IDS, claims->hardware_verified && !claims->advisories_unknown, &claims->advisories, err));
    TRY(set_number(result, RATLS_FIELD_TCB_EVALUATION_DATA_NUMBER, claims->has_tcb_evaluation_data_number,
                   claims->tcb_evaluation_data_number, err));
    TRY(set_time(result, RATLS_FIELD_COLLATERAL_EXPIRES_AT, claims->has_collateral_dates, claims->expires_at, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status set_platform(ratls_result *result, const ratls_claims *claims, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(set_hex(result, RATLS_FIELD_FMSPC, claims->has_fmspc, claims->fmspc, sizeof claims->fmspc, err));
    TRY(set_hex(result, RATLS_FIELD_PPID, claims->has_ppid, claims->ppid, sizeof claims->ppid, err));
    TRY(set_hex(result, RATLS_FIELD_PLATFORM_INSTANCE_ID, claims->has_platform_instance_id, claims->platform_instance_id,
                sizeof claims->platform_instance_id, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status set_key_provider(ratls_result *result, const ratls_identity *identity, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char *provider = ratls_identity_key_provider(identity);

    CHECK(provider != NULL || identity->key_provider_name[0] == '\0', RATLS_ERR_OUT_OF_MEMORY);
    TRY(set_text(result, RATLS_FIELD_KEY_PROVIDER, provider, err));
    status = RATLS_OK;
out:
    free(provider);
    return status;
}

static ratls_status set_application(ratls_result *result, const ratls_identity *identity, ratls_error **err)
{
    static const ratls_field fields[] = {RATLS_FIELD_APP_ID,        RATLS_FIELD_COMPOSE_HASH, RATLS_FIELD_INSTANCE_ID, RATLS_FIELD_OS_IMAGE_HASH,
                                         RATLS_FIELD_MR_SYSTEM, RATLS_FIELD_MR_AGGREGATED};
    ratls_status status = RATLS_ERR_INTERNAL;

    if (identity == NULL) {
        return RATLS_OK;
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        ratls_bytes value = ratls_identity_field(identity, fields[i]);

        TRY(set_hex(result, fields[i], value.len > 0, value.data, value.len, err));
    }
    TRY(set_text(result, RATLS_FIELD_COMPOSE_HASH_SOURCE, ratls_compose_hash_source_name(identity->compose_hash_source), err));
    TRY(set_key_provider(result, identity, err));
    status = RATLS_OK;
out:
    return status;
}

static void add_list(ratls_text *text, const ratls_advisories *list)
{
    ratls_text_add(text, "[");
    for (size_t i = 0; i < list->len; i++) {
        ratls_text_add(text, i == 0 ? "" : ",");
        ratls_text_add_json_string(text, list->ids[i]);
    }
    ratls_text_add(text, "]");
}

static void add_value(ratls_text *text, const result_value *value, ratls_field_type type)
{
    if (!value->known) {
        ratls_text_add(text, "null");
    } else if (type == RATLS_TYPE_LIST) {
        add_list(text, &value->list);
    } else if (type == RATLS_TYPE_FLAG || type == RATLS_TYPE_NUMBER) {
        ratls_text_add(text, value->text);
    } else {
        ratls_text_add_json_string(text, value->text);
    }
}

/* Every field; the caller's, NULL when out of memory. */
static char *write_json(const ratls_result *result)
{
    ratls_text text = {0};

    for (ratls_field field = 0; field < RATLS_FIELD_COUNT; field++) {
        if (ratls_field_rows[field].in_result) {
            ratls_text_add(&text, text.len == 0 ? "{" : ",");
            ratls_text_add_json_string(&text, ratls_field_rows[field].name);
            ratls_text_add(&text, ":");
            add_value(&text, &result->values[field], ratls_field_rows[field].type);
        }
    }
    ratls_text_add(&text, "}");
    return ratls_text_take(&text);
}

ratls_status ratls_result_make(ratls_result **out, const ratls_result_parts *parts, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_result *result = NULL;

    *out = NULL;
    result = calloc(1, sizeof *result);
    CHECK(result != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&result->holds, 1);
    atomic_init(&result->json, NULL);
    TRY(set_verdict(result, parts, err));
    TRY(set_quote(result, parts->quote, err));
    TRY(set_tcb(result, parts->claims, err));
    TRY(set_platform(result, parts->claims, err));
    TRY(set_application(result, parts->identity, err));
    TRY(set_text(result, RATLS_FIELD_REPORT_ENCODING, parts->report_encoding, err));
    *out = result;
    result = NULL;
    status = RATLS_OK;
out:
    ratls_result_free(result);
    return status;
}

ratls_status ratls_result_copy(ratls_result **out, const ratls_result *result, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_result *shared = (ratls_result *)result; /* only the count changes, which no caller sees */

    *out = NULL;
    CHECK(shared != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "result"), WHAT("it is NULL"));
    (void)atomic_fetch_add(&shared->holds, 1);
    *out = shared;
    status = RATLS_OK;
out:
    return status;
}

void ratls_result_free(ratls_result *result)
{
    if (result == NULL || atomic_fetch_sub(&result->holds, 1) != 1) {
        return;
    }
    for (size_t field = 0; field < RATLS_FIELD_COUNT; field++) {
        free(result->values[field].text);
        ratls_advisories_clear(&result->values[field].list);
    }
    free(atomic_load(&result->json));
    free(result);
}

/* The value of a field that is known; NULL otherwise. */
static const result_value *find_value(const ratls_result *result, ratls_field field)
{
    if (result == NULL || field < 0 || field >= RATLS_FIELD_COUNT || !result->values[field].known) {
        return NULL;
    }
    return &result->values[field];
}

const char *ratls_result_text(const ratls_result *result, ratls_field field)
{
    const result_value *value = find_value(result, field);

    return value == NULL ? NULL : value->text;
}

int32_t ratls_result_flag(const ratls_result *result, ratls_field field)
{
    const result_value *value = find_value(result, field);

    return value == NULL || ratls_field_rows[field].type != RATLS_TYPE_FLAG ? -1 : (int32_t)value->number;
}

int64_t ratls_result_number(const ratls_result *result, ratls_field field)
{
    const result_value *value = find_value(result, field);

    if (value == NULL || (ratls_field_rows[field].type != RATLS_TYPE_NUMBER && ratls_field_rows[field].type != RATLS_TYPE_TIME)) {
        return INT64_MIN;
    }
    return value->number;
}

size_t ratls_result_list_len(const ratls_result *result, ratls_field field)
{
    const result_value *value = find_value(result, field);

    return value == NULL ? 0 : value->list.len;
}

const char *ratls_result_list_item(const ratls_result *result, ratls_field field, size_t index)
{
    const result_value *value = find_value(result, field);

    return value == NULL || index >= value->list.len ? NULL : value->list.ids[index];
}

const char *ratls_result_json(const ratls_result *result)
{
    ratls_result *shared = (ratls_result *)result; /* only what no caller sees changes */
    char *known = NULL, *made;

    if (shared == NULL) {
        return "null";
    }
    known = atomic_load(&shared->json);
    if (known != NULL) {
        return known;
    }
    made = write_json(shared);
    if (made != NULL && !atomic_compare_exchange_strong(&shared->json, &known, made)) {
        free(made);
        return known;
    }
    return made == NULL ? "null" : made;
}

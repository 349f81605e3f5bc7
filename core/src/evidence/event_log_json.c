/* The JSON form of an event log (evidence format 4.1). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "evidence/event_log.h"

/* One entry being read: where it stands, and what it is in hexadecimal, decoded. */
typedef struct {
    const cJSON *object;
    int64_t index;
    uint8_t *payload;
    uint8_t *preimage;
} json_entry;

static ratls_status raise_entry(const json_entry *entry, const char *what, ratls_error **err)
{
    const char *name = "";

    (void)ratls_json_get_text(entry->object, "event", &name);
    return RAISE(err, RATLS_ERR_EVIDENCE_EVENT_LOG_RULE, ratls_detail_number("index", entry->index), ratls_detail_text("event", name), WHAT(what));
}

/* cJSON's own question would not look at the case of the key. */
static bool has_member(const json_entry *entry, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(entry->object, key) != NULL;
}

/* Digits of a log are lower-case and have no prefix. */
static bool is_lower_hex(const char *text)
{
    return text[strspn(text, "0123456789abcdef")] == '\0' && strlen(text) % 2 == 0;
}

/* A member in hexadecimal, decoded into memory of the entry's; empty where it may be left out and is. */
static ratls_status read_hex(
    uint8_t **owned, ratls_bytes *out, const json_entry *entry, const char *key, bool needed, const char *what, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *text = "";

    if (!needed && !has_member(entry, key)) {
        return RATLS_OK;
    }
    if (!ratls_json_get_text(entry->object, key, &text) || !is_lower_hex(text)) {
        return raise_entry(entry, what, err);
    }
    out->len = strlen(text) / 2;
    *owned = malloc(out->len + 1);
    CHECK(*owned != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(ratls_hex_read(*owned, out->len, text, 2 * out->len), RATLS_ERR_INTERNAL, WHAT("hexadecimal digits that are none"));
    out->data = *owned;
    status = RATLS_OK;
out:
    return status;
}

/* Missing and empty are both "not given". */
static ratls_status read_digest(ratls_event *event, const json_entry *entry, ratls_error **err)
{
    const char *text = "";

    if (has_member(entry, "digest") && (!ratls_json_get_text(entry->object, "digest", &text) || !is_lower_hex(text))) {
        return raise_entry(entry, "its digest is not lower-case hexadecimal text", err);
    }
    event->has_digest = text[0] != '\0';
    if (event->has_digest && !ratls_hex_read(event->digest, sizeof event->digest, text, strlen(text))) {
        return raise_entry(entry, "its digest is not one of SHA-384", err);
    }
    return RATLS_OK;
}

static ratls_status read_name(ratls_event *event, const json_entry *entry, ratls_error **err)
{
    const char *text = "";

    if (!ratls_json_get_text(entry->object, "event", &text) || strlen(text) > RATLS_EVENT_NAME_MAX) {
        return raise_entry(entry, "it has no name of at most 256 bytes", err);
    }
    event->name = (ratls_bytes){(const uint8_t *)text, strlen(text)};
    return RATLS_OK;
}

static ratls_status read_numbers(ratls_event *event, const json_entry *entry, ratls_error **err)
{
    int64_t number = 0;

    if (!ratls_json_get_integer(entry->object, "imr", 0, RATLS_REGISTERS - 1, &number)) {
        return raise_entry(entry, "it has no register from 0 to 3", err);
    }
    event->imr = (uint32_t)number;
    if (!ratls_json_get_integer(entry->object, "event_type", 0, UINT32_MAX, &number)) {
        return raise_entry(entry, "it has no type of 32 bits", err);
    }
    event->type = (uint32_t)number;
    number = 1; /* left out */
    if (has_member(entry, "version") && !ratls_json_get_integer(entry->object, "version", 1, 2, &number)) {
        return raise_entry(entry, "its version is neither 1 nor 2", err);
    }
    event->version = (uint32_t)number;
    return RATLS_OK;
}

static ratls_status read_entry(ratls_event_list *list, const cJSON *object, int64_t index, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    json_entry entry = {object, index, NULL, NULL};
    ratls_event event = {0};

    TRY(read_numbers(&event, &entry, err));
    TRY(read_name(&event, &entry, err));
    TRY(read_digest(&event, &entry, err));
    TRY(read_hex(&entry.payload, &event.payload, &entry, "event_payload", true, "its payload is not lower-case hexadecimal text", err));
    TRY(read_hex(&entry.preimage, &event.preimage, &entry, "preimage", false, "its preimage is not lower-case hexadecimal text", err));
    TRY(ratls_events_add(list, &event, err));
    status = RATLS_OK;
out:
    free(entry.payload);
    free(entry.preimage);
    return status;
}

/* An array of objects: whatever else a log's extension may hold, it is no log in this form. */
static bool is_log(const cJSON *array)
{
    const cJSON *item;

    if (!cJSON_IsArray(array)) {
        return false;
    }
    cJSON_ArrayForEach(item, array) {
        if (!cJSON_IsObject(item)) {
            return false;
        }
    }
    return true;
}

ratls_status ratls_events_parse_json(ratls_event_list *list, bool *readable, ratls_bytes json, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    cJSON *array = NULL;
    const cJSON *item;
    int64_t index = 0;
    ratls_json_outcome outcome = RATLS_JSON_MALFORMED;

    *readable = false;
    if (json.len <= RATLS_EVENT_LOG_SIZE_MAX) {
        outcome = ratls_json_parse_integers(&array, json, NULL);
    }
    CHECK(outcome != RATLS_JSON_OUT_OF_MEMORY, RATLS_ERR_OUT_OF_MEMORY);
    *readable = outcome == RATLS_JSON_OK && is_log(array);
    if (*readable) {
        CHECK(cJSON_GetArraySize(array) <= RATLS_EVENTS_MAX, RATLS_ERR_EVIDENCE_EVENT_LOG_FORMAT, WHAT("it has more than 4096 events"));
        cJSON_ArrayForEach(item, array) {
            TRY(read_entry(list, item, index++, err));
        }
    }
    status = RATLS_OK;
out:
    cJSON_Delete(array);
    return status;
}

static void write_hex_member(ratls_text *out, const char *name, const uint8_t *bytes, size_t len)
{
    ratls_text_add(out, ",\"");
    ratls_text_add(out, name);
    ratls_text_add(out, "\":\"");
    ratls_text_add_hex(out, bytes, len);
    ratls_text_add(out, "\"");
}

void ratls_event_write_name(ratls_text *out, ratls_bytes name)
{
    char text[RATLS_EVENT_NAME_MAX + 1];
    size_t len = name.len < RATLS_EVENT_NAME_MAX ? name.len : RATLS_EVENT_NAME_MAX;

    if (len > 0) {
        memcpy(text, name.data, len);
    }
    text[len] = '\0';
    ratls_text_add_json_string(out, text);
}

void ratls_events_write_json(ratls_text *out, const ratls_event_list *list)
{
    ratls_text_add(out, "[");
    for (size_t i = 0; i < list->len; i++) {
        const ratls_event *event = &list->events[i];

        ratls_text_add(out, i == 0 ? "{\"imr\":" : ",{\"imr\":");
        ratls_text_add_number(out, event->imr);
        ratls_text_add(out, ",\"event_type\":");
        ratls_text_add_number(out, event->type);
        write_hex_member(out, "digest", event->digest, event->has_digest ? sizeof event->digest : 0);
        ratls_text_add(out, ",\"event\":");
        ratls_event_write_name(out, event->name);
        write_hex_member(out, "event_payload", event->payload.data, event->payload.len);
        if (event->version != 1) {
            ratls_text_add(out, ",\"version\":");
            ratls_text_add_number(out, event->version);
        }
        ratls_text_add(out, "}");
    }
    ratls_text_add(out, "]");
}

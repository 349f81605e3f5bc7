#include "evidence/identity.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "evidence/mr_config_id.h"

/* What may come once only, and how long it must be (evidence format 4.5, rule 4). */
typedef enum {
    EVENT_APP_ID,
    EVENT_COMPOSE_HASH,
    EVENT_INSTANCE_ID,
    EVENT_OS_IMAGE_HASH,
    EVENT_KEY_PROVIDER,
    KNOWN_EVENTS
} known_event;

static const char *const event_names[KNOWN_EVENTS] = {
    [EVENT_APP_ID] = "app-id",           [EVENT_COMPOSE_HASH] = "compose-hash", [EVENT_INSTANCE_ID] = "instance-id",
    [EVENT_OS_IMAGE_HASH] = "os-image-hash", [EVENT_KEY_PROVIDER] = "key-provider"};

static ratls_status raise_event(const ratls_event_list *events, const ratls_event *event, const char *what, ratls_error **err)
{
    return RAISE(err, RATLS_ERR_EVIDENCE_EVENT_LOG_RULE, ratls_detail_number("index", event - events->events),
                 ratls_detail_chars("event", event->name), WHAT(what));
}

/* Lower-case letters, digits and dashes: a name with a colon in it would read as another name with an id. */
static bool is_provider_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= RATLS_KEY_PROVIDER_NAME_MAX && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/* {"name":…,"id":hexadecimal}; more members than these change nothing. */
static bool read_key_provider(ratls_identity *out, ratls_bytes payload)
{
    cJSON *json = NULL;
    const char *name = "", *id = "";
    bool read = ratls_json_parse(&json, payload, NULL) == RATLS_JSON_OK && cJSON_IsObject(json) &&
                ratls_json_get_text(json, "name", &name) && ratls_json_get_text(json, "id", &id) && is_provider_name(name) &&
                strlen(id) % 2 == 0 && strlen(id) / 2 <= sizeof out->key_provider_id &&
                ratls_hex_read(out->key_provider_id, strlen(id) / 2, id, strlen(id));

    if (read) {
        memcpy(out->key_provider_name, name, strlen(name) + 1);
        out->key_provider_id_len = strlen(id) / 2;
    }
    cJSON_Delete(json);
    return read;
}

static bool copy_exactly(uint8_t *out, size_t len, ratls_bytes payload)
{
    if (payload.len != len) {
        return false;
    }
    memcpy(out, payload.data, len);
    return true;
}

/* NULL, or what is wrong with the payload. */
static const char *read_known(ratls_identity *out, known_event known, ratls_bytes payload)
{
    switch (known) {
    case EVENT_APP_ID:
        out->has_app_id = copy_exactly(out->app_id, sizeof out->app_id, payload);
        return out->has_app_id ? NULL : "its payload is not 20 bytes";
    case EVENT_COMPOSE_HASH:
        out->compose_hash_source = RATLS_COMPOSE_HASH_EVENT_LOG;
        return copy_exactly(out->compose_hash, sizeof out->compose_hash, payload) ? NULL : "its payload is not 32 bytes";
    case EVENT_INSTANCE_ID:
        /* Empty: instance ids are disabled. */
        out->has_instance_id = copy_exactly(out->instance_id, sizeof out->instance_id, payload);
        return out->has_instance_id || payload.len == 0 ? NULL : "its payload is neither 20 bytes nor empty";
    case EVENT_OS_IMAGE_HASH:
        out->has_os_image_hash = copy_exactly(out->os_image_hash, sizeof out->os_image_hash, payload);
        return out->has_os_image_hash || payload.len == 0 ? NULL : "its payload is neither 32 bytes nor empty";
    default:
        return read_key_provider(out, payload) ? NULL : "its payload is not a JSON object with name and id";
    }
}

static known_event find_known(ratls_bytes name)
{
    known_event known = EVENT_APP_ID;

    while (known < KNOWN_EVENTS && !ratls_bytes_equal_text(name, event_names[known])) {
        known++;
    }
    return known;
}

ratls_status ratls_identity_read_events(ratls_identity *out, const ratls_event_list *events, ratls_error **err)
{
    bool seen[KNOWN_EVENTS] = {false};
    ratls_identity found = {0};

    *out = found;
    for (size_t i = 0; i < events->len; i++) {
        const ratls_event *event = &events->events[i];
        known_event known = find_known(event->name);
        const char *wrong;

        if (event->imr != RATLS_RUNTIME_REGISTER) {
            continue;
        }
        /* What comes later the application wrote itself. */
        if (ratls_bytes_equal_text(event->name, "system-ready")) {
            break;
        }
        if (known == KNOWN_EVENTS) {
            continue;
        }
        wrong = seen[known] ? "it is there twice before system-ready" : read_known(&found, known, event->payload);
        if (wrong != NULL) {
            return raise_event(events, event, wrong, err);
        }
        seen[known] = true;
    }
    *out = found;
    return RATLS_OK;
}

/* Evidence format 4.5, rules 2 and 5: the type, and what is given of digest and preimage, must be right. */
static ratls_status check_runtime_event(
    const ratls_event_list *events, const ratls_event *event, const uint8_t digest[RATLS_SHA384_LEN], ratls_error **err)
{
    ratls_text preimage = {0};
    bool same;

    if (event->type != RATLS_RUNTIME_EVENT) {
        return raise_event(events, event, "its type is not 134217729, that of runtime events", err);
    }
    if (event->has_digest && !ratls_bytes_equal((ratls_bytes){event->digest, sizeof event->digest}, (ratls_bytes){digest, RATLS_SHA384_LEN})) {
        return raise_event(events, event, "its digest is not that of its name and payload", err);
    }
    if (event->preimage.len == 0) {
        return RATLS_OK;
    }
    ratls_event_preimage(&preimage, event);
    same = !preimage.failed && ratls_bytes_equal(event->preimage, (ratls_bytes){(const uint8_t *)preimage.data, preimage.len});
    ratls_text_clear(&preimage);
    return same ? RATLS_OK : raise_event(events, event, "its preimage is not that of its name and payload", err);
}

ratls_status ratls_identity_replay(uint8_t out[RATLS_SHA384_LEN], const ratls_event_list *events, uint32_t imr, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t digest[RATLS_SHA384_LEN];

    memset(out, 0, RATLS_SHA384_LEN);
    for (size_t i = 0; i < events->len; i++) {
        const ratls_event *event = &events->events[i];

        if (event->imr != imr) {
            continue;
        }
        if (imr == RATLS_RUNTIME_REGISTER) {
            TRY(ratls_event_digest(digest, event, err));
            TRY(check_runtime_event(events, event, digest, err));
        } else {
            memcpy(digest, event->digest, sizeof digest); /* of firmware and kernel: only the log has them */
        }
        TRY(ratls_event_extend(out, digest, err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* SHA-256 of the fields of the TD report, one after the other. */
static ratls_status digest_fields(
    uint8_t out[RATLS_SHA256_LEN], const ratls_parsed_quote *quote, const ratls_field *fields, size_t fields_len, ratls_bytes last, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text whole = {0};

    for (size_t i = 0; i < fields_len; i++) {
        ratls_bytes value = ratls_quote_body_field(quote, fields[i]);

        ratls_text_add_bytes(&whole, (const char *)value.data, value.len);
    }
    CHECK(!whole.failed, RATLS_ERR_OUT_OF_MEMORY);
    TRY(ratls_sha256(out, (ratls_bytes){(const uint8_t *)whole.data, whole.len}, last, err));
    status = RATLS_OK;
out:
    ratls_text_clear(&whole);
    return status;
}

static const ratls_event *find_event(const ratls_event_list *events, const char *name)
{
    for (size_t i = 0; i < events->len; i++) {
        if (events->events[i].imr == RATLS_RUNTIME_REGISTER && ratls_bytes_equal_text(events->events[i].name, "system-ready")) {
            break;
        }
        if (events->events[i].imr == RATLS_RUNTIME_REGISTER && ratls_bytes_equal_text(events->events[i].name, name)) {
            return &events->events[i];
        }
    }
    return NULL;
}

/* Evidence format 4.6: dstack's own sums of it all. */
static ratls_status derive(ratls_identity *out, const ratls_parsed_quote *quote, const ratls_event_list *events, ratls_error **err)
{
    static const ratls_field fields[] = {RATLS_FIELD_MR_TD,        RATLS_FIELD_RTMR0,    RATLS_FIELD_RTMR1,          RATLS_FIELD_RTMR2, RATLS_FIELD_RTMR3,
                                         RATLS_FIELD_MR_CONFIG_ID, RATLS_FIELD_MR_OWNER, RATLS_FIELD_MR_OWNER_CONFIG};
    enum { SYSTEM_FIELDS = 4, RUNTIME_FIELDS = 5, ALL_FIELDS = 8 };
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_event *provider = find_event(events, event_names[EVENT_KEY_PROVIDER]);
    uint8_t provider_digest[RATLS_SHA256_LEN] = {0};
    size_t used = RUNTIME_FIELDS;

    if (provider != NULL) {
        TRY(ratls_sha256(provider_digest, provider->payload, (ratls_bytes){0}, err));
    }
    TRY(digest_fields(out->mr_system, quote, fields, SYSTEM_FIELDS, (ratls_bytes){provider_digest, sizeof provider_digest}, err));
    for (size_t i = RUNTIME_FIELDS; i < ALL_FIELDS; i++) {
        if (!ratls_bytes_all_zero(ratls_quote_body_field(quote, fields[i]))) {
            used = ALL_FIELDS;
        }
    }
    TRY(digest_fields(out->mr_aggregated, quote, fields, used, (ratls_bytes){0}, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status establish_from_log(
    ratls_identity *out, const ratls_parsed_quote *quote, const ratls_event_list *events, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes rtmr3 = ratls_quote_body_field(quote, RATLS_FIELD_RTMR3);
    uint8_t replayed[RATLS_SHA384_LEN];

    TRY(ratls_identity_replay(replayed, events, RATLS_RUNTIME_REGISTER, err));
    CHECK(ratls_bytes_equal(rtmr3, (ratls_bytes){replayed, sizeof replayed}), RATLS_ERR_EVIDENCE_EVENT_LOG_REPLAY,
          FOUND_HEX(replayed, sizeof replayed), EXPECTED_HEX(rtmr3.data, rtmr3.len));
    /* Evidence format 4.5, rule 3: no event and a register that is zero is legal, and says nothing. */
    if (!ratls_bytes_all_zero(rtmr3)) {
        TRY(ratls_identity_read_events(out, events, err));
        TRY(derive(out, quote, events, err));
        out->replayed = true;
    }
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_identity_establish(
    ratls_identity *out, const ratls_parsed_quote *quote, const ratls_identity_sources *sources, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_identity found = {0};

    *out = found;
    if (quote->tee_type != RATLS_TEE_TDX) {
        return RATLS_OK;
    }
    if (sources->events != NULL) {
        TRY(establish_from_log(&found, quote, sources->events, err));
    }
    TRY(ratls_mr_config_id_check(&found, quote, sources->config, err));
    *out = found;
    status = RATLS_OK;
out:
    return status;
}

ratls_bytes ratls_identity_field(const ratls_identity *identity, ratls_field field)
{
    ratls_bytes known = {0};

    if (field == RATLS_FIELD_APP_ID && identity->has_app_id) {
        known = (ratls_bytes){identity->app_id, sizeof identity->app_id};
    } else if (field == RATLS_FIELD_COMPOSE_HASH && identity->compose_hash_source != RATLS_COMPOSE_HASH_UNKNOWN) {
        known = (ratls_bytes){identity->compose_hash, sizeof identity->compose_hash};
    } else if (field == RATLS_FIELD_INSTANCE_ID && identity->has_instance_id) {
        known = (ratls_bytes){identity->instance_id, sizeof identity->instance_id};
    } else if (field == RATLS_FIELD_OS_IMAGE_HASH && identity->has_os_image_hash) {
        known = (ratls_bytes){identity->os_image_hash, sizeof identity->os_image_hash};
    } else if (field == RATLS_FIELD_MR_SYSTEM && identity->replayed) {
        known = (ratls_bytes){identity->mr_system, sizeof identity->mr_system};
    } else if (field == RATLS_FIELD_MR_AGGREGATED && identity->replayed) {
        known = (ratls_bytes){identity->mr_aggregated, sizeof identity->mr_aggregated};
    }
    return known;
}

const char *ratls_compose_hash_source_name(ratls_compose_hash_source source)
{
    return source == RATLS_COMPOSE_HASH_EVENT_LOG ? "event_log" : source == RATLS_COMPOSE_HASH_MR_CONFIG_ID ? "mr_config_id" : NULL;
}

char *ratls_identity_key_provider(const ratls_identity *identity)
{
    ratls_text text = {0};

    if (identity->key_provider_name[0] == '\0') {
        return NULL;
    }
    ratls_text_add(&text, identity->key_provider_name);
    if (identity->key_provider_id_len > 0) {
        ratls_text_add(&text, ":");
        ratls_text_add_hex(&text, identity->key_provider_id, identity->key_provider_id_len);
    }
    return ratls_text_take(&text);
}

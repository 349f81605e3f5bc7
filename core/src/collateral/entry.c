#include "collateral/entry.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

/* Another number would be another layout: such a file is of another version, and is replaced. */
static const char entry_format[] = "ratls collateral 1";

static bool is_crl(ratls_part_kind kind)
{
    return kind == RATLS_PART_ROOT_CRL || kind == RATLS_PART_PCK_CRL;
}

static void add_member(ratls_text *text, const char *name, const char *value)
{
    ratls_text_add(text, ",\"");
    ratls_text_add(text, name);
    ratls_text_add(text, "\":");
    if (value == NULL) {
        ratls_text_add(text, "null");
    } else {
        ratls_text_add_json_string(text, value);
    }
}

static void add_bytes_member(ratls_text *text, const char *name, ratls_bytes bytes)
{
    char *terminated = strndup(bytes.len == 0 ? "" : (const char *)bytes.data, bytes.len);

    if (terminated == NULL) {
        text->failed = true;
        return;
    }
    add_member(text, name, terminated);
    free(terminated);
}

static void add_hex_member(ratls_text *text, const char *name, const uint8_t *bytes, size_t len)
{
    ratls_text_add(text, ",\"");
    ratls_text_add(text, name);
    ratls_text_add(text, "\":\"");
    ratls_text_add_hex(text, bytes, len);
    ratls_text_add(text, "\"");
}

char *ratls_entry_print(const ratls_part *part, const ratls_part_id *id, const ratls_provenance *provenance)
{
    ratls_text text = {0};

    ratls_text_add(&text, "{\"format\":");
    ratls_text_add_json_string(&text, entry_format);
    add_member(&text, "url", provenance->url);
    add_member(&text, "etag", provenance->etag);
    ratls_text_add(&text, ",\"fetched_at\":");
    ratls_text_add_number(&text, provenance->fetched_at);
    ratls_text_add(&text, ",\"max_age_s\":");
    ratls_text_add_number(&text, provenance->max_age_s);
    add_bytes_member(&text, "issuer_chain", part->chain);
    if (is_crl(id->kind)) {
        add_hex_member(&text, "content", part->content.data, part->content.len);
    } else {
        add_hex_member(&text, "signature", part->signature, sizeof part->signature);
        add_bytes_member(&text, "content", part->content);
    }
    ratls_text_add(&text, "}\n");
    return ratls_text_take(&text);
}

static ratls_status raise_format(const char *what, ratls_error **err)
{
    return RAISE(err, RATLS_ERR_COLLATERAL_FORMAT, WHAT(what));
}

/* A validator is sent as a header: it must be one. */
static bool etag_is_sound(const char *etag)
{
    size_t len = strlen(etag);

    for (size_t i = 0; i < len; i++) {
        if (etag[i] < 0x21 || etag[i] > 0x7e) {
            return false;
        }
    }
    return len > 0 && len <= RATLS_COLLATERAL_ETAG_MAX;
}

static ratls_status read_provenance(ratls_provenance *out, const cJSON *object, ratls_error **err)
{
    const char *url = NULL, *etag = NULL;
    ratls_provenance read = {0};
    int64_t now = ratls_clock_wall_s();

    if (!ratls_json_get_text(object, "url", &url) || !ratls_json_get_integer(object, "fetched_at", 0, INT64_C(1) << 40, &read.fetched_at) ||
        !ratls_json_get_integer(object, "max_age_s", -1, RATLS_COLLATERAL_MAX_AGE_S, &read.max_age_s)) {
        return raise_format("it does not say where and when it was fetched", err);
    }
    read.fetched_at = read.fetched_at > now ? now : read.fetched_at;
    read.url = (char *)(uintptr_t)url;
    if (ratls_json_get_text(object, "etag", &etag) && etag_is_sound(etag)) {
        read.etag = (char *)(uintptr_t)etag;
    }
    return ratls_provenance_copy(out, &read) ? RATLS_OK : RAISE(err, RATLS_ERR_OUT_OF_MEMORY);
}

static ratls_status read_crl(ratls_part_source *source, uint8_t **storage, const char *digits, ratls_error **err)
{
    size_t len = strlen(digits) / 2;

    *storage = malloc(len + 1);
    if (*storage == NULL) {
        return RAISE(err, RATLS_ERR_OUT_OF_MEMORY);
    }
    if (!ratls_hex_read(*storage, len, digits, strlen(digits))) {
        return raise_format("its list is not hexadecimal", err);
    }
    source->content = (ratls_bytes){*storage, len};
    return RATLS_OK;
}

static ratls_status read_part(ratls_part **out, const cJSON *object, const ratls_part_id *id, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *format = NULL, *chain = NULL, *content = NULL;
    uint8_t signature[64], *storage = NULL;
    ratls_part_source source = {0};

    CHECK(ratls_json_get_text(object, "format", &format) && strcmp(format, entry_format) == 0, RATLS_ERR_COLLATERAL_FORMAT,
          WHAT("it is of another version"));
    CHECK(ratls_json_get_text(object, "issuer_chain", &chain) && ratls_json_get_text(object, "content", &content), RATLS_ERR_COLLATERAL_FORMAT,
          WHAT("a member is missing"));
    source.chain = (ratls_bytes){(const uint8_t *)chain, strlen(chain)};
    if (is_crl(id->kind)) {
        TRY(read_crl(&source, &storage, content, err));
    } else {
        CHECK(ratls_json_get_hex(object, "signature", signature, sizeof signature), RATLS_ERR_COLLATERAL_FORMAT, WHAT("it has no signature"));
        source.signature = signature;
        source.content = (ratls_bytes){(const uint8_t *)content, strlen(content)};
    }
    TRY(ratls_part_make(out, id, &source, trust, err));
    status = RATLS_OK;
out:
    free(storage);
    return status;
}

ratls_status ratls_entry_read(
    ratls_part **part, ratls_provenance *provenance, ratls_bytes text, const ratls_part_id *id, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    cJSON *object = NULL;

    *part = NULL;
    *provenance = (ratls_provenance){0};
    CHECK(text.len <= RATLS_ENTRY_MAX, RATLS_ERR_COLLATERAL_TOO_LARGE, WHAT("an entry of the cache"), FOUND_NUMBER(text.len),
          EXPECTED_NUMBER(RATLS_ENTRY_MAX));
    CHECK(ratls_json_parse(&object, text, NULL) == RATLS_JSON_OK && cJSON_IsObject(object), RATLS_ERR_COLLATERAL_FORMAT, WHAT("it is not JSON"));
    TRY(read_part(part, object, id, trust, err));
    TRY(read_provenance(provenance, object, err));
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_part_free(*part);
        *part = NULL;
    }
    cJSON_Delete(object);
    return status;
}

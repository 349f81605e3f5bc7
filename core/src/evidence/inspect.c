#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/pem.h"
#include "base/tables.h"
#include "base/text.h"
#include "base/utf8.h"
#include "evidence/inspect_events.h"
#include "evidence/ratls_certificate.h"
#include "evidence/sgx_extension.h"

enum { CERTIFICATION_PCK_CHAIN = 5 };

struct ratls_quote {
    char *text[RATLS_FIELD_COUNT]; /* NULL where this quote has no such field */
    char *json;
};

/* What the fields are read from. */
typedef struct {
    ratls_parsed_quote quote;
    bool has_signature;  /* the certification data could be read */
    size_t trailing_len; /* bytes after the quote, where it was found */
    ratls_sgx_extension pck;
    bool has_pck;
    const char *event_log; /* beside the quote, as given or written out; NULL: none */
    const ratls_event_list *events; /* NULL: none, or none that can be read */
    ratls_identity identity; /* by the bytes alone: nobody has verified the quote */
    bool present;          /* there is a quote */
} inspected_quote;

/* The platform, as the PCK certificate in the quote names it: the first one with a readable SGX extension.
 * Nothing here is verified, and a chain that cannot be read gives nothing. */
static void inspect_pck(inspected_quote *out)
{
    ratls_certificate certificate;
    const char *what;
    ratls_pem chain;

    if (out->quote.certification_data_type != CERTIFICATION_PCK_CHAIN ||
        !ratls_pem_parse(&chain, out->quote.certification_data, "CERTIFICATE", RATLS_PEM_CERTIFICATE_MAX, &what)) {
        return;
    }
    for (size_t i = 0; i < chain.len && !out->has_pck; i++) {
        out->has_pck = ratls_certificate_parse(&certificate, chain.blocks[i], &what) &&
                       ratls_sgx_extension_parse(&out->pck, &certificate, NULL) == RATLS_OK;
    }
    ratls_pem_clear(&chain);
}

static void add_kind(ratls_text *text, const ratls_parsed_quote *quote)
{
    ratls_text_add(text, quote->tee_type == RATLS_TEE_TDX ? "tdx-v" : "sgx-v");
    ratls_text_add_number(text, quote->version);
}

static void add_certification_field(ratls_text *text, const inspected_quote *from, ratls_field field)
{
    if (from->has_signature && field == RATLS_FIELD_CERTIFICATION_DATA_TYPE) {
        ratls_text_add_number(text, from->quote.certification_data_type);
    } else if (from->has_signature && field == RATLS_FIELD_TRAILING_BYTES) {
        ratls_text_add_number(text, (int64_t)from->trailing_len);
    } else if (from->has_pck && field == RATLS_FIELD_FMSPC) {
        ratls_text_add_hex(text, from->pck.fmspc, sizeof from->pck.fmspc);
    } else if (from->has_pck && field == RATLS_FIELD_PPID) {
        ratls_text_add_hex(text, from->pck.ppid, sizeof from->pck.ppid);
    } else if (from->has_pck && from->pck.platform && field == RATLS_FIELD_PLATFORM_INSTANCE_ID) {
        ratls_text_add_hex(text, from->pck.platform_instance_id, sizeof from->pck.platform_instance_id);
    }
}

/* A field at a fixed place in the body: bytes, or a little-endian number of two. */
static void add_body_field(ratls_text *text, const inspected_quote *from, ratls_field field)
{
    ratls_bytes value = ratls_quote_body_field(&from->quote, field);

    if (value.len > 0 && ratls_field_rows[field].type == RATLS_TYPE_NUMBER) {
        ratls_text_add_number(text, value.data[0] | value.data[1] << 8);
    } else if (value.len > 0) {
        ratls_text_add_hex(text, value.data, value.len);
    }
}

static void add_application_field(ratls_text *text, const ratls_identity *identity, ratls_field field)
{
    ratls_bytes value = ratls_identity_field(identity, field);
    const char *source = ratls_compose_hash_source_name(identity->compose_hash_source);

    ratls_text_add_hex(text, value.data, value.len);
    if (field == RATLS_FIELD_COMPOSE_HASH_SOURCE && source != NULL) {
        ratls_text_add(text, source);
    }
    if (field == RATLS_FIELD_KEY_PROVIDER) {
        char *provider = ratls_identity_key_provider(identity);

        ratls_text_add(text, provider == NULL ? "" : provider);
        free(provider);
    }
}

/* Add a field's value; nothing where this quote has none. */
static void add_field(ratls_text *text, const inspected_quote *from, ratls_field field)
{
    const ratls_parsed_quote *quote = &from->quote;

    if (!from->present) {
        return;
    }
    switch (field) {
    case RATLS_FIELD_KIND:
        add_kind(text, quote);
        break;
    case RATLS_FIELD_QUOTE_VERSION:
        ratls_text_add_number(text, quote->version);
        break;
    case RATLS_FIELD_ATTESTATION_KEY_TYPE:
        ratls_text_add_number(text, quote->attestation_key_type);
        break;
    case RATLS_FIELD_TEE_TYPE:
        ratls_text_add_number(text, quote->tee_type);
        break;
    case RATLS_FIELD_BODY_TYPE:
        if (quote->body_type != 0) {
            ratls_text_add_number(text, quote->body_type);
        }
        break;
    case RATLS_FIELD_USER_DATA:
        ratls_text_add_hex(text, quote->user_data.data, quote->user_data.len);
        break;
    case RATLS_FIELD_QE_VENDOR_ID:
        ratls_text_add_hex(text, quote->qe_vendor_id.data, quote->qe_vendor_id.len);
        break;
    case RATLS_FIELD_TEE:
        ratls_text_add(text, quote->tee_type == RATLS_TEE_TDX ? "tdx" : "sgx");
        break;
    case RATLS_FIELD_IS_DEBUG_MODE:
        ratls_text_add(text, ratls_quote_is_debug(quote) ? "true" : "false");
        break;
    case RATLS_FIELD_EVENT_LOG:
        ratls_text_add(text, from->event_log == NULL ? "" : from->event_log);
        break;
    case RATLS_FIELD_EVENTS:
        ratls_inspect_events(text, from->events);
        break;
    case RATLS_FIELD_EXPLAINED_REGISTERS:
        ratls_inspect_explained(text, &from->quote, from->events);
        break;
    default:
        add_certification_field(text, from, field);
        add_body_field(text, from, field);
        add_application_field(text, &from->identity, field);
        break;
    }
}

static void add_json_member(ratls_text *json, const ratls_field_row *row, const char *value)
{
    bool bare = value == NULL || row->type == RATLS_TYPE_NUMBER || row->type == RATLS_TYPE_FLAG;

    /* What is given as JSON is shown as JSON, if it is. */
    if (value != NULL && row->type == RATLS_TYPE_JSON) {
        bare = ratls_json_check((ratls_bytes){(const uint8_t *)value, strlen(value)}, NULL) == RATLS_JSON_OK;
    }

    ratls_text_add_json_string(json, row->name);
    ratls_text_add(json, ":");
    if (bare) {
        ratls_text_add(json, value == NULL ? "null" : value);
    } else {
        ratls_text_add_json_string(json, value);
    }
}

static ratls_status render_fields(ratls_quote *out, const inspected_quote *from, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text json = {0};
    const char *separator = "{";

    for (ratls_field field = 0; field < RATLS_FIELD_COUNT; field++) {
        ratls_text text = {0};

        if (!ratls_field_rows[field].in_inspect) {
            continue;
        }
        add_field(&text, from, field);
        if (text.len > 0 || text.failed) {
            out->text[field] = ratls_text_take(&text);
            CHECK(out->text[field] != NULL, RATLS_ERR_OUT_OF_MEMORY);
        }
        ratls_text_clear(&text);
        ratls_text_add(&json, separator);
        add_json_member(&json, &ratls_field_rows[field], out->text[field]);
        separator = ",";
    }
    ratls_text_add(&json, "}");
    out->json = ratls_text_take(&json);
    CHECK(out->json != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    ratls_text_clear(&json);
    return status;
}

/* The whole quote; or header and body, when only what follows them cannot be read. */
static ratls_status read_quote(inspected_quote *out, ratls_bytes input, ratls_error **err)
{
    out->present = true;
    if (ratls_quote_parse(&out->quote, input, NULL) == RATLS_OK) {
        out->has_signature = true;
        out->trailing_len = out->quote.trailing.len;
        inspect_pck(out);
        return RATLS_OK;
    }
    return ratls_quote_parse_body(&out->quote, input, err);
}

/* What the quote alone tells of the application: MRCONFIGID. */
static void read_identity(inspected_quote *out)
{
    ratls_identity_sources none = {0};

    (void)ratls_identity_establish(&out->identity, &out->quote, &none, NULL);
}

static ratls_status show_quote(ratls_quote **out, const inspected_quote *inspected, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_quote *made = calloc(1, sizeof *made);

    CHECK(made != NULL, RATLS_ERR_OUT_OF_MEMORY);
    TRY(render_fields(made, inspected, err));
    *out = made;
    made = NULL;
    status = RATLS_OK;
out:
    ratls_quote_free(made);
    return status;
}

ratls_status ratls_quote_inspect(ratls_quote **out, const uint8_t *quote, size_t quote_len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    inspected_quote inspected = {0};

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    CHECK(quote != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "quote"), WHAT("it is NULL"));
    TRY(read_quote(&inspected, (ratls_bytes){quote, quote_len}, err));
    read_identity(&inspected);
    TRY(show_quote(out, &inspected, err));
    status = RATLS_OK;
out:
    return status;
}

/* The event log as text; NULL when there is none, when a NUL in it would hide what follows, or when it is not UTF-8. */
static const char *text_or_null(const ratls_evidence *evidence)
{
    bool text = evidence->event_log != NULL && strlen((const char *)evidence->event_log) == evidence->event_log_len &&
                ratls_utf8_valid((ratls_bytes){evidence->event_log, evidence->event_log_len});

    return text ? (const char *)evidence->event_log : NULL;
}

/* The log as JSON: an envelope's written out, where there is no text of it. */
static ratls_status write_log(char **out, const ratls_evidence *evidence, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text text = {0};

    if (evidence->event_log != NULL || !evidence->has_events) {
        return RATLS_OK;
    }
    ratls_events_write_json(&text, &evidence->events);
    *out = ratls_text_take(&text);
    CHECK(*out != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

/* A log that breaks the rules is shown as it is, and explains nothing. */
static ratls_status show_evidence(ratls_quote **out, ratls_evidence *evidence, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    inspected_quote inspected = {0};
    ratls_identity_sources sources;
    char *written = NULL;

    if (evidence->quote != NULL) {
        TRY(read_quote(&inspected, (ratls_bytes){evidence->quote, evidence->quote_len}, err));
        inspected.trailing_len = evidence->trailing_len;
        if (ratls_evidence_read_log(evidence, NULL) != RATLS_OK) {
            evidence->has_events = false;
        }
        TRY(write_log(&written, evidence, err));
        inspected.event_log = written != NULL ? written : text_or_null(evidence);
        sources = ratls_evidence_sources(evidence);
        inspected.events = sources.events;
        (void)ratls_identity_establish(&inspected.identity, &inspected.quote, &sources, NULL);
    }
    TRY(show_quote(out, &inspected, err));
    status = RATLS_OK;
out:
    free(written);
    return status;
}

ratls_status ratls_certificate_inspect(ratls_quote **out, const uint8_t *der, size_t der_len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_evidence evidence = {0};

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    CHECK(der != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "der"), WHAT("it is NULL"));
    TRY(ratls_evidence_from_certificate(&evidence, (ratls_bytes){der, der_len}, err));
    TRY(show_evidence(out, &evidence, err));
    status = RATLS_OK;
out:
    ratls_evidence_clear(&evidence);
    return status;
}

ratls_status ratls_evidence_inspect(ratls_quote **out, const uint8_t *bytes, size_t bytes_len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_evidence evidence = {0};

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    CHECK(bytes != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "evidence"), WHAT("it is NULL"));
    TRY(ratls_evidence_from_bytes(&evidence, (ratls_bytes){bytes, bytes_len}, err));
    TRY(show_evidence(out, &evidence, err));
    status = RATLS_OK;
out:
    ratls_evidence_clear(&evidence);
    return status;
}

const char *ratls_quote_text(const ratls_quote *quote, ratls_field field)
{
    return quote == NULL || field < 0 || field >= RATLS_FIELD_COUNT ? NULL : quote->text[field];
}

const char *ratls_quote_json(const ratls_quote *quote)
{
    return quote == NULL ? NULL : quote->json;
}

void ratls_quote_free(ratls_quote *quote)
{
    if (quote == NULL) {
        return;
    }
    for (ratls_field field = 0; field < RATLS_FIELD_COUNT; field++) {
        free(quote->text[field]);
    }
    free(quote->json);
    free(quote);
}

ratls_status ratls_extract_tdx_quote(uint8_t **quote, size_t *quote_len, const uint8_t *der, size_t der_len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_evidence evidence = {0};

    if (err != NULL) {
        *err = NULL;
    }
    if (quote != NULL) {
        *quote = NULL;
    }
    if (quote_len != NULL) {
        *quote_len = 0;
    }
    CHECK(quote != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "quote"), WHAT("it is NULL"));
    CHECK(quote_len != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "quote_len"), WHAT("it is NULL"));
    CHECK(der != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "der"), WHAT("it is NULL"));
    TRY(ratls_evidence_from_certificate(&evidence, (ratls_bytes){der, der_len}, err));
    *quote = evidence.quote;
    *quote_len = evidence.quote_len;
    evidence.quote = NULL;
    status = RATLS_OK;
out:
    ratls_evidence_clear(&evidence);
    return status;
}

#include "evidence/mr_config_id.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/keccak256.h"

enum {
    FORM_NONE = 0, /* unused, or not one of dstack's */
    FORM_COMPOSE_HASH = 1,
    FORM_KECCAK = 2,
    FORM_DOCUMENT = 3,
    VALUE_OFFSET = 1,
    VALUE_LEN = 32
};

/* The names of the key-provider event, of a document, and version 02's number for it: its place here. */
static const char *const providers[][2] = {{"none", "none"}, {"local-sgx", "local"}, {"kms", "kms"}, {"tpm", "tpm"}};

enum { PROVIDERS = sizeof providers / sizeof providers[0] };

static uint8_t form_of(const ratls_parsed_quote *quote, ratls_bytes *value)
{
    ratls_bytes id = ratls_quote_body_field(quote, RATLS_FIELD_MR_CONFIG_ID);

    *value = (ratls_bytes){0};
    if (id.len != RATLS_MEASUREMENT_LEN || id.data[0] > FORM_DOCUMENT ||
        !ratls_bytes_all_zero((ratls_bytes){id.data + VALUE_OFFSET + VALUE_LEN, RATLS_MEASUREMENT_LEN - VALUE_OFFSET - VALUE_LEN})) {
        return FORM_NONE;
    }
    *value = (ratls_bytes){id.data + VALUE_OFFSET, VALUE_LEN};
    return id.data[0];
}

bool ratls_mr_config_id_is_hash(const ratls_parsed_quote *quote)
{
    ratls_bytes value;
    uint8_t form = form_of(quote, &value);

    return form == FORM_KECCAK || form == FORM_DOCUMENT;
}

/* Number of a provider by its event's name; PROVIDERS for one that dstack does not know. */
static uint8_t provider_number(const char *name)
{
    uint8_t number = 0;

    while (number < PROVIDERS && strcmp(providers[number][0], name) != 0) {
        number++;
    }
    return number;
}

static void add_run(ratls_text *text, ratls_bytes run)
{
    ratls_text_add_bytes(text, (const char *)run.data, run.len);
}

static ratls_status confirm_keccak(bool *confirmed, ratls_bytes value, const ratls_mr_config_candidate *candidate, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text preimage = {0};
    uint8_t digest[RATLS_KECCAK256_LEN];
    char number = (char)provider_number(candidate->key_provider_name);

    if (number == PROVIDERS || candidate->app_id.len != RATLS_APP_ID_LEN) {
        return RATLS_OK;
    }
    add_run(&preimage, candidate->compose_hash);
    add_run(&preimage, candidate->app_id);
    ratls_text_add_bytes(&preimage, &number, 1);
    add_run(&preimage, candidate->key_provider_id);
    CHECK(!preimage.failed, RATLS_ERR_OUT_OF_MEMORY);
    ratls_keccak256(digest, (ratls_bytes){(const uint8_t *)preimage.data, preimage.len}, (ratls_bytes){0});
    *confirmed = ratls_bytes_equal(value, (ratls_bytes){digest, sizeof digest});
    status = RATLS_OK;
out:
    ratls_text_clear(&preimage);
    return status;
}

static void add_member(ratls_text *document, const char *name, ratls_bytes value)
{
    if (value.len > 0) {
        ratls_text_add(document, document->len == 1 ? "\"" : ",\"");
        ratls_text_add(document, name);
        ratls_text_add(document, "\":\"");
        ratls_text_add_hex(document, value.data, value.len);
        ratls_text_add(document, "\"");
    }
}

static ratls_status is_document(bool *same, ratls_bytes value, ratls_bytes document, ratls_error **err)
{
    static const char domain[] = "dstack-mr-config-v3:"; /* its NUL is part of what is hashed */
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t digest[RATLS_SHA256_LEN];

    TRY(ratls_sha256(digest, (ratls_bytes){(const uint8_t *)domain, sizeof domain}, document, err));
    *same = ratls_bytes_equal(value, (ratls_bytes){digest, sizeof digest});
    status = RATLS_OK;
out:
    return status;
}

/* The document as dstack's host writes it (RFC 8785: keys sorted) for an application without GPU and init scripts. */
static ratls_status confirm_document(bool *confirmed, ratls_bytes value, const ratls_mr_config_candidate *candidate, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t number = provider_number(candidate->key_provider_name);
    ratls_text document = {0};

    if (number == PROVIDERS) {
        return RATLS_OK;
    }
    ratls_text_add(&document, "{");
    add_member(&document, "app_id", candidate->app_id);
    add_member(&document, "compose_hash", candidate->compose_hash);
    add_member(&document, "instance_id", candidate->instance_id);
    ratls_text_add(&document, ",\"key_provider\":\"");
    ratls_text_add(&document, providers[number][1]);
    ratls_text_add(&document, "\"");
    add_member(&document, "key_provider_id", candidate->key_provider_id);
    ratls_text_add(&document, ",\"version\":3}");
    CHECK(!document.failed, RATLS_ERR_OUT_OF_MEMORY);
    TRY(is_document(confirmed, value, (ratls_bytes){(const uint8_t *)document.data, document.len}, err));
    status = RATLS_OK;
out:
    ratls_text_clear(&document);
    return status;
}

ratls_status ratls_mr_config_id_confirm(
    bool *confirmed, const ratls_parsed_quote *quote, const ratls_mr_config_candidate *candidate, ratls_error **err)
{
    ratls_bytes value;
    uint8_t form = form_of(quote, &value);

    *confirmed = false;
    if (form == FORM_KECCAK) {
        return confirm_keccak(confirmed, value, candidate, err);
    }
    return form == FORM_DOCUMENT ? confirm_document(confirmed, value, candidate, err) : RATLS_OK;
}

static ratls_status check_compose_hash(ratls_identity *identity, ratls_bytes value, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (identity->compose_hash_source == RATLS_COMPOSE_HASH_UNKNOWN) {
        memcpy(identity->compose_hash, value.data, sizeof identity->compose_hash);
        identity->compose_hash_source = RATLS_COMPOSE_HASH_MR_CONFIG_ID;
        return RATLS_OK;
    }
    CHECK(ratls_bytes_equal(value, ratls_identity_field(identity, RATLS_FIELD_COMPOSE_HASH)), RATLS_ERR_EVIDENCE_MR_CONFIG_ID,
          WHAT("the compose hash in it"), FOUND_HEX(value.data, value.len), EXPECTED_HEX(identity->compose_hash, sizeof identity->compose_hash));
    status = RATLS_OK;
out:
    return status;
}

/* All that version 02 is made of is in a complete log. */
static ratls_status check_keccak(const ratls_identity *identity, const ratls_parsed_quote *quote, ratls_bytes value, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    bool confirmed = false;
    ratls_mr_config_candidate candidate = {
        .compose_hash = ratls_identity_field(identity, RATLS_FIELD_COMPOSE_HASH),
        .app_id = ratls_identity_field(identity, RATLS_FIELD_APP_ID),
        .key_provider_name = identity->key_provider_name,
        .key_provider_id = {identity->key_provider_id, identity->key_provider_id_len},
    };

    if (candidate.compose_hash.len == 0 || candidate.app_id.len == 0 || provider_number(candidate.key_provider_name) == PROVIDERS) {
        return RATLS_OK;
    }
    TRY(ratls_mr_config_id_confirm(&confirmed, quote, &candidate, err));
    CHECK(confirmed, RATLS_ERR_EVIDENCE_MR_CONFIG_ID, WHAT("its digest of application and key provider"), FOUND_HEX(value.data, value.len),
          EXPECTED("that of the event log's"));
    status = RATLS_OK;
out:
    return status;
}

/* A member of the document, which was proved, against what the log proved; either may be without it. */
static ratls_status check_member(const cJSON *document, const char *name, ratls_bytes known, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t value[RATLS_KEY_PROVIDER_ID_MAX];
    const char *text = NULL;

    if (known.len == 0 || cJSON_GetObjectItemCaseSensitive(document, name) == NULL) {
        return RATLS_OK;
    }
    CHECK(ratls_json_get_text(document, name, &text) && ratls_json_get_hex(document, name, value, known.len) &&
              ratls_bytes_equal(known, (ratls_bytes){value, known.len}),
          RATLS_ERR_EVIDENCE_MR_CONFIG_ID, WHAT(name), FOUND(text == NULL ? "no text" : text), EXPECTED_HEX(known.data, known.len));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status check_document_members(const ratls_identity *identity, const cJSON *document, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t number = provider_number(identity->key_provider_name);
    const char *provider = "";

    TRY(check_member(document, "compose_hash", ratls_identity_field(identity, RATLS_FIELD_COMPOSE_HASH), err));
    TRY(check_member(document, "app_id", ratls_identity_field(identity, RATLS_FIELD_APP_ID), err));
    TRY(check_member(document, "instance_id", ratls_identity_field(identity, RATLS_FIELD_INSTANCE_ID), err));
    TRY(check_member(document, "key_provider_id", (ratls_bytes){identity->key_provider_id, identity->key_provider_id_len}, err));
    CHECK(number == PROVIDERS || !ratls_json_get_text(document, "key_provider", &provider) || strcmp(provider, providers[number][1]) == 0,
          RATLS_ERR_EVIDENCE_MR_CONFIG_ID, WHAT("key_provider"), FOUND(provider), EXPECTED(identity->key_provider_name));
    status = RATLS_OK;
out:
    return status;
}

/* The document where dstack's configuration has it, also inside of the VM's configuration that is text in it; NULL: nowhere. */
static const char *find_document(const cJSON *config, cJSON **inner)
{
    const char *document = NULL, *vm_config = NULL;

    if (ratls_json_get_text(config, "mr_config", &document) && document[0] != '\0') {
        return document;
    }
    if (!ratls_json_get_text(config, "vm_config", &vm_config) ||
        ratls_json_parse(inner, (ratls_bytes){(const uint8_t *)vm_config, strlen(vm_config)}, NULL) != RATLS_JSON_OK) {
        return NULL;
    }
    return ratls_json_get_text(*inner, "mr_config", &document) ? document : NULL;
}

/* The host's claims prove nothing by themselves: a document counts only when it is the one that is hashed. */
static ratls_status check_document(const ratls_identity *identity, ratls_bytes value, ratls_bytes config, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    cJSON *outer = NULL, *inner = NULL, *document = NULL;
    const char *text = NULL;
    ratls_bytes bytes = {0};
    bool proved = false;

    if (config.len <= RATLS_JSON_SIZE_MAX && ratls_json_parse(&outer, config, NULL) == RATLS_JSON_OK) {
        text = find_document(outer, &inner);
    }
    if (text != NULL) {
        bytes = (ratls_bytes){(const uint8_t *)text, strlen(text)};
        TRY(is_document(&proved, value, bytes, err));
    }
    if (proved && ratls_json_parse(&document, bytes, NULL) == RATLS_JSON_OK) {
        TRY(check_document_members(identity, document, err));
    }
    status = RATLS_OK;
out:
    cJSON_Delete(document);
    cJSON_Delete(inner);
    cJSON_Delete(outer);
    return status;
}

ratls_status ratls_mr_config_id_check(ratls_identity *identity, const ratls_parsed_quote *quote, ratls_bytes config, ratls_error **err)
{
    ratls_bytes value;

    switch (form_of(quote, &value)) {
    case FORM_COMPOSE_HASH:
        return check_compose_hash(identity, value, err);
    case FORM_KECCAK:
        return check_keccak(identity, quote, value, err);
    case FORM_DOCUMENT:
        return check_document(identity, value, config, err);
    default:
        return RATLS_OK;
    }
}

#include "intel/token.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "intel/config.h"

typedef struct {
    ratls_bytes header;
    ratls_bytes payload;
    ratls_bytes signature;
} token_parts;

static bool is_token_character(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Three parts that are not empty, and nothing but digits of base64url in them. */
static bool split(token_parts *out, ratls_bytes text)
{
    ratls_bytes *const parts[] = {&out->header, &out->payload, &out->signature};
    size_t part = 0, start = 0;

    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.data[i] != '.') {
            if (!is_token_character(text.data[i])) {
                return false;
            }
            continue;
        }
        if (part == 3 || i == start) {
            return false;
        }
        *parts[part++] = (ratls_bytes){text.data + start, i - start};
        start = i + 1;
    }
    return part == 3;
}

static ratls_status split_token(token_parts *out, ratls_bytes text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(text.len <= RATLS_INTEL_TOKEN_MAX, RATLS_ERR_INTEL_TOKEN_FORMAT, WHAT("it is longer than the limit of 49152 characters"));
    CHECK(split(out, text), RATLS_ERR_INTEL_TOKEN_FORMAT, WHAT("it is not three parts of base64url joined by dots"));
    CHECK(out->header.len <= RATLS_INTEL_TOKEN_HEADER_MAX, RATLS_ERR_INTEL_TOKEN_FORMAT, WHAT("its header is longer than the limit"));
    CHECK(out->signature.len <= RATLS_INTEL_TOKEN_SIGNATURE_MAX, RATLS_ERR_INTEL_TOKEN_FORMAT, WHAT("its signature is longer than the limit"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status decode_part(uint8_t **out, size_t *out_len, ratls_bytes part, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_base64_outcome outcome = ratls_base64url_decode(out, out_len, part);

    CHECK(outcome != RATLS_BASE64_OUT_OF_MEMORY, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(outcome == RATLS_BASE64_OK, RATLS_ERR_INTEL_TOKEN_FORMAT, WHAT("a part of it is not base64url"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status check_algorithm(ratls_intel_token *token, const cJSON *header, const ratls_intel_token_rules *rules, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *name = "";

    (void)ratls_json_get_text(header, "alg", &name);
    token->algorithm = ratls_intel_algorithm_parse(name);
    CHECK(token->algorithm != 0 && (token->algorithm & rules->allowed_algorithms) != 0, RATLS_ERR_INTEL_TOKEN_ALGORITHM, FOUND(name),
          EXPECTED(ratls_intel_algorithms_text(rules->allowed_algorithms)));
    status = RATLS_OK;
out:
    return status;
}

/* A token's own words on where its key is or how it is to be read are an attacker's way in: none are followed. */
static ratls_status check_header_members(const cJSON *header, const ratls_intel_token_rules *rules, ratls_error **err)
{
    static const char *const refused[] = {"crit", "b64", "jwk", "x5c", "x5u", "zip", "enc"};
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *type = "JWT", *key_set_url = rules->key_set_url;

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        CHECK(cJSON_GetObjectItemCaseSensitive(header, refused[i]) == NULL, RATLS_ERR_INTEL_TOKEN_HEADER, WHAT("it has a member that is not allowed"),
              FOUND(refused[i]));
    }
    CHECK(cJSON_GetObjectItemCaseSensitive(header, "typ") == NULL || (ratls_json_get_text(header, "typ", &type) && strcmp(type, "JWT") == 0),
          RATLS_ERR_INTEL_TOKEN_HEADER, WHAT("typ is not JWT"));
    CHECK(cJSON_GetObjectItemCaseSensitive(header, "jku") == NULL ||
              (ratls_json_get_text(header, "jku", &key_set_url) && strcmp(key_set_url, rules->key_set_url) == 0),
          RATLS_ERR_INTEL_TOKEN_HEADER, WHAT("jku is not the portal's key set"), FOUND(key_set_url), EXPECTED(rules->key_set_url));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_key_id(ratls_intel_token *token, const cJSON *header, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *key_id = "";
    size_t len;

    CHECK(ratls_json_get_text(header, "kid", &key_id), RATLS_ERR_INTEL_TOKEN_KEY_ID, WHAT("its header has no kid that is a string"));
    len = strlen(key_id);
    CHECK(len > 0 && len <= RATLS_INTEL_KEY_ID_MAX, RATLS_ERR_INTEL_TOKEN_KEY_ID, WHAT("kid is empty or longer than 256 characters"));
    for (size_t i = 0; i < len; i++) {
        CHECK(key_id[i] >= 0x20 && key_id[i] < 0x7f, RATLS_ERR_INTEL_TOKEN_KEY_ID, WHAT("kid is not printable ASCII"));
    }
    memcpy(token->key_id, key_id, len + 1);
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_header(ratls_intel_token *token, ratls_bytes json, const ratls_intel_token_rules *rules, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    cJSON *header = NULL;
    ratls_json_outcome outcome = ratls_json_parse(&header, json, NULL);

    CHECK(outcome != RATLS_JSON_OUT_OF_MEMORY, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(outcome == RATLS_JSON_OK && cJSON_IsObject(header), RATLS_ERR_INTEL_TOKEN_FORMAT,
          WHAT("its header is not a JSON object without duplicate keys"));
    TRY(check_algorithm(token, header, rules, err));
    TRY(check_header_members(header, rules, err));
    TRY(read_key_id(token, header, err));
    status = RATLS_OK;
out:
    cJSON_Delete(header);
    return status;
}

ratls_status ratls_intel_token_parse(ratls_intel_token *out, ratls_bytes text, const ratls_intel_token_rules *rules, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    token_parts parts = {0};
    uint8_t *header = NULL;
    size_t header_len = 0;

    *out = (ratls_intel_token){0};
    TRY(split_token(&parts, text, err));
    TRY(decode_part(&header, &header_len, parts.header, err));
    TRY(decode_part(&out->payload, &out->payload_len, parts.payload, err));
    TRY(decode_part(&out->signature, &out->signature_len, parts.signature, err));
    TRY(read_header(out, (ratls_bytes){header, header_len}, rules, err));
    out->signed_part = (ratls_bytes){text.data, parts.header.len + 1 + parts.payload.len};
    status = RATLS_OK;
out:
    free(header);
    if (status != RATLS_OK) {
        ratls_intel_token_clear(out);
    }
    return status;
}

void ratls_intel_token_clear(ratls_intel_token *token)
{
    free(token->payload);
    free(token->signature);
    *token = (ratls_intel_token){0};
}

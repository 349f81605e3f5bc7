/* Evidence without a certificate: what dstack's guest agent answers, or an envelope by itself (evidence format 2, 5.3). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "evidence/evidence.h"

enum { JSON_SIZE_MAX = 4 << 20 /* an envelope of 1 MiB in hexadecimal, a quote and a log beside it */ };

/* A member in hexadecimal, with or without 0x; decoded it is the caller's. Absent and empty are the same. */
static ratls_status read_hex(uint8_t **owned, ratls_bytes *out, const cJSON *json, const char *key, const char *what, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *text = "";
    size_t len;

    *out = (ratls_bytes){0};
    CHECK(cJSON_GetObjectItemCaseSensitive(json, key) == NULL || ratls_json_get_text(json, key, &text), RATLS_ERR_EVIDENCE_FORMAT, WHAT(what));
    text += strncmp(text, "0x", 2) == 0 ? 2 : 0;
    len = strlen(text);
    *owned = malloc(len / 2 + 1);
    CHECK(*owned != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(len % 2 == 0 && ratls_hex_read(*owned, len / 2, text, len), RATLS_ERR_EVIDENCE_FORMAT, WHAT(what));
    *out = (ratls_bytes){*owned, len / 2};
    status = RATLS_OK;
out:
    return status;
}

/* The log as text, which is how GetQuote gives it, or as the array itself. */
static ratls_status keep_log(ratls_evidence *out, const cJSON *json, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, "event_log");

    if (item == NULL || (cJSON_IsString(item) && item->valuestring[0] == '\0')) {
        return RATLS_OK;
    }
    out->event_log = cJSON_IsString(item) ? (uint8_t *)strdup(item->valuestring) : (uint8_t *)cJSON_PrintUnformatted(item);
    CHECK(out->event_log != NULL, RATLS_ERR_OUT_OF_MEMORY);
    out->event_log_len = strlen((const char *)out->event_log);
    TRY(ratls_evidence_read_log(out, err));
    /* Unlike a certificate's extension this is a log by its name. */
    CHECK(out->has_events, RATLS_ERR_EVIDENCE_EVENT_LOG_FORMAT, WHAT("event_log is not a JSON array of objects"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status keep_config(ratls_evidence *out, const cJSON *json, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *config = NULL;

    if (ratls_json_get_text(json, "vm_config", &config)) {
        out->config = (uint8_t *)strdup(config);
        CHECK(out->config != NULL, RATLS_ERR_OUT_OF_MEMORY);
        out->config_len = strlen(config);
    }
    status = RATLS_OK;
out:
    return status;
}

/* A quote with its log beside it. */
static ratls_status keep_answer(ratls_evidence *out, ratls_bytes quote, ratls_bytes report_data, const cJSON *json, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t padded[RATLS_REPORT_DATA_LEN] = {0};
    ratls_parsed_quote parsed;

    TRY(ratls_evidence_keep_quote(out, &parsed, quote, err));
    /* The answer tells what was asked for, which is padded with zeros in the quote. */
    if (report_data.len > 0) {
        CHECK(report_data.len <= sizeof padded, RATLS_ERR_EVIDENCE_REPORT_DATA_COPY);
        memcpy(padded, report_data.data, report_data.len);
        CHECK(ratls_bytes_equal((ratls_bytes){padded, sizeof padded}, ratls_quote_body_field(&parsed, RATLS_FIELD_REPORT_DATA)),
              RATLS_ERR_EVIDENCE_REPORT_DATA_COPY);
    }
    TRY(keep_log(out, json, err));
    TRY(keep_config(out, json, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status keep_members(ratls_evidence *out, const cJSON *json, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t *quote = NULL, *envelope = NULL, *copy = NULL;
    ratls_bytes quote_bytes, envelope_bytes, report_data;

    TRY(read_hex(&quote, &quote_bytes, json, "quote", "quote is not hexadecimal text", err));
    TRY(read_hex(&envelope, &envelope_bytes, json, "attestation", "attestation is not hexadecimal text", err));
    TRY(read_hex(&copy, &report_data, json, "report_data", "report_data is not hexadecimal text", err));
    CHECK(quote_bytes.len > 0 || envelope_bytes.len > 0, RATLS_ERR_EVIDENCE_FORMAT, WHAT("it has neither quote nor attestation"));
    if (envelope_bytes.len > 0) {
        TRY(ratls_evidence_keep_envelope(out, envelope_bytes, quote_bytes, "attestation", "quote", err));
    } else {
        TRY(keep_answer(out, quote_bytes, report_data, json, err));
    }
    status = RATLS_OK;
out:
    free(quote);
    free(envelope);
    free(copy);
    return status;
}

static ratls_status keep_json(ratls_evidence *out, ratls_bytes input, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    cJSON *json = NULL;
    ratls_json_outcome outcome = RATLS_JSON_MALFORMED;

    CHECK(input.len <= JSON_SIZE_MAX, RATLS_ERR_EVIDENCE_FORMAT, WHAT("it is larger than 4 MiB"));
    outcome = ratls_json_parse(&json, input, NULL);
    CHECK(outcome != RATLS_JSON_OUT_OF_MEMORY, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(outcome != RATLS_JSON_DUPLICATE_KEY, RATLS_ERR_EVIDENCE_FORMAT, WHAT("it has a key twice"));
    CHECK(outcome == RATLS_JSON_OK && cJSON_IsObject(json), RATLS_ERR_EVIDENCE_FORMAT, WHAT("it is not a JSON object"));
    TRY(keep_members(out, json, err));
    status = RATLS_OK;
out:
    cJSON_Delete(json);
    return status;
}

ratls_status ratls_evidence_from_bytes(ratls_evidence *out, ratls_bytes input, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_evidence found = {.present = true};

    *out = (ratls_evidence){0};
    CHECK(input.len > 0, RATLS_ERR_EVIDENCE_FORMAT, WHAT("it is empty"));
    /* No envelope starts with a brace or white space (evidence format 2.1). */
    if (memchr("{ \t\r\n", input.data[0], 5) != NULL) {
        TRY(keep_json(&found, input, err));
    } else {
        TRY(ratls_evidence_keep_envelope(&found, input, (ratls_bytes){0}, "", "", err));
    }
    *out = found;
    found = (ratls_evidence){0};
    status = RATLS_OK;
out:
    ratls_evidence_clear(&found);
    return status;
}

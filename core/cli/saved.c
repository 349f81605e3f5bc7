#include "saved.h"

#include <stdlib.h>
#include <string.h>

#include "decode.h"

static const char *const members[] = {"certificate", "quote", "collateral", "trust_anchor", "verified_at"};

static bool refuse_file(const char *path, const char *expected, cli_failure *failure)
{
    return CLI_FAIL(failure, RATLS_ERR_INPUT_FORMAT, {"path", path}, {"expected", expected});
}

/* Each member once and no other: then counting them is enough. */
static bool has_exactly_the_members(const cJSON *file)
{
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (cJSON_GetObjectItemCaseSensitive(file, members[i]) == NULL) {
            return false;
        }
    }
    return cJSON_IsObject(file) && cJSON_GetArraySize(file) == (int)(sizeof members / sizeof members[0]);
}

/* Text, or null for an empty *out. */
static bool take_text(cli_bytes *out, const cJSON *file, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(file, name);

    if (cJSON_IsNull(item)) {
        return true;
    }
    if (!cJSON_IsString(item) || item->valuestring[0] == '\0') {
        return false;
    }
    out->data = (uint8_t *)strdup(item->valuestring);
    out->len = out->data == NULL ? 0 : strlen(item->valuestring);
    return out->data != NULL;
}

/* The bundle as text again, for the library to read as it reads a file. */
static bool take_bundle(cli_bytes *out, const cJSON *file)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(file, "collateral");

    if (cJSON_IsNull(item)) {
        return true;
    }
    out->data = cJSON_IsObject(item) ? (uint8_t *)cJSON_PrintUnformatted(item) : NULL;
    out->len = out->data == NULL ? 0 : strlen((const char *)out->data);
    return out->data != NULL;
}

static bool take_certificate(cli_bytes *out, const cJSON *file)
{
    cli_bytes pem = {0};
    bool taken = take_text(&pem, file, "certificate") && pem.data != NULL &&
                 cli_decode(&out->data, &out->len, pem.data, pem.len, "CERTIFICATE") == CLI_DECODE_TEXT;

    cli_bytes_clear(&pem);
    return taken;
}

/* It is there for other readers; here it must not tell of another quote than the certificate. */
static bool quote_matches(const cJSON *file, const cli_bytes *certificate)
{
    uint8_t *quote = NULL, *saved = NULL;
    size_t quote_len = 0, saved_len = 0;
    cli_bytes text = {0};
    /* A certificate that cannot be read has no quote; why that is, verifying says. */
    bool same = ratls_extract_tdx_quote(&quote, &quote_len, certificate->data, certificate->len, NULL) != RATLS_OK || quote != NULL ||
                cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(file, "quote"));

    if (same && quote != NULL) {
        same = take_text(&text, file, "quote") && text.data != NULL &&
               cli_decode(&saved, &saved_len, text.data, text.len, "QUOTE") == CLI_DECODE_TEXT && saved_len == quote_len &&
               memcmp(saved, quote, quote_len) == 0;
    }
    ratls_bytes_free(quote);
    free(saved);
    cli_bytes_clear(&text);
    return same;
}

static bool take_members(cli_saved *out, const cJSON *file, const char *path, cli_failure *failure)
{
    cli_bytes time = {0};

    if (!has_exactly_the_members(file)) {
        return refuse_file(path, "saved evidence: a JSON object with certificate, quote, collateral, trust_anchor and verified_at", failure);
    }
    if (!take_certificate(&out->certificate, file)) {
        return refuse_file(path, "a certificate as PEM in \"certificate\"", failure);
    }
    if (!quote_matches(file, &out->certificate)) {
        return refuse_file(path, "the certificate's own quote in \"quote\"", failure);
    }
    if (!take_bundle(&out->collateral, file)) {
        return refuse_file(path, "a collateral bundle or null in \"collateral\"", failure);
    }
    if (!take_text(&out->trust_anchor, file, "trust_anchor")) {
        return refuse_file(path, "a root certificate as PEM or null in \"trust_anchor\"", failure);
    }
    if (!take_text(&time, file, "verified_at") || time.data == NULL) {
        return refuse_file(path, "a time in \"verified_at\"", failure);
    }
    out->verified_at = (char *)time.data;
    return true;
}

bool cli_saved_read(cli_saved *out, const char *path, cli_failure *failure)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    cli_bytes bytes;
    cJSON *file = NULL;
    bool read;

    *out = (cli_saved){0};
    if (!cli_input_read(&bytes, path, CLI_SAVED_FILE_MAX, failure)) {
        return false;
    }
    /* A NUL within would end the text early, unseen. */
    if (strlen((const char *)bytes.data) == bytes.len) {
        file = cJSON_ParseWithOpts((const char *)bytes.data, NULL, true);
    }
    read = take_members(out, file, name, failure);
    cJSON_Delete(file);
    cli_bytes_clear(&bytes);
    if (!read) {
        cli_saved_clear(out);
    }
    return read;
}

void cli_saved_clear(cli_saved *saved)
{
    cli_bytes_clear(&saved->certificate);
    cli_bytes_clear(&saved->collateral);
    cli_bytes_clear(&saved->trust_anchor);
    free(saved->verified_at);
    *saved = (cli_saved){0};
}

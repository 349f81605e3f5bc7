#include "report/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/time.h"

enum {
    LSN_DIGITS_MAX = 8,
    INSTANCE_ID_MAX = 128
};

static const char *const measurement_names[RATLS_REPORT_MEASUREMENTS] = {"mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3"};
static const ratls_field measurement_fields[RATLS_REPORT_MEASUREMENTS] = {
    RATLS_FIELD_MR_TD, RATLS_FIELD_RTMR0, RATLS_FIELD_RTMR1, RATLS_FIELD_RTMR2, RATLS_FIELD_RTMR3};

static ratls_status raise_format(const char *what, ratls_error **err)
{
    return RAISE(err, RATLS_ERR_REPORT_FORMAT, WHAT(what));
}

/* Exactly `len` bytes in hexadecimal, with or without 0x. */
static bool get_hex(const cJSON *object, const char *key, uint8_t *out, size_t len)
{
    const char *text;

    if (!ratls_json_get_text(object, key, &text)) {
        return false;
    }
    text += strncmp(text, "0x", 2) == 0 ? 2 : 0;
    return ratls_hex_read(out, len, text, strlen(text));
}

static ratls_status read_quote(ratls_report *out, const cJSON *json, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *text = NULL;

    CHECK(ratls_json_get_text(json, "quote", &text), RATLS_ERR_REPORT_FORMAT, WHAT("quote is not there, or not text"));
    text += strncmp(text, "0x", 2) == 0 ? 2 : 0;
    out->quote_len = strlen(text) / 2;
    out->quote = malloc(out->quote_len + 1);
    CHECK(out->quote != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(out->quote_len > 0 && ratls_hex_read(out->quote, out->quote_len, text, strlen(text)), RATLS_ERR_REPORT_FORMAT,
          WHAT("quote is not hexadecimal"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_measurements(ratls_report *out, const cJSON *json, ratls_error **err)
{
    const cJSON *tcb_info = ratls_json_get_object(json, "tcb_info");

    if (tcb_info == NULL) {
        return raise_format("tcb_info is not there, or not an object", err);
    }
    for (size_t i = 0; i < RATLS_REPORT_MEASUREMENTS; i++) {
        if (!get_hex(tcb_info, measurement_names[i], out->measurements[i], RATLS_MEASUREMENT_LEN)) {
            return raise_format("tcb_info needs mrtd and rtmr0 to rtmr3, 96 hexadecimal digits each", err);
        }
    }
    return RATLS_OK;
}

static ratls_status read_application(ratls_report *out, const cJSON *json, ratls_error **err)
{
    const char *instance_id;

    if (!get_hex(json, "app_id", out->app_id, sizeof out->app_id)) {
        return raise_format("app_id is not 40 hexadecimal digits", err);
    }
    if (!get_hex(json, "compose_hash", out->compose_hash, sizeof out->compose_hash)) {
        return raise_format("compose_hash is not 64 hexadecimal digits", err);
    }
    if (!ratls_json_get_text(json, "instance_id", &instance_id) || strlen(instance_id) > INSTANCE_ID_MAX) {
        return raise_format("instance_id is not text of at most 128 bytes", err);
    }
    return RATLS_OK;
}

static bool is_hex_number(const char *text, size_t len)
{
    return len > 0 && len <= LSN_DIGITS_MAX && strspn(text, "0123456789ABCDEFabcdef") >= len;
}

/* X/Y, as PostgreSQL writes it. */
static bool is_lsn(const char *text)
{
    const char *slash = strchr(text, '/');

    return slash != NULL && is_hex_number(text, (size_t)(slash - text)) && is_hex_number(slash + 1, strlen(slash + 1));
}

static ratls_status read_state(ratls_report *out, const cJSON *json, ratls_error **err)
{
    const cJSON *state = ratls_json_get_object(json, "postgres_state");
    const char *lsn = "";

    if (!ratls_json_get_text(state, "wal_lsn", &lsn) || !is_lsn(lsn)) {
        return raise_format("postgres_state.wal_lsn is not an LSN such as 0/1A2B3C8", err);
    }
    memcpy(out->wal_lsn, lsn, strlen(lsn) + 1);
    if (!get_hex(state, "controldata_hash", out->controldata_hash, sizeof out->controldata_hash)) {
        return raise_format("postgres_state.controldata_hash is not 64 hexadecimal digits", err);
    }
    if (!ratls_json_get_integer(json, "timestamp", 0, INT64_C(253402300799), &out->timestamp)) {
        return raise_format("timestamp is not a whole number of seconds since 1970", err);
    }
    return RATLS_OK;
}

static ratls_status read_report(ratls_report *out, ratls_bytes text, cJSON **json, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_json_outcome outcome = RATLS_JSON_MALFORMED;

    CHECK(text.len <= RATLS_REPORT_SIZE_MAX, RATLS_ERR_REPORT_FORMAT, WHAT("it is larger than 256 KiB"));
    outcome = ratls_json_parse_integers(json, text, NULL);
    CHECK(outcome != RATLS_JSON_OUT_OF_MEMORY, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(outcome != RATLS_JSON_DUPLICATE_KEY, RATLS_ERR_REPORT_FORMAT, WHAT("it has a key twice"));
    CHECK(outcome == RATLS_JSON_OK && cJSON_IsObject(*json), RATLS_ERR_REPORT_FORMAT, WHAT("it is not JSON, or a number in it is not whole"));
    TRY(read_quote(out, *json, err));
    TRY(read_measurements(out, *json, err));
    TRY(read_application(out, *json, err));
    TRY(read_state(out, *json, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_report_parse(ratls_report *out, ratls_bytes json, ratls_error **err)
{
    ratls_report found = {0};
    cJSON *parsed = NULL;
    ratls_status status = read_report(&found, json, &parsed, err);

    cJSON_Delete(parsed);
    if (status != RATLS_OK) {
        ratls_report_clear(&found);
    }
    *out = found;
    return status;
}

void ratls_report_clear(ratls_report *report)
{
    free(report->quote);
    *report = (ratls_report){0};
}

ratls_status ratls_report_check_measurements(const ratls_report *report, const ratls_parsed_quote *quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    for (size_t i = 0; i < RATLS_REPORT_MEASUREMENTS; i++) {
        ratls_bytes own = ratls_quote_body_field(quote, measurement_fields[i]);

        CHECK(ratls_bytes_equal(own, (ratls_bytes){report->measurements[i], RATLS_MEASUREMENT_LEN}), RATLS_ERR_REPORT_CONTRADICTION,
              ratls_detail_text("field", measurement_names[i]), FOUND_HEX(report->measurements[i], RATLS_MEASUREMENT_LEN),
              EXPECTED_HEX(own.data, own.len));
    }
    status = RATLS_OK;
out:
    return status;
}

/* How the hash and the time after the LSN may be written (evidence format 3.5): the documentation does not say. */
typedef struct {
    const char *name;
    bool hash_as_text;
    enum { TIME_DECIMAL, TIME_BIG_ENDIAN, TIME_LITTLE_ENDIAN } time;
} report_encoding;

static const report_encoding encodings[] = {
    {"A", true, TIME_DECIMAL},     {"B", false, TIME_BIG_ENDIAN},    {"C", false, TIME_LITTLE_ENDIAN},
    {"D", true, TIME_BIG_ENDIAN}, {"E", true, TIME_LITTLE_ENDIAN}, {"F", false, TIME_DECIMAL}};

static void add_time(ratls_text *text, const report_encoding *encoding, int64_t seconds)
{
    if (encoding->time == TIME_DECIMAL) {
        ratls_text_add_number(text, seconds);
        return;
    }
    for (unsigned i = 0; i < sizeof seconds; i++) {
        unsigned shift = encoding->time == TIME_LITTLE_ENDIAN ? 8 * i : 8 * ((unsigned)sizeof seconds - 1 - i);
        char octet = (char)(uint8_t)((uint64_t)seconds >> shift);

        ratls_text_add_bytes(text, &octet, 1);
    }
}

/* SHA-256 of the encoding and 32 zero bytes: all of REPORTDATA. */
static ratls_status encode(uint8_t out[RATLS_REPORT_DATA_LEN], const report_encoding *encoding, const ratls_report *report, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text text = {0};

    memset(out, 0, RATLS_REPORT_DATA_LEN);
    ratls_text_add(&text, report->wal_lsn);
    if (encoding->hash_as_text) {
        ratls_text_add_hex(&text, report->controldata_hash, sizeof report->controldata_hash);
    } else {
        ratls_text_add_bytes(&text, (const char *)report->controldata_hash, sizeof report->controldata_hash);
    }
    add_time(&text, encoding, report->timestamp);
    CHECK(!text.failed, RATLS_ERR_OUT_OF_MEMORY);
    TRY(ratls_sha256(out, (ratls_bytes){(const uint8_t *)text.data, text.len}, (ratls_bytes){0}, err));
    status = RATLS_OK;
out:
    ratls_text_clear(&text);
    return status;
}

ratls_status ratls_report_bind(const char **encoding, const ratls_report *report, const ratls_parsed_quote *quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes found = ratls_quote_body_field(quote, RATLS_FIELD_REPORT_DATA);
    uint8_t expected[RATLS_REPORT_DATA_LEN];
    const char *matched = NULL;

    *encoding = NULL;
    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0] && matched == NULL; i++) {
        TRY(encode(expected, &encodings[i], report, err));
        if (ratls_bytes_equal(found, (ratls_bytes){expected, sizeof expected})) {
            matched = encodings[i].name;
        }
    }
    CHECK(matched != NULL, RATLS_ERR_REPORT_DATA_UNRECOGNISED, FOUND_HEX(found.data, found.len));
    *encoding = matched;
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_report_check_age(const ratls_report *report, int64_t now, int64_t max_age_s, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char found[RATLS_TIME_TEXT_LEN + 1], expected[RATLS_TIME_TEXT_LEN + 1];

    ratls_time_write(found, report->timestamp);
    ratls_time_write(expected, now);
    CHECK(report->timestamp <= now + RATLS_REPORT_CLOCK_SKEW_S, RATLS_ERR_REPORT_NOT_YET, FOUND(found), EXPECTED(expected));
    CHECK(now - report->timestamp <= max_age_s, RATLS_ERR_REPORT_STALE, FOUND(found), ratls_detail_number("age_s", now - report->timestamp),
          EXPECTED_NUMBER(max_age_s));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status check_claim(const char *name, ratls_bytes claimed, ratls_bytes proved, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(proved.len == 0 || ratls_bytes_equal(claimed, proved), RATLS_ERR_REPORT_CONTRADICTION, ratls_detail_text("field", name),
          FOUND_HEX(claimed.data, claimed.len), EXPECTED_HEX(proved.data, proved.len));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_report_check_identity(const ratls_report *report, const ratls_identity *identity, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(check_claim("compose_hash", (ratls_bytes){report->compose_hash, sizeof report->compose_hash},
                    ratls_identity_field(identity, RATLS_FIELD_COMPOSE_HASH), err));
    TRY(check_claim("app_id", (ratls_bytes){report->app_id, sizeof report->app_id}, ratls_identity_field(identity, RATLS_FIELD_APP_ID), err));
    status = RATLS_OK;
out:
    return status;
}

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "evidence/attestation.h"
#include "evidence/messagepack.h"
#include "evidence/quote.h"

enum {
    MEMBERS_MAX = 64, /* of one map, known and unknown: real ones have at most seven */
    VERSION_1 = 1,
    OCTET_MAX = 0xff,
    TOP_DEPTH = RATLS_MESSAGEPACK_DEPTH_MAX
};

/* A member of a map that is to be found, and its value's bytes; empty when the map has no such key. */
typedef struct {
    const char *name;
    ratls_bytes value;
} map_member;

/* A value, and where the envelope starts, for offsets; `depth` maps and arrays may lie in it. */
typedef struct {
    ratls_reader reader;
    size_t depth;
} value_cursor;

static ratls_status raise_at(const ratls_reader *reader, const char *what, ratls_error **err)
{
    return RAISE(err, RATLS_ERR_EVIDENCE_MESSAGEPACK_FORMAT, WHAT(what),
                 ratls_detail_number("offset", (int64_t)ratls_reader_offset(reader)));
}

static ratls_status raise_too_large(const char *what, size_t found, size_t limit, ratls_error **err)
{
    return RAISE(err, RATLS_ERR_EVIDENCE_ENVELOPE_TOO_LARGE, WHAT(what), FOUND_NUMBER(found), EXPECTED_NUMBER(limit));
}

/* A cursor over a value that lies in the one under `parent`; over nothing, where `parent` stands, for an
 * absent value. */
static value_cursor cursor_into(const value_cursor *parent, ratls_bytes value)
{
    value_cursor inside = *parent;

    inside.reader.next = value.len == 0 ? parent->reader.next : value.data;
    inside.reader.left = value.len;
    inside.depth = parent->depth - 1;
    return inside;
}

static bool seen_before(const ratls_bytes *keys, size_t count, ratls_bytes key)
{
    for (size_t i = 0; i < count; i++) {
        if (ratls_bytes_equal(keys[i], key)) {
            return true;
        }
    }
    return false;
}

static void keep_member(map_member *members, size_t members_len, ratls_bytes key, ratls_bytes value)
{
    for (size_t i = 0; i < members_len; i++) {
        if (ratls_bytes_equal_text(key, members[i].name)) {
            members[i].value = value;
        }
    }
}

/* Take a whole map apart: keys in any order, none twice, unknown ones passed over. A value is only found
 * here, and read by whoever asked for it. */
static ratls_status read_map(map_member *members, size_t members_len, value_cursor *cursor, const char *what, ratls_error **err)
{
    ratls_bytes keys[MEMBERS_MAX];
    uint32_t pairs;

    if (!ratls_messagepack_map(&cursor->reader, &pairs)) {
        return raise_at(&cursor->reader, what, err);
    }
    if (pairs > MEMBERS_MAX) {
        return raise_too_large(what, pairs, MEMBERS_MAX, err);
    }
    for (uint32_t i = 0; i < pairs; i++) {
        ratls_bytes value;

        if (!ratls_messagepack_text(&cursor->reader, &keys[i])) {
            return raise_at(&cursor->reader, "a key that is not text", err);
        }
        if (seen_before(keys, i, keys[i])) {
            return raise_at(&cursor->reader, "a key that is there twice", err);
        }
        if (!ratls_messagepack_skip(&cursor->reader, cursor->depth - 1, &value)) {
            return raise_at(&cursor->reader, "a value that is cut off, too deep or none", err);
        }
        keep_member(members, members_len, keys[i], value);
    }
    return RATLS_OK;
}

/* The readers below fail when the value is absent, since there is nothing to read, or of another kind. */

static ratls_status read_text(ratls_bytes *out, const value_cursor *parent, ratls_bytes value, size_t limit, const char *what, ratls_error **err)
{
    value_cursor cursor = cursor_into(parent, value);

    if (!ratls_messagepack_text(&cursor.reader, out)) {
        return raise_at(&cursor.reader, what, err);
    }
    return out->len <= limit ? RATLS_OK : raise_too_large(what, out->len, limit, err);
}

static ratls_status read_bin(ratls_bytes *out, const value_cursor *parent, ratls_bytes value, const char *what, ratls_error **err)
{
    value_cursor cursor = cursor_into(parent, value);

    if (!ratls_messagepack_bin(&cursor.reader, out)) {
        return raise_at(&cursor.reader, what, err);
    }
    return out->len <= RATLS_ATTESTATION_PAYLOAD_MAX ? RATLS_OK : raise_too_large(what, out->len, RATLS_ATTESTATION_PAYLOAD_MAX, err);
}

static ratls_status read_u32(uint32_t *out, const value_cursor *parent, ratls_bytes value, const char *what, ratls_error **err)
{
    value_cursor cursor = cursor_into(parent, value);
    uint64_t number;

    if (!ratls_messagepack_unsigned(&cursor.reader, UINT32_MAX, &number)) {
        return raise_at(&cursor.reader, what, err);
    }
    *out = (uint32_t)number;
    return RATLS_OK;
}

/* Version of a runtime event's digest: 1 where it is left out (evidence format 2.6). */
static ratls_status read_version(uint32_t *out, const value_cursor *parent, ratls_bytes value, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    *out = 1;
    if (value.len > 0) {
        TRY(read_u32(out, parent, value, "event version", err));
    }
    if (*out != 1 && *out != 2) {
        return raise_at(&parent->reader, "event version that is neither 1 nor 2", err);
    }
    status = RATLS_OK;
out:
    return status;
}

/* Bytes as an array of integers, which is how a plain Vec<u8> is written, or as a bin. The number of them is
 * in *len; they go to `out` unless that is NULL. */
static ratls_status read_octets(uint8_t *out, size_t *len, const value_cursor *parent, ratls_bytes value, size_t limit, const char *what, ratls_error **err)
{
    value_cursor cursor = cursor_into(parent, value);
    ratls_bytes bytes;
    uint32_t count;

    if (ratls_messagepack_bin(&cursor.reader, &bytes)) {
        if (bytes.len > limit) {
            return raise_too_large(what, bytes.len, limit, err);
        }
        if (out != NULL && bytes.len > 0) {
            memcpy(out, bytes.data, bytes.len);
        }
        *len = bytes.len;
        return RATLS_OK;
    }
    if (!ratls_messagepack_array(&cursor.reader, &count)) {
        return raise_at(&cursor.reader, what, err);
    }
    if (count > limit) {
        return raise_too_large(what, count, limit, err);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t octet;

        if (!ratls_messagepack_unsigned(&cursor.reader, OCTET_MAX, &octet)) {
            return raise_at(&cursor.reader, what, err);
        }
        if (out != NULL) {
            out[i] = (uint8_t)octet;
        }
    }
    *len = count;
    return RATLS_OK;
}

/* `events` gets what an element tells of the log; most tell nothing. */
typedef ratls_status (*walk_element)(ratls_event_list *events, value_cursor *cursor, ratls_error **err);

static ratls_status walk_list(
    ratls_event_list *events, const value_cursor *parent, ratls_bytes value, walk_element walk, const char *what, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    value_cursor cursor = cursor_into(parent, value);
    uint32_t count;

    if (!ratls_messagepack_array(&cursor.reader, &count)) {
        return raise_at(&cursor.reader, what, err);
    }
    if (count > RATLS_ATTESTATION_EVENTS_MAX) {
        return raise_too_large(what, count, RATLS_ATTESTATION_EVENTS_MAX, err);
    }
    cursor.depth--; /* the elements lie in this array */
    for (uint32_t i = 0; i < count; i++) {
        TRY(walk(events, &cursor, err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* The walkers of elements leave the reader after the element; those of values get a parent and a value. */

/* Of the log beside the quote only what came before the application is kept. */
static ratls_status walk_tdx_event(ratls_event_list *events, value_cursor *cursor, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    map_member members[] = {{"imr", {0}},   {"event_type", {0}}, {"digest", {0}}, {"event", {0}}, {"event_payload", {0}},
                            {"version", {0}}, {"preimage", {0}}};
    ratls_event event = {.version = 1};
    ratls_bytes digest, text;
    uint32_t version;

    TRY(read_map(members, sizeof members / sizeof members[0], cursor, "event", err));
    TRY(read_u32(&event.imr, cursor, members[0].value, "event register", err));
    TRY(read_u32(&event.type, cursor, members[1].value, "event type", err));
    TRY(read_bin(&digest, cursor, members[2].value, "event digest", err));
    TRY(read_text(&event.name, cursor, members[3].value, RATLS_ATTESTATION_EVENT_NAME_MAX, "event name", err));
    TRY(read_bin(&event.payload, cursor, members[4].value, "event payload", err));
    if (members[5].value.len > 0) {
        TRY(read_u32(&version, cursor, members[5].value, "event version", err));
    }
    if (members[6].value.len > 0) {
        TRY(read_text(&text, cursor, members[6].value, RATLS_ATTESTATION_PAYLOAD_MAX, "event preimage", err));
    }
    if (event.imr < RATLS_RUNTIME_REGISTER && digest.len == sizeof event.digest) {
        event.has_digest = true;
        memcpy(event.digest, digest.data, digest.len);
        TRY(ratls_events_add(events, &event, err));
    }
    status = RATLS_OK;
out:
    return status;
}

static ratls_status walk_runtime_event(ratls_event_list *events, value_cursor *cursor, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    map_member members[] = {{"event", {0}}, {"payload", {0}}, {"version", {0}}};
    ratls_event event = {.imr = RATLS_RUNTIME_REGISTER, .type = RATLS_RUNTIME_EVENT};

    TRY(read_map(members, sizeof members / sizeof members[0], cursor, "runtime event", err));
    TRY(read_text(&event.name, cursor, members[0].value, RATLS_ATTESTATION_EVENT_NAME_MAX, "runtime event name", err));
    TRY(read_bin(&event.payload, cursor, members[1].value, "runtime event payload", err));
    TRY(read_version(&event.version, cursor, members[2].value, err));
    TRY(ratls_events_add(events, &event, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status walk_tpm_register(ratls_event_list *events, value_cursor *cursor, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    map_member members[] = {{"index", {0}}, {"algorithm", {0}}, {"value", {0}}};
    ratls_bytes algorithm, bytes;
    uint32_t index;

    (void)events;
    TRY(read_map(members, sizeof members / sizeof members[0], cursor, "TPM register", err));
    TRY(read_u32(&index, cursor, members[0].value, "TPM register index", err));
    TRY(read_text(&algorithm, cursor, members[1].value, RATLS_ATTESTATION_EVENT_NAME_MAX, "TPM register algorithm", err));
    TRY(read_bin(&bytes, cursor, members[2].value, "TPM register value", err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status walk_tpm_event(ratls_event_list *events, value_cursor *cursor, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    map_member members[] = {{"pcr_index", {0}}, {"digest", {0}}};
    ratls_bytes digest;
    uint32_t index;

    (void)events;
    TRY(read_map(members, sizeof members / sizeof members[0], cursor, "TPM event", err));
    TRY(read_u32(&index, cursor, members[0].value, "TPM event index", err));
    TRY(read_bin(&digest, cursor, members[1].value, "TPM event digest", err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status walk_tpm_quote(const value_cursor *parent, ratls_bytes value, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    map_member members[] = {{"message", {0}}, {"signature", {0}}, {"pcr_values", {0}}, {"ak_cert", {0}}, {"platform", {0}}, {"event_log", {0}}};
    value_cursor cursor = cursor_into(parent, value);
    ratls_bytes platform, bytes;

    TRY(read_map(members, sizeof members / sizeof members[0], &cursor, "TPM quote", err));
    TRY(read_bin(&bytes, &cursor, members[0].value, "TPM quote message", err));
    TRY(read_bin(&bytes, &cursor, members[1].value, "TPM quote signature", err));
    TRY(walk_list(NULL, &cursor, members[2].value, walk_tpm_register, "TPM registers", err));
    TRY(read_bin(&bytes, &cursor, members[3].value, "TPM key certificate", err));
    TRY(read_text(&platform, &cursor, members[4].value, RATLS_ATTESTATION_EVENT_NAME_MAX, "TPM platform", err));
    TRY(walk_list(NULL, &cursor, members[5].value, walk_tpm_event, "TPM events", err));
    status = RATLS_OK;
out:
    return status;
}

/* platform.data of the two TDX kinds; the quote goes to `out` unless that is NULL. */
static ratls_status walk_tdx(ratls_attestation *out, bool with_tpm, const value_cursor *parent, ratls_bytes value, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    map_member members[] = {{"quote", {0}}, {"event_log", {0}}, {"tpm_quote", {0}}};
    value_cursor cursor = cursor_into(parent, value);
    uint8_t *quote = NULL;
    size_t quote_len = 0;

    TRY(read_map(members, sizeof members / sizeof members[0], &cursor, "platform data", err));
    quote = malloc(RATLS_QUOTE_SIZE_MAX);
    CHECK(quote != NULL, RATLS_ERR_OUT_OF_MEMORY);
    TRY(read_octets(quote, &quote_len, &cursor, members[0].value, RATLS_QUOTE_SIZE_MAX, "quote", err));
    TRY(walk_list(&out->events, &cursor, members[1].value, walk_tdx_event, "event log", err));
    if (with_tpm) {
        TRY(walk_tpm_quote(&cursor, members[2].value, err));
    } else {
        out->quote = quote;
        out->quote_len = quote_len;
        quote = NULL;
    }
    status = RATLS_OK;
out:
    free(quote);
    return status;
}

static ratls_status walk_certificate(ratls_event_list *events, value_cursor *cursor, ratls_error **err)
{
    ratls_bytes certificate;
    size_t len;

    (void)events;
    if (!ratls_messagepack_skip(&cursor->reader, cursor->depth, &certificate)) {
        return raise_at(&cursor->reader, "SEV certificate", err);
    }
    return read_octets(NULL, &len, cursor, certificate, RATLS_ATTESTATION_PAYLOAD_MAX, "SEV certificate", err);
}

static ratls_status walk_sev_snp(const value_cursor *parent, ratls_bytes value, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    map_member members[] = {{"report", {0}}, {"cert_chain", {0}}, {"mr_config", {0}}};
    value_cursor cursor = cursor_into(parent, value);
    ratls_bytes configuration;
    size_t len;

    TRY(read_map(members, sizeof members / sizeof members[0], &cursor, "platform data", err));
    TRY(read_octets(NULL, &len, &cursor, members[0].value, RATLS_ATTESTATION_PAYLOAD_MAX, "SEV report", err));
    TRY(walk_list(NULL, &cursor, members[1].value, walk_certificate, "SEV certificates", err));
    TRY(read_text(&configuration, &cursor, members[2].value, RATLS_ATTESTATION_PAYLOAD_MAX, "SEV configuration", err));
    status = RATLS_OK;
out:
    return status;
}

/* platform.data of the two Nitro kinds: one document under the name that the kind gives it. */
static ratls_status walk_nitro(const char *name, const value_cursor *parent, ratls_bytes value, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    map_member members[] = {{name, {0}}};
    value_cursor cursor = cursor_into(parent, value);
    size_t len;

    TRY(read_map(members, 1, &cursor, "platform data", err));
    TRY(read_octets(NULL, &len, &cursor, members[0].value, RATLS_ATTESTATION_PAYLOAD_MAX, "Nitro document", err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status walk_platform_data(ratls_attestation *out, const value_cursor *parent, ratls_bytes data, ratls_error **err)
{
    bool unit_before = out->platform == RATLS_PLATFORM_GCP_TDX || out->platform == RATLS_PLATFORM_NITRO_ENCLAVE;

    /* Releases v0.5.9 to v0.5.11 wrote these two kinds without data. */
    if (data.len == 0 && unit_before) {
        return RATLS_OK;
    }
    switch (out->platform) {
    case RATLS_PLATFORM_TDX:
        return walk_tdx(out, false, parent, data, err);
    case RATLS_PLATFORM_GCP_TDX:
        return walk_tdx(out, true, parent, data, err);
    case RATLS_PLATFORM_SEV_SNP:
        return walk_sev_snp(parent, data, err);
    case RATLS_PLATFORM_NITRO_ENCLAVE:
        return walk_nitro("nsm_quote", parent, data, err);
    default:
        return walk_nitro("attestation_doc", parent, data, err);
    }
}

static ratls_status walk_platform(ratls_attestation *out, const value_cursor *parent, ratls_bytes value, ratls_error **err)
{
    static const ratls_platform platforms[] = {RATLS_PLATFORM_TDX, RATLS_PLATFORM_GCP_TDX, RATLS_PLATFORM_NITRO_ENCLAVE,
                                               RATLS_PLATFORM_SEV_SNP, RATLS_PLATFORM_AWS_NITRO_TPM};
    ratls_status status = RATLS_ERR_INTERNAL;
    map_member members[] = {{"kind", {0}}, {"data", {0}}};
    value_cursor cursor = cursor_into(parent, value);
    bool known = false;
    ratls_bytes kind;

    TRY(read_map(members, sizeof members / sizeof members[0], &cursor, "platform", err));
    TRY(read_text(&kind, &cursor, members[0].value, RATLS_ATTESTATION_EVENT_NAME_MAX, "platform kind", err));
    for (size_t i = 0; i < sizeof platforms / sizeof platforms[0] && !known; i++) {
        known = ratls_bytes_equal_text(kind, ratls_platform_name(platforms[i]));
        out->platform = platforms[i];
    }
    CHECK(known, RATLS_ERR_EVIDENCE_UNSUPPORTED_TEE, ratls_detail_chars("found", kind));
    TRY(walk_platform_data(out, &cursor, members[1].value, err));
    status = RATLS_OK;
out:
    return status;
}

/* Evidence format 2.6: a pod's report_data is the digest of the payload beside it. */
static ratls_status check_pod_payload(const ratls_attestation *attestation, ratls_bytes payload, ratls_error **err)
{
    static const char tag[] = "app-data:";
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t digest[RATLS_SHA512_LEN];

    TRY(ratls_sha512(digest, (ratls_bytes){(const uint8_t *)tag, sizeof tag - 1}, payload, err));
    CHECK(ratls_bytes_equal((ratls_bytes){digest, sizeof digest}, (ratls_bytes){attestation->report_data, sizeof attestation->report_data}),
          RATLS_ERR_EVIDENCE_REPORT_DATA_PAYLOAD);
    status = RATLS_OK;
out:
    return status;
}

static ratls_status walk_stack_data(ratls_attestation *out, bool pod, const value_cursor *parent, ratls_bytes value, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    map_member members[] = {{"report_data", {0}}, {"runtime_events", {0}}, {"config", {0}}, {"report_data_payload", {0}}};
    value_cursor cursor = cursor_into(parent, value);
    ratls_bytes text;
    size_t len = 0;

    TRY(read_map(members, sizeof members / sizeof members[0], &cursor, "stack data", err));
    TRY(read_octets(out->report_data, &len, &cursor, members[0].value, sizeof out->report_data, "report_data", err));
    if (len != sizeof out->report_data) {
        return raise_at(&cursor.reader, "report_data that is not 64 bytes", err);
    }
    TRY(walk_list(&out->events, &cursor, members[1].value, walk_runtime_event, "runtime events", err));
    TRY(read_text(&out->config, &cursor, members[2].value, RATLS_ATTESTATION_PAYLOAD_MAX, "config", err));
    if (pod) {
        TRY(read_text(&text, &cursor, members[3].value, RATLS_ATTESTATION_PAYLOAD_MAX, "report_data_payload", err));
        TRY(check_pod_payload(out, text, err));
    }
    status = RATLS_OK;
out:
    return status;
}

static ratls_status walk_stack(ratls_attestation *out, const value_cursor *parent, ratls_bytes value, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    map_member members[] = {{"kind", {0}}, {"data", {0}}};
    value_cursor cursor = cursor_into(parent, value);
    ratls_bytes kind;
    bool pod;

    TRY(read_map(members, sizeof members / sizeof members[0], &cursor, "stack", err));
    TRY(read_text(&kind, &cursor, members[0].value, RATLS_ATTESTATION_EVENT_NAME_MAX, "stack kind", err));
    pod = ratls_bytes_equal_text(kind, "dstack-pod");
    if (!pod && !ratls_bytes_equal_text(kind, "dstack")) {
        return raise_at(&cursor.reader, "unknown stack kind", err);
    }
    TRY(walk_stack_data(out, pod, &cursor, members[1].value, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_attestation_parse_v1(ratls_attestation *out, ratls_bytes input, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    map_member members[] = {{"version", {0}}, {"platform", {0}}, {"stack", {0}}};
    value_cursor cursor = {ratls_reader_over(input), TOP_DEPTH};
    value_cursor version;
    uint64_t number;

    TRY(read_map(members, sizeof members / sizeof members[0], &cursor, "envelope", err));
    if (cursor.reader.left > 0) {
        return raise_at(&cursor.reader, "bytes after its end", err);
    }
    version = cursor_into(&cursor, members[0].value);
    if (!ratls_messagepack_unsigned(&version.reader, VERSION_1, &number) || number != VERSION_1) {
        return raise_at(&version.reader, "version that is not 1", err);
    }
    out->version = VERSION_1;
    TRY(walk_platform(out, &cursor, members[1].value, err));
    TRY(walk_stack(out, &cursor, members[2].value, err));
    status = RATLS_OK;
out:
    return status;
}

#include <stdlib.h>
#include <string.h>

#include "evidence/attestation.h"
#include "evidence/quote.h"
#include "evidence/scale.h"

enum {
    TAG_TDX = 0,
    TAG_GCP_TDX = 1,
    TAG_NITRO_ENCLAVE = 2,
    TAG_SEV_SNP = 3,
    TAG_AWS_NITRO_TPM = 4,
    TPM_PLATFORM_LAST = 3
};

/* Everything below walks one part of the envelope and leaves the reader after it. */

static ratls_status raise_format(const ratls_reader *reader, const char *what, ratls_error **err)
{
    return RAISE(err, RATLS_ERR_EVIDENCE_SCALE_FORMAT, WHAT(what), ratls_detail_number("offset", (int64_t)ratls_reader_offset(reader)));
}

static ratls_status raise_too_large(const char *what, size_t found, size_t limit, ratls_error **err)
{
    return RAISE(err, RATLS_ERR_EVIDENCE_ENVELOPE_TOO_LARGE, WHAT(what), FOUND_NUMBER(found), EXPECTED_NUMBER(limit));
}

static ratls_status walk_bytes(ratls_bytes *out, ratls_reader *reader, size_t limit, const char *what, ratls_error **err)
{
    if (!ratls_scale_bytes(reader, out)) {
        return raise_format(reader, what, err);
    }
    return out->len <= limit ? RATLS_OK : raise_too_large(what, out->len, limit, err);
}

static ratls_status walk_text(ratls_bytes *out, ratls_reader *reader, size_t limit, const char *what, ratls_error **err)
{
    if (!ratls_scale_text(reader, out)) {
        return raise_format(reader, what, err);
    }
    return out->len <= limit ? RATLS_OK : raise_too_large(what, out->len, limit, err);
}

static ratls_status walk_u32(uint32_t *out, ratls_reader *reader, const char *what, ratls_error **err)
{
    return ratls_reader_u32_le(reader, out) ? RATLS_OK : raise_format(reader, what, err);
}

/* `events` gets what an element tells of the log; most tell nothing. */
typedef ratls_status (*walk_element)(ratls_event_list *events, ratls_reader *reader, ratls_error **err);

static ratls_status walk_list(ratls_event_list *events, ratls_reader *reader, walk_element walk, const char *what, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint32_t count;

    if (!ratls_scale_compact(reader, &count)) {
        return raise_format(reader, what, err);
    }
    if (count > RATLS_ATTESTATION_EVENTS_MAX) {
        return raise_too_large(what, count, RATLS_ATTESTATION_EVENTS_MAX, err);
    }
    for (uint32_t i = 0; i < count; i++) {
        TRY(walk(events, reader, err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* Of the log beside the quote only what came before the application is kept. */
static ratls_status walk_tdx_event(ratls_event_list *events, ratls_reader *reader, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_event event = {.version = 1};
    ratls_bytes digest;

    TRY(walk_u32(&event.imr, reader, "event register", err));
    TRY(walk_u32(&event.type, reader, "event type", err));
    TRY(walk_bytes(&digest, reader, RATLS_ATTESTATION_PAYLOAD_MAX, "event digest", err));
    TRY(walk_text(&event.name, reader, RATLS_ATTESTATION_EVENT_NAME_MAX, "event name", err));
    TRY(walk_bytes(&event.payload, reader, RATLS_ATTESTATION_PAYLOAD_MAX, "event payload", err));
    if (event.imr < RATLS_RUNTIME_REGISTER && digest.len == sizeof event.digest) {
        event.has_digest = true;
        memcpy(event.digest, digest.data, digest.len);
        TRY(ratls_events_add(events, &event, err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* Evidence format 2.3: the digest's version is not in the envelope, it is 1. */
static ratls_status walk_runtime_event(ratls_event_list *events, ratls_reader *reader, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_event event = {.imr = RATLS_RUNTIME_REGISTER, .type = RATLS_RUNTIME_EVENT, .version = 1};

    TRY(walk_text(&event.name, reader, RATLS_ATTESTATION_EVENT_NAME_MAX, "runtime event name", err));
    TRY(walk_bytes(&event.payload, reader, RATLS_ATTESTATION_PAYLOAD_MAX, "runtime event payload", err));
    TRY(ratls_events_add(events, &event, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status walk_tdx(ratls_attestation *out, ratls_bytes *quote, ratls_reader *reader, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(walk_bytes(quote, reader, RATLS_QUOTE_SIZE_MAX, "quote", err));
    TRY(walk_list(&out->events, reader, walk_tdx_event, "event log", err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status walk_tpm_register(ratls_event_list *events, ratls_reader *reader, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes algorithm, value;
    uint32_t index;

    (void)events;
    TRY(walk_u32(&index, reader, "TPM register index", err));
    TRY(walk_text(&algorithm, reader, RATLS_ATTESTATION_EVENT_NAME_MAX, "TPM register algorithm", err));
    TRY(walk_bytes(&value, reader, RATLS_ATTESTATION_PAYLOAD_MAX, "TPM register value", err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status walk_tpm_event(ratls_event_list *events, ratls_reader *reader, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes digest;
    uint32_t index;

    (void)events;
    TRY(walk_u32(&index, reader, "TPM event index", err));
    TRY(walk_bytes(&digest, reader, RATLS_ATTESTATION_PAYLOAD_MAX, "TPM event digest", err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status walk_tpm_quote(ratls_reader *reader, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes bytes;
    uint8_t platform;

    TRY(walk_bytes(&bytes, reader, RATLS_ATTESTATION_PAYLOAD_MAX, "TPM quote message", err));
    TRY(walk_bytes(&bytes, reader, RATLS_ATTESTATION_PAYLOAD_MAX, "TPM quote signature", err));
    TRY(walk_list(NULL, reader, walk_tpm_register, "TPM registers", err));
    TRY(walk_bytes(&bytes, reader, RATLS_ATTESTATION_PAYLOAD_MAX, "TPM key certificate", err));
    if (!ratls_reader_u8(reader, &platform) || platform > TPM_PLATFORM_LAST) {
        return raise_format(reader, "TPM platform", err);
    }
    TRY(walk_list(NULL, reader, walk_tpm_event, "TPM events", err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status walk_certificate(ratls_event_list *events, ratls_reader *reader, ratls_error **err)
{
    ratls_bytes certificate;

    (void)events;
    return walk_bytes(&certificate, reader, RATLS_ATTESTATION_PAYLOAD_MAX, "SEV certificate", err);
}

static ratls_status walk_sev_snp(ratls_reader *reader, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes report, configuration;

    TRY(walk_bytes(&report, reader, RATLS_ATTESTATION_PAYLOAD_MAX, "SEV report", err));
    TRY(walk_list(NULL, reader, walk_certificate, "SEV certificates", err));
    TRY(walk_text(&configuration, reader, RATLS_ATTESTATION_PAYLOAD_MAX, "SEV configuration", err));
    status = RATLS_OK;
out:
    return status;
}

/* Evidence format 2.4. `full` false: tags 1 and 2 as releases up to v0.5.11 wrote them, without a body. */
static ratls_status walk_variant(ratls_attestation *out, ratls_bytes *quote, ratls_reader *reader, bool full, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes unused;
    uint8_t tag;

    if (!ratls_reader_u8(reader, &tag) || tag > TAG_AWS_NITRO_TPM) {
        return raise_format(reader, "unknown quote variant", err);
    }
    if (tag == TAG_TDX) {
        out->platform = RATLS_PLATFORM_TDX;
        TRY(walk_tdx(out, quote, reader, err));
    } else if (tag == TAG_GCP_TDX) {
        out->platform = RATLS_PLATFORM_GCP_TDX;
        if (full) {
            TRY(walk_tdx(out, &unused, reader, err));
            TRY(walk_tpm_quote(reader, err));
        }
    } else if (tag == TAG_SEV_SNP) {
        out->platform = RATLS_PLATFORM_SEV_SNP;
        TRY(walk_sev_snp(reader, err));
    } else {
        out->platform = tag == TAG_NITRO_ENCLAVE ? RATLS_PLATFORM_NITRO_ENCLAVE : RATLS_PLATFORM_AWS_NITRO_TPM;
        if (full || tag == TAG_AWS_NITRO_TPM) {
            TRY(walk_bytes(&unused, reader, RATLS_ATTESTATION_PAYLOAD_MAX, "Nitro document", err));
        }
    }
    status = RATLS_OK;
out:
    return status;
}

/* The whole envelope, under one reading of its body. */
static ratls_status walk_envelope(ratls_attestation *out, ratls_bytes *quote, ratls_bytes input, bool full, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_reader reader = ratls_reader_over(input);

    ratls_attestation_clear(out); /* what an earlier reading left */
    if (!ratls_reader_u8(&reader, &out->version) || out->version != 0) {
        return raise_format(&reader, "version byte", err);
    }
    TRY(walk_variant(out, quote, &reader, full, err));
    TRY(walk_list(&out->events, &reader, walk_runtime_event, "runtime events", err));
    if (!ratls_reader_copy(&reader, out->report_data, sizeof out->report_data)) {
        return raise_format(&reader, "report_data", err);
    }
    TRY(walk_text(&out->config, &reader, RATLS_ATTESTATION_PAYLOAD_MAX, "config", err));
    if (reader.left > 0) {
        return raise_format(&reader, "bytes after its end", err);
    }
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_attestation_parse_v0(ratls_attestation *out, ratls_bytes input, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes quote = {0};

    /* Evidence format 2.4: the same tags were written with and without a body. Nothing may be left over, so
     * at most the full reading or the empty one fits; when neither does, the full one tells why. */
    if (walk_envelope(out, &quote, input, true, NULL) != RATLS_OK && walk_envelope(out, &quote, input, false, NULL) != RATLS_OK) {
        return walk_envelope(out, &quote, input, true, err);
    }
    if (out->platform == RATLS_PLATFORM_TDX) {
        out->quote = malloc(quote.len + 1); /* never of size 0 */
        CHECK(out->quote != NULL, RATLS_ERR_OUT_OF_MEMORY);
        if (quote.len > 0) {
            memcpy(out->quote, quote.data, quote.len);
        }
        out->quote_len = quote.len;
    }
    status = RATLS_OK;
out:
    return status;
}

#include "evidence/ratls_certificate.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

/* 1.3.6.1.4.1.62397.1.N (evidence format 1.1). */
typedef struct {
    uint8_t oid[10];
    const char *name;
} ratls_extension_id;

static const ratls_extension_id quote_extension = {{0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xe7, 0x3d, 0x01, 0x01}, "1.3.6.1.4.1.62397.1.1"};
static const ratls_extension_id event_log_extension = {{0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xe7, 0x3d, 0x01, 0x02}, "1.3.6.1.4.1.62397.1.2"};
static const ratls_extension_id attestation_extension = {{0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xe7, 0x3d, 0x01, 0x08}, "1.3.6.1.4.1.62397.1.8"};

/* What a certificate has of the three; NULL where it has none. */
typedef struct {
    const ratls_extension *quote;
    const ratls_extension *event_log;
    const ratls_extension *attestation;
} ratls_extensions_found;

static const ratls_extension *find(size_t *count, const ratls_certificate *certificate, const ratls_extension_id *id)
{
    return ratls_certificate_extension(certificate, (ratls_bytes){id->oid, sizeof id->oid}, count);
}

/* None of the three may be there twice (evidence format 1.2). *present: evidence is there, usable or not. */
static ratls_status find_extensions(ratls_extensions_found *out, bool *present, const ratls_certificate *certificate, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    size_t attestations, quotes, event_logs;

    out->attestation = find(&attestations, certificate, &attestation_extension);
    out->quote = find(&quotes, certificate, &quote_extension);
    out->event_log = find(&event_logs, certificate, &event_log_extension);
    *present = out->attestation != NULL || out->quote != NULL;
    CHECK(attestations <= 1, RATLS_ERR_EVIDENCE_EXTENSION_DUPLICATE, FOUND(attestation_extension.name));
    CHECK(quotes <= 1, RATLS_ERR_EVIDENCE_EXTENSION_DUPLICATE, FOUND(quote_extension.name));
    CHECK(event_logs <= 1, RATLS_ERR_EVIDENCE_EXTENSION_DUPLICATE, FOUND(event_log_extension.name));
    status = RATLS_OK;
out:
    return status;
}

/* Evidence format 1.2: extnValue holds one OCTET STRING, and that holds the payload. */
static ratls_status unwrap(ratls_bytes *payload, const ratls_extension *extension, const ratls_extension_id *id, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_der inner;

    CHECK(ratls_der_only(extension->value, RATLS_DER_OCTET_STRING, &inner), RATLS_ERR_EVIDENCE_EXTENSION_FORMAT, FOUND(id->name));
    CHECK(inner.content.len > 0, RATLS_ERR_EVIDENCE_EXTENSION_EMPTY, FOUND(id->name));
    *payload = inner.content;
    status = RATLS_OK;
out:
    return status;
}

static uint8_t *copy_bytes(ratls_bytes bytes)
{
    uint8_t *copy = malloc(bytes.len + 1);

    if (copy != NULL) {
        memcpy(copy, bytes.data, bytes.len);
        copy[bytes.len] = '\0';
    }
    return copy;
}

static ratls_status read_attestation(ratls_evidence *out, const ratls_extensions_found *found, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes payload, legacy = {0};

    TRY(unwrap(&payload, found->attestation, &attestation_extension, err));
    if (found->quote != NULL) {
        TRY(unwrap(&legacy, found->quote, &quote_extension, err));
    }
    TRY(ratls_evidence_keep_envelope(out, payload, legacy, attestation_extension.name, quote_extension.name, err));
    status = RATLS_OK;
out:
    return status;
}

/* Evidence format 11: an event log that cannot be read loses the application's identity, not the quote. */
static ratls_status keep_event_log(ratls_evidence *out, const ratls_extension *event_log, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes payload;

    if (event_log != NULL && unwrap(&payload, event_log, &event_log_extension, NULL) == RATLS_OK) {
        out->event_log = copy_bytes(payload);
        CHECK(out->event_log != NULL, RATLS_ERR_OUT_OF_MEMORY);
        out->event_log_len = payload.len;
    }
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_legacy(ratls_evidence *out, const ratls_extensions_found *found, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_parsed_quote quote;
    ratls_bytes payload;

    TRY(unwrap(&payload, found->quote, &quote_extension, err));
    TRY(ratls_evidence_keep_quote(out, &quote, payload, err));
    TRY(keep_event_log(out, found->event_log, err));
    status = RATLS_OK;
out:
    return status;
}

/* 1. the certificate; 2. which extensions it has; 3. the newer form before the older one. */
static ratls_status read_evidence(ratls_evidence *out, ratls_bytes der, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_certificate certificate;
    ratls_extensions_found found;
    const char *what = NULL;

    CHECK(der.len <= RATLS_CERTIFICATE_SIZE_MAX, RATLS_ERR_EVIDENCE_CERTIFICATE_TOO_LARGE, FOUND_NUMBER(der.len),
          EXPECTED_NUMBER(RATLS_CERTIFICATE_SIZE_MAX));
    CHECK(ratls_certificate_parse(&certificate, der, &what), RATLS_ERR_EVIDENCE_CERTIFICATE_FORMAT, WHAT(what));
    out->spki = certificate.spki;
    TRY(find_extensions(&found, &out->present, &certificate, err));
    if (found.attestation != NULL) {
        TRY(read_attestation(out, &found, err));
    } else if (found.quote != NULL) {
        TRY(read_legacy(out, &found, err));
    }
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_evidence_from_certificate(ratls_evidence *out, ratls_bytes der, ratls_error **err)
{
    ratls_evidence found = {0};
    ratls_status status;

    *out = found;
    status = read_evidence(&found, der, err);
    if (status != RATLS_OK) {
        ratls_bytes spki = found.spki;
        bool present = found.present;

        ratls_evidence_clear(&found);
        found.spki = spki;
        found.present = present;
    }
    *out = found;
    return status;
}

ratls_status ratls_evidence_report_data(uint8_t out[64], ratls_bytes spki, ratls_error **err)
{
    static const char tag[] = "ratls-cert:";

    return ratls_sha512(out, (ratls_bytes){(const uint8_t *)tag, sizeof tag - 1}, spki, err);
}

#include "evidence/evidence.h"

#include <stdlib.h>
#include <string.h>

static ratls_status keep_bytes(uint8_t **out, size_t *len, ratls_bytes bytes, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    *out = malloc(bytes.len + 1);
    CHECK(*out != NULL, RATLS_ERR_OUT_OF_MEMORY);
    if (bytes.len > 0) {
        memcpy(*out, bytes.data, bytes.len);
    }
    (*out)[bytes.len] = '\0';
    *len = bytes.len;
    status = RATLS_OK;
out:
    return status;
}

/* Evidence format 2.7: what was found must be a TDX quote; keep exactly that, without what follows it. */
ratls_status ratls_evidence_keep_quote(ratls_evidence *out, ratls_parsed_quote *quote, ratls_bytes payload, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_quote_parse(quote, payload, err));
    CHECK(quote->tee_type == RATLS_TEE_TDX, RATLS_ERR_EVIDENCE_QUOTE_NOT_TDX, FOUND("SGX"));
    TRY(keep_bytes(&out->quote, &out->quote_len, quote->whole, err));
    out->trailing_len = quote->trailing.len;
    status = RATLS_OK;
out:
    return status;
}

/* The events change hands; the attestation has none afterwards. */
static void take_events(ratls_evidence *out, ratls_attestation *attestation)
{
    out->events = attestation->events;
    out->has_events = true;
    attestation->events = (ratls_event_list){0};
}

ratls_status ratls_evidence_keep_envelope(
    ratls_evidence *out, ratls_bytes envelope, ratls_bytes other, const char *where, const char *other_where, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_attestation attestation = {0};
    ratls_parsed_quote quote;

    TRY(ratls_attestation_parse(&attestation, envelope, err));
    CHECK(attestation.platform == RATLS_PLATFORM_TDX, RATLS_ERR_EVIDENCE_UNSUPPORTED_TEE, FOUND(ratls_platform_name(attestation.platform)));
    /* Evidence format 1.4: no release writes both; where both are there, they must hold the same bytes. */
    CHECK(other.len == 0 || ratls_bytes_equal(other, (ratls_bytes){attestation.quote, attestation.quote_len}), RATLS_ERR_EVIDENCE_CONFLICT,
          FOUND(where), EXPECTED(other_where));
    TRY(ratls_evidence_keep_quote(out, &quote, (ratls_bytes){attestation.quote, attestation.quote_len}, err));
    /* Evidence format 3.3: the envelope's copy is a claim about the quote's own. */
    CHECK(ratls_bytes_equal(ratls_quote_body_field(&quote, RATLS_FIELD_REPORT_DATA),
                            (ratls_bytes){attestation.report_data, sizeof attestation.report_data}),
          RATLS_ERR_EVIDENCE_REPORT_DATA_COPY);
    TRY(keep_bytes(&out->config, &out->config_len, attestation.config, err));
    take_events(out, &attestation);
    status = RATLS_OK;
out:
    ratls_attestation_clear(&attestation);
    return status;
}

ratls_status ratls_evidence_read_log(ratls_evidence *evidence, ratls_error **err)
{
    if (evidence->has_events || evidence->event_log == NULL) {
        return RATLS_OK;
    }
    return ratls_events_parse_json(
        &evidence->events, &evidence->has_events, (ratls_bytes){evidence->event_log, evidence->event_log_len}, err);
}

ratls_identity_sources ratls_evidence_sources(const ratls_evidence *evidence)
{
    return (ratls_identity_sources){
        .events = evidence->has_events ? &evidence->events : NULL,
        .config = {evidence->config, evidence->config_len},
    };
}

void ratls_evidence_clear(ratls_evidence *evidence)
{
    free(evidence->quote);
    free(evidence->event_log);
    free(evidence->config);
    ratls_events_clear(&evidence->events);
    memset(evidence, 0, sizeof *evidence);
}

/* Evidence without a certificate: envelopes with their runtime events, and the guest agent's JSON. */
#include "evidence/evidence.h"
#include "fuzz.h"

/* Whatever the log says, nothing is told of the application unless it explains RTMR3. */
static void establish(ratls_evidence *evidence)
{
    ratls_identity_sources sources;
    ratls_parsed_quote quote;
    ratls_identity identity;
    uint8_t value[RATLS_SHA384_LEN];

    MUST(ratls_quote_parse(&quote, (ratls_bytes){evidence->quote, evidence->quote_len}, NULL) == RATLS_OK);
    (void)ratls_evidence_read_log(evidence, NULL);
    sources = ratls_evidence_sources(evidence);
    if (ratls_identity_establish(&identity, &quote, &sources, NULL) == RATLS_OK && identity.has_app_id) {
        MUST(sources.events != NULL && ratls_identity_replay(value, sources.events, RATLS_RUNTIME_REGISTER, NULL) == RATLS_OK);
        MUST(ratls_bytes_equal(ratls_quote_body_field(&quote, RATLS_FIELD_RTMR3), (ratls_bytes){value, sizeof value}));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ratls_evidence evidence;
    ratls_error *error = NULL;

    if (ratls_evidence_from_bytes(&evidence, (ratls_bytes){data, size}, &error) == RATLS_OK) {
        MUST(error == NULL && evidence.quote != NULL && evidence.present);
        establish(&evidence);
    } else {
        MUST(evidence.quote == NULL && ratls_error_message(error, RATLS_SPELLING_C) != NULL);
    }
    ratls_error_free(error);
    ratls_evidence_clear(&evidence);
    return 0;
}

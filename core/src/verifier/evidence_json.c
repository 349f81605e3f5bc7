/* Evidence to be kept: everything that a verdict was reached from, so that it can be reached again. */
#include <stdlib.h>

#include "base/pem.h"
#include "base/text.h"
#include "evidence/ratls_certificate.h"
#include "verifier/kind.h"

/* A member's value: a string, or null. */
static void add_text(ratls_text *text, const char *key, const char *value)
{
    ratls_text_add(text, text->len == 0 ? "{\"" : ",\"");
    ratls_text_add(text, key);
    ratls_text_add(text, "\":");
    if (value == NULL) {
        ratls_text_add(text, "null");
    } else {
        ratls_text_add_json_string(text, value);
    }
}

static void add_quote(ratls_text *text, const ratls_evidence *evidence)
{
    ratls_text_add(text, ",\"quote\":");
    if (evidence->quote == NULL) {
        ratls_text_add(text, "null");
        return;
    }
    ratls_text_add(text, "\"");
    ratls_text_add_hex(text, evidence->quote, evidence->quote_len);
    ratls_text_add(text, "\"");
}

static ratls_status write_evidence(
    char **json, ratls_bytes certificate, const ratls_evidence *evidence, const char *collateral, const char *anchor,
    const ratls_result *result, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char *pem = ratls_pem_write("CERTIFICATE", certificate);
    ratls_text text = {0};

    CHECK(pem != NULL, RATLS_ERR_OUT_OF_MEMORY);
    add_text(&text, "certificate", pem);
    add_quote(&text, evidence);
    ratls_text_add(&text, ",\"collateral\":");
    ratls_text_add(&text, collateral == NULL ? "null" : collateral);
    add_text(&text, "trust_anchor", anchor);
    add_text(&text, "verified_at", ratls_result_text(result, RATLS_FIELD_VERIFIED_AT));
    ratls_text_add(&text, "}");
    *json = ratls_text_take(&text);
    CHECK(*json != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    free(pem);
    return status;
}

ratls_status ratls_verifier_evidence(
    char **json, ratls_verifier *verifier, ratls_bytes certificate, const ratls_result *result, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_verifier_kind *kind = ratls_verifier_kind_of(verifier);
    ratls_evidence evidence = {0};
    ratls_parsed_quote quote;
    char *collateral = NULL, *anchor = NULL;
    bool readable;

    *json = NULL;
    /* In the development mode the evidence may be unusable: then there is no quote to tell. */
    (void)ratls_evidence_from_certificate(&evidence, certificate, NULL);
    readable = evidence.quote != NULL && ratls_quote_parse(&quote, (ratls_bytes){evidence.quote, evidence.quote_len}, NULL) == RATLS_OK;
    if (kind->sources != NULL) {
        TRY(kind->sources(&collateral, &anchor, ratls_verifier_state(verifier), readable ? &quote : NULL, err));
    }
    TRY(write_evidence(json, certificate, &evidence, collateral, anchor, result, err));
    status = RATLS_OK;
out:
    free(collateral);
    free(anchor);
    ratls_evidence_clear(&evidence);
    return status;
}

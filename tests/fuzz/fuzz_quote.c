#include "evidence/quote.h"
#include "fuzz.h"

/* Every part lies inside the quote. */
static void check_inside(const ratls_parsed_quote *quote, ratls_bytes part)
{
    MUST(part.data >= quote->whole.data && part.data + part.len <= quote->whole.data + quote->whole.len);
}

static void check_parsed(const ratls_parsed_quote *quote, ratls_bytes input)
{
    MUST(quote->whole.data == input.data && quote->whole.len + quote->trailing.len == input.len);
    check_inside(quote, quote->signed_bytes);
    check_inside(quote, quote->body);
    check_inside(quote, quote->signature);
    check_inside(quote, quote->attestation_key);
    check_inside(quote, quote->qe_report);
    check_inside(quote, quote->qe_report_signature);
    check_inside(quote, quote->qe_authentication_data);
    check_inside(quote, quote->certification_data);
    for (ratls_field field = 0; field < RATLS_FIELD_COUNT; field++) {
        ratls_bytes value = ratls_quote_body_field(quote, field);

        if (value.len > 0) {
            check_inside(quote, value);
        }
    }
    (void)ratls_quote_is_debug(quote);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ratls_bytes input = {data, size};
    ratls_parsed_quote quote, body;
    ratls_quote *inspected = NULL;
    ratls_error *error = NULL;
    ratls_status status = ratls_quote_parse(&quote, input, &error);
    ratls_status body_status = ratls_quote_parse_body(&body, input, NULL);

    if (status == RATLS_OK) {
        MUST(error == NULL && body_status == RATLS_OK);
        check_parsed(&quote, input);
    } else {
        MUST(quote.whole.data == NULL && ratls_error_code(error) == status);
        MUST(ratls_error_message(error, RATLS_SPELLING_C) != NULL);
    }
    ratls_error_free(error);
    MUST((ratls_quote_inspect(&inspected, data, size, NULL) == RATLS_OK) == (body_status == RATLS_OK));
    MUST((inspected != NULL) == (body_status == RATLS_OK));
    ratls_quote_free(inspected);
    return 0;
}

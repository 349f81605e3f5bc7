/* Tokens of Intel Trust Authority, before anything of them is verified. */
#include "fuzz.h"
#include "intel/config.h"
#include "intel/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ratls_intel_token_rules rules = {RATLS_INTEL_PS384 | RATLS_INTEL_RS256, "https://portal.invalid/certs"};
    ratls_intel_token token;
    ratls_error *error = NULL;
    ratls_status status = ratls_intel_token_parse(&token, (ratls_bytes){data, size}, &rules, &error);

    if (status == RATLS_OK) {
        MUST(error == NULL && token.key_id[0] != '\0' && token.payload != NULL && token.signature != NULL);
        MUST(token.signed_part.data == data && token.signed_part.len < size && data[token.signed_part.len] == '.');
    } else {
        MUST(token.payload == NULL && token.signature == NULL && ratls_error_code(error) == status);
        MUST(ratls_error_message(error, RATLS_SPELLING_C) != NULL);
    }
    ratls_intel_token_clear(&token);
    ratls_error_free(error);
    return 0;
}

/* What Intel Trust Authority answers a quote with, up to the token in it. */
#include "fuzz.h"
#include "intel/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *token = NULL;
    ratls_error *error = NULL;
    ratls_status status = ratls_intel_envelope_token(&token, (ratls_bytes){data, size}, "https://api.invalid", &error);

    MUST((status == RATLS_OK) == (token != NULL) && (status == RATLS_OK) == (error == NULL));
    free(token);
    ratls_error_free(error);
    return 0;
}

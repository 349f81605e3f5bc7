#include "evidence/attestation.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ratls_attestation attestation;
    ratls_error *error = NULL;
    ratls_status status = ratls_attestation_parse(&attestation, (ratls_bytes){data, size}, &error);

    if (status == RATLS_OK) {
        MUST(error == NULL);
        MUST((attestation.platform == RATLS_PLATFORM_TDX) == (attestation.quote != NULL));
    } else {
        MUST(attestation.quote == NULL);
        MUST(ratls_error_code(error) == status && ratls_error_message(error, RATLS_SPELLING_C) != NULL);
    }
    ratls_attestation_clear(&attestation);
    ratls_error_free(error);
    return 0;
}

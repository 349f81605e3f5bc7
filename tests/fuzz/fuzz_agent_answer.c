/* What a guest agent answers: an identity that can be presented, or a refusal, and nothing kept of it. */
#include "agent/identity.h"

#include "fuzz.h"

enum { NOW_S = 1780315200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ratls_identity *identity = NULL;
    ratls_error *error = NULL;
    ratls_status status = ratls_identity_parse(&identity, (ratls_bytes){data, size}, NOW_S, &error);

    MUST((status == RATLS_OK) == (identity != NULL));
    MUST((status == RATLS_OK) == (error == NULL));
    MUST(status == RATLS_OK || status == RATLS_ERR_DSTACK_ANSWER);
    MUST(identity == NULL || ratls_identity_not_after(identity) > NOW_S);
    ratls_identity_free(identity);
    ratls_error_free(error);
    return 0;
}

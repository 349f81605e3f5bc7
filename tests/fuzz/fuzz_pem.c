#include "base/pem.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *what = NULL;
    ratls_pem pem;

    if (ratls_pem_parse(&pem, (ratls_bytes){data, size}, "CERTIFICATE", RATLS_PEM_CERTIFICATE_MAX, &what)) {
        MUST(pem.len > 0 && pem.len <= RATLS_PEM_BLOCKS_MAX);
        for (size_t i = 0; i < pem.len; i++) {
            MUST(pem.blocks[i].len > 0 && pem.blocks[i].len <= RATLS_PEM_CERTIFICATE_MAX);
        }
    } else {
        MUST(what != NULL && pem.storage == NULL && pem.len == 0);
    }
    ratls_pem_clear(&pem);
    return 0;
}

#include "base/crl.h"
#include "fuzz.h"

static void check_parsed(const ratls_crl *crl, ratls_bytes der)
{
    MUST(crl->tbs.data > der.data && crl->tbs.data + crl->tbs.len < der.data + der.len);
    MUST(crl->extensions_len <= RATLS_CRL_EXTENSIONS_MAX);
    for (size_t i = 0; i < crl->serials_len; i++) {
        MUST(crl->serials[i].len == 0 || crl->serials[i].data[0] != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ratls_bytes input = {data, size};
    const char *what = NULL;
    uint8_t *decoded;
    size_t decoded_len;
    ratls_crl crl;

    if (ratls_crl_parse(&crl, input, &what)) {
        check_parsed(&crl, input);
    } else {
        MUST(what != NULL && crl.serials == NULL);
    }
    ratls_crl_clear(&crl);
    if (ratls_crl_decode(&decoded, &decoded_len, input, &what)) {
        MUST(decoded != NULL && decoded_len <= size);
    } else {
        MUST(decoded == NULL && what != NULL);
    }
    free(decoded);
    return 0;
}

#include "base/digest.h"

#include <openssl/evp.h>

static ratls_status digest_two(uint8_t *out, size_t out_len, const EVP_MD *algorithm, ratls_bytes a, ratls_bytes b, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    EVP_MD_CTX *context = NULL;
    unsigned int written = 0;

    context = EVP_MD_CTX_new();
    CHECK(context != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(EVP_DigestInit_ex(context, algorithm, NULL) == 1 && EVP_DigestUpdate(context, a.data, a.len) == 1 &&
              EVP_DigestUpdate(context, b.data, b.len) == 1,
          RATLS_ERR_INTERNAL, WHAT("the cryptographic library computed no digest"));
    CHECK((size_t)EVP_MD_get_size(algorithm) == out_len && EVP_DigestFinal_ex(context, out, &written) == 1 && written == out_len,
          RATLS_ERR_INTERNAL, WHAT("the cryptographic library finished no digest"));
    status = RATLS_OK;
out:
    EVP_MD_CTX_free(context);
    return status;
}

ratls_status ratls_sha256(uint8_t out[RATLS_SHA256_LEN], ratls_bytes a, ratls_bytes b, ratls_error **err)
{
    return digest_two(out, RATLS_SHA256_LEN, EVP_sha256(), a, b, err);
}

ratls_status ratls_sha384(uint8_t out[RATLS_SHA384_LEN], ratls_bytes a, ratls_bytes b, ratls_error **err)
{
    return digest_two(out, RATLS_SHA384_LEN, EVP_sha384(), a, b, err);
}

ratls_status ratls_sha512(uint8_t out[RATLS_SHA512_LEN], ratls_bytes a, ratls_bytes b, ratls_error **err)
{
    return digest_two(out, RATLS_SHA512_LEN, EVP_sha512(), a, b, err);
}

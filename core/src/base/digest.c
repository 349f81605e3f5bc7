/* The low-level interface: through EVP each digest of OpenSSL 3.0 looks its algorithm up under a lock and allocates,
 * which costs more than hashing what is hashed here. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest.h"

#include <openssl/sha.h>

static const char failed[] = "the cryptographic library computed no digest";

ratls_status ratls_sha256(uint8_t out[RATLS_SHA256_LEN], ratls_bytes a, ratls_bytes b, ratls_error **err)
{
    SHA256_CTX context;

    if (SHA256_Init(&context) != 1 || SHA256_Update(&context, a.data, a.len) != 1 || SHA256_Update(&context, b.data, b.len) != 1 ||
        SHA256_Final(out, &context) != 1) {
        return RAISE(err, RATLS_ERR_INTERNAL, WHAT(failed));
    }
    return RATLS_OK;
}

ratls_status ratls_sha384(uint8_t out[RATLS_SHA384_LEN], ratls_bytes a, ratls_bytes b, ratls_error **err)
{
    SHA512_CTX context;

    if (SHA384_Init(&context) != 1 || SHA384_Update(&context, a.data, a.len) != 1 || SHA384_Update(&context, b.data, b.len) != 1 ||
        SHA384_Final(out, &context) != 1) {
        return RAISE(err, RATLS_ERR_INTERNAL, WHAT(failed));
    }
    return RATLS_OK;
}

ratls_status ratls_sha512(uint8_t out[RATLS_SHA512_LEN], ratls_bytes a, ratls_bytes b, ratls_error **err)
{
    SHA512_CTX context;

    if (SHA512_Init(&context) != 1 || SHA512_Update(&context, a.data, a.len) != 1 || SHA512_Update(&context, b.data, b.len) != 1 ||
        SHA512_Final(out, &context) != 1) {
        return RAISE(err, RATLS_ERR_INTERNAL, WHAT(failed));
    }
    return RATLS_OK;
}

/** Who signed a token: the key of a key set's entry, its certificates, and signatures under it (Intel rules 2.6,
 *  steps 5 and 7). */
#ifndef RATLS_INTEL_SIGNER_H
#define RATLS_INTEL_SIGNER_H

#include <cjson/cJSON.h>
#include <openssl/x509.h>

#include "base/digest.h"
#include "intel/token.h"

enum {
    RATLS_INTEL_CERTIFICATES_LEAST = 2,
    RATLS_INTEL_CERTIFICATES_MAX = 10,
    RATLS_INTEL_CERTIFICATE_TEXT_MAX = 8 * 1024 /* characters of one certificate in base64 */
};

/** Owns its certificates: leaf first. */
typedef struct {
    X509 *certificates[RATLS_INTEL_CERTIFICATES_MAX];
    size_t len;
    uint8_t leaf_sha256[RATLS_SHA256_LEN];
    uint8_t leaf_sha384[RATLS_SHA384_LEN]; /* what the service uses as key id */
} ratls_intel_signer;

/** Read an entry of a key set: certificates that are whole DER, an RSA key of an acceptable size in the leaf, and the
 *  entry's own copy of the key equal to it. On failure `out` is empty. */
ratls_status ratls_intel_signer_read(ratls_intel_signer *out, const cJSON *entry, int min_rsa_bits, ratls_error **err);

/** The token's signature verifies under the leaf's key. */
ratls_status ratls_intel_signer_check_token(const ratls_intel_signer *signer, const ratls_intel_token *token, ratls_error **err);

void ratls_intel_signer_clear(ratls_intel_signer *signer);

#endif

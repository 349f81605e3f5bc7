#include "intel/signer.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/base64.h"
#include "base/certificate.h"
#include "base/json.h"
#include "intel/config.h"

static const unsigned long least_exponent = 65537;

/* One certificate of x5c: base64 of DER that is whole, by our strict reading as well as by OpenSSL's. */
static ratls_status read_certificate(ratls_intel_signer *signer, const cJSON *text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_certificate strict;
    const char *what = "a certificate is not a string of base64";
    const uint8_t *next;
    uint8_t *der = NULL;
    size_t len = 0;
    X509 *certificate = NULL;

    CHECK(cJSON_IsString(text) && strnlen(text->valuestring, RATLS_INTEL_CERTIFICATE_TEXT_MAX + 1) <= RATLS_INTEL_CERTIFICATE_TEXT_MAX &&
              ratls_base64_decode(&der, &len, (ratls_bytes){(const uint8_t *)text->valuestring, strlen(text->valuestring)}) == RATLS_BASE64_OK,
          RATLS_ERR_INTEL_KEY, WHAT(what));
    CHECK(ratls_certificate_parse(&strict, (ratls_bytes){der, len}, &what), RATLS_ERR_INTEL_KEY, WHAT(what));
    next = der;
    certificate = d2i_X509(NULL, &next, (long)len);
    CHECK(certificate != NULL && next == der + len, RATLS_ERR_INTEL_KEY, WHAT("a certificate cannot be read"));
    if (signer->len == 0) {
        TRY(ratls_sha256(signer->leaf_sha256, (ratls_bytes){der, len}, (ratls_bytes){0}, err));
        TRY(ratls_sha384(signer->leaf_sha384, (ratls_bytes){der, len}, (ratls_bytes){0}, err));
    }
    signer->certificates[signer->len++] = certificate;
    certificate = NULL;
    status = RATLS_OK;
out:
    X509_free(certificate);
    free(der);
    return status;
}

static ratls_status read_certificates(ratls_intel_signer *signer, const cJSON *entry, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *list = ratls_json_get_array(entry, "x5c");
    const cJSON *text;

    CHECK(list != NULL, RATLS_ERR_INTEL_KEY, WHAT("its entry has no certificates (x5c)"));
    CHECK(cJSON_GetArraySize(list) >= RATLS_INTEL_CERTIFICATES_LEAST && cJSON_GetArraySize(list) <= RATLS_INTEL_CERTIFICATES_MAX,
          RATLS_ERR_INTEL_KEY, WHAT("its entry has fewer than 2 or more than 10 certificates (x5c)"));
    cJSON_ArrayForEach(text, list) {
        TRY(read_certificate(signer, text, err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* The number that a member of the entry has as base64url. */
static BIGNUM *read_number(const cJSON *entry, const char *name)
{
    const char *text = NULL;
    uint8_t *bytes = NULL;
    size_t len = 0;
    BIGNUM *number = NULL;

    if (ratls_json_get_text(entry, name, &text) &&
        ratls_base64url_decode(&bytes, &len, (ratls_bytes){(const uint8_t *)text, strlen(text)}) == RATLS_BASE64_OK && len <= RATLS_INTEL_RSA_BITS_MOST / 8) {
        number = BN_bin2bn(bytes, (int)len, NULL);
    }
    free(bytes);
    return number;
}

/* Intel rules 2.6, 5: the leaf's key counts, and the entry may not say another. */
static ratls_status check_numbers(const cJSON *entry, const BIGNUM *modulus, const BIGNUM *exponent, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    BIGNUM *said_modulus = read_number(entry, "n"), *said_exponent = read_number(entry, "e");

    CHECK(BN_is_odd(exponent) && BN_num_bits(exponent) <= 64 && BN_get_word(exponent) >= least_exponent, RATLS_ERR_INTEL_KEY,
          WHAT("its exponent is even or below 65537"));
    CHECK(said_modulus != NULL && said_exponent != NULL && BN_cmp(said_modulus, modulus) == 0 && BN_cmp(said_exponent, exponent) == 0,
          RATLS_ERR_INTEL_KEY, WHAT("its n and e are not those of its certificate"));
    status = RATLS_OK;
out:
    BN_free(said_modulus);
    BN_free(said_exponent);
    return status;
}

static ratls_status check_key(const ratls_intel_signer *signer, const cJSON *entry, int min_rsa_bits, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    EVP_PKEY *key = X509_get0_pubkey(signer->certificates[0]);
    BIGNUM *modulus = NULL, *exponent = NULL;
    const char *type = NULL;

    CHECK(ratls_json_get_text(entry, "kty", &type) && strcmp(type, "RSA") == 0 && key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA,
          RATLS_ERR_INTEL_KEY, WHAT("it is not an RSA key"));
    CHECK(EVP_PKEY_get_bits(key) >= min_rsa_bits && EVP_PKEY_get_bits(key) <= RATLS_INTEL_RSA_BITS_MOST, RATLS_ERR_INTEL_KEY,
          WHAT("its size is not acceptable"), FOUND_NUMBER(EVP_PKEY_get_bits(key)), EXPECTED_NUMBER(min_rsa_bits));
    CHECK(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1 && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1,
          RATLS_ERR_OUT_OF_MEMORY);
    TRY(check_numbers(entry, modulus, exponent, err));
    status = RATLS_OK;
out:
    BN_free(modulus);
    BN_free(exponent);
    return status;
}

ratls_status ratls_intel_signer_read(ratls_intel_signer *out, const cJSON *entry, int min_rsa_bits, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    *out = (ratls_intel_signer){0};
    TRY(read_certificates(out, entry, err));
    TRY(check_key(out, entry, min_rsa_bits, err));
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_intel_signer_clear(out);
    }
    ERR_clear_error();
    return status;
}

/* Intel rules 2.6, 7: the salt is as long as the digest. OpenSSL's AUTO would take any. */
static bool set_padding(EVP_PKEY_CTX *context, int algorithm)
{
    if (algorithm == RATLS_INTEL_RS256) {
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    }
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha384()) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

ratls_status ratls_intel_signer_check_token(const ratls_intel_signer *signer, const ratls_intel_token *token, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    EVP_PKEY *key = X509_get0_pubkey(signer->certificates[0]);
    const EVP_MD *digest = token->algorithm == RATLS_INTEL_PS384 ? EVP_sha384() : EVP_sha256();
    EVP_PKEY_CTX *key_context = NULL; /* the digest context's */
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    CHECK(context != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(key != NULL && (size_t)EVP_PKEY_get_size(key) == token->signature_len, RATLS_ERR_INTEL_TOKEN_SIGNATURE);
    CHECK(EVP_DigestVerifyInit(context, &key_context, digest, NULL, key) == 1 && set_padding(key_context, token->algorithm), RATLS_ERR_INTERNAL,
          WHAT("OpenSSL cannot verify RSA signatures"));
    CHECK(EVP_DigestVerify(context, token->signature, token->signature_len, token->signed_part.data, token->signed_part.len) == 1,
          RATLS_ERR_INTEL_TOKEN_SIGNATURE);
    status = RATLS_OK;
out:
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return status;
}

void ratls_intel_signer_clear(ratls_intel_signer *signer)
{
    for (size_t i = 0; i < signer->len; i++) {
        X509_free(signer->certificates[i]);
    }
    *signer = (ratls_intel_signer){0};
}

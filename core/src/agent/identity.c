#include "agent/identity.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "agent/private_key.h"
#include "base/certificate.h"
#include "base/json.h"
#include "base/p256.h"
#include "base/pem.h"
#include "base/secret.h"

enum {
    POINT_UNCOMPRESSED = 0x04,
    POINT_ENCODED_LEN = RATLS_P256_POINT_LEN + 1
};

struct ratls_identity {
    atomic_size_t holds;
    uint8_t *scalar; /* RATLS_P256_SCALAR_LEN bytes of secret memory, in this machine's order of bytes */
    uint8_t point[POINT_ENCODED_LEN];
    X509 *leaf;
    STACK_OF(X509) *issuers;
    int64_t not_before;
    int64_t not_after;
};

ratls_identity *ratls_identity_hold(ratls_identity *identity)
{
    if (identity != NULL) {
        (void)atomic_fetch_add(&identity->holds, 1);
    }
    return identity;
}

void ratls_identity_free(ratls_identity *identity)
{
    if (identity == NULL || atomic_fetch_sub(&identity->holds, 1) != 1) {
        return;
    }
    ratls_secret_free(identity->scalar, RATLS_P256_SCALAR_LEN);
    X509_free(identity->leaf);
    sk_X509_pop_free(identity->issuers, X509_free);
    free(identity);
}

int64_t ratls_identity_not_after(const ratls_identity *identity)
{
    return identity->not_after;
}

/* The key as OpenSSL wants it. Made for one handshake, and wiped by OpenSSL when that is over. */
static EVP_PKEY *make_key(const ratls_identity *identity)
{
    /* Borrowed for the call, which writes to none of them. */
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"prime256v1"}, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)identity->point, sizeof identity->point),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, identity->scalar, RATLS_P256_SCALAR_LEN),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;

    if (context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters) != 1) {
        key = NULL;
    }
    EVP_PKEY_CTX_free(context);
    return key;
}

bool ratls_identity_use(const ratls_identity *identity, SSL *ssl)
{
    EVP_PKEY *key = make_key(identity);
    bool used = key != NULL && SSL_use_cert_and_key(ssl, identity->leaf, key, identity->issuers, 1) == 1;

    EVP_PKEY_free(key);
    return used;
}

/* Scalar and point belong together, and are what they should be. */
static bool key_is_sound(const ratls_identity *identity)
{
    EVP_PKEY *key = make_key(identity);
    EVP_PKEY_CTX *context = key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool sound = context != NULL && EVP_PKEY_check(context) == 1;

    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return sound;
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One character behind a backslash; -1 for what PEM has no use for. */
static int read_escape(ratls_reader *reader)
{
    uint8_t kind, digits[4];

    if (!ratls_reader_u8(reader, &kind)) {
        return -1;
    }
    if (kind == 'u') {
        return ratls_reader_copy(reader, digits, sizeof digits) && digits[0] == '0' && digits[1] == '0' && hex_digit(digits[2]) >= 0 &&
                       hex_digit(digits[2]) < 8 && hex_digit(digits[3]) >= 0
                   ? 16 * hex_digit(digits[2]) + hex_digit(digits[3])
                   : -1;
    }
    return kind == 'n' ? '\n' : kind == 'r' ? '\r' : kind == 't' ? '\t' : kind == '/' || kind == '\\' || kind == '"' ? kind : -1;
}

/* The text of a JSON string of checked JSON, into memory of the caller's rather than cJSON's. */
static bool read_secret_text(ratls_bytes *out, uint8_t *into, size_t capacity, ratls_bytes literal)
{
    ratls_reader reader;
    size_t len = 0;
    uint8_t c;

    if (literal.len < 2 || literal.data[0] != '"') {
        return false;
    }
    reader = ratls_reader_over((ratls_bytes){literal.data + 1, literal.len - 2});
    while (ratls_reader_u8(&reader, &c)) {
        int character = c == '\\' ? read_escape(&reader) : c;

        if (character < 0 || len == capacity) {
            return false;
        }
        into[len++] = (uint8_t)character;
    }
    *out = (ratls_bytes){into, len};
    return true;
}

/* The scalar, turned to this machine's order: OpenSSL's parameters have numbers so. */
static void keep_scalar(uint8_t *into, ratls_bytes scalar)
{
    for (size_t i = 0; i < RATLS_P256_SCALAR_LEN; i++) {
        bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

        into[i] = scalar.data[little ? RATLS_P256_SCALAR_LEN - 1 - i : i];
    }
}

static ratls_status read_key(ratls_identity *identity, ratls_bytes answer, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t *scratch = ratls_secret_new(RATLS_IDENTITY_KEY_PEM_MAX);
    ratls_bytes literal, text = {0}, scalar;
    const char *what = "";
    ratls_pem pem = {0};

    identity->scalar = ratls_secret_new(RATLS_P256_SCALAR_LEN);
    CHECK(scratch != NULL && identity->scalar != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(ratls_json_slice(&literal, answer, "key"), RATLS_ERR_DSTACK_ANSWER, WHAT("it has no key"));
    CHECK(read_secret_text(&text, scratch, RATLS_IDENTITY_KEY_PEM_MAX, literal) &&
              ratls_pem_parse(&pem, text, "PRIVATE KEY", RATLS_IDENTITY_KEY_PEM_MAX, &what) && pem.len == 1,
          RATLS_ERR_DSTACK_ANSWER, WHAT("its key is not one PKCS#8 key in PEM"));
    CHECK(ratls_private_key_read(&scalar, pem.blocks[0]), RATLS_ERR_DSTACK_ANSWER, WHAT("its key is not one on P-256 in PKCS#8"));
    keep_scalar(identity->scalar, scalar);
    status = RATLS_OK;
out:
    ratls_pem_clear(&pem);
    ratls_secret_free(scratch, RATLS_IDENTITY_KEY_PEM_MAX);
    return status;
}

/* The leaf's key, as far as it is one on P-256. */
static bool read_point(uint8_t point[POINT_ENCODED_LEN], ratls_bytes spki)
{
    ratls_p256_curve *curve = ratls_p256_curve_new();
    ratls_p256_key *key = curve == NULL ? NULL : ratls_p256_key_from_spki(curve, spki);
    bool read = key != NULL;

    if (read) {
        point[0] = POINT_UNCOMPRESSED;
        memcpy(point + 1, spki.data + spki.len - RATLS_P256_POINT_LEN, RATLS_P256_POINT_LEN);
    }
    ratls_p256_key_free(key);
    ratls_p256_curve_free(curve);
    return read;
}

static ratls_status read_leaf(ratls_identity *identity, ratls_bytes der, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_certificate *leaf = malloc(sizeof *leaf);
    const char *what = "";

    CHECK(leaf != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(ratls_certificate_parse(leaf, der, &what), RATLS_ERR_DSTACK_ANSWER, WHAT("its certificate is malformed"));
    CHECK(read_point(identity->point, leaf->spki), RATLS_ERR_DSTACK_ANSWER, WHAT("its certificate is not for a key on P-256"));
    identity->not_before = leaf->not_before;
    identity->not_after = leaf->not_after;
    status = RATLS_OK;
out:
    free(leaf);
    return status;
}

/* The first certificate is the leaf, the others follow as they come. */
static ratls_status add_certificate(ratls_identity *identity, ratls_bytes der, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const unsigned char *next = der.data;
    X509 *certificate = d2i_X509(NULL, &next, (long)der.len);

    CHECK(certificate != NULL && next == der.data + der.len, RATLS_ERR_DSTACK_ANSWER, WHAT("its certificate chain is malformed"));
    if (identity->leaf == NULL) {
        TRY(read_leaf(identity, der, err));
        identity->leaf = certificate;
        certificate = NULL;
    } else {
        CHECK(sk_X509_num(identity->issuers) < RATLS_IDENTITY_CERTIFICATES_MAX - 1, RATLS_ERR_DSTACK_ANSWER,
              WHAT("its certificate chain is longer than 8 certificates"));
        CHECK(sk_X509_push(identity->issuers, certificate) > 0, RATLS_ERR_OUT_OF_MEMORY);
        certificate = NULL;
    }
    status = RATLS_OK;
out:
    X509_free(certificate);
    return status;
}

/* An element of the chain: one certificate, or several behind one another. */
static ratls_status add_certificates(ratls_identity *identity, const cJSON *element, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *what = "";
    ratls_pem pem = {0};

    CHECK(cJSON_IsString(element) &&
              ratls_pem_parse(&pem, (ratls_bytes){(const uint8_t *)element->valuestring, strlen(element->valuestring)}, "CERTIFICATE",
                              RATLS_CERTIFICATE_SIZE_MAX, &what),
          RATLS_ERR_DSTACK_ANSWER, WHAT("its certificate chain is not certificates in PEM"));
    for (size_t i = 0; i < pem.len; i++) {
        TRY(add_certificate(identity, pem.blocks[i], err));
    }
    status = RATLS_OK;
out:
    ratls_pem_clear(&pem);
    return status;
}

/* certificate_chain, or the one text "cert" of very old agents. */
static ratls_status read_chain(ratls_identity *identity, ratls_bytes answer, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *element;
    ratls_bytes slice;
    cJSON *chain = NULL;
    bool found = ratls_json_slice(&slice, answer, "certificate_chain") || ratls_json_slice(&slice, answer, "cert");

    CHECK(found, RATLS_ERR_DSTACK_ANSWER, WHAT("it has no certificate_chain"));
    chain = cJSON_ParseWithLength((const char *)slice.data, slice.len);
    CHECK(chain != NULL, RATLS_ERR_OUT_OF_MEMORY);
    identity->issuers = sk_X509_new_null();
    CHECK(identity->issuers != NULL, RATLS_ERR_OUT_OF_MEMORY);
    if (!cJSON_IsArray(chain)) {
        TRY(add_certificates(identity, chain, err));
    } else {
        cJSON_ArrayForEach(element, chain)
        {
            TRY(add_certificates(identity, element, err));
        }
    }
    CHECK(identity->leaf != NULL, RATLS_ERR_DSTACK_ANSWER, WHAT("its certificate chain is empty"));
    status = RATLS_OK;
out:
    cJSON_Delete(chain);
    return status;
}

static ratls_status read_answer(ratls_identity *identity, ratls_bytes answer, int64_t now_s, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_json_outcome outcome = ratls_json_check(answer, NULL);

    CHECK(outcome != RATLS_JSON_OUT_OF_MEMORY, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(outcome == RATLS_JSON_OK, RATLS_ERR_DSTACK_ANSWER, WHAT("it is not JSON"));
    TRY(read_key(identity, answer, err));
    TRY(read_chain(identity, answer, err));
    CHECK(key_is_sound(identity), RATLS_ERR_DSTACK_ANSWER, WHAT("its key is not the certificate's"));
    CHECK(now_s >= identity->not_before, RATLS_ERR_DSTACK_ANSWER, WHAT("its certificate is not valid yet"));
    CHECK(now_s < identity->not_after, RATLS_ERR_DSTACK_ANSWER, WHAT("its certificate has expired"));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_identity_parse(ratls_identity **out, ratls_bytes answer, int64_t now_s, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_identity *identity = calloc(1, sizeof *identity);

    *out = NULL;
    CHECK(identity != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&identity->holds, 1);
    ERR_clear_error();
    TRY(read_answer(identity, answer, now_s, err));
    *out = identity;
    identity = NULL;
    status = RATLS_OK;
out:
    ratls_identity_free(identity);
    ERR_clear_error();
    return status;
}

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/der.h"
#include "base/time.h"
#include "dcap/pki.h"

enum { PEM_LINE = 48, KEY_ID_LEN = 20 };

static const uint8_t oid_ecdsa_sha256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t oid_ecdsa_sha384[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03};
static const uint8_t oid_sgx[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
static const uint8_t oid_unknown[] = {0x2a, 0x03, 0x04};

EVP_PKEY *pki_key_new(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    if (key == NULL) {
        abort();
    }
    return key;
}

void pki_point(uint8_t point64[64], EVP_PKEY *key)
{
    uint8_t encoded[133];
    size_t len;

    if (EVP_PKEY_get_octet_string_param(key, "encoded-pub-key", encoded, sizeof encoded, &len) != 1 || len != 65) {
        abort();
    }
    memcpy(point64, encoded + 1, 64);
}

/* Ecdsa-Sig-Value. */
static size_t sign_der(uint8_t out[80], EVP_PKEY *key, ratls_bytes message)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t len = 80;

    if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 || EVP_DigestSign(context, out, &len, message.data, message.len) != 1) {
        abort();
    }
    EVP_MD_CTX_free(context);
    return len;
}

void pki_sign_raw(uint8_t signature64[64], EVP_PKEY *key, ratls_bytes message)
{
    uint8_t der[80];
    const uint8_t *next = der;
    size_t len = sign_der(der, key, message);
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &next, (long)len);

    BN_bn2binpad(ECDSA_SIG_get0_r(signature), signature64, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), signature64 + 32, 32);
    ECDSA_SIG_free(signature);
}

static void add_algorithm(test_buffer *out, bool sha384)
{
    size_t algorithm = der_open(out, RATLS_DER_SEQUENCE);

    der_add(out, RATLS_DER_OID, sha384 ? oid_ecdsa_sha384 : oid_ecdsa_sha256, sizeof oid_ecdsa_sha256);
    der_close(out, algorithm);
}

static void add_attribute(test_buffer *out, uint8_t type, uint8_t tag, const char *value, size_t len)
{
    uint8_t oid[] = {0x55, 0x04, type};
    size_t set = der_open(out, RATLS_DER_SET);
    size_t pair = der_open(out, RATLS_DER_SEQUENCE);

    der_add(out, RATLS_DER_OID, oid, sizeof oid);
    der_add(out, tag, value, len);
    der_close(out, pair);
    der_close(out, set);
}

static void add_name(test_buffer *out, const char *common_name, size_t len, bool printable)
{
    uint8_t tag = printable ? RATLS_DER_PRINTABLE_STRING : RATLS_DER_UTF8_STRING;
    size_t name = der_open(out, RATLS_DER_SEQUENCE);

    add_attribute(out, 0x03, tag, common_name, len == 0 ? strlen(common_name) : len);
    add_attribute(out, 0x0a, tag, "Intel Corporation", 17);
    add_attribute(out, 0x07, tag, "Santa Clara", 11);
    add_attribute(out, 0x08, tag, "CA", 2);
    add_attribute(out, 0x06, RATLS_DER_PRINTABLE_STRING, "US", 2);
    der_close(out, name);
}

static void add_time(test_buffer *out, int64_t seconds)
{
    char text[RATLS_TIME_TEXT_LEN + 1];
    char digits[16];

    ratls_time_write(text, seconds);
    snprintf(digits, sizeof digits, "%.4s%.2s%.2s%.2s%.2s%.2sZ", text, text + 5, text + 8, text + 11, text + 14, text + 17);
    if (seconds < INT64_C(2524608000)) { /* 2050: UTCTime until then */
        der_add(out, RATLS_DER_UTC_TIME, digits + 2, 13);
    } else {
        der_add(out, RATLS_DER_GENERALIZED_TIME, digits, 15);
    }
}

static void add_integer(test_buffer *out, uint32_t value)
{
    uint8_t bytes[5] = {0, (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    size_t first = 0;

    while (first < 4 && bytes[first] == 0 && bytes[first + 1] < 0x80) {
        first++;
    }
    der_add(out, RATLS_DER_INTEGER, bytes + first, sizeof bytes - first);
}

static void key_id(uint8_t out[KEY_ID_LEN], EVP_PKEY *key)
{
    uint8_t encoded[256], digest[SHA256_DIGEST_LENGTH];
    size_t len;

    if (EVP_PKEY_get_octet_string_param(key, "encoded-pub-key", encoded, sizeof encoded, &len) != 1) {
        len = (size_t)EVP_PKEY_get_bits(key);
        memset(encoded, 1, sizeof encoded);
    }
    SHA256(encoded, len < sizeof encoded ? len : sizeof encoded, digest);
    memcpy(out, digest, KEY_ID_LEN);
}

/* An extension whose value is what was added to `value`, which is emptied. */
static void add_extension(test_buffer *out, const uint8_t *oid, size_t oid_len, bool critical, test_buffer *value)
{
    static const uint8_t yes = 0xff;
    size_t extension = der_open(out, RATLS_DER_SEQUENCE);

    der_add(out, RATLS_DER_OID, oid, oid_len);
    if (critical) {
        der_add(out, RATLS_DER_BOOLEAN, &yes, 1);
    }
    der_add(out, RATLS_DER_OCTET_STRING, value->data, value->len);
    der_close(out, extension);
    value->len = 0;
}

static void add_standard(test_buffer *out, uint8_t number, bool critical, test_buffer *value)
{
    uint8_t oid[] = {0x55, 0x1d, number};

    add_extension(out, oid, sizeof oid, critical, value);
}

static void add_authority_key_id(test_buffer *out, EVP_PKEY *authority)
{
    test_buffer value = {0};
    uint8_t id[KEY_ID_LEN];
    size_t sequence = der_open(&value, RATLS_DER_SEQUENCE);

    key_id(id, authority);
    der_add(&value, 0x80, id, sizeof id);
    der_close(&value, sequence);
    add_standard(out, 0x23, false, &value);
    buffer_free(&value);
}

static void add_subject_key_id(test_buffer *out, EVP_PKEY *key)
{
    test_buffer value = {0};
    uint8_t id[KEY_ID_LEN];

    key_id(id, key);
    der_add(&value, RATLS_DER_OCTET_STRING, id, sizeof id);
    add_standard(out, 0x0e, false, &value);
    buffer_free(&value);
}

static void add_key_usage(test_buffer *out, int usage, bool critical)
{
    test_buffer value = {0};
    uint8_t bits[2] = {0, (uint8_t)usage};

    while (bits[0] < 7 && (usage >> bits[0] & 1) == 0) {
        bits[0]++;
    }
    der_add(&value, RATLS_DER_BIT_STRING, bits, sizeof bits);
    add_standard(out, 0x0f, critical, &value);
    buffer_free(&value);
}

static void add_basic_constraints(test_buffer *out, const pki_certificate *recipe)
{
    static const uint8_t yes = 0xff;
    test_buffer value = {0};
    size_t sequence = der_open(&value, RATLS_DER_SEQUENCE);

    if (recipe->ca == 1) {
        der_add(&value, RATLS_DER_BOOLEAN, &yes, 1);
    }
    if (recipe->path_length != PKI_ABSENT) {
        add_integer(&value, (uint32_t)recipe->path_length);
    }
    der_close(&value, sequence);
    add_standard(out, 0x13, !recipe->not_critical, &value);
    buffer_free(&value);
}

/* An OID under the SGX extension's, and what opens its pair. */
static size_t open_pair(test_buffer *out, const uint8_t *suffix, size_t suffix_len)
{
    size_t pair = der_open(out, RATLS_DER_SEQUENCE);
    size_t oid = der_open(out, RATLS_DER_OID);

    buffer_add(out, oid_sgx, sizeof oid_sgx);
    buffer_add(out, suffix, suffix_len);
    der_close(out, oid);
    return pair;
}

static void add_octets(test_buffer *out, uint8_t number, const void *bytes, size_t len)
{
    size_t pair = open_pair(out, &number, 1);

    der_add(out, RATLS_DER_OCTET_STRING, bytes, len);
    der_close(out, pair);
}

static void add_tcb(test_buffer *out, const pki_platform *platform)
{
    uint8_t number = 2;
    size_t pair = open_pair(out, &number, 1);
    size_t list = der_open(out, RATLS_DER_SEQUENCE);

    for (uint8_t i = 1; i <= 18; i++) {
        uint8_t suffix[] = {2, i};
        size_t element = open_pair(out, suffix, sizeof suffix);

        if (i == 18) {
            der_add(out, RATLS_DER_OCTET_STRING, platform->cpu_svn, sizeof platform->cpu_svn);
        } else {
            add_integer(out, i == 17 ? platform->pce_svn : platform->components[i - 1]);
        }
        der_close(out, element);
    }
    der_close(out, list);
    der_close(out, pair);
}

static void add_configuration(test_buffer *out)
{
    static const uint8_t yes = 0xff;
    uint8_t number = 7;
    size_t pair = open_pair(out, &number, 1);
    size_t list = der_open(out, RATLS_DER_SEQUENCE);

    for (uint8_t i = 1; i <= 3; i++) {
        uint8_t suffix[] = {7, i};
        size_t element = open_pair(out, suffix, sizeof suffix);

        der_add(out, RATLS_DER_BOOLEAN, &yes, 1);
        der_close(out, element);
    }
    der_close(out, list);
    der_close(out, pair);
}

static void add_sgx(test_buffer *out, const pki_platform *platform)
{
    static const uint8_t ppid[16] = {0xa5, 0x01}, instance[16] = {0x15, 0x02};
    static const uint8_t type = 1;
    test_buffer value = {0};
    size_t list = der_open(&value, RATLS_DER_SEQUENCE);
    uint8_t number = 5;
    size_t pair;

    add_octets(&value, 1, ppid, sizeof ppid);
    add_tcb(&value, platform);
    add_octets(&value, 3, platform->pce_id, sizeof platform->pce_id);
    add_octets(&value, 4, platform->fmspc, platform->fmspc_len);
    pair = open_pair(&value, &number, 1);
    der_add(&value, RATLS_DER_ENUMERATED, &type, 1);
    der_close(&value, pair);
    if (platform->platform) {
        add_octets(&value, 6, instance, sizeof instance);
        add_configuration(&value);
    }
    der_close(&value, list);
    add_extension(out, oid_sgx, sizeof oid_sgx, false, &value);
    buffer_free(&value);
}

static void add_extensions(test_buffer *out, const pki_certificate *recipe)
{
    test_buffer value = {0};
    size_t wrapper = der_open(out, 0xa3);
    size_t list = der_open(out, RATLS_DER_SEQUENCE);

    if (!recipe->no_authority_key_id) {
        add_authority_key_id(out, recipe->authority == NULL ? recipe->issuer_key : recipe->authority);
    }
    if (!recipe->no_distribution_points) {
        der_add(&value, RATLS_DER_SEQUENCE, NULL, 0);
        add_standard(out, 0x1f, false, &value);
    }
    for (int i = recipe->twice_subject_key_id ? 0 : 1; i < 2 && !recipe->no_subject_key_id; i++) {
        add_subject_key_id(out, recipe->key);
    }
    if (recipe->usage != PKI_ABSENT) {
        add_key_usage(out, recipe->usage, !recipe->not_critical);
    }
    if (recipe->ca != PKI_ABSENT) {
        add_basic_constraints(out, recipe);
    }
    if (recipe->unknown_critical) {
        der_add(&value, RATLS_DER_NULL, NULL, 0);
        add_extension(out, oid_unknown, sizeof oid_unknown, true, &value);
    }
    if (recipe->platform != NULL && !recipe->platform->absent) {
        for (int i = recipe->platform->twice ? 0 : 1; i < 2; i++) {
            add_sgx(out, recipe->platform);
        }
    }
    der_close(out, list);
    der_close(out, wrapper);
    buffer_free(&value);
}

static void add_spki(test_buffer *out, const pki_certificate *recipe)
{
    uint8_t *der = NULL;
    int len;

    if (recipe->explicit_curve && EVP_PKEY_set_utf8_string_param(recipe->key, "encoding", "explicit") != 1) {
        abort();
    }
    len = i2d_PUBKEY(recipe->key, &der);
    if (len <= 0) {
        abort();
    }
    buffer_add(out, der, (size_t)len);
    OPENSSL_free(der);
}

/* The three parts around what was added to `tbs`, which is freed. */
static void add_signed(test_buffer *out, test_buffer *tbs, EVP_PKEY *key, bool sha384, bool bad, bool trailing)
{
    uint8_t signature[81] = {0}; /* after the byte of unused bits */
    size_t whole = der_open(out, RATLS_DER_SEQUENCE);
    size_t len = sign_der(signature + 1, key, buffer_bytes(tbs));

    signature[len] ^= bad ? 1 : 0;
    buffer_add_buffer(out, tbs);
    add_algorithm(out, sha384);
    der_add(out, RATLS_DER_BIT_STRING, signature, len + 1);
    der_close(out, whole);
    if (trailing) {
        buffer_u8(out, 0);
    }
    buffer_free(tbs);
}

void pki_certificate_write(test_buffer *out, const pki_certificate *recipe)
{
    test_buffer tbs = {0};
    size_t sequence = der_open(&tbs, RATLS_DER_SEQUENCE);
    size_t part = der_open(&tbs, 0xa0);

    add_integer(&tbs, (uint32_t)recipe->version);
    der_close(&tbs, part);
    der_add(&tbs, RATLS_DER_INTEGER, recipe->serial, recipe->serial_len);
    add_algorithm(&tbs, recipe->sha384);
    add_name(&tbs, recipe->issuer, 0, recipe->printable);
    part = der_open(&tbs, RATLS_DER_SEQUENCE);
    add_time(&tbs, recipe->not_before);
    add_time(&tbs, recipe->not_after);
    der_close(&tbs, part);
    add_name(&tbs, recipe->subject, recipe->subject_len, recipe->printable);
    add_spki(&tbs, recipe);
    if (recipe->version == 2) {
        add_extensions(&tbs, recipe);
    }
    der_close(&tbs, sequence);
    add_signed(out, &tbs, recipe->issuer_key, recipe->sha384, recipe->bad_signature, recipe->trailing);
}

static void add_entry(test_buffer *out, const pki_crl *recipe, const uint8_t *serial, size_t serial_len)
{
    test_buffer value = {0};
    uint8_t reason = (uint8_t)recipe->reason;
    size_t entry = der_open(out, RATLS_DER_SEQUENCE);
    size_t list;

    der_add(out, RATLS_DER_INTEGER, serial, serial_len);
    add_time(out, PKI_ISSUED);
    if (recipe->reason != PKI_ABSENT || recipe->entry_unknown_critical) {
        list = der_open(out, RATLS_DER_SEQUENCE);
        if (recipe->reason != PKI_ABSENT) {
            der_add(&value, RATLS_DER_ENUMERATED, &reason, 1);
            add_standard(out, 0x15, false, &value);
        }
        if (recipe->entry_unknown_critical) {
            der_add(&value, RATLS_DER_NULL, NULL, 0);
            add_extension(out, oid_unknown, sizeof oid_unknown, true, &value);
        }
        der_close(out, list);
    }
    der_close(out, entry);
    buffer_free(&value);
}

static void add_entries(test_buffer *out, const pki_crl *recipe)
{
    size_t list;

    if (recipe->listed_len == 0 && recipe->padding == 0) {
        return;
    }
    list = der_open(out, RATLS_DER_SEQUENCE);
    for (size_t i = 0; i < recipe->padding; i++) {
        uint8_t serial[PKI_SERIAL_LEN] = {0x70, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

        add_entry(out, recipe, serial, sizeof serial);
    }
    for (size_t i = 0; i < recipe->listed_len; i++) {
        add_entry(out, recipe, recipe->listed[i]->serial, recipe->listed[i]->serial_len);
    }
    der_close(out, list);
}

static void add_crl_extensions(test_buffer *out, const pki_crl *recipe)
{
    test_buffer value = {0};
    size_t wrapper = der_open(out, 0xa0);
    size_t list = der_open(out, RATLS_DER_SEQUENCE);

    if (!recipe->no_number) {
        add_integer(&value, 1);
        add_standard(out, 0x14, false, &value);
    }
    if (!recipe->no_authority_key_id) {
        add_authority_key_id(out, recipe->authority == NULL ? recipe->issuer_key : recipe->authority);
    }
    if (recipe->delta) {
        add_integer(&value, 1);
        add_standard(out, 0x1b, true, &value);
    }
    if (recipe->distribution_point) {
        der_add(&value, RATLS_DER_SEQUENCE, NULL, 0);
        add_standard(out, 0x1c, true, &value);
    }
    if (recipe->unknown_critical) {
        der_add(&value, RATLS_DER_NULL, NULL, 0);
        add_extension(out, oid_unknown, sizeof oid_unknown, true, &value);
    }
    der_close(out, list);
    der_close(out, wrapper);
    buffer_free(&value);
}

void pki_crl_write(test_buffer *out, const pki_crl *recipe)
{
    test_buffer tbs = {0};
    size_t sequence = der_open(&tbs, RATLS_DER_SEQUENCE);

    add_integer(&tbs, (uint32_t)recipe->version);
    add_algorithm(&tbs, recipe->sha384);
    add_name(&tbs, recipe->issuer, 0, false);
    add_time(&tbs, recipe->this_update);
    if (!recipe->no_next_update) {
        add_time(&tbs, recipe->next_update);
    }
    add_entries(&tbs, recipe);
    add_crl_extensions(&tbs, recipe);
    der_close(&tbs, sequence);
    add_signed(out, &tbs, recipe->signing_key == NULL ? recipe->issuer_key : recipe->signing_key, recipe->sha384, recipe->bad_signature,
               recipe->trailing);
}

void pki_pem_write(test_buffer *out, const char *label, const test_buffer *der)
{
    uint8_t line[PEM_LINE * 2];

    buffer_add_text(out, "-----BEGIN ");
    buffer_add_text(out, label);
    buffer_add_text(out, "-----\n");
    for (size_t at = 0; at < der->len; at += PEM_LINE) {
        size_t len = der->len - at < PEM_LINE ? der->len - at : PEM_LINE;

        buffer_add(out, line, (size_t)EVP_EncodeBlock(line, der->data + at, (int)len));
        buffer_u8(out, '\n');
    }
    buffer_add_text(out, "-----END ");
    buffer_add_text(out, label);
    buffer_add_text(out, "-----\n");
}

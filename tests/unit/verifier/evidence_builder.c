#include "verifier/evidence_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/digest.h"
#include "base/tables.h"

static const uint8_t intel_vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

static void add(built_quote *quote, const void *bytes, size_t len)
{
    assert_true(len <= sizeof quote->bytes - quote->len);
    memcpy(quote->bytes + quote->len, bytes, len);
    quote->len += len;
}

static void add_fill(built_quote *quote, uint8_t byte, size_t len)
{
    assert_true(len <= sizeof quote->bytes - quote->len);
    memset(quote->bytes + quote->len, byte, len);
    quote->len += len;
}

static void add_number(built_quote *quote, size_t value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));

        add(quote, &byte, 1);
    }
}

static void add_header(built_quote *quote, uint16_t version, uint32_t tee_type)
{
    add_number(quote, version, 2);
    add_number(quote, 2, 2);
    add_number(quote, tee_type, 4);
    add_fill(quote, 0, 4);
    add(quote, intel_vendor, sizeof intel_vendor);
    add_fill(quote, 0x11, 20);
}

/* Signature data as versions 4 and 5 (wrapped) or 3 have it; nobody signed. */
static void add_signature_data(built_quote *quote, bool wrapped)
{
    static const char chain[] = "-----BEGIN CERTIFICATE-----";
    size_t qe_part = 384 + 64 + 2 + 32 + 2 + 4 + sizeof chain - 1;

    add_number(quote, 64 + 64 + (wrapped ? 6U : 0U) + qe_part, 4);
    add_fill(quote, 0x51, 64);
    add_fill(quote, 0x52, 64);
    if (wrapped) {
        add_number(quote, 6, 2);
        add_number(quote, qe_part, 4);
    }
    add_fill(quote, 0x53, 384);
    add_fill(quote, 0x54, 64);
    add_number(quote, 32, 2);
    add_fill(quote, 0x55, 32);
    add_number(quote, 5, 2);
    add_number(quote, sizeof chain - 1, 4);
    add(quote, chain, sizeof chain - 1);
}

uint8_t *built_field(built_quote *quote, ratls_field field)
{
    int offset = quote->td ? ratls_field_rows[field].td_offset : ratls_field_rows[field].sgx_offset;

    assert_true(offset >= 0);
    return quote->bytes + quote->body + offset;
}

static void fill_field(built_quote *quote, ratls_field field, uint8_t byte)
{
    memset(built_field(quote, field), byte, ratls_field_rows[field].length);
}

static void add_td_body(built_quote *quote, size_t len)
{
    static const uint8_t attributes[8] = {0, 0, 0, 0x10}; /* SEPT_VE_DISABLE */
    static const uint8_t xfam[8] = {0xe7, 0x02, 0x06};
    static const uint8_t mr_td_start[5] = {0x91, 0xa0, 0x56, 0x3f, 0x0c}, mr_td_end[2] = {0xc3, 0xd2};

    quote->td = true;
    quote->body = quote->len;
    add_fill(quote, 0, len);
    memcpy(built_field(quote, RATLS_FIELD_TD_ATTRIBUTES), attributes, 8);
    memcpy(built_field(quote, RATLS_FIELD_XFAM), xfam, 8);
    memset(built_field(quote, RATLS_FIELD_TEE_TCB_SVN), 5, 3);
    fill_field(quote, RATLS_FIELD_MR_SEAM, 0x5e);
    fill_field(quote, RATLS_FIELD_MR_TD, 0x77);
    memcpy(built_field(quote, RATLS_FIELD_MR_TD), mr_td_start, sizeof mr_td_start);
    memcpy(built_field(quote, RATLS_FIELD_MR_TD) + 46, mr_td_end, sizeof mr_td_end);
    fill_field(quote, RATLS_FIELD_MR_CONFIG_ID, 0xc1);
    fill_field(quote, RATLS_FIELD_MR_OWNER, 0xc2);
    fill_field(quote, RATLS_FIELD_MR_OWNER_CONFIG, 0xc3);
    fill_field(quote, RATLS_FIELD_RTMR0, 0xa0);
    fill_field(quote, RATLS_FIELD_RTMR1, 0xa1);
    fill_field(quote, RATLS_FIELD_RTMR2, 0xa2);
    fill_field(quote, RATLS_FIELD_RTMR3, 0xa3);
    fill_field(quote, RATLS_FIELD_REPORT_DATA, 0xdd);
}

void build_td10(built_quote *out)
{
    memset(out, 0, sizeof *out);
    add_header(out, 4, RATLS_TEE_TDX);
    add_td_body(out, RATLS_TD_REPORT_10_LEN);
    add_signature_data(out, true);
}

void build_td15(built_quote *out)
{
    memset(out, 0, sizeof *out);
    add_header(out, 5, RATLS_TEE_TDX);
    add_number(out, 3, 2);
    add_number(out, RATLS_TD_REPORT_15_LEN, 4);
    add_td_body(out, RATLS_TD_REPORT_15_LEN);
    add_signature_data(out, true);
}

void build_sgx(built_quote *out)
{
    memset(out, 0, sizeof *out);
    add_header(out, 3, RATLS_TEE_SGX);
    out->body = out->len;
    add_fill(out, 0, RATLS_ENCLAVE_REPORT_LEN);
    built_field(out, RATLS_FIELD_ATTRIBUTES)[0] = 0x05; /* INIT, MODE64 */
    fill_field(out, RATLS_FIELD_MR_ENCLAVE, 0xe1);
    fill_field(out, RATLS_FIELD_REPORT_DATA, 0xdd);
    add_signature_data(out, false);
}

ratls_parsed_quote parsed(const built_quote *quote)
{
    ratls_parsed_quote out;

    assert_int_equal(ratls_quote_parse(&out, (ratls_bytes){quote->bytes, quote->len}, NULL), RATLS_OK);
    return out;
}

/* One key for the whole program. */
static EVP_PKEY *test_key(void)
{
    static EVP_PKEY *key;

    if (key == NULL) {
        key = EVP_EC_gen("P-256");
        assert_non_null(key);
    }
    return key;
}

void key_report_data(uint8_t out[64])
{
    static const char tag[] = "ratls-cert:";
    uint8_t *spki = NULL;
    int len = i2d_PUBKEY(test_key(), &spki);

    assert_true(len > 0);
    assert_int_equal(ratls_sha512(out, (ratls_bytes){(const uint8_t *)tag, sizeof tag - 1}, (ratls_bytes){spki, (size_t)len}, NULL), RATLS_OK);
    OPENSSL_free(spki);
}

static void add_extension(X509 *certificate, const uint8_t *payload, size_t len)
{
    ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.62397.1.1", 1);
    ASN1_OCTET_STRING *inner = ASN1_OCTET_STRING_new(), *outer = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;
    uint8_t *der = NULL;
    int der_len;

    assert_true(ASN1_OCTET_STRING_set(inner, payload, (int)len));
    der_len = i2d_ASN1_OCTET_STRING(inner, &der);
    assert_true(der_len > 0);
    assert_true(ASN1_OCTET_STRING_set(outer, der, der_len));
    extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, outer);
    assert_non_null(extension);
    assert_true(X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
    OPENSSL_free(der);
    ASN1_OCTET_STRING_free(inner);
    ASN1_OCTET_STRING_free(outer);
    ASN1_OBJECT_free(oid);
}

void build_certificate(built_certificate *out, const uint8_t *payload, size_t len)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    uint8_t *next = out->der;
    int der_len;

    assert_true(X509_set_version(certificate, X509_VERSION_3));
    assert_true(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1));
    assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"db.example", -1, -1, 0));
    assert_true(X509_set_issuer_name(certificate, name));
    assert_true(ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "20250101000000Z"));
    assert_true(ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "20350101000000Z"));
    assert_true(X509_set_pubkey(certificate, test_key()));
    if (payload != NULL) {
        add_extension(certificate, payload, len);
    }
    assert_true(X509_sign(certificate, test_key(), EVP_sha256()) > 0);
    der_len = i2d_X509(certificate, NULL);
    assert_true(der_len > 0 && der_len <= BUILT_CERTIFICATE_MAX);
    out->len = (size_t)i2d_X509(certificate, &next);
    X509_free(certificate);
}

void build_bound_certificate(built_certificate *out, built_quote *quote)
{
    key_report_data(built_field(quote, RATLS_FIELD_REPORT_DATA));
    build_certificate(out, quote->bytes, quote->len);
}

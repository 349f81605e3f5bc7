#include "support/quote_builder.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/der.h"
#include "evidence/quote.h"
#include "support/certificate_builder.h"

enum { PEM_LINE = 48 }; /* bytes on a line of 64 characters */

const uint8_t sgx_oid[9] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

static quote_spec spec_common(uint16_t version, uint32_t tee_type, size_t body_len)
{
    return (quote_spec){.version = version,
                        .key_type = 2,
                        .tee_type = tee_type,
                        .vendor_first = 0x93,
                        .body_size = (uint32_t)body_len,
                        .body_len = body_len,
                        .enclave_flags = 0x05,
                        .report_data_fill = 0x77,
                        .outer_type = 6,
                        .authentication_len = 32,
                        .certification_type = 5};
}

quote_spec quote_spec_tdx_v4(void)
{
    return spec_common(4, RATLS_TEE_TDX, RATLS_TD_REPORT_10_LEN);
}

quote_spec quote_spec_tdx_v5(uint16_t body_type)
{
    quote_spec spec = spec_common(5, RATLS_TEE_TDX, body_type == 2 ? RATLS_TD_REPORT_10_LEN : RATLS_TD_REPORT_15_LEN);

    spec.body_type = body_type;
    return spec;
}

quote_spec quote_spec_sgx(uint16_t version)
{
    quote_spec spec = spec_common(version, RATLS_TEE_SGX, RATLS_ENCLAVE_REPORT_LEN);

    spec.body_type = 1;
    if (version == 3) {
        spec.reserved[0] = 0x09;
        spec.reserved[2] = 0x0d;
    }
    return spec;
}

static void add_header(test_buffer *out, const quote_spec *spec)
{
    static const uint8_t vendor_rest[] = {0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

    buffer_u16_le(out, spec->version);
    buffer_u16_le(out, spec->key_type);
    buffer_u32_le(out, spec->tee_type);
    buffer_add(out, spec->reserved, sizeof spec->reserved);
    buffer_u8(out, spec->vendor_first);
    buffer_add(out, vendor_rest, sizeof vendor_rest);
    buffer_fill(out, 0x1d, 16);
    buffer_fill(out, 0x00, 4);
    if (spec->version == 5) {
        buffer_u16_le(out, spec->body_type);
        buffer_u32_le(out, spec->body_size);
    }
}

/* Every byte of a body tells where it is, but for the ones that mean something to a test. */
static void add_body(test_buffer *out, const quote_spec *spec)
{
    size_t start = out->len;
    bool td = spec->tee_type == RATLS_TEE_TDX;
    size_t report_data = td ? 520 : 320;

    for (size_t i = 0; i < spec->body_len; i++) {
        buffer_u8(out, (uint8_t)(i >> 2));
    }
    if (spec->body_len < report_data + RATLS_REPORT_DATA_LEN) {
        return;
    }
    out->data[start + (td ? 120 : 48)] = td ? spec->td_attributes_first : spec->enclave_flags;
    memset(out->data + start + report_data, spec->report_data_fill, RATLS_REPORT_DATA_LEN);
}

static void add_qe_part(test_buffer *out, const quote_spec *spec)
{
    test_buffer chain = {0};
    const test_buffer *certification = spec->certification;

    if (certification == NULL) {
        chain_build(&chain);
        certification = &chain;
    }
    buffer_fill(out, 0xe1, RATLS_ENCLAVE_REPORT_LEN);
    buffer_fill(out, 0xe2, 64);
    buffer_u16_le(out, (uint16_t)(spec->authentication_len + spec->authentication_len_delta));
    buffer_fill(out, 0xe3, spec->authentication_len);
    buffer_u16_le(out, spec->certification_type);
    buffer_u32_le(out, (uint32_t)((int64_t)certification->len + spec->certification_len_delta));
    buffer_add_buffer(out, certification);
    buffer_fill(out, 0xe4, spec->slack);
    buffer_free(&chain);
}

void quote_build(test_buffer *out, const quote_spec *spec)
{
    test_buffer qe_part = {0}, signature_data = {0};

    add_header(out, spec);
    add_body(out, spec);
    add_qe_part(&qe_part, spec);
    buffer_fill(&signature_data, 0x51, 64);
    buffer_fill(&signature_data, 0x52, 64);
    if (spec->version != 3) {
        buffer_u16_le(&signature_data, spec->outer_type);
        buffer_u32_le(&signature_data, (uint32_t)((int64_t)qe_part.len + spec->outer_size_delta));
    }
    buffer_add_buffer(&signature_data, &qe_part);
    buffer_u32_le(out, (uint32_t)((int64_t)signature_data.len + spec->signature_len_delta));
    buffer_add_buffer(out, &signature_data);
    buffer_fill(out, 0x00, spec->trailing);
    buffer_free(&qe_part);
    buffer_free(&signature_data);
}

/* A pair of an OID under the SGX extension's and an element; `sub` 0: the OID has only `number`. */
static void add_pair(test_buffer *out, uint8_t number, uint8_t sub, uint8_t tag, const void *content, size_t len)
{
    uint8_t oid[sizeof sgx_oid + 2];
    size_t pair = der_open(out, RATLS_DER_SEQUENCE);

    memcpy(oid, sgx_oid, sizeof sgx_oid);
    oid[sizeof sgx_oid] = number;
    oid[sizeof sgx_oid + 1] = sub;
    der_add(out, RATLS_DER_OID, oid, sub == 0 ? sizeof oid - 1 : sizeof oid);
    der_add(out, tag, content, len);
    der_close(out, pair);
}

static void add_number(test_buffer *out, uint8_t sub, uint32_t value)
{
    uint8_t bytes[] = {0x00, (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    size_t skip = 0;

    while (skip < 3 && bytes[skip] == 0x00 && bytes[skip + 1] < 0x80) {
        skip++;
    }
    add_pair(out, 2, sub, RATLS_DER_INTEGER, bytes + skip, sizeof bytes - skip);
}

static void add_component(test_buffer *out, uint8_t number, sgx_extension_fault fault)
{
    static const uint8_t padded[] = {0x00, 0x03}, negative[] = {0xff};

    if (number != 3) {
        add_number(out, number, number);
    } else if (fault == SGX_EXTENSION_COMPONENT_256) {
        add_number(out, number, 256);
    } else if (fault == SGX_EXTENSION_COMPONENT_NEGATIVE) {
        add_pair(out, 2, number, RATLS_DER_INTEGER, negative, sizeof negative);
    } else if (fault == SGX_EXTENSION_COMPONENT_NOT_MINIMAL) {
        add_pair(out, 2, number, RATLS_DER_INTEGER, padded, sizeof padded);
    } else if (fault == SGX_EXTENSION_COMPONENT_TWICE) {
        add_number(out, 4, 4);
    } else if (fault != SGX_EXTENSION_SEVENTEEN_COMPONENTS) {
        add_number(out, number, number);
    }
}

static void build_tcb(test_buffer *out, sgx_extension_fault fault)
{
    uint8_t cpu_svn[16];

    for (uint8_t i = 1; i <= 16; i++) {
        cpu_svn[i - 1] = i;
        add_component(out, i, fault);
    }
    add_number(out, 17, fault == SGX_EXTENSION_PCE_SVN_TOO_LARGE ? 0x10000 : 0x0d0e);
    add_pair(out, 2, 18, RATLS_DER_OCTET_STRING, cpu_svn, fault == SGX_EXTENSION_CPU_SVN_SHORT ? 15 : 16);
}

static void build_configuration(test_buffer *out, sgx_extension_fault fault)
{
    static const uint8_t yes = 0xff, no = 0x00, neither = 0x01;

    add_pair(out, 7, 1, RATLS_DER_BOOLEAN, fault == SGX_EXTENSION_FLAG_NOT_FF ? &neither : &yes, 1);
    add_pair(out, 7, 2, RATLS_DER_BOOLEAN, &no, 1);
    if (fault != SGX_EXTENSION_FLAG_MISSING) {
        add_pair(out, 7, 3, RATLS_DER_BOOLEAN, &yes, 1);
    }
}

static void build_common_elements(test_buffer *out, const test_buffer *tcb, sgx_extension_fault fault)
{
    static const uint8_t ppid[] = {0xb0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const uint8_t pce_id[] = {0x12, 0x34, 0x56}, fmspc[] = {0x50, 0x60, 0x70, 0x00, 0x00, 0x01};
    uint8_t type = fault == SGX_EXTENSION_TYPE_3 ? 3 : 1;

    add_pair(out, 1, 0, fault == SGX_EXTENSION_PPID_NOT_OCTETS ? RATLS_DER_BIT_STRING : RATLS_DER_OCTET_STRING, ppid, sizeof ppid);
    add_pair(out, 2, 0, RATLS_DER_SEQUENCE, tcb->data, tcb->len);
    add_pair(out, 3, 0, RATLS_DER_OCTET_STRING, pce_id, fault == SGX_EXTENSION_PCE_ID_3_BYTES ? 3 : 2);
    add_pair(out, 4, 0, RATLS_DER_OCTET_STRING, fmspc, fault == SGX_EXTENSION_FMSPC_5_BYTES ? 5 : 6);
    if (fault == SGX_EXTENSION_FMSPC_TWICE) {
        add_pair(out, 4, 0, RATLS_DER_OCTET_STRING, fmspc, sizeof fmspc);
    } else {
        add_pair(out, fault == SGX_EXTENSION_UNKNOWN_OID ? 9 : 5, 0, RATLS_DER_ENUMERATED, &type, 1);
    }
}

void sgx_extension_build(test_buffer *out, sgx_extension_fault fault)
{
    static const uint8_t instance[] = {0xa0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    size_t list = der_open(out, RATLS_DER_SEQUENCE);
    test_buffer tcb = {0}, configuration = {0};

    build_tcb(&tcb, fault);
    build_configuration(&configuration, fault);
    build_common_elements(out, &tcb, fault);
    if (fault != SGX_EXTENSION_PROCESSOR) {
        add_pair(out, 6, 0, RATLS_DER_OCTET_STRING, instance, sizeof instance);
    }
    if (fault == SGX_EXTENSION_PAIR_OF_THREE) {
        size_t pair = der_open(out, RATLS_DER_SEQUENCE);
        uint8_t oid[sizeof sgx_oid + 1];

        memcpy(oid, sgx_oid, sizeof sgx_oid);
        oid[sizeof sgx_oid] = 7;
        der_add(out, RATLS_DER_OID, oid, sizeof oid);
        der_add(out, RATLS_DER_SEQUENCE, configuration.data, configuration.len);
        der_add(out, RATLS_DER_NULL, NULL, 0);
        der_close(out, pair);
    } else if (fault != SGX_EXTENSION_PROCESSOR && fault != SGX_EXTENSION_SIX_ELEMENTS) {
        add_pair(out, 7, 0, RATLS_DER_SEQUENCE, configuration.data, configuration.len);
    }
    der_close(out, list);
    if (fault == SGX_EXTENSION_TRAILING) {
        der_add(out, RATLS_DER_NULL, NULL, 0);
    }
    buffer_free(&tcb);
    buffer_free(&configuration);
}

void pem_add(test_buffer *out, const char *label, const uint8_t *der, size_t der_len)
{
    unsigned char line[PEM_LINE / 3 * 4 + 1];

    buffer_add_text(out, "-----BEGIN ");
    buffer_add_text(out, label);
    buffer_add_text(out, "-----\n");
    for (size_t at = 0; at < der_len; at += PEM_LINE) {
        size_t len = der_len - at < PEM_LINE ? der_len - at : PEM_LINE;
        int written = EVP_EncodeBlock(line, der + at, (int)len);

        buffer_add(out, line, (size_t)written);
        buffer_add_text(out, "\n");
    }
    buffer_add_text(out, "-----END ");
    buffer_add_text(out, label);
    buffer_add_text(out, "-----\n");
}

void chain_build(test_buffer *out)
{
    for (size_t i = 0; i < 3; i++) {
        test_buffer certificate = {0}, extensions = {0}, value = {0};

        if (i == 0) {
            sgx_extension_build(&value, SGX_EXTENSION_PLATFORM);
            extension_add(&extensions, sgx_oid, sizeof sgx_oid, &value);
        }
        certificate_build(&certificate, &extensions, CERTIFICATE_GOOD);
        pem_add(out, "CERTIFICATE", certificate.data, certificate.len);
        buffer_free(&certificate);
        buffer_free(&extensions);
        buffer_free(&value);
    }
    buffer_u8(out, 0);
}

#include "evidence/sgx_extension.h"

#include <string.h>

enum {
    OID_PPID = 1,
    OID_TCB = 2,
    OID_PCE_ID = 3,
    OID_FMSPC = 4,
    OID_SGX_TYPE = 5,
    OID_PLATFORM_INSTANCE_ID = 6,
    OID_CONFIGURATION = 7,
    OID_TOP_LAST_PROCESSOR = 5, /* the Processor CA issues the first five elements */
    OID_TOP_LAST_PLATFORM = 7,  /* the Platform CA all seven */
    OID_TCB_PCE_SVN = 17,
    OID_TCB_CPU_SVN = 18,
    OID_CONFIGURATION_LAST = 3,
    SGX_TYPE_LAST = 2,
    COMPONENT_MAX = 0xff,
    PCE_SVN_MAX = 0xffff
};

/* 1.2.840.113741.1.13.1; every OID inside it is this one and one or two further bytes. */
static const uint8_t sgx_extension_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

/* Reads one value; returns what is wrong as a literal, NULL when nothing is. */
typedef const char *(*read_value)(ratls_sgx_extension *out, uint8_t number, const ratls_der *value);

/* Last byte of an OID that is ours with exactly the bytes of `prefix` and one more after them; 0 for another. */
static uint8_t oid_number(ratls_bytes oid, ratls_bytes prefix)
{
    ratls_reader reader = ratls_reader_over(oid);
    ratls_bytes start;
    uint8_t number;

    if (!ratls_reader_take(&reader, &start, prefix.len) || !ratls_bytes_equal(start, prefix) || !ratls_reader_u8(&reader, &number) ||
        reader.left > 0) {
        return 0;
    }
    return number;
}

/* A SEQUENCE of pairs of OID and value: each number from 1 to `last` exactly once, in any order. */
static const char *read_pairs(ratls_sgx_extension *out, ratls_bytes content, ratls_bytes prefix, uint8_t last, read_value read)
{
    ratls_reader reader = ratls_reader_over(content);
    uint32_t seen = 0;

    while (reader.left > 0) {
        ratls_der pair, oid, value;
        ratls_reader inside;
        const char *fault;
        uint8_t number;

        if (!ratls_der_expect(&reader, RATLS_DER_SEQUENCE, &pair)) {
            return "an element is not a pair";
        }
        inside = ratls_reader_over(pair.content);
        if (!ratls_der_expect(&inside, RATLS_DER_OID, &oid) || !ratls_der_next(&inside, &value) || inside.left > 0) {
            return "an element is not a pair of OID and value";
        }
        number = oid_number(oid.content, prefix);
        if (number == 0 || number > last) {
            return "an element has an unknown OID";
        }
        if ((seen & UINT32_C(1) << number) != 0) {
            return "an element is there twice";
        }
        seen |= UINT32_C(1) << number;
        fault = read(out, number, &value);
        if (fault != NULL) {
            return fault;
        }
    }
    /* Bits 1 to last. */
    return seen == (UINT32_C(2) << last) - 2 ? NULL : "an element is missing";
}

static bool read_octets(uint8_t *out, size_t len, const ratls_der *value)
{
    if (value->tag != RATLS_DER_OCTET_STRING || value->content.len != len) {
        return false;
    }
    memcpy(out, value->content.data, len);
    return true;
}

static bool read_number(uint64_t *out, uint8_t tag, uint64_t maximum, const ratls_der *value)
{
    return value->tag == tag && ratls_der_unsigned(value, out) && *out <= maximum;
}

static const char *read_tcb_value(ratls_sgx_extension *out, uint8_t number, const ratls_der *value)
{
    uint64_t svn;

    if (number == OID_TCB_CPU_SVN) {
        return read_octets(out->cpu_svn, RATLS_CPU_SVN_LEN, value) ? NULL : "CPUSVN";
    }
    if (number == OID_TCB_PCE_SVN) {
        if (!read_number(&svn, RATLS_DER_INTEGER, PCE_SVN_MAX, value)) {
            return "PCESVN";
        }
        out->pce_svn = (uint16_t)svn;
        return NULL;
    }
    if (!read_number(&svn, RATLS_DER_INTEGER, COMPONENT_MAX, value)) {
        return "a TCB component";
    }
    out->components[number - 1] = (uint8_t)svn;
    return NULL;
}

static const char *read_configuration_value(ratls_sgx_extension *out, uint8_t number, const ratls_der *value)
{
    bool *const flags[] = {&out->dynamic_platform, &out->cached_keys, &out->smt_enabled};

    return ratls_der_boolean(value, flags[number - 1]) ? NULL : "a configuration flag";
}

static const char *read_nested(ratls_sgx_extension *out, uint8_t number, const ratls_der *value, uint8_t last, read_value read)
{
    uint8_t prefix[sizeof sgx_extension_oid + 1];

    if (value->tag != RATLS_DER_SEQUENCE) {
        return "an element that is to be a SEQUENCE";
    }
    memcpy(prefix, sgx_extension_oid, sizeof sgx_extension_oid);
    prefix[sizeof sgx_extension_oid] = number;
    return read_pairs(out, value->content, (ratls_bytes){prefix, sizeof prefix}, last, read);
}

static const char *read_sgx_type(ratls_sgx_extension *out, const ratls_der *value)
{
    uint64_t type;

    if (!read_number(&type, RATLS_DER_ENUMERATED, SGX_TYPE_LAST, value)) {
        return "SGX type";
    }
    out->sgx_type = (uint8_t)type;
    return NULL;
}

static const char *read_top_value(ratls_sgx_extension *out, uint8_t number, const ratls_der *value)
{
    switch (number) {
    case OID_PPID:
        return read_octets(out->ppid, RATLS_PPID_LEN, value) ? NULL : "PPID";
    case OID_TCB:
        return read_nested(out, number, value, OID_TCB_CPU_SVN, read_tcb_value);
    case OID_PCE_ID:
        return read_octets(out->pce_id, RATLS_PCE_ID_LEN, value) ? NULL : "PCE-ID";
    case OID_FMSPC:
        return read_octets(out->fmspc, RATLS_FMSPC_LEN, value) ? NULL : "FMSPC";
    case OID_SGX_TYPE:
        return read_sgx_type(out, value);
    case OID_PLATFORM_INSTANCE_ID:
        return read_octets(out->platform_instance_id, RATLS_PLATFORM_INSTANCE_ID_LEN, value) ? NULL : "platform instance id";
    default:
        return read_nested(out, number, value, OID_CONFIGURATION_LAST, read_configuration_value);
    }
}

/* Which of the two forms it is shows in the number of its elements. */
static const char *read_sgx_extension(ratls_sgx_extension *out, ratls_bytes value)
{
    ratls_der list, element;
    ratls_reader reader;
    size_t count = 0;

    if (!ratls_der_only(value, RATLS_DER_SEQUENCE, &list)) {
        return "not exactly one SEQUENCE";
    }
    for (reader = ratls_reader_over(list.content); ratls_der_next(&reader, &element);) {
        count++;
    }
    if (reader.left > 0 || (count != OID_TOP_LAST_PROCESSOR && count != OID_TOP_LAST_PLATFORM)) {
        return "neither five nor seven elements";
    }
    out->platform = count == OID_TOP_LAST_PLATFORM;
    return read_pairs(out, list.content, (ratls_bytes){sgx_extension_oid, sizeof sgx_extension_oid}, (uint8_t)count, read_top_value);
}

ratls_status ratls_sgx_extension_parse(ratls_sgx_extension *out, const ratls_certificate *pck, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_sgx_extension found = {0};
    const ratls_extension *extension;
    const char *fault;
    size_t count;

    memset(out, 0, sizeof *out);
    extension = ratls_certificate_extension(pck, (ratls_bytes){sgx_extension_oid, sizeof sgx_extension_oid}, &count);
    CHECK(extension != NULL, RATLS_ERR_DCAP_PCK_SGX_EXT_MISSING);
    CHECK(count == 1, RATLS_ERR_DCAP_PCK_SGX_EXT_FORMAT, WHAT("the extension is there twice"));
    fault = read_sgx_extension(&found, extension->value);
    CHECK(fault == NULL, RATLS_ERR_DCAP_PCK_SGX_EXT_FORMAT, WHAT(fault));
    *out = found;
    status = RATLS_OK;
out:
    return status;
}

#include "support/certificate_builder.h"

#include <string.h>

#include "base/certificate.h"

static const uint8_t oid_ecdsa_sha256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t oid_ecdsa_sha384[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03};
static const uint8_t oid_ec_key[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const uint8_t oid_p256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t oid_common_name[] = {0x55, 0x04, 0x03};
static const uint8_t oid_organization[] = {0x55, 0x04, 0x0a};
static const uint8_t oid_dstack[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xe7, 0x3d, 0x01};

static void add_algorithm(test_buffer *out, const uint8_t *oid, size_t oid_len)
{
    size_t algorithm = der_open(out, RATLS_DER_SEQUENCE);

    der_add(out, RATLS_DER_OID, oid, oid_len);
    der_close(out, algorithm);
}

static void add_inner_algorithm(test_buffer *out, certificate_fault fault)
{
    static const uint8_t cut_oid[] = {0x2a, 0x86};

    if (fault == CERTIFICATE_ALGORITHM_OID_MALFORMED) {
        add_algorithm(out, cut_oid, sizeof cut_oid);
    } else {
        add_algorithm(out, oid_ecdsa_sha256, sizeof oid_ecdsa_sha256);
    }
}

static void add_outer_algorithm(test_buffer *out, certificate_fault fault)
{
    if (fault == CERTIFICATE_OUTER_ALGORITHM_OTHER) {
        add_algorithm(out, oid_ecdsa_sha384, sizeof oid_ecdsa_sha384);
    } else if (fault == CERTIFICATE_OUTER_ALGORITHM_NULL_PARAMETERS) {
        size_t algorithm = der_open(out, RATLS_DER_SEQUENCE);

        der_add(out, RATLS_DER_OID, oid_ecdsa_sha256, sizeof oid_ecdsa_sha256);
        der_add(out, RATLS_DER_NULL, NULL, 0);
        der_close(out, algorithm);
    } else {
        add_inner_algorithm(out, fault);
    }
}

static void add_attribute(test_buffer *out, const uint8_t *oid, size_t oid_len, const char *value)
{
    size_t attribute = der_open(out, RATLS_DER_SEQUENCE);

    der_add(out, RATLS_DER_OID, oid, oid_len);
    der_add(out, RATLS_DER_UTF8_STRING, value, strlen(value));
    der_close(out, attribute);
}

static void add_name(test_buffer *out, const char *common_name, certificate_fault fault)
{
    size_t name = der_open(out, RATLS_DER_SEQUENCE);
    size_t set;

    if (fault == CERTIFICATE_ISSUER_EMPTY_SET) {
        der_add(out, RATLS_DER_SET, NULL, 0);
    }
    set = der_open(out, RATLS_DER_SET);
    add_attribute(out, oid_organization, sizeof oid_organization, "Tests");
    if (fault == CERTIFICATE_ISSUER_SET_UNSORTED) {
        add_attribute(out, oid_organization, sizeof oid_organization, "Other");
    }
    der_close(out, set);
    set = der_open(out, RATLS_DER_SET);
    add_attribute(out, oid_common_name, sizeof oid_common_name, common_name);
    der_close(out, set);
    der_close(out, name);
}

static void add_validity(test_buffer *out, certificate_fault fault)
{
    size_t validity = der_open(out, RATLS_DER_SEQUENCE);

    if (fault == CERTIFICATE_NOT_BEFORE_WITHOUT_Z) {
        der_add(out, RATLS_DER_UTC_TIME, "7501010000000", 13);
    } else {
        der_add(out, RATLS_DER_UTC_TIME, "750101000000Z", 13);
    }
    if (fault == CERTIFICATE_NOT_AFTER_FEBRUARY_30) {
        der_add(out, RATLS_DER_GENERALIZED_TIME, "20510230000000Z", 15);
    } else {
        der_add(out, RATLS_DER_GENERALIZED_TIME, "20510228235959Z", 15);
    }
    if (fault == CERTIFICATE_VALIDITY_THIRD_TIME) {
        der_add(out, RATLS_DER_UTC_TIME, "750101000000Z", 13);
    }
    der_close(out, validity);
}

static void add_spki(test_buffer *out, certificate_fault fault)
{
    size_t spki = der_open(out, RATLS_DER_SEQUENCE);
    size_t algorithm = der_open(out, RATLS_DER_SEQUENCE);

    der_add(out, RATLS_DER_OID, oid_ec_key, sizeof oid_ec_key);
    der_add(out, RATLS_DER_OID, oid_p256, sizeof oid_p256);
    der_close(out, algorithm);
    if (fault != CERTIFICATE_SPKI_WITHOUT_KEY) {
        size_t key = der_open(out, RATLS_DER_BIT_STRING);

        buffer_u8(out, fault == CERTIFICATE_SPKI_UNUSED_BITS ? 1 : 0);
        buffer_u8(out, 0x04);
        buffer_fill(out, 0x5a, 64);
        der_close(out, key);
    }
    der_close(out, spki);
}

void certificate_spki(test_buffer *out)
{
    add_spki(out, CERTIFICATE_GOOD);
}

void extension_add(test_buffer *extensions, const uint8_t *oid, size_t oid_len, const test_buffer *value)
{
    size_t extension = der_open(extensions, RATLS_DER_SEQUENCE);

    der_add(extensions, RATLS_DER_OID, oid, oid_len);
    der_add(extensions, RATLS_DER_OCTET_STRING, value->data, value->len);
    der_close(extensions, extension);
}

void extension_add_dstack_raw(test_buffer *extensions, uint8_t number, const test_buffer *value)
{
    uint8_t oid[sizeof oid_dstack + 1];

    memcpy(oid, oid_dstack, sizeof oid_dstack);
    oid[sizeof oid_dstack] = number;
    extension_add(extensions, oid, sizeof oid, value);
}

void extension_add_dstack(test_buffer *extensions, uint8_t number, const test_buffer *payload)
{
    test_buffer value = {0};

    der_add(&value, RATLS_DER_OCTET_STRING, payload->data, payload->len);
    extension_add_dstack_raw(extensions, number, &value);
    buffer_free(&value);
}

/* A critical basicConstraints, whose flag and end are what some faults change. */
static void add_critical_extension(test_buffer *out, certificate_fault fault)
{
    static const uint8_t oid[] = {0x55, 0x1d, 0x13};
    static const uint8_t empty_sequence[] = {0x30, 0x00};
    uint8_t critical = fault == CERTIFICATE_CRITICAL_FALSE_ENCODED ? 0x00 : fault == CERTIFICATE_CRITICAL_NOT_FF ? 0x01 : 0xff;
    size_t extension = der_open(out, RATLS_DER_SEQUENCE);

    der_add(out, RATLS_DER_OID, oid, sizeof oid);
    der_add(out, RATLS_DER_BOOLEAN, &critical, 1);
    der_add(out, RATLS_DER_OCTET_STRING, empty_sequence, sizeof empty_sequence);
    if (fault == CERTIFICATE_EXTENSION_TRAILING) {
        der_add(out, RATLS_DER_NULL, NULL, 0);
    }
    der_close(out, extension);
}

static void add_extensions(test_buffer *out, const test_buffer *extensions, certificate_fault fault)
{
    size_t wrapper = der_open(out, 0xa3);
    size_t list = der_open(out, RATLS_DER_SEQUENCE);

    if (fault != CERTIFICATE_EXTENSIONS_EMPTY) {
        add_critical_extension(out, fault);
        buffer_add_buffer(out, extensions);
    }
    if (fault == CERTIFICATE_EXTENSIONS_TOO_MANY) {
        for (size_t i = 0; i < RATLS_CERTIFICATE_EXTENSIONS_MAX; i++) {
            add_critical_extension(out, CERTIFICATE_GOOD);
        }
    }
    der_close(out, list);
    der_close(out, wrapper);
}

static void add_version(test_buffer *out, certificate_fault fault)
{
    uint8_t version = fault == CERTIFICATE_VERSION_DEFAULT_ENCODED ? 0 : fault == CERTIFICATE_VERSION_4 ? 3 : 2;
    size_t wrapper;

    if (fault == CERTIFICATE_VERSION_1_WITH_EXTENSIONS) {
        return;
    }
    wrapper = der_open(out, 0xa0);
    der_add(out, RATLS_DER_INTEGER, &version, 1);
    der_close(out, wrapper);
}

static void add_serial(test_buffer *out, certificate_fault fault)
{
    static const uint8_t serial[] = {0x00, 0x01, 0x23};

    if (fault == CERTIFICATE_SERIAL_NOT_MINIMAL) {
        der_add(out, RATLS_DER_INTEGER, serial, sizeof serial);
    } else if (fault == CERTIFICATE_SERIAL_EMPTY) {
        der_add(out, RATLS_DER_INTEGER, NULL, 0);
    } else {
        der_add(out, RATLS_DER_INTEGER, serial + 1, sizeof serial - 1);
    }
}

static void add_tbs(test_buffer *out, const test_buffer *extensions, certificate_fault fault)
{
    size_t tbs = der_open(out, RATLS_DER_SEQUENCE);

    add_version(out, fault);
    add_serial(out, fault);
    add_inner_algorithm(out, fault);
    add_name(out, "Issuer", fault);
    add_validity(out, fault);
    if (fault == CERTIFICATE_SUBJECT_NOT_A_NAME) {
        der_add(out, RATLS_DER_UTF8_STRING, "Subject", 7);
    } else {
        add_name(out, "Subject", CERTIFICATE_GOOD);
    }
    add_spki(out, fault);
    if (fault == CERTIFICATE_UNIQUE_ID_EMPTY) {
        der_add(out, 0x81, NULL, 0);
    }
    if (extensions != NULL && extensions->len > 0) {
        add_extensions(out, extensions, fault);
    }
    if (fault == CERTIFICATE_FIELD_AFTER_EXTENSIONS) {
        der_add(out, 0x84, NULL, 0);
    }
    der_close(out, tbs);
}

void certificate_build(test_buffer *out, const test_buffer *extensions, certificate_fault fault)
{
    static const uint8_t long_form[] = {0x81};
    size_t certificate = der_open(out, RATLS_DER_SEQUENCE);
    size_t signature;

    add_tbs(out, extensions, fault);
    add_outer_algorithm(out, fault);
    signature = der_open(out, RATLS_DER_BIT_STRING);
    buffer_u8(out, fault == CERTIFICATE_SIGNATURE_UNUSED_BITS ? 4 : 0);
    buffer_fill(out, 0xa0, 70);
    der_close(out, signature);
    if (fault == CERTIFICATE_LENGTH_NOT_MINIMAL) {
        buffer_insert(out, signature, long_form, sizeof long_form); /* 81 47 for 47 */
    }
    if (fault == CERTIFICATE_FOURTH_PART) {
        der_add(out, RATLS_DER_NULL, NULL, 0);
    }
    der_close(out, certificate);
    if (fault == CERTIFICATE_TRAILING_BYTE) {
        buffer_u8(out, 0);
    }
}

/** Certificates for tests: right in form, with a placeholder key and signature, and one thing wrong on request. */
#ifndef RATLS_TEST_CERTIFICATE_BUILDER_H
#define RATLS_TEST_CERTIFICATE_BUILDER_H

#include "support/buffer.h"

typedef enum {
    CERTIFICATE_GOOD,
    CERTIFICATE_VERSION_DEFAULT_ENCODED, /* v1 written out */
    CERTIFICATE_VERSION_4,
    CERTIFICATE_VERSION_1_WITH_EXTENSIONS,
    CERTIFICATE_SERIAL_NOT_MINIMAL,
    CERTIFICATE_SERIAL_EMPTY,
    CERTIFICATE_OUTER_ALGORITHM_OTHER,
    CERTIFICATE_OUTER_ALGORITHM_NULL_PARAMETERS,
    CERTIFICATE_ALGORITHM_OID_MALFORMED,
    CERTIFICATE_ISSUER_EMPTY_SET,
    CERTIFICATE_ISSUER_SET_UNSORTED,
    CERTIFICATE_SUBJECT_NOT_A_NAME,
    CERTIFICATE_NOT_BEFORE_WITHOUT_Z,
    CERTIFICATE_NOT_AFTER_FEBRUARY_30,
    CERTIFICATE_VALIDITY_THIRD_TIME,
    CERTIFICATE_SPKI_UNUSED_BITS,
    CERTIFICATE_SPKI_WITHOUT_KEY,
    CERTIFICATE_CRITICAL_FALSE_ENCODED,
    CERTIFICATE_CRITICAL_NOT_FF,
    CERTIFICATE_EXTENSION_TRAILING,
    CERTIFICATE_EXTENSIONS_EMPTY,
    CERTIFICATE_EXTENSIONS_TOO_MANY,
    CERTIFICATE_FIELD_AFTER_EXTENSIONS,
    CERTIFICATE_UNIQUE_ID_EMPTY,
    CERTIFICATE_SIGNATURE_UNUSED_BITS,
    CERTIFICATE_FOURTH_PART,
    CERTIFICATE_TRAILING_BYTE,
    CERTIFICATE_LENGTH_NOT_MINIMAL,
    CERTIFICATE_FAULT_COUNT
} certificate_fault;

/** Add one certificate. `extensions` is the content of the list of extensions (see extension_add()); NULL or
 *  empty: a certificate without any. */
void certificate_build(test_buffer *out, const test_buffer *extensions, certificate_fault fault);

/** Add an Extension with this OID (content octets). */
void extension_add(test_buffer *extensions, const uint8_t *oid, size_t oid_len, const test_buffer *value);

/** Add the dstack extension .N whose extnValue holds `payload` in one OCTET STRING. */
void extension_add_dstack(test_buffer *extensions, uint8_t number, const test_buffer *payload);

/** The same, with extnValue exactly as given. */
void extension_add_dstack_raw(test_buffer *extensions, uint8_t number, const test_buffer *value);

/** SubjectPublicKeyInfo of every certificate that certificate_build() makes. */
void certificate_spki(test_buffer *out);

#endif

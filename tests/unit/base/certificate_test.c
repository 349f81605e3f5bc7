#include "support/unit.h"

#include <openssl/x509.h>

#include "base/certificate.h"
#include "support/certificate_builder.h"

/* A certificate with one extension of ours besides basicConstraints. */
static void build(test_buffer *out, certificate_fault fault)
{
    test_buffer extensions = {0}, payload = {0};

    buffer_add_text(&payload, "payload");
    extension_add_dstack(&extensions, 8, &payload);
    certificate_build(out, &extensions, fault);
    buffer_free(&extensions);
    buffer_free(&payload);
}

static void assert_refused(certificate_fault fault, const char *expected)
{
    test_buffer der = {0};
    ratls_certificate certificate;
    const char *what = NULL;

    build(&der, fault);
    assert_false(ratls_certificate_parse(&certificate, buffer_bytes(&der), &what));
    assert_string_equal(what, expected);
    assert_null(certificate.der.data);
    buffer_free(&der);
}

static void a_good_certificate_is_read(void **state)
{
    static const uint8_t oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xe7, 0x3d, 0x01, 0x08};
    test_buffer der = {0}, spki = {0};
    const ratls_extension *extension;
    ratls_certificate certificate;
    const char *what = NULL;
    ratls_bytes name;
    size_t count;

    (void)state;
    build(&der, CERTIFICATE_GOOD);
    certificate_spki(&spki);
    assert_true(ratls_certificate_parse(&certificate, buffer_bytes(&der), &what));
    assert_int_equal(certificate.version, 3);
    ASSERT_BYTES(certificate.serial, "\x01\x23");
    assert_int_equal(certificate.not_before, 157766400);
    assert_int_equal(certificate.not_after, INT64_C(2561241599));
    assert_true(ratls_bytes_equal(certificate.spki, buffer_bytes(&spki)));
    assert_int_equal(certificate.signature.len, 70);
    assert_int_equal(certificate.extensions_len, 2);
    assert_true(certificate.extensions[0].critical);
    assert_true(ratls_name_common_name(certificate.issuer, &name));
    ASSERT_BYTES(name, "Issuer");
    assert_true(ratls_name_common_name(certificate.subject, &name));
    ASSERT_BYTES(name, "Subject");
    extension = ratls_certificate_extension(&certificate, (ratls_bytes){oid, sizeof oid}, &count);
    assert_int_equal(count, 1);
    assert_false(extension->critical);
    ASSERT_BYTES(extension->value, "\x04\x07payload");
    buffer_free(&der);
    buffer_free(&spki);
}

static void openssl_reads_the_same(void **state)
{
    test_buffer der = {0};
    ratls_certificate certificate;
    const char *what = NULL;
    const unsigned char *next;
    unsigned char *spki = NULL;
    X509 *x509;
    int len;

    (void)state;
    build(&der, CERTIFICATE_GOOD);
    assert_true(ratls_certificate_parse(&certificate, buffer_bytes(&der), &what));
    next = der.data;
    x509 = d2i_X509(NULL, &next, (long)der.len);
    assert_non_null(x509);
    len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &spki);
    assert_true(ratls_bytes_equal(certificate.spki, (ratls_bytes){spki, (size_t)len}));
    assert_int_equal(X509_get_version(x509) + 1, certificate.version);
    assert_int_equal((size_t)X509_get_ext_count(x509), certificate.extensions_len);
    OPENSSL_free(spki);
    X509_free(x509);
    buffer_free(&der);
}

static void without_extensions_it_is_read(void **state)
{
    test_buffer der = {0};
    ratls_certificate certificate;
    const char *what = NULL;

    (void)state;
    certificate_build(&der, NULL, CERTIFICATE_VERSION_1_WITH_EXTENSIONS); /* version 1 and no extensions */
    assert_true(ratls_certificate_parse(&certificate, buffer_bytes(&der), &what));
    assert_int_equal(certificate.version, 1);
    assert_int_equal(certificate.extensions_len, 0);
    assert_null(ratls_certificate_extension(&certificate, BYTES_OF("\x2a\x03"), NULL));
    buffer_free(&der);
}

static void duplicate_extensions_are_counted(void **state)
{
    static const uint8_t oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xe7, 0x3d, 0x01, 0x01};
    test_buffer der = {0}, extensions = {0}, payload = {0};
    ratls_certificate certificate;
    const char *what = NULL;
    size_t count;

    (void)state;
    buffer_add_text(&payload, "a");
    extension_add_dstack(&extensions, 1, &payload);
    extension_add_dstack(&extensions, 1, &payload);
    certificate_build(&der, &extensions, CERTIFICATE_GOOD);
    assert_true(ratls_certificate_parse(&certificate, buffer_bytes(&der), &what));
    assert_ptr_equal(ratls_certificate_extension(&certificate, (ratls_bytes){oid, sizeof oid}, &count), &certificate.extensions[1]);
    assert_int_equal(count, 2);
    buffer_free(&der);
    buffer_free(&extensions);
    buffer_free(&payload);
}

static void each_fault_is_refused(void **state)
{
    static const char *const expected[CERTIFICATE_FAULT_COUNT] = {
        [CERTIFICATE_VERSION_DEFAULT_ENCODED] = "version",
        [CERTIFICATE_VERSION_4] = "version",
        [CERTIFICATE_VERSION_1_WITH_EXTENSIONS] = "extensions in a certificate that is not version 3",
        [CERTIFICATE_SERIAL_NOT_MINIMAL] = "serialNumber",
        [CERTIFICATE_SERIAL_EMPTY] = "serialNumber",
        [CERTIFICATE_OUTER_ALGORITHM_OTHER] = "outer signature algorithm differs from the inner one",
        [CERTIFICATE_OUTER_ALGORITHM_NULL_PARAMETERS] = "outer signature algorithm differs from the inner one",
        [CERTIFICATE_ALGORITHM_OID_MALFORMED] = "signature algorithm",
        [CERTIFICATE_ISSUER_EMPTY_SET] = "issuer",
        [CERTIFICATE_ISSUER_SET_UNSORTED] = "issuer",
        [CERTIFICATE_SUBJECT_NOT_A_NAME] = "subject",
        [CERTIFICATE_NOT_BEFORE_WITHOUT_Z] = "notBefore",
        [CERTIFICATE_NOT_AFTER_FEBRUARY_30] = "notAfter",
        [CERTIFICATE_VALIDITY_THIRD_TIME] = "notAfter",
        [CERTIFICATE_SPKI_UNUSED_BITS] = "subjectPublicKeyInfo",
        [CERTIFICATE_SPKI_WITHOUT_KEY] = "subjectPublicKeyInfo",
        [CERTIFICATE_CRITICAL_FALSE_ENCODED] = "an extension",
        [CERTIFICATE_CRITICAL_NOT_FF] = "an extension",
        [CERTIFICATE_EXTENSION_TRAILING] = "an extension",
        [CERTIFICATE_EXTENSIONS_EMPTY] = "extensions",
        [CERTIFICATE_EXTENSIONS_TOO_MANY] = "more extensions than the limit",
        [CERTIFICATE_FIELD_AFTER_EXTENSIONS] = "more fields than a certificate has",
        [CERTIFICATE_UNIQUE_ID_EMPTY] = "unique identifier",
        [CERTIFICATE_SIGNATURE_UNUSED_BITS] = "signature",
        [CERTIFICATE_FOURTH_PART] = "not the three parts of a certificate",
        [CERTIFICATE_TRAILING_BYTE] = "not exactly one SEQUENCE",
        [CERTIFICATE_LENGTH_NOT_MINIMAL] = "not the three parts of a certificate",
    };

    (void)state;
    for (certificate_fault fault = CERTIFICATE_GOOD + 1; fault < CERTIFICATE_FAULT_COUNT; fault++) {
        assert_refused(fault, expected[fault]);
    }
}

static void every_cut_is_refused(void **state)
{
    test_buffer der = {0};
    ratls_certificate certificate;
    const char *what;

    (void)state;
    build(&der, CERTIFICATE_GOOD);
    for (size_t len = 0; len < der.len; len++) {
        uint8_t *cut = malloc(len + 1); /* its own allocation, so that reading past it shows */

        memcpy(cut, der.data, len);
        assert_false(ratls_certificate_parse(&certificate, (ratls_bytes){cut, len}, &what));
        free(cut);
    }
    buffer_free(&der);
}

static void one_too_large_is_refused(void **state)
{
    test_buffer der = {0};
    ratls_certificate certificate;
    const char *what = NULL;

    (void)state;
    buffer_fill(&der, 0x30, RATLS_CERTIFICATE_SIZE_MAX + 1);
    assert_false(ratls_certificate_parse(&certificate, buffer_bytes(&der), &what));
    assert_string_equal(what, "more bytes than the limit");
    buffer_free(&der);
}

static void a_name_with_no_or_two_common_names_has_none(void **state)
{
    ratls_bytes found;

    (void)state;
    assert_true(ratls_name_common_name(BYTES_OF("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01" "a"), &found));
    ASSERT_BYTES(found, "a");
    assert_false(ratls_name_common_name(BYTES_OF("\x30\x00"), &found));
    assert_false(ratls_name_common_name(BYTES_OF("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x0a\x0c\x01" "a"), &found));
    assert_false(ratls_name_common_name(
        BYTES_OF("\x30\x18\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01" "a" "\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01" "b"), &found));
    assert_false(ratls_name_common_name(BYTES_OF("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01" "ab"), &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_certificate_is_read),
        cmocka_unit_test(openssl_reads_the_same),
        cmocka_unit_test(without_extensions_it_is_read),
        cmocka_unit_test(duplicate_extensions_are_counted),
        cmocka_unit_test(each_fault_is_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(one_too_large_is_refused),
        cmocka_unit_test(a_name_with_no_or_two_common_names_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "support/unit.h"

#include "evidence/ratls_certificate.h"
#include "support/certificate_builder.h"
#include "support/envelope_builder.h"
#include "support/quote_builder.h"

/* What a test puts into a certificate: each payload that is not empty becomes an extension. */
typedef struct {
    test_buffer quote;       /* .1 */
    test_buffer event_log;   /* .2 */
    test_buffer attestation; /* .8 */
} test_evidence;

static void free_evidence(test_evidence *evidence)
{
    buffer_free(&evidence->quote);
    buffer_free(&evidence->event_log);
    buffer_free(&evidence->attestation);
}

static test_buffer quote_of(quote_spec spec)
{
    test_buffer quote = {0};

    quote_build(&quote, &spec);
    return quote;
}

static test_buffer tdx_quote(void)
{
    return quote_of(quote_spec_tdx_v4());
}

static void build_certificate(test_buffer *der, const test_evidence *evidence)
{
    test_buffer extensions = {0};

    if (evidence->attestation.len > 0) {
        extension_add_dstack(&extensions, 8, &evidence->attestation);
    }
    if (evidence->quote.len > 0) {
        extension_add_dstack(&extensions, 1, &evidence->quote);
    }
    if (evidence->event_log.len > 0) {
        extension_add_dstack(&extensions, 2, &evidence->event_log);
    }
    certificate_build(der, &extensions, CERTIFICATE_GOOD);
    buffer_free(&extensions);
}

/* Frees the evidence. */
static void assert_quote(test_evidence *evidence, const test_buffer *expected)
{
    test_buffer der = {0};
    ratls_evidence found;
    uint8_t *quote = NULL;
    size_t quote_len = 0;

    build_certificate(&der, evidence);
    assert_int_equal(ratls_evidence_from_certificate(&found, buffer_bytes(&der), NULL), RATLS_OK);
    assert_true(found.present);
    assert_true(ratls_bytes_equal((ratls_bytes){found.quote, found.quote_len}, buffer_bytes(expected)));
    ratls_evidence_clear(&found);
    assert_int_equal(ratls_extract_tdx_quote(&quote, &quote_len, der.data, der.len, NULL), RATLS_OK);
    assert_true(ratls_bytes_equal((ratls_bytes){quote, quote_len}, buffer_bytes(expected)));
    ratls_bytes_free(quote);
    buffer_free(&der);
    free_evidence(evidence);
}

static void assert_der_refused(const test_buffer *der, ratls_status code, bool present)
{
    ratls_evidence found;
    ratls_error *error = NULL;
    uint8_t *quote = (uint8_t *)1;
    size_t quote_len = 1;

    ASSERT_FAILS(ratls_evidence_from_certificate(&found, buffer_bytes(der), &error), error, code);
    assert_null(found.quote);
    assert_null(found.event_log);
    assert_int_equal(found.present, present);
    assert_int_equal(found.spki.len > 0, present);
    ratls_evidence_clear(&found);
    ASSERT_FAILS(ratls_extract_tdx_quote(&quote, &quote_len, der->data, der->len, &error), error, code);
    assert_null(quote);
    assert_int_equal(quote_len, 0);
}

/* Frees the evidence. */
static void assert_refused(test_evidence *evidence, ratls_status code)
{
    test_buffer der = {0};

    build_certificate(&der, evidence);
    assert_der_refused(&der, code, true);
    buffer_free(&der);
    free_evidence(evidence);
}

static void a_certificate_without_evidence_has_no_quote(void **state)
{
    test_evidence nothing = {0};
    test_buffer der = {0};
    ratls_evidence found;
    uint8_t *quote = (uint8_t *)1;
    size_t quote_len = 1;

    (void)state;
    build_certificate(&der, &nothing);
    assert_int_equal(ratls_evidence_from_certificate(&found, buffer_bytes(&der), NULL), RATLS_OK);
    assert_false(found.present);
    assert_null(found.quote);
    assert_true(found.spki.len > 0);
    assert_int_equal(ratls_extract_tdx_quote(&quote, &quote_len, der.data, der.len, NULL), RATLS_OK);
    assert_null(quote);
    assert_int_equal(quote_len, 0);
    buffer_free(&der);
}

static void an_event_log_alone_is_no_evidence(void **state)
{
    test_evidence evidence = {0};
    test_buffer der = {0};
    ratls_evidence found;

    (void)state;
    buffer_add_text(&evidence.event_log, "[]");
    build_certificate(&der, &evidence);
    assert_int_equal(ratls_evidence_from_certificate(&found, buffer_bytes(&der), NULL), RATLS_OK);
    assert_false(found.present);
    assert_null(found.event_log);
    ratls_evidence_clear(&found);
    buffer_free(&der);
    free_evidence(&evidence);
}

static void extension_1_gives_quote_and_event_log(void **state)
{
    test_evidence evidence = {.quote = tdx_quote()};
    test_buffer der = {0}, spki = {0};
    ratls_evidence found;

    (void)state;
    buffer_add_text(&evidence.event_log, "[{}]");
    build_certificate(&der, &evidence);
    certificate_spki(&spki);
    assert_int_equal(ratls_evidence_from_certificate(&found, buffer_bytes(&der), NULL), RATLS_OK);
    assert_true(ratls_bytes_equal((ratls_bytes){found.quote, found.quote_len}, buffer_bytes(&evidence.quote)));
    assert_string_equal((const char *)found.event_log, "[{}]");
    assert_int_equal(found.event_log_len, 4);
    assert_true(ratls_bytes_equal(found.spki, buffer_bytes(&spki)));
    ratls_evidence_clear(&found);
    assert_null(found.quote);
    buffer_free(&der);
    buffer_free(&spki);
    free_evidence(&evidence);
}

static void extension_1_without_an_event_log_gives_the_quote(void **state)
{
    test_evidence evidence = {.quote = tdx_quote()};
    test_buffer expected = tdx_quote();

    (void)state;
    assert_quote(&evidence, &expected);
    buffer_free(&expected);
}

static void an_event_log_that_cannot_be_unwrapped_does_not_lose_the_quote(void **state)
{
    test_buffer der = {0}, extensions = {0}, quote = tdx_quote(), bare = {0};
    ratls_evidence found;

    (void)state;
    buffer_add_text(&bare, "bar");
    extension_add_dstack(&extensions, 1, &quote);
    extension_add_dstack_raw(&extensions, 2, &bare);
    certificate_build(&der, &extensions, CERTIFICATE_GOOD);
    assert_int_equal(ratls_evidence_from_certificate(&found, buffer_bytes(&der), NULL), RATLS_OK);
    assert_int_equal(found.quote_len, quote.len);
    assert_null(found.event_log);
    ratls_evidence_clear(&found);
    buffer_free(&der);
    buffer_free(&extensions);
    buffer_free(&quote);
    buffer_free(&bare);
}

static void what_follows_the_quote_is_left_out(void **state)
{
    quote_spec spec = quote_spec_tdx_v5(3);
    test_buffer expected = quote_of(spec);
    test_evidence evidence = {0};

    (void)state;
    spec.trailing = 70;
    evidence.quote = quote_of(spec);
    assert_int_equal(evidence.quote.len, expected.len + 70);
    assert_quote(&evidence, &expected);
    buffer_free(&expected);
}

static void extension_8_v0_gives_the_quote(void **state)
{
    test_buffer quote = tdx_quote();
    test_evidence evidence = {0};

    (void)state;
    envelope_v0(&evidence.attestation, 0, true, &quote, 0x77);
    assert_quote(&evidence, &quote);
    buffer_free(&quote);
}

static void extension_8_v1_gives_the_quote(void **state)
{
    test_buffer quote = tdx_quote();
    envelope_v1_spec spec = {.kind = "tdx", .quote = &quote, .report_data_fill = 0x77};
    test_evidence evidence = {0};

    (void)state;
    envelope_v1(&evidence.attestation, &spec);
    assert_quote(&evidence, &quote);
    buffer_free(&quote);
}

static void both_extensions_with_the_same_quote_are_read(void **state)
{
    test_buffer quote = tdx_quote();
    test_evidence evidence = {.quote = tdx_quote()};

    (void)state;
    envelope_v0(&evidence.attestation, 0, true, &quote, 0x77);
    assert_quote(&evidence, &quote);
    buffer_free(&quote);
}

static void both_extensions_with_different_quotes_are_refused(void **state)
{
    test_buffer quote = tdx_quote();
    test_evidence evidence = {.quote = quote_of(quote_spec_tdx_v5(2))};

    (void)state;
    envelope_v0(&evidence.attestation, 0, true, &quote, 0x77);
    assert_refused(&evidence, RATLS_ERR_EVIDENCE_CONFLICT);
    buffer_free(&quote);
}

static void an_unsupported_tee_beside_a_quote_is_refused(void **state)
{
    test_buffer quote = tdx_quote();
    test_evidence evidence = {.quote = tdx_quote()};

    (void)state;
    envelope_v0(&evidence.attestation, 3, true, &quote, 0x77);
    assert_refused(&evidence, RATLS_ERR_EVIDENCE_UNSUPPORTED_TEE);
    buffer_free(&quote);
}

static void every_other_tee_is_refused_by_name(void **state)
{
    static const char *const names[] = {NULL, "gcp-tdx", "nitro-enclave", "sev-snp", "aws-nitro-tpm"};
    test_buffer quote = tdx_quote();

    (void)state;
    for (uint8_t tag = 1; tag <= 4; tag++) {
        test_evidence evidence = {0};
        test_buffer der = {0};
        ratls_evidence found;
        ratls_error *error = NULL;

        envelope_v0(&evidence.attestation, tag, true, &quote, 0x77);
        build_certificate(&der, &evidence);
        assert_int_equal(ratls_evidence_from_certificate(&found, buffer_bytes(&der), &error), RATLS_ERR_EVIDENCE_UNSUPPORTED_TEE);
        assert_string_equal(ratls_error_detail(error, "found"), names[tag]);
        assert_null(found.quote);
        ratls_error_free(error);
        buffer_free(&der);
        free_evidence(&evidence);
    }
    buffer_free(&quote);
}

static void a_copy_of_report_data_that_differs_is_refused(void **state)
{
    test_buffer quote = tdx_quote();
    test_evidence evidence = {0};

    (void)state;
    envelope_v0(&evidence.attestation, 0, true, &quote, 0x78);
    assert_refused(&evidence, RATLS_ERR_EVIDENCE_REPORT_DATA_COPY);
    buffer_free(&quote);
}

static void duplicate_extensions_are_refused(void **state)
{
    static const uint8_t numbers[] = {1, 2, 8};
    test_buffer quote = tdx_quote();

    (void)state;
    for (size_t i = 0; i < sizeof numbers; i++) {
        test_buffer der = {0}, extensions = {0};

        extension_add_dstack(&extensions, 1, &quote);
        extension_add_dstack(&extensions, numbers[i], &quote);
        if (numbers[i] != 1) {
            extension_add_dstack(&extensions, numbers[i], &quote);
        }
        certificate_build(&der, &extensions, CERTIFICATE_GOOD);
        assert_der_refused(&der, RATLS_ERR_EVIDENCE_EXTENSION_DUPLICATE, true);
        buffer_free(&der);
        buffer_free(&extensions);
    }
    buffer_free(&quote);
}

/* A certificate with extension .N whose extnValue is exactly `value`. Frees the value. */
static void assert_raw_refused(uint8_t number, test_buffer *value, ratls_status code)
{
    test_buffer der = {0}, extensions = {0};

    extension_add_dstack_raw(&extensions, number, value);
    certificate_build(&der, &extensions, CERTIFICATE_GOOD);
    assert_der_refused(&der, code, true);
    buffer_free(&der);
    buffer_free(&extensions);
    buffer_free(value);
}

static void an_extension_that_is_not_wrapped_is_refused(void **state)
{
    static const uint8_t numbers[] = {1, 8};

    (void)state;
    for (size_t i = 0; i < sizeof numbers; i++) {
        test_buffer bare = tdx_quote(); /* begins 04 00: an empty OCTET STRING and bytes after it */

        assert_raw_refused(numbers[i], &bare, RATLS_ERR_EVIDENCE_EXTENSION_FORMAT);
    }
}

static void an_extension_wrapped_with_bytes_after_it_is_refused(void **state)
{
    test_buffer value = {0}, quote = tdx_quote();

    (void)state;
    der_add(&value, RATLS_DER_OCTET_STRING, quote.data, quote.len);
    buffer_u8(&value, 0);
    assert_raw_refused(1, &value, RATLS_ERR_EVIDENCE_EXTENSION_FORMAT);
    buffer_free(&quote);
}

static void an_extension_wrapped_in_a_long_length_is_refused(void **state)
{
    static const uint8_t wrapped[] = {0x04, 0x81, 0x02, 0x00, 0x00};
    test_buffer value = {0};

    (void)state;
    buffer_add(&value, wrapped, sizeof wrapped);
    assert_raw_refused(8, &value, RATLS_ERR_EVIDENCE_EXTENSION_FORMAT);
}

static void an_empty_extension_is_refused(void **state)
{
    static const uint8_t numbers[] = {1, 8};

    (void)state;
    for (size_t i = 0; i < sizeof numbers; i++) {
        test_buffer value = {0};

        der_add(&value, RATLS_DER_OCTET_STRING, NULL, 0);
        assert_raw_refused(numbers[i], &value, RATLS_ERR_EVIDENCE_EXTENSION_EMPTY);
    }
}

static void an_sgx_quote_is_refused(void **state)
{
    (void)state;
    for (uint16_t version = 3; version <= 5; version++) {
        test_evidence evidence = {.quote = quote_of(quote_spec_sgx(version))};

        assert_refused(&evidence, RATLS_ERR_EVIDENCE_QUOTE_NOT_TDX);
    }
}

static void a_quote_that_cannot_be_read_is_refused(void **state)
{
    test_evidence evidence = {.quote = tdx_quote()};

    (void)state;
    evidence.quote.len--;
    assert_refused(&evidence, RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
}

static void an_envelope_with_no_quote_bytes_is_refused(void **state)
{
    test_buffer nothing = {0};
    test_evidence evidence = {0};

    (void)state;
    envelope_v0(&evidence.attestation, 0, true, &nothing, 0x77);
    assert_refused(&evidence, RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
}

static void a_malformed_envelope_is_refused(void **state)
{
    test_evidence evidence = {0};

    (void)state;
    buffer_add_text(&evidence.attestation, "\x04not an envelope");
    assert_refused(&evidence, RATLS_ERR_EVIDENCE_ENVELOPE_VERSION);
}

static void a_malformed_envelope_does_not_fall_back_to_extension_1(void **state)
{
    test_evidence evidence = {.quote = tdx_quote()};

    (void)state;
    buffer_fill(&evidence.attestation, 0, 10);
    assert_refused(&evidence, RATLS_ERR_EVIDENCE_SCALE_FORMAT);
}

static void a_malformed_certificate_is_refused(void **state)
{
    test_buffer der = {0}, extensions = {0}, quote = tdx_quote();

    (void)state;
    extension_add_dstack(&extensions, 1, &quote);
    certificate_build(&der, &extensions, CERTIFICATE_TRAILING_BYTE);
    assert_der_refused(&der, RATLS_ERR_EVIDENCE_CERTIFICATE_FORMAT, false);
    buffer_free(&der);
    buffer_free(&extensions);
    buffer_free(&quote);
}

static void a_certificate_over_the_limit_is_refused(void **state)
{
    test_buffer der = {0};

    (void)state;
    buffer_fill(&der, 0x30, RATLS_CERTIFICATE_SIZE_MAX + 1);
    assert_der_refused(&der, RATLS_ERR_EVIDENCE_CERTIFICATE_TOO_LARGE, false);
    buffer_free(&der);
}

static void report_data_is_the_digest_of_tag_and_key(void **state)
{
    static const char spki_hex[] = "3059301306072a8648ce3d020106082a8648ce3d0301070342000419b2457dd9b8aa6446d980f136fff781"
                                   "2ecd6c77740eeb0e28b10d56c0c00028a5b6e59dcea307d583bd1f70769e9c116df2bcfb1758a95d8613e7de1c8482c0";
    static const char expected[] = "2d3a4b5a928758be8ffa0de31cbb716d1c5969c244b165c414d9dc3cadee93d8"
                                   "497d9d099beae3832a5f17798c18a08a8b407fdaed3b22aba002492a4402cd3b";
    uint8_t spki[91], report_data[64];
    char hex[129];

    (void)state;
    assert_true(ratls_hex_read(spki, sizeof spki, spki_hex, strlen(spki_hex)));
    assert_int_equal(ratls_evidence_report_data(report_data, (ratls_bytes){spki, sizeof spki}, NULL), RATLS_OK);
    ratls_hex_write(hex, report_data, sizeof report_data);
    assert_string_equal(hex, expected);
}

static void null_arguments_are_usage_errors(void **state)
{
    uint8_t *quote = (uint8_t *)1;
    size_t quote_len = 1;
    uint8_t der[1] = {0x30};
    ratls_error *error = (ratls_error *)1;

    (void)state;
    assert_int_equal(ratls_extract_tdx_quote(NULL, &quote_len, der, 1, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(quote_len, 0);
    assert_int_equal(ratls_extract_tdx_quote(&quote, NULL, der, 1, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_null(quote);
    assert_int_equal(ratls_extract_tdx_quote(&quote, &quote_len, der, 1, NULL), RATLS_ERR_EVIDENCE_CERTIFICATE_FORMAT);
    ASSERT_FAILS(ratls_extract_tdx_quote(&quote, &quote_len, NULL, 0, &error), error, RATLS_ERR_ARGUMENT_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_without_evidence_has_no_quote),
        cmocka_unit_test(an_event_log_alone_is_no_evidence),
        cmocka_unit_test(extension_1_gives_quote_and_event_log),
        cmocka_unit_test(extension_1_without_an_event_log_gives_the_quote),
        cmocka_unit_test(an_event_log_that_cannot_be_unwrapped_does_not_lose_the_quote),
        cmocka_unit_test(what_follows_the_quote_is_left_out),
        cmocka_unit_test(extension_8_v0_gives_the_quote),
        cmocka_unit_test(extension_8_v1_gives_the_quote),
        cmocka_unit_test(both_extensions_with_the_same_quote_are_read),
        cmocka_unit_test(both_extensions_with_different_quotes_are_refused),
        cmocka_unit_test(an_unsupported_tee_beside_a_quote_is_refused),
        cmocka_unit_test(every_other_tee_is_refused_by_name),
        cmocka_unit_test(a_copy_of_report_data_that_differs_is_refused),
        cmocka_unit_test(duplicate_extensions_are_refused),
        cmocka_unit_test(an_extension_that_is_not_wrapped_is_refused),
        cmocka_unit_test(an_extension_wrapped_with_bytes_after_it_is_refused),
        cmocka_unit_test(an_extension_wrapped_in_a_long_length_is_refused),
        cmocka_unit_test(an_empty_extension_is_refused),
        cmocka_unit_test(an_sgx_quote_is_refused),
        cmocka_unit_test(a_quote_that_cannot_be_read_is_refused),
        cmocka_unit_test(an_envelope_with_no_quote_bytes_is_refused),
        cmocka_unit_test(a_malformed_envelope_is_refused),
        cmocka_unit_test(a_malformed_envelope_does_not_fall_back_to_extension_1),
        cmocka_unit_test(a_malformed_certificate_is_refused),
        cmocka_unit_test(a_certificate_over_the_limit_is_refused),
        cmocka_unit_test(report_data_is_the_digest_of_tag_and_key),
        cmocka_unit_test(null_arguments_are_usage_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

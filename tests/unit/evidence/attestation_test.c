#include "support/unit.h"

#include "evidence/attestation.h"
#include "support/envelope_builder.h"

/* Envelopes do not look into a quote: any bytes do. */
static test_buffer some_quote(void)
{
    test_buffer quote = {0};

    for (size_t i = 0; i < 300; i++) {
        buffer_u8(&quote, (uint8_t)i);
    }
    return quote;
}

static void assert_tdx(const ratls_attestation *attestation, uint8_t version, const test_buffer *quote)
{
    static const uint8_t report_data[64] = {[0 ... 63] = 0x77};

    assert_int_equal(attestation->version, version);
    assert_int_equal(attestation->platform, RATLS_PLATFORM_TDX);
    assert_true(ratls_bytes_equal((ratls_bytes){attestation->quote, attestation->quote_len}, buffer_bytes(quote)));
    assert_memory_equal(attestation->report_data, report_data, sizeof report_data);
}

static void assert_refused(const test_buffer *envelope, ratls_status code)
{
    ratls_attestation attestation;
    ratls_error *error = NULL;

    ASSERT_FAILS(ratls_attestation_parse(&attestation, buffer_bytes(envelope), &error), error, code);
    assert_null(attestation.quote);
}

/* Every cut, in an allocation of its own so that reading past it shows. */
static void assert_every_cut_refused(const test_buffer *envelope, ratls_status code)
{
    for (size_t len = 1; len < envelope->len; len++) {
        uint8_t *cut = malloc(len);
        ratls_attestation attestation;

        memcpy(cut, envelope->data, len);
        assert_int_equal(ratls_attestation_parse(&attestation, (ratls_bytes){cut, len}, NULL), code);
        free(cut);
    }
}

static void v0_tdx_is_read(void **state)
{
    test_buffer envelope = {0}, quote = some_quote();
    ratls_attestation attestation;

    (void)state;
    envelope_v0(&envelope, 0, true, &quote, 0x77);
    assert_int_equal(ratls_attestation_parse(&attestation, buffer_bytes(&envelope), NULL), RATLS_OK);
    assert_tdx(&attestation, 0, &quote);
    ratls_attestation_clear(&attestation);
    assert_null(attestation.quote);
    buffer_free(&envelope);
    buffer_free(&quote);
}

static void v0_every_platform_is_walked(void **state)
{
    static const struct {
        uint8_t tag;
        bool with_body;
        ratls_platform platform;
        const char *name;
    } cases[] = {
        {1, true, RATLS_PLATFORM_GCP_TDX, "gcp-tdx"},           {1, false, RATLS_PLATFORM_GCP_TDX, "gcp-tdx"},
        {2, true, RATLS_PLATFORM_NITRO_ENCLAVE, "nitro-enclave"}, {2, false, RATLS_PLATFORM_NITRO_ENCLAVE, "nitro-enclave"},
        {3, true, RATLS_PLATFORM_SEV_SNP, "sev-snp"},           {4, true, RATLS_PLATFORM_AWS_NITRO_TPM, "aws-nitro-tpm"},
    };
    test_buffer quote = some_quote();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_buffer envelope = {0};
        ratls_attestation attestation;

        envelope_v0(&envelope, cases[i].tag, cases[i].with_body, &quote, 0x77);
        assert_int_equal(ratls_attestation_parse(&attestation, buffer_bytes(&envelope), NULL), RATLS_OK);
        assert_int_equal(attestation.platform, cases[i].platform);
        assert_string_equal(ratls_platform_name(attestation.platform), cases[i].name);
        assert_null(attestation.quote);
        assert_int_equal(attestation.report_data[63], 0x77);
        /* A cut one without a body may look like one with a body that is too large. */
        if (cases[i].with_body) {
            assert_every_cut_refused(&envelope, RATLS_ERR_EVIDENCE_SCALE_FORMAT);
        }
        ratls_attestation_clear(&attestation);
        buffer_free(&envelope);
    }
    buffer_free(&quote);
}

static void v0_every_cut_is_refused(void **state)
{
    test_buffer envelope = {0}, quote = some_quote();

    (void)state;
    envelope_v0(&envelope, 0, true, &quote, 0x77);
    assert_every_cut_refused(&envelope, RATLS_ERR_EVIDENCE_SCALE_FORMAT);
    buffer_free(&envelope);
    buffer_free(&quote);
}

static void v0_trailing_bytes_are_refused(void **state)
{
    test_buffer quote = some_quote();

    (void)state;
    for (uint8_t tag = 0; tag <= 4; tag++) {
        test_buffer envelope = {0};

        envelope_v0(&envelope, tag, true, &quote, 0x77);
        buffer_u8(&envelope, 0);
        assert_refused(&envelope, RATLS_ERR_EVIDENCE_SCALE_FORMAT);
        buffer_free(&envelope);
    }
    buffer_free(&quote);
}

static void v0_unknown_variant_is_refused(void **state)
{
    test_buffer envelope = {0}, quote = some_quote();

    (void)state;
    envelope_v0(&envelope, 0, true, &quote, 0x77);
    envelope.data[1] = 5;
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_SCALE_FORMAT);
    buffer_free(&envelope);
    buffer_free(&quote);
}

static void v0_tdx_without_a_body_is_refused(void **state)
{
    test_buffer envelope = {0};

    (void)state;
    buffer_u8(&envelope, 0);
    buffer_u8(&envelope, 0);
    scale_compact(&envelope, 0);
    buffer_fill(&envelope, 0, 64);
    scale_text(&envelope, "");
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_SCALE_FORMAT);
    buffer_free(&envelope);
}

/* Version, variant and a quote of no bytes. */
static void begin_v0(test_buffer *envelope)
{
    buffer_u8(envelope, 0);
    buffer_u8(envelope, 0);
    scale_bytes(envelope, NULL, 0);
}

static void v0_quote_over_the_limit_is_refused(void **state)
{
    test_buffer envelope = {0}, quote = {0};

    (void)state;
    buffer_fill(&quote, 0x04, 64 * 1024 + 1);
    envelope_v0(&envelope, 0, true, &quote, 0x77);
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_ENVELOPE_TOO_LARGE);
    buffer_free(&envelope);
    buffer_free(&quote);
}

static void v0_too_many_events_are_refused(void **state)
{
    test_buffer envelope = {0};

    (void)state;
    begin_v0(&envelope);
    scale_compact(&envelope, 0);
    scale_compact(&envelope, RATLS_ATTESTATION_EVENTS_MAX + 1);
    buffer_fill(&envelope, 0, 2 * (RATLS_ATTESTATION_EVENTS_MAX + 1)); /* empty names, empty payloads */
    buffer_fill(&envelope, 0x77, 64);
    scale_text(&envelope, "");
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_ENVELOPE_TOO_LARGE);
    buffer_free(&envelope);
}

static void v0_as_many_events_as_the_limit_are_read(void **state)
{
    test_buffer envelope = {0};
    ratls_attestation attestation;

    (void)state;
    begin_v0(&envelope);
    scale_compact(&envelope, 0);
    scale_compact(&envelope, RATLS_ATTESTATION_EVENTS_MAX);
    buffer_fill(&envelope, 0, 2 * RATLS_ATTESTATION_EVENTS_MAX);
    buffer_fill(&envelope, 0x77, 64);
    scale_text(&envelope, "");
    assert_int_equal(ratls_attestation_parse(&attestation, buffer_bytes(&envelope), NULL), RATLS_OK);
    assert_int_equal(attestation.quote_len, 0);
    ratls_attestation_clear(&attestation);
    buffer_free(&envelope);
}

static void v0_event_name_over_the_limit_is_refused(void **state)
{
    test_buffer envelope = {0}, name = {0};

    (void)state;
    buffer_fill(&name, 'n', RATLS_ATTESTATION_EVENT_NAME_MAX + 1);
    begin_v0(&envelope);
    scale_compact(&envelope, 0);
    scale_compact(&envelope, 1);
    scale_bytes(&envelope, name.data, name.len);
    scale_bytes(&envelope, NULL, 0);
    buffer_fill(&envelope, 0x77, 64);
    scale_text(&envelope, "");
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_ENVELOPE_TOO_LARGE);
    buffer_free(&envelope);
    buffer_free(&name);
}

static void v0_config_that_is_not_utf8_is_refused(void **state)
{
    test_buffer envelope = {0};

    (void)state;
    begin_v0(&envelope);
    scale_compact(&envelope, 0);
    scale_compact(&envelope, 0);
    buffer_fill(&envelope, 0x77, 64);
    scale_text(&envelope, "\xff");
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_SCALE_FORMAT);
    buffer_free(&envelope);
}

static void an_unknown_first_byte_is_refused(void **state)
{
    static const uint8_t firsts[] = {0x01, 0x04, 0x7f, 0x90, 0xa3, 0xc0, 0xdc, 0xdd, 0xe0, 0xff};

    (void)state;
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        test_buffer envelope = {0};

        buffer_fill(&envelope, firsts[i], 100);
        assert_refused(&envelope, RATLS_ERR_EVIDENCE_ENVELOPE_VERSION);
        buffer_free(&envelope);
    }
}

static void an_empty_envelope_is_refused(void **state)
{
    test_buffer envelope = {0};

    (void)state;
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_ENVELOPE_VERSION);
}

static void an_envelope_over_the_limit_is_refused(void **state)
{
    test_buffer envelope = {0};

    (void)state;
    buffer_fill(&envelope, 0, RATLS_ATTESTATION_SIZE_MAX + 1);
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_ENVELOPE_TOO_LARGE);
    buffer_free(&envelope);
}

static envelope_v1_spec spec_v1(const test_buffer *quote)
{
    return (envelope_v1_spec){.kind = "tdx", .quote = quote, .report_data_fill = 0x77};
}

static void assert_v1_tdx(const envelope_v1_spec *spec)
{
    test_buffer envelope = {0};
    ratls_attestation attestation;

    envelope_v1(&envelope, spec);
    assert_int_equal(ratls_attestation_parse(&attestation, buffer_bytes(&envelope), NULL), RATLS_OK);
    assert_tdx(&attestation, 1, spec->quote);
    ratls_attestation_clear(&attestation);
    buffer_free(&envelope);
}

static void v1_tdx_is_read(void **state)
{
    test_buffer quote = some_quote();
    envelope_v1_spec spec = spec_v1(&quote);

    (void)state;
    assert_v1_tdx(&spec);
    spec.octets_as_bin = true;
    assert_v1_tdx(&spec);
    buffer_free(&quote);
}

static void v1_members_in_another_order_are_read(void **state)
{
    test_buffer quote = some_quote();
    envelope_v1_spec spec = spec_v1(&quote);

    (void)state;
    spec.reversed = true;
    assert_v1_tdx(&spec);
    buffer_free(&quote);
}

static void v1_unknown_members_are_passed_over(void **state)
{
    test_buffer quote = some_quote();
    envelope_v1_spec spec = spec_v1(&quote);

    (void)state;
    spec.unknown_members = true;
    assert_v1_tdx(&spec);
    buffer_free(&quote);
}

static void v1_every_platform_is_walked(void **state)
{
    static const struct {
        const char *kind;
        bool without_data;
        ratls_platform platform;
    } cases[] = {
        {"gcp-tdx", false, RATLS_PLATFORM_GCP_TDX},       {"gcp-tdx", true, RATLS_PLATFORM_GCP_TDX},
        {"nitro-enclave", false, RATLS_PLATFORM_NITRO_ENCLAVE}, {"nitro-enclave", true, RATLS_PLATFORM_NITRO_ENCLAVE},
        {"sev-snp", false, RATLS_PLATFORM_SEV_SNP},       {"aws-nitro-tpm", false, RATLS_PLATFORM_AWS_NITRO_TPM},
    };
    test_buffer quote = some_quote();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        envelope_v1_spec spec = spec_v1(&quote);
        test_buffer envelope = {0};
        ratls_attestation attestation;

        spec.kind = cases[i].kind;
        spec.without_data = cases[i].without_data;
        envelope_v1(&envelope, &spec);
        assert_int_equal(ratls_attestation_parse(&attestation, buffer_bytes(&envelope), NULL), RATLS_OK);
        assert_int_equal(attestation.platform, cases[i].platform);
        assert_null(attestation.quote);
        assert_every_cut_refused(&envelope, RATLS_ERR_EVIDENCE_MESSAGEPACK_FORMAT);
        ratls_attestation_clear(&attestation);
        buffer_free(&envelope);
    }
    buffer_free(&quote);
}

static void v1_every_cut_is_refused(void **state)
{
    test_buffer envelope = {0}, quote = some_quote();
    envelope_v1_spec spec = spec_v1(&quote);

    (void)state;
    envelope_v1(&envelope, &spec);
    assert_every_cut_refused(&envelope, RATLS_ERR_EVIDENCE_MESSAGEPACK_FORMAT);
    buffer_free(&envelope);
    buffer_free(&quote);
}

static void v1_trailing_bytes_are_refused(void **state)
{
    test_buffer envelope = {0}, quote = some_quote();
    envelope_v1_spec spec = spec_v1(&quote);

    (void)state;
    envelope_v1(&envelope, &spec);
    buffer_u8(&envelope, 0);
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_MESSAGEPACK_FORMAT);
    buffer_free(&envelope);
    buffer_free(&quote);
}

static void v1_tdx_without_data_is_refused(void **state)
{
    test_buffer envelope = {0};
    envelope_v1_spec spec = spec_v1(NULL);

    (void)state;
    spec.without_data = true;
    envelope_v1(&envelope, &spec);
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_MESSAGEPACK_FORMAT);
    buffer_free(&envelope);
}

static void v1_unknown_platform_is_an_unsupported_tee(void **state)
{
    test_buffer envelope = {0};
    envelope_v1_spec spec = spec_v1(NULL);
    ratls_attestation attestation;
    ratls_error *error = NULL;

    (void)state;
    spec.kind = "arm-cca";
    spec.without_data = true;
    envelope_v1(&envelope, &spec);
    assert_int_equal(ratls_attestation_parse(&attestation, buffer_bytes(&envelope), &error), RATLS_ERR_EVIDENCE_UNSUPPORTED_TEE);
    assert_string_equal(ratls_error_detail(error, "found"), "arm-cca");
    ratls_error_free(error);
    buffer_free(&envelope);
}

/* A good V1 envelope in which the one occurrence of `from` was replaced by `to`. */
static void assert_replaced_refused(ratls_bytes from, ratls_bytes to, ratls_status code)
{
    test_buffer envelope = {0}, replaced = {0}, quote = some_quote();
    envelope_v1_spec spec = spec_v1(&quote);
    size_t count = 0;

    envelope_v1(&envelope, &spec);
    for (size_t at = 0; at < envelope.len;) {
        if (envelope.len - at >= from.len && memcmp(envelope.data + at, from.data, from.len) == 0) {
            buffer_add(&replaced, to.data, to.len);
            at += from.len;
            count++;
        } else {
            buffer_u8(&replaced, envelope.data[at++]);
        }
    }
    assert_int_equal(count, 1);
    assert_refused(&replaced, code);
    buffer_free(&envelope);
    buffer_free(&replaced);
    buffer_free(&quote);
}

#define assert_malformed(from, to) assert_replaced_refused(BYTES_OF(from), BYTES_OF(to), RATLS_ERR_EVIDENCE_MESSAGEPACK_FORMAT)

static void v1_another_version_is_refused(void **state)
{
    (void)state;
    assert_malformed("\xa7version\x01\xa8", "\xa7version\x02\xa8");
    assert_malformed("\xa7version\x01\xa8", "\xa7version\x00\xa8");
    assert_malformed("\xa7version\x01\xa8", "\xa7version\xa0\xa8");
}

static void v1_missing_members_are_refused(void **state)
{
    (void)state;
    assert_malformed("\xa7version\x01\xa8", "\xa7Version\x01\xa8");
    assert_malformed("\xa8platform", "\xa8Platform");
    assert_malformed("\xa5stack", "\xa5Stack");
    assert_malformed("\xa5quote", "\xa5Quote");
    assert_malformed("\xa9" "event_log", "\xa9" "Event_log");
    assert_malformed("\xa3imr", "\xa3Imr");
    assert_malformed("\xaa" "event_type", "\xaa" "Event_type");
    assert_malformed("\xa6" "digest", "\xa6" "Digest");
    assert_malformed("\xad" "event_payload", "\xad" "Event_payload");
    assert_malformed("\xab" "report_data", "\xab" "Report_data");
    assert_malformed("\xae" "runtime_events", "\xae" "Runtime_events");
    assert_malformed("\xa6" "config", "\xa6" "Config");
}

static void v1_values_of_another_kind_are_refused(void **state)
{
    (void)state;
    assert_malformed("\xa3imr\x03", "\xa3imr\xff");
    assert_malformed("\xa8preimage\xa4", "\xa8preimage\x94");
    assert_malformed("\xa6" "digest\xc4\x04", "\xa6" "digest\xd9\x04");
    assert_malformed("\xa6" "config\xa8", "\xa6" "config\x98");
    assert_malformed("\xa5quote\xdc", "\xa5quote\xda");
}

static void v1_octets_above_255_are_refused(void **state)
{
    (void)state;
    assert_malformed("\xab" "report_data\xdc\x00\x40\x77", "\xab" "report_data\xdc\x00\x40\xcd\x01\x00");
}

static void v1_a_key_twice_is_refused(void **state)
{
    (void)state;
    assert_malformed("\xa6" "digest\xc4\x04", "\xa3imr\xa2xx\xc4\x04");
    assert_malformed("\xa5stack\x82\xa4kind\xa6" "dstack\xa4" "data", "\xa5stack\x82\xa4kind\xa6" "dstack\xa4kind");
}

static void v1_an_unknown_key_twice_is_refused(void **state)
{
    test_buffer envelope = {0}, quote = some_quote();
    envelope_v1_spec spec = spec_v1(&quote);

    (void)state;
    envelope_v1(&envelope, &spec);
    envelope.data[0] = 0x85;
    for (size_t i = 0; i < 2; i++) {
        pack_text(&envelope, "later");
        pack_unsigned(&envelope, 1);
    }
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_MESSAGEPACK_FORMAT);
    buffer_free(&envelope);
    buffer_free(&quote);
}

static void v1_a_key_that_is_not_text_is_refused(void **state)
{
    (void)state;
    assert_malformed("\xa7version\x01\xa8", "\xc4\x06" "ersion\x01\xa8");
}

static void v1_an_unknown_stack_is_refused(void **state)
{
    (void)state;
    assert_malformed("\xa6" "dstack\xa4", "\xa6" "estack\xa4");
}

static void v1_report_data_of_another_length_is_refused(void **state)
{
    (void)state;
    assert_malformed("\xab" "report_data\xdc\x00\x40\x77", "\xab" "report_data\xdc\x00\x3f");
    assert_replaced_refused(BYTES_OF("\xab" "report_data\xdc\x00\x40"), BYTES_OF("\xab" "report_data\xdc\x00\x41\x77"),
                            RATLS_ERR_EVIDENCE_ENVELOPE_TOO_LARGE);
}

static void v1_more_members_than_the_limit_are_refused(void **state)
{
    test_buffer envelope = {0};

    (void)state;
    pack_map(&envelope, 65);
    for (uint32_t i = 0; i < 65; i++) {
        char key[] = {(char)('a' + i / 10), (char)('0' + i % 10), '\0'};

        pack_text(&envelope, key);
        pack_unsigned(&envelope, 1);
    }
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_ENVELOPE_TOO_LARGE);
    buffer_free(&envelope);
}

static void v1_a_quote_over_the_limit_is_refused(void **state)
{
    test_buffer envelope = {0}, quote = {0};
    envelope_v1_spec spec = spec_v1(&quote);

    (void)state;
    buffer_fill(&quote, 0x04, 64 * 1024 + 1);
    envelope_v1(&envelope, &spec);
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_ENVELOPE_TOO_LARGE);
    buffer_free(&envelope);
    spec.octets_as_bin = true;
    envelope_v1(&envelope, &spec);
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_ENVELOPE_TOO_LARGE);
    buffer_free(&envelope);
    buffer_free(&quote);
}

static void v1_deep_nesting_is_refused(void **state)
{
    test_buffer envelope = {0};

    (void)state;
    pack_map(&envelope, 1);
    pack_text(&envelope, "later");
    buffer_fill(&envelope, 0x91, 100000);
    buffer_u8(&envelope, 0x00);
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_MESSAGEPACK_FORMAT);
    buffer_free(&envelope);
}

/* SHA-512 of "app-data:" and "test content". */
static const char pod_digest[] = "7ea0b744ed5e9c0c83ff9f575668e1697652cd349f2027cdf26f918d4c53e8cd"
                                 "50b5ea9b449b4c3d50e20ae00ec29688d5a214e8daff8a10041f5d624dae8a01";

static void v1_a_pod_commits_to_its_payload(void **state)
{
    test_buffer envelope = {0}, quote = some_quote();
    envelope_v1_spec spec = spec_v1(&quote);
    ratls_attestation attestation;
    uint8_t digest[64];

    (void)state;
    assert_true(ratls_hex_read(digest, sizeof digest, pod_digest, strlen(pod_digest)));
    spec.pod_payload = "test content";
    spec.pod_report_data = digest;
    envelope_v1(&envelope, &spec);
    assert_int_equal(ratls_attestation_parse(&attestation, buffer_bytes(&envelope), NULL), RATLS_OK);
    assert_memory_equal(attestation.report_data, digest, sizeof digest);
    ratls_attestation_clear(&attestation);
    buffer_free(&envelope);
    buffer_free(&quote);
}

static void v1_a_pod_with_another_payload_is_refused(void **state)
{
    test_buffer envelope = {0}, quote = some_quote();
    envelope_v1_spec spec = spec_v1(&quote);
    uint8_t digest[64];

    (void)state;
    assert_true(ratls_hex_read(digest, sizeof digest, pod_digest, strlen(pod_digest)));
    spec.pod_payload = "test content!";
    spec.pod_report_data = digest;
    envelope_v1(&envelope, &spec);
    assert_refused(&envelope, RATLS_ERR_EVIDENCE_REPORT_DATA_PAYLOAD);
    buffer_free(&envelope);
    buffer_free(&quote);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v0_tdx_is_read),
        cmocka_unit_test(v0_every_platform_is_walked),
        cmocka_unit_test(v0_every_cut_is_refused),
        cmocka_unit_test(v0_trailing_bytes_are_refused),
        cmocka_unit_test(v0_unknown_variant_is_refused),
        cmocka_unit_test(v0_tdx_without_a_body_is_refused),
        cmocka_unit_test(v0_quote_over_the_limit_is_refused),
        cmocka_unit_test(v0_too_many_events_are_refused),
        cmocka_unit_test(v0_as_many_events_as_the_limit_are_read),
        cmocka_unit_test(v0_event_name_over_the_limit_is_refused),
        cmocka_unit_test(v0_config_that_is_not_utf8_is_refused),
        cmocka_unit_test(an_unknown_first_byte_is_refused),
        cmocka_unit_test(an_empty_envelope_is_refused),
        cmocka_unit_test(an_envelope_over_the_limit_is_refused),
        cmocka_unit_test(v1_tdx_is_read),
        cmocka_unit_test(v1_members_in_another_order_are_read),
        cmocka_unit_test(v1_unknown_members_are_passed_over),
        cmocka_unit_test(v1_every_platform_is_walked),
        cmocka_unit_test(v1_every_cut_is_refused),
        cmocka_unit_test(v1_trailing_bytes_are_refused),
        cmocka_unit_test(v1_tdx_without_data_is_refused),
        cmocka_unit_test(v1_unknown_platform_is_an_unsupported_tee),
        cmocka_unit_test(v1_another_version_is_refused),
        cmocka_unit_test(v1_missing_members_are_refused),
        cmocka_unit_test(v1_values_of_another_kind_are_refused),
        cmocka_unit_test(v1_octets_above_255_are_refused),
        cmocka_unit_test(v1_a_key_twice_is_refused),
        cmocka_unit_test(v1_an_unknown_key_twice_is_refused),
        cmocka_unit_test(v1_a_key_that_is_not_text_is_refused),
        cmocka_unit_test(v1_an_unknown_stack_is_refused),
        cmocka_unit_test(v1_report_data_of_another_length_is_refused),
        cmocka_unit_test(v1_more_members_than_the_limit_are_refused),
        cmocka_unit_test(v1_a_quote_over_the_limit_is_refused),
        cmocka_unit_test(v1_deep_nesting_is_refused),
        cmocka_unit_test(v1_a_pod_commits_to_its_payload),
        cmocka_unit_test(v1_a_pod_with_another_payload_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

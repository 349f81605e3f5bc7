#include "support/unit.h"

#include "evidence/quote.h"
#include "support/quote_builder.h"

static ratls_status parse(ratls_parsed_quote *out, const quote_spec *spec, ratls_error **err)
{
    test_buffer quote = {0};
    ratls_status status;

    quote_build(&quote, spec);
    status = ratls_quote_parse(out, buffer_bytes(&quote), err);
    buffer_free(&quote); /* what `out` borrows is gone: only its numbers may be looked at */
    return status;
}

static void assert_refused(const quote_spec *spec, ratls_status code)
{
    ratls_parsed_quote quote;
    ratls_error *error = NULL;

    ASSERT_FAILS(parse(&quote, spec, &error), error, code);
    assert_null(quote.whole.data);
    assert_null(quote.body.data);
}

static void tdx_v4_is_read(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();
    test_buffer bytes = {0};
    ratls_parsed_quote quote;

    (void)state;
    quote_build(&bytes, &spec);
    assert_int_equal(ratls_quote_parse(&quote, buffer_bytes(&bytes), NULL), RATLS_OK);
    assert_int_equal(quote.version, 4);
    assert_int_equal(quote.attestation_key_type, 2);
    assert_int_equal(quote.tee_type, RATLS_TEE_TDX);
    assert_int_equal(quote.body_type, 0);
    assert_ptr_equal(quote.body.data, bytes.data + 48);
    assert_int_equal(quote.body.len, 584);
    assert_ptr_equal(quote.signed_bytes.data, bytes.data);
    assert_int_equal(quote.signed_bytes.len, 632);
    assert_ptr_equal(quote.signature.data, bytes.data + 636);
    assert_int_equal(quote.attestation_key.data[0], 0x52);
    assert_ptr_equal(quote.qe_report.data, bytes.data + 770);
    assert_int_equal(quote.qe_report.len, 384);
    assert_ptr_equal(quote.qe_report_signature.data, bytes.data + 1154);
    assert_int_equal(quote.qe_authentication_data.len, 32);
    assert_int_equal(quote.certification_data_type, 5);
    assert_ptr_equal(quote.certification_data.data, bytes.data + 1258);
    assert_int_equal(quote.whole.len, bytes.len);
    assert_int_equal(quote.trailing.len, 0);
    buffer_free(&bytes);
}

static void tdx_v5_is_read(void **state)
{
    static const size_t body_lens[] = {0, 0, 584, 648};

    (void)state;
    for (uint16_t type = 2; type <= 3; type++) {
        quote_spec spec = quote_spec_tdx_v5(type);
        ratls_parsed_quote quote;

        assert_int_equal(parse(&quote, &spec, NULL), RATLS_OK);
        assert_int_equal(quote.version, 5);
        assert_int_equal(quote.body_type, type);
        assert_int_equal(quote.body.len, body_lens[type]);
        assert_int_equal(quote.signed_bytes.len, 54 + body_lens[type]);
    }
}

static void sgx_is_read_in_every_version(void **state)
{
    (void)state;
    for (uint16_t version = 3; version <= 5; version++) {
        quote_spec spec = quote_spec_sgx(version);
        ratls_parsed_quote quote;

        assert_int_equal(parse(&quote, &spec, NULL), RATLS_OK);
        assert_int_equal(quote.tee_type, RATLS_TEE_SGX);
        assert_int_equal(quote.body.len, 384);
        assert_int_equal(quote.signed_bytes.len, version == 5 ? 438 : 432);
    }
}

static void every_cut_is_truncated(void **state)
{
    quote_spec specs[] = {quote_spec_tdx_v4(), quote_spec_tdx_v5(3), quote_spec_sgx(3)};

    (void)state;
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        test_buffer bytes = {0};

        quote_build(&bytes, &specs[i]);
        for (size_t len = 0; len < bytes.len; len++) {
            uint8_t *cut = malloc(len + 1);
            ratls_parsed_quote quote;

            memcpy(cut, bytes.data, len);
            assert_int_equal(ratls_quote_parse(&quote, (ratls_bytes){cut, len}, NULL), RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
            free(cut);
        }
        buffer_free(&bytes);
    }
}

static void a_truncated_quote_says_where(void **state)
{
    ratls_parsed_quote quote;
    ratls_error *error = NULL;

    (void)state;
    assert_int_equal(ratls_quote_parse(&quote, BYTES_OF("\x04"), &error), RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
    assert_string_equal(ratls_error_message(error, RATLS_SPELLING_C),
                        "quote ends early: header needs 48 bytes at offset 0, 1 are left");
    ratls_error_free(error);
}

static void bytes_after_the_quote_are_counted(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();
    ratls_parsed_quote quote;

    (void)state;
    spec.trailing = 70;
    assert_int_equal(parse(&quote, &spec, NULL), RATLS_OK);
    assert_int_equal(quote.trailing.len, 70);
    assert_ptr_equal(quote.trailing.data, quote.whole.data + quote.whole.len);
}

static void too_many_bytes_are_refused(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();

    (void)state;
    spec.trailing = RATLS_QUOTE_SIZE_MAX;
    assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_TOO_LARGE);
}

static void another_version_is_refused(void **state)
{
    static const uint16_t versions[] = {0, 1, 2, 6, 255, 65535};

    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        quote_spec spec = quote_spec_tdx_v4();

        spec.version = versions[i];
        assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_VERSION);
    }
}

static void another_key_type_is_refused(void **state)
{
    static const uint16_t types[] = {0, 1, 3, 255};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        quote_spec spec = quote_spec_tdx_v4();

        spec.key_type = types[i];
        assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_KEY_TYPE);
    }
}

static void another_tee_type_is_refused(void **state)
{
    static const uint32_t types[] = {1, 0x80, 0x82, 0x81000000};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        quote_spec spec = quote_spec_tdx_v4();

        spec.tee_type = types[i];
        assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_TEE_TYPE);
    }
}

static void tdx_in_version_3_is_refused(void **state)
{
    quote_spec spec = quote_spec_sgx(3);

    (void)state;
    spec.tee_type = RATLS_TEE_TDX;
    assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_TEE_TYPE);
}

static void another_vendor_is_refused(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();

    (void)state;
    spec.vendor_first ^= 0x01;
    assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_VENDOR);
}

static void reserved_header_bytes_are_refused(void **state)
{
    quote_spec specs[] = {quote_spec_tdx_v4(), quote_spec_tdx_v5(2), quote_spec_sgx(4)};

    (void)state;
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        for (size_t at = 0; at < sizeof specs[i].reserved; at++) {
            quote_spec spec = specs[i];

            spec.reserved[at] = 0x80;
            assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_RESERVED);
        }
    }
}

static void an_unknown_body_type_is_refused(void **state)
{
    static const uint16_t types[] = {0, 4, 5, 0x0106, 65535}; /* 4 is TD 1.5-Ex */

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        quote_spec spec = quote_spec_tdx_v5(3);

        spec.body_type = types[i];
        assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_BODY_TYPE);
    }
}

static void a_body_size_that_does_not_fit_the_type_is_refused(void **state)
{
    static const uint32_t sizes[] = {0, 584, 647, 649, 0xffffffff};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        quote_spec spec = quote_spec_tdx_v5(3);

        spec.body_size = sizes[i];
        assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_BODY_SIZE);
    }
}

static void a_body_type_of_another_tee_is_refused(void **state)
{
    quote_spec sgx_with_td = quote_spec_tdx_v5(2), tdx_with_enclave = quote_spec_sgx(5);

    (void)state;
    sgx_with_td.tee_type = RATLS_TEE_SGX;
    assert_refused(&sgx_with_td, RATLS_ERR_EVIDENCE_QUOTE_TEE_MISMATCH);
    tdx_with_enclave.tee_type = RATLS_TEE_TDX;
    assert_refused(&tdx_with_enclave, RATLS_ERR_EVIDENCE_QUOTE_TEE_MISMATCH);
}

static void a_signature_length_past_the_end_is_refused(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();

    (void)state;
    spec.signature_len_delta = 1;
    assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
    spec.signature_len_delta = INT64_C(0x7fffffff);
    assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
}

/* The signature data's length set to a number, which the spec can only move by a difference. */
static void assert_signature_length_refused(quote_spec spec, uint32_t len, ratls_status code)
{
    test_buffer bytes = {0};
    ratls_parsed_quote quote;
    uint32_t right;

    quote_build(&bytes, &spec);
    right = (uint32_t)(bytes.len - 636);
    buffer_free(&bytes);
    spec.signature_len_delta = (int64_t)len - (int64_t)right;
    assert_int_equal(parse(&quote, &spec, NULL), code);
}

static void a_signature_length_below_the_fixed_part_is_truncated(void **state)
{
    (void)state;
    assert_signature_length_refused(quote_spec_tdx_v4(), 0, RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
    assert_signature_length_refused(quote_spec_tdx_v4(), 127, RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
    assert_signature_length_refused(quote_spec_tdx_v4(), 133, RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
    assert_signature_length_refused(quote_spec_tdx_v4(), 0xffffffff, RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
}

static void a_signature_length_that_cuts_the_payload_is_refused(void **state)
{
    quote_spec v4 = quote_spec_tdx_v4(), v3 = quote_spec_sgx(3);

    (void)state;
    v4.signature_len_delta = -10;
    assert_refused(&v4, RATLS_ERR_EVIDENCE_QUOTE_CERT_SIZE);
    v3.signature_len_delta = -10;
    assert_refused(&v3, RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
}

static void an_outer_type_other_than_6_is_refused(void **state)
{
    static const uint16_t types[] = {0, 1, 5, 7, 65535};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        quote_spec spec = quote_spec_tdx_v4();

        spec.outer_type = types[i];
        assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_CERT_TYPE);
    }
}

static void an_outer_size_off_by_one_is_refused(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();

    (void)state;
    spec.outer_size_delta = 1;
    assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_CERT_SIZE);
    spec.outer_size_delta = -1;
    assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_CERT_SIZE);
}

static void an_inner_type_that_is_none_is_refused(void **state)
{
    static const uint16_t types[] = {0, 6, 7, 0xffff};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        quote_spec spec = quote_spec_tdx_v4();

        spec.certification_type = types[i];
        assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_CERT_TYPE);
        spec = quote_spec_sgx(3);
        spec.certification_type = types[i];
        assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_CERT_TYPE);
    }
}

static void every_inner_type_up_to_5_is_read(void **state)
{
    (void)state;
    for (uint16_t type = 1; type <= 5; type++) {
        quote_spec spec = quote_spec_sgx(3);
        ratls_parsed_quote quote;

        spec.certification_type = type;
        assert_int_equal(parse(&quote, &spec, NULL), RATLS_OK);
        assert_int_equal(quote.certification_data_type, type);
    }
}

static void an_inner_size_that_could_wrap_is_truncated(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();
    test_buffer nothing = {0};

    (void)state;
    spec.certification = &nothing;
    for (int64_t size = 0xfffffffa; size <= INT64_C(0xffffffff); size++) {
        spec.certification_len_delta = size;
        assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
    }
}

static void an_authentication_data_length_past_the_end_is_truncated(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();

    (void)state;
    spec.authentication_len_delta = 65535 - 32;
    assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
}

static void authentication_data_of_any_reasonable_length_is_read(void **state)
{
    static const uint16_t lens[] = {0, 31, 33, 64, 4096};

    (void)state;
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        quote_spec spec = quote_spec_tdx_v4();
        ratls_parsed_quote quote;

        spec.authentication_len = lens[i];
        assert_int_equal(parse(&quote, &spec, NULL), RATLS_OK);
        assert_int_equal(quote.qe_authentication_data.len, lens[i]);
    }
}

static void too_much_authentication_data_is_refused(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();

    (void)state;
    spec.authentication_len = 4097;
    assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_TOO_LARGE);
}

static void too_much_certification_data_is_refused(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();
    test_buffer large = {0};

    (void)state;
    buffer_fill(&large, 'x', RATLS_QUOTE_CERTIFICATION_DATA_MAX + 1);
    spec.certification = &large;
    assert_refused(&spec, RATLS_ERR_EVIDENCE_QUOTE_TOO_LARGE);
    buffer_free(&large);
}

static void slack_inside_the_signature_data_is_refused(void **state)
{
    quote_spec v4 = quote_spec_tdx_v4(), v3 = quote_spec_sgx(3);

    (void)state;
    v4.slack = 1;
    assert_refused(&v4, RATLS_ERR_EVIDENCE_QUOTE_SIG_SLACK);
    v3.slack = 70;
    assert_refused(&v3, RATLS_ERR_EVIDENCE_QUOTE_SIG_SLACK);
}

static void the_body_alone_is_read_where_the_signature_data_is_not(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();
    test_buffer bytes = {0};
    ratls_parsed_quote quote;

    (void)state;
    spec.outer_type = 9;
    quote_build(&bytes, &spec);
    assert_int_equal(ratls_quote_parse_body(&quote, buffer_bytes(&bytes), NULL), RATLS_OK);
    assert_int_equal(quote.body.len, 584);
    assert_null(quote.whole.data);
    assert_int_equal(quote.certification_data_type, 0);
    assert_int_equal(ratls_quote_parse_body(&quote, (ratls_bytes){bytes.data, 632}, NULL), RATLS_OK);
    assert_int_equal(ratls_quote_parse_body(&quote, (ratls_bytes){bytes.data, 631}, NULL), RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
    buffer_free(&bytes);
}

static void fields_lie_where_the_rules_say(void **state)
{
    quote_spec td = quote_spec_tdx_v5(3), enclave = quote_spec_sgx(3);
    test_buffer bytes = {0};
    ratls_parsed_quote quote;

    (void)state;
    quote_build(&bytes, &td);
    assert_int_equal(ratls_quote_parse(&quote, buffer_bytes(&bytes), NULL), RATLS_OK);
    assert_ptr_equal(ratls_quote_body_field(&quote, RATLS_FIELD_MR_TD).data, quote.body.data + 136);
    assert_int_equal(ratls_quote_body_field(&quote, RATLS_FIELD_MR_TD).len, 48);
    assert_ptr_equal(ratls_quote_body_field(&quote, RATLS_FIELD_RTMR3).data, quote.body.data + 472);
    assert_ptr_equal(ratls_quote_body_field(&quote, RATLS_FIELD_REPORT_DATA).data, quote.body.data + 520);
    assert_ptr_equal(ratls_quote_body_field(&quote, RATLS_FIELD_MR_SERVICE_TD).data, quote.body.data + 600);
    assert_int_equal(ratls_quote_body_field(&quote, RATLS_FIELD_MR_ENCLAVE).len, 0);
    assert_int_equal(ratls_quote_body_field(&quote, RATLS_FIELD_TCB_STATUS).len, 0);
    assert_int_equal(ratls_quote_body_field(&quote, RATLS_FIELD_COUNT).len, 0);
    assert_int_equal(ratls_quote_body_field(&quote, -1).len, 0);
    buffer_free(&bytes);
    quote_build(&bytes, &enclave);
    assert_int_equal(ratls_quote_parse(&quote, buffer_bytes(&bytes), NULL), RATLS_OK);
    assert_ptr_equal(ratls_quote_body_field(&quote, RATLS_FIELD_MR_SIGNER).data, quote.body.data + 128);
    assert_ptr_equal(ratls_quote_body_field(&quote, RATLS_FIELD_REPORT_DATA).data, quote.body.data + 320);
    assert_int_equal(ratls_quote_body_field(&quote, RATLS_FIELD_MR_TD).len, 0);
    buffer_free(&bytes);
}

static void a_td_10_body_has_no_td_15_fields(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();
    test_buffer bytes = {0};
    ratls_parsed_quote quote;

    (void)state;
    quote_build(&bytes, &spec);
    assert_int_equal(ratls_quote_parse(&quote, buffer_bytes(&bytes), NULL), RATLS_OK);
    assert_int_equal(ratls_quote_body_field(&quote, RATLS_FIELD_TEE_TCB_SVN_2).len, 0);
    assert_int_equal(ratls_quote_body_field(&quote, RATLS_FIELD_MR_SERVICE_TD).len, 0);
    buffer_free(&bytes);
}

static bool debug_of(const quote_spec *spec)
{
    test_buffer bytes = {0};
    ratls_parsed_quote quote;
    bool debug;

    quote_build(&bytes, spec);
    assert_int_equal(ratls_quote_parse(&quote, buffer_bytes(&bytes), NULL), RATLS_OK);
    debug = ratls_quote_is_debug(&quote);
    buffer_free(&bytes);
    return debug;
}

static void debug_is_one_bit(void **state)
{
    quote_spec td = quote_spec_tdx_v4(), enclave = quote_spec_sgx(3);
    ratls_parsed_quote nothing = {0};

    (void)state;
    assert_false(debug_of(&td));
    td.td_attributes_first = 0x01;
    assert_true(debug_of(&td));
    td.td_attributes_first = 0xfe;
    assert_false(debug_of(&td));
    assert_false(debug_of(&enclave));
    enclave.enclave_flags = 0x07;
    assert_true(debug_of(&enclave));
    assert_true(ratls_quote_is_debug(&nothing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tdx_v4_is_read),
        cmocka_unit_test(tdx_v5_is_read),
        cmocka_unit_test(sgx_is_read_in_every_version),
        cmocka_unit_test(every_cut_is_truncated),
        cmocka_unit_test(a_truncated_quote_says_where),
        cmocka_unit_test(bytes_after_the_quote_are_counted),
        cmocka_unit_test(too_many_bytes_are_refused),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(another_key_type_is_refused),
        cmocka_unit_test(another_tee_type_is_refused),
        cmocka_unit_test(tdx_in_version_3_is_refused),
        cmocka_unit_test(another_vendor_is_refused),
        cmocka_unit_test(reserved_header_bytes_are_refused),
        cmocka_unit_test(an_unknown_body_type_is_refused),
        cmocka_unit_test(a_body_size_that_does_not_fit_the_type_is_refused),
        cmocka_unit_test(a_body_type_of_another_tee_is_refused),
        cmocka_unit_test(a_signature_length_past_the_end_is_refused),
        cmocka_unit_test(a_signature_length_below_the_fixed_part_is_truncated),
        cmocka_unit_test(a_signature_length_that_cuts_the_payload_is_refused),
        cmocka_unit_test(an_outer_type_other_than_6_is_refused),
        cmocka_unit_test(an_outer_size_off_by_one_is_refused),
        cmocka_unit_test(an_inner_type_that_is_none_is_refused),
        cmocka_unit_test(every_inner_type_up_to_5_is_read),
        cmocka_unit_test(an_inner_size_that_could_wrap_is_truncated),
        cmocka_unit_test(an_authentication_data_length_past_the_end_is_truncated),
        cmocka_unit_test(authentication_data_of_any_reasonable_length_is_read),
        cmocka_unit_test(too_much_authentication_data_is_refused),
        cmocka_unit_test(too_much_certification_data_is_refused),
        cmocka_unit_test(slack_inside_the_signature_data_is_refused),
        cmocka_unit_test(the_body_alone_is_read_where_the_signature_data_is_not),
        cmocka_unit_test(fields_lie_where_the_rules_say),
        cmocka_unit_test(a_td_10_body_has_no_td_15_fields),
        cmocka_unit_test(debug_is_one_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

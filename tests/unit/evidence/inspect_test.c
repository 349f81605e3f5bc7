#include "support/unit.h"

#include <cjson/cJSON.h>

#include "base/tables.h"
#include "support/certificate_builder.h"
#include "support/quote_builder.h"

static ratls_quote *inspect(const quote_spec *spec)
{
    test_buffer bytes = {0};
    ratls_quote *quote = NULL;

    quote_build(&bytes, spec);
    assert_int_equal(ratls_quote_inspect(&quote, bytes.data, bytes.len, NULL), RATLS_OK);
    buffer_free(&bytes); /* the handle keeps nothing of it */
    return quote;
}

static void assert_text(const ratls_quote *quote, ratls_field field, const char *expected)
{
    const char *text = ratls_quote_text(quote, field);

    if (expected == NULL) {
        assert_null(text);
    } else {
        assert_non_null(text);
        assert_string_equal(text, expected);
    }
}

static void a_td_10_quote_shows_its_fields(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();
    ratls_quote *quote;

    (void)state;
    spec.trailing = 7;
    quote = inspect(&spec);
    assert_text(quote, RATLS_FIELD_KIND, "tdx-v4");
    assert_text(quote, RATLS_FIELD_QUOTE_VERSION, "4");
    assert_text(quote, RATLS_FIELD_ATTESTATION_KEY_TYPE, "2");
    assert_text(quote, RATLS_FIELD_TEE_TYPE, "129");
    assert_text(quote, RATLS_FIELD_BODY_TYPE, NULL);
    assert_text(quote, RATLS_FIELD_TEE, "tdx");
    assert_text(quote, RATLS_FIELD_USER_DATA, "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00000000");
    assert_text(quote, RATLS_FIELD_QE_VENDOR_ID, "939a7233f79c4ca9940a0db3957f0607");
    assert_text(quote, RATLS_FIELD_TEE_TCB_SVN, "00000000010101010202020203030303");
    assert_text(quote, RATLS_FIELD_TD_ATTRIBUTES, "001e1e1e1f1f1f1f");
    assert_text(quote, RATLS_FIELD_IS_DEBUG_MODE, "false");
    assert_text(quote, RATLS_FIELD_TEE_TCB_SVN_2, NULL);
    assert_text(quote, RATLS_FIELD_MR_ENCLAVE, NULL);
    assert_text(quote, RATLS_FIELD_FMSPC, "506070000001");
    assert_text(quote, RATLS_FIELD_PPID, "b00102030405060708090a0b0c0d0e0f");
    assert_text(quote, RATLS_FIELD_PLATFORM_INSTANCE_ID, "a00102030405060708090a0b0c0d0e0f");
    assert_text(quote, RATLS_FIELD_CERTIFICATION_DATA_TYPE, "5");
    assert_text(quote, RATLS_FIELD_TRAILING_BYTES, "7");
    assert_text(quote, RATLS_FIELD_EVENT_LOG, NULL);
    assert_text(quote, RATLS_FIELD_TCB_STATUS, NULL);
    assert_text(quote, RATLS_FIELD_COUNT, NULL);
    assert_text(quote, -1, NULL);
    ratls_quote_free(quote);
}

static void a_td_15_quote_shows_what_is_new_in_it(void **state)
{
    quote_spec spec = quote_spec_tdx_v5(3);
    ratls_quote *quote;

    (void)state;
    spec.td_attributes_first = 0x01;
    quote = inspect(&spec);
    assert_text(quote, RATLS_FIELD_KIND, "tdx-v5");
    assert_text(quote, RATLS_FIELD_BODY_TYPE, "3");
    assert_text(quote, RATLS_FIELD_TEE_TCB_SVN_2, "92929292939393939494949495959595");
    assert_int_equal(strlen(ratls_quote_text(quote, RATLS_FIELD_MR_SERVICE_TD)), 96);
    assert_text(quote, RATLS_FIELD_IS_DEBUG_MODE, "true");
    ratls_quote_free(quote);
}

static void an_sgx_quote_shows_its_fields(void **state)
{
    quote_spec spec = quote_spec_sgx(3);
    ratls_quote *quote = inspect(&spec);

    (void)state;
    assert_text(quote, RATLS_FIELD_KIND, "sgx-v3");
    assert_text(quote, RATLS_FIELD_TEE, "sgx");
    assert_text(quote, RATLS_FIELD_BODY_TYPE, NULL);
    assert_text(quote, RATLS_FIELD_MR_TD, NULL);
    assert_text(quote, RATLS_FIELD_MISC_SELECT, "04040404");
    assert_text(quote, RATLS_FIELD_ISV_PROD_ID, "16448"); /* 40 40 */
    assert_text(quote, RATLS_FIELD_CONFIG_SVN, "16705");  /* 41 41 */
    assert_text(quote, RATLS_FIELD_IS_DEBUG_MODE, "false");
    ratls_quote_free(quote);
}

static void json_has_exactly_the_fields_of_inspect_in_order(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();
    ratls_quote *quote = inspect(&spec);
    cJSON *json = cJSON_Parse(ratls_quote_json(quote));
    const cJSON *member = json->child;

    (void)state;
    for (size_t i = 0; i < RATLS_FIELD_COUNT; i++) {
        const ratls_field_row *row = &ratls_field_rows[i];
        const char *text = ratls_quote_text(quote, (ratls_field)i);

        if (!row->in_inspect) {
            assert_null(text);
            continue;
        }
        assert_non_null(member);
        assert_string_equal(member->string, row->name);
        if (text == NULL) {
            assert_true(cJSON_IsNull(member));
        } else if (row->type == RATLS_TYPE_NUMBER) {
            assert_int_equal((long)member->valuedouble, strtol(text, NULL, 10));
        } else if (row->type == RATLS_TYPE_FLAG) {
            assert_int_equal(cJSON_IsTrue(member), strcmp(text, "true") == 0);
            assert_true(cJSON_IsBool(member));
        } else {
            assert_string_equal(cJSON_GetStringValue(member), text);
        }
        member = member->next;
    }
    assert_null(member);
    cJSON_Delete(json);
    ratls_quote_free(quote);
}

static void unusable_certification_data_leaves_header_and_body(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();
    ratls_quote *quote;

    (void)state;
    spec.certification_type = 9;
    quote = inspect(&spec);
    assert_text(quote, RATLS_FIELD_KIND, "tdx-v4");
    assert_int_equal(strlen(ratls_quote_text(quote, RATLS_FIELD_MR_TD)), 96);
    assert_text(quote, RATLS_FIELD_CERTIFICATION_DATA_TYPE, NULL);
    assert_text(quote, RATLS_FIELD_TRAILING_BYTES, NULL);
    assert_text(quote, RATLS_FIELD_FMSPC, NULL);
    ratls_quote_free(quote);
}

static void a_chain_that_cannot_be_read_leaves_the_rest(void **state)
{
    quote_spec spec = quote_spec_tdx_v4();
    test_buffer garbage = {0};
    ratls_quote *quote;

    (void)state;
    buffer_add_text(&garbage, "no chain");
    spec.certification = &garbage;
    quote = inspect(&spec);
    assert_text(quote, RATLS_FIELD_CERTIFICATION_DATA_TYPE, "5");
    assert_text(quote, RATLS_FIELD_TRAILING_BYTES, "0");
    assert_text(quote, RATLS_FIELD_FMSPC, NULL);
    ratls_quote_free(quote);
    buffer_free(&garbage);
}

static void certification_data_of_another_type_is_no_chain(void **state)
{
    quote_spec spec = quote_spec_sgx(3);
    ratls_quote *quote;

    (void)state;
    spec.certification_type = 3;
    quote = inspect(&spec);
    assert_text(quote, RATLS_FIELD_CERTIFICATION_DATA_TYPE, "3");
    assert_text(quote, RATLS_FIELD_FMSPC, NULL);
    ratls_quote_free(quote);
}

/* A chain of one certificate, whose SGX extension has this form. */
static ratls_quote *inspect_with_leaf(sgx_extension_fault fault)
{
    test_buffer certificate = {0}, extensions = {0}, value = {0}, chain = {0};
    quote_spec spec = quote_spec_tdx_v4();
    ratls_quote *quote;

    sgx_extension_build(&value, fault);
    extension_add(&extensions, sgx_oid, sizeof sgx_oid, &value);
    certificate_build(&certificate, &extensions, CERTIFICATE_GOOD);
    pem_add(&chain, "CERTIFICATE", certificate.data, certificate.len);
    spec.certification = &chain;
    quote = inspect(&spec);
    buffer_free(&certificate);
    buffer_free(&extensions);
    buffer_free(&value);
    buffer_free(&chain);
    return quote;
}

static void a_processor_platform_has_no_instance(void **state)
{
    ratls_quote *quote = inspect_with_leaf(SGX_EXTENSION_PROCESSOR);

    (void)state;
    assert_text(quote, RATLS_FIELD_FMSPC, "506070000001");
    assert_text(quote, RATLS_FIELD_PLATFORM_INSTANCE_ID, NULL);
    ratls_quote_free(quote);
}

static void a_malformed_sgx_extension_gives_nothing(void **state)
{
    ratls_quote *quote = inspect_with_leaf(SGX_EXTENSION_FMSPC_5_BYTES);

    (void)state;
    assert_text(quote, RATLS_FIELD_FMSPC, NULL);
    assert_text(quote, RATLS_FIELD_PPID, NULL);
    ratls_quote_free(quote);
}

/* A certificate with a quote, 70 bytes after it, and this event log; neither when `event_log` is NULL. */
static ratls_status inspect_certificate(ratls_quote **out, const char *event_log, size_t event_log_len, ratls_error **err)
{
    test_buffer der = {0}, extensions = {0}, quote = {0}, log = {0};
    quote_spec spec = quote_spec_tdx_v4();
    ratls_status status;

    if (event_log != NULL) {
        spec.trailing = 70;
        quote_build(&quote, &spec);
        buffer_add(&log, event_log, event_log_len);
        extension_add_dstack(&extensions, 1, &quote);
        extension_add_dstack(&extensions, 2, &log);
    }
    certificate_build(&der, &extensions, CERTIFICATE_GOOD);
    status = ratls_certificate_inspect(out, der.data, der.len, err);
    buffer_free(&der);
    buffer_free(&extensions);
    buffer_free(&quote);
    buffer_free(&log);
    return status;
}

static cJSON *event_log_json(const ratls_quote *quote)
{
    cJSON *json = cJSON_Parse(ratls_quote_json(quote));
    cJSON *log = cJSON_DetachItemFromObjectCaseSensitive(json, "event_log");

    assert_non_null(log);
    cJSON_Delete(json);
    return log;
}

static void a_certificate_shows_quote_and_event_log(void **state)
{
    ratls_quote *quote = NULL;
    cJSON *log;

    (void)state;
    assert_int_equal(inspect_certificate(&quote, "[{\"imr\":3}]", 11, NULL), RATLS_OK);
    assert_text(quote, RATLS_FIELD_KIND, "tdx-v4");
    assert_text(quote, RATLS_FIELD_TRAILING_BYTES, "70");
    assert_text(quote, RATLS_FIELD_EVENT_LOG, "[{\"imr\":3}]");
    log = event_log_json(quote);
    assert_int_equal(cJSON_GetArraySize(log), 1);
    cJSON_Delete(log);
    ratls_quote_free(quote);
}

static void an_event_log_that_is_not_json_is_shown_as_text(void **state)
{
    ratls_quote *quote = NULL;
    cJSON *log;

    (void)state;
    assert_int_equal(inspect_certificate(&quote, "bar\"", 4, NULL), RATLS_OK);
    assert_text(quote, RATLS_FIELD_EVENT_LOG, "bar\"");
    log = event_log_json(quote);
    assert_string_equal(cJSON_GetStringValue(log), "bar\"");
    cJSON_Delete(log);
    ratls_quote_free(quote);
}

static void an_event_log_with_a_nul_is_not_shown(void **state)
{
    ratls_quote *quote = NULL;

    (void)state;
    assert_int_equal(inspect_certificate(&quote, "[]\0[]", 5, NULL), RATLS_OK);
    assert_text(quote, RATLS_FIELD_EVENT_LOG, NULL);
    ratls_quote_free(quote);
}

static void an_event_log_that_is_not_utf8_is_not_shown(void **state)
{
    ratls_quote *quote = NULL;

    (void)state;
    assert_int_equal(inspect_certificate(&quote, "bar\xff", 4, NULL), RATLS_OK);
    assert_text(quote, RATLS_FIELD_EVENT_LOG, NULL);
    assert_text(quote, RATLS_FIELD_KIND, "tdx-v4");
    ratls_quote_free(quote);
}

static void a_certificate_without_a_quote_shows_nothing(void **state)
{
    ratls_quote *quote = NULL;
    const cJSON *member;
    cJSON *json;

    (void)state;
    assert_int_equal(inspect_certificate(&quote, NULL, 0, NULL), RATLS_OK);
    json = cJSON_Parse(ratls_quote_json(quote));
    assert_true(cJSON_GetArraySize(json) > 0);
    cJSON_ArrayForEach(member, json) {
        assert_true(cJSON_IsNull(member));
    }
    cJSON_Delete(json);
    ratls_quote_free(quote);
}

static void what_is_no_certificate_is_refused(void **state)
{
    ratls_quote *quote = (ratls_quote *)1;
    ratls_error *error = NULL;
    uint8_t bytes[1] = {4};

    (void)state;
    ASSERT_FAILS(ratls_certificate_inspect(&quote, bytes, 1, &error), error, RATLS_ERR_EVIDENCE_CERTIFICATE_FORMAT);
    assert_null(quote);
    ASSERT_FAILS(ratls_certificate_inspect(&quote, NULL, 0, &error), error, RATLS_ERR_ARGUMENT_INVALID);
    ASSERT_FAILS(ratls_certificate_inspect(NULL, bytes, 1, &error), error, RATLS_ERR_ARGUMENT_INVALID);
}

static void what_is_no_quote_is_refused(void **state)
{
    ratls_quote *quote = (ratls_quote *)1;
    ratls_error *error = NULL;
    uint8_t bytes[700] = {9};

    (void)state;
    ASSERT_FAILS(ratls_quote_inspect(&quote, bytes, sizeof bytes, &error), error, RATLS_ERR_EVIDENCE_QUOTE_VERSION);
    assert_null(quote);
    ASSERT_FAILS(ratls_quote_inspect(&quote, bytes, 0, &error), error, RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
}

static void null_arguments_are_harmless(void **state)
{
    ratls_quote *quote = (ratls_quote *)1;
    ratls_error *error = (ratls_error *)1;
    uint8_t bytes[1] = {4};

    (void)state;
    assert_int_equal(ratls_quote_inspect(NULL, bytes, 1, NULL), RATLS_ERR_ARGUMENT_INVALID);
    ASSERT_FAILS(ratls_quote_inspect(&quote, NULL, 0, &error), error, RATLS_ERR_ARGUMENT_INVALID);
    assert_null(quote);
    assert_int_equal(ratls_quote_inspect(&quote, bytes, 1, NULL), RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
    assert_null(ratls_quote_text(NULL, RATLS_FIELD_KIND));
    assert_null(ratls_quote_json(NULL));
    ratls_quote_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_td_10_quote_shows_its_fields),
        cmocka_unit_test(a_td_15_quote_shows_what_is_new_in_it),
        cmocka_unit_test(an_sgx_quote_shows_its_fields),
        cmocka_unit_test(json_has_exactly_the_fields_of_inspect_in_order),
        cmocka_unit_test(unusable_certification_data_leaves_header_and_body),
        cmocka_unit_test(a_chain_that_cannot_be_read_leaves_the_rest),
        cmocka_unit_test(certification_data_of_another_type_is_no_chain),
        cmocka_unit_test(a_processor_platform_has_no_instance),
        cmocka_unit_test(a_malformed_sgx_extension_gives_nothing),
        cmocka_unit_test(a_certificate_shows_quote_and_event_log),
        cmocka_unit_test(an_event_log_that_is_not_json_is_shown_as_text),
        cmocka_unit_test(an_event_log_with_a_nul_is_not_shown),
        cmocka_unit_test(an_event_log_that_is_not_utf8_is_not_shown),
        cmocka_unit_test(a_certificate_without_a_quote_shows_nothing),
        cmocka_unit_test(what_is_no_certificate_is_refused),
        cmocka_unit_test(what_is_no_quote_is_refused),
        cmocka_unit_test(null_arguments_are_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "failure.h"

#include "verifier/evidence_builder.h"
#include "verifier/test_verifier.h"

static test_judge listener; /* only its log is used */
static ratls_verifier *verifier;
static ratls_verify_options options;
static built_quote quote;
static built_certificate certificate;

static int set_up(void **state)
{
    ratls_verifier_options verifier_options;

    (void)state;
    test_clock_start();
    test_judge_init(&listener);
    ratls_verifier_options_init(&verifier_options, sizeof verifier_options);
    verifier_options.log = test_log;
    verifier_options.log_user = &listener;
    assert_int_equal(ratls_verifier_new_noop(&verifier, &verifier_options, NULL), RATLS_OK);
    ratls_verify_options_init(&options, sizeof options);
    build_td10(&quote);
    build_bound_certificate(&certificate, &quote);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ratls_verifier_free(verifier);
    return 0;
}

static ratls_status verify(ratls_result **result, ratls_error **err)
{
    return ratls_verify_certificate(result, verifier, certificate.der, certificate.len, &options, NULL, err);
}

static ratls_result *accepted(const char *waived)
{
    ratls_result *result = NULL;
    ratls_error *err = NULL;

    if (verify(&result, &err) != RATLS_OK) {
        fail_msg("%s", ratls_error_json(err, RATLS_SPELLING_C));
    }
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_ACCEPTED), 1);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_VERIFIED), 0);
    assert_int_equal(ratls_result_list_len(result, RATLS_FIELD_WAIVED), waived == NULL ? 0 : 1);
    if (waived != NULL) {
        assert_string_equal(ratls_result_list_item(result, RATLS_FIELD_WAIVED, 0), waived);
    }
    return result;
}

static void assert_refused(ratls_status code)
{
    ratls_result *result = (ratls_result *)(uintptr_t)1;
    ratls_error *err = NULL;

    assert_string_equal(ratls_status_name(verify(&result, &err)), ratls_status_name(code));
    assert_null(result);
    assert_string_equal(ratls_error_tcb_json(err), "null");
    ratls_error_free(err);
}

static void accepted_not_verified(void **state)
{
    ratls_result *result = accepted(NULL);

    (void)state;
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_VERIFIER), "noop");
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_KEY_BOUND), 1);
    assert_null(ratls_result_text(result, RATLS_FIELD_TRUST_ANCHOR));
    assert_null(ratls_result_text(result, RATLS_FIELD_TCB_STATUS));
    assert_null(ratls_result_text(result, RATLS_FIELD_TCB_STATUS_DCAP));
    assert_non_null(strstr(ratls_result_json(result), "\"advisory_ids\":null"));
    assert_non_null(strstr(ratls_result_json(result), "\"mr_td\":\"91a0563f0c"));
    ratls_result_free(result);
}

static void quote_must_be_there(void **state)
{
    (void)state;
    build_certificate(&certificate, NULL, 0);
    assert_refused(RATLS_ERR_QUOTE_MISSING);
}

static void key_must_be_bound(void **state)
{
    (void)state;
    built_field(&quote, RATLS_FIELD_REPORT_DATA)[0] ^= 1;
    build_certificate(&certificate, quote.bytes, quote.len);
    assert_refused(RATLS_ERR_KEY_BINDING);
}

static void debug_mode_must_be_allowed(void **state)
{
    (void)state;
    built_field(&quote, RATLS_FIELD_TD_ATTRIBUTES)[0] = 1;
    build_bound_certificate(&certificate, &quote);
    assert_refused(RATLS_ERR_DEBUG_MODE);
    options.allow_simulator = 1;
    assert_refused(RATLS_ERR_DEBUG_MODE);
}

static void pins_hold(void **state)
{
    static const char *const other[] = {"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"};
    static const char *const fmspc[] = {"30806f000000"};
    static const ratls_pin pins[] = {{"fmspc", fmspc, 1}};

    (void)state;
    options.allowed_mr_td = other;
    options.allowed_mr_td_len = 1;
    assert_refused(RATLS_ERR_MRTD_NOT_ALLOWED);
    options.allowed_mr_td = NULL;
    options.allowed_mr_td_len = 0;
    options.pins = pins;
    options.pins_len = 1;
    assert_refused(RATLS_ERR_PIN_UNVERIFIABLE);
}

static void unbound_quote_of_an_old_simulator(void **state)
{
    ratls_result *result;

    (void)state;
    built_field(&quote, RATLS_FIELD_REPORT_DATA)[0] ^= 1;
    build_certificate(&certificate, quote.bytes, quote.len);
    options.allow_simulator = 1;
    result = accepted("key_binding");
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_KEY_BOUND), 0);
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TEE), "tdx");
    assert_int_equal(ratls_verdict_cache_len(ratls_verifier_cache(verifier)), 0);
    assert_non_null(strstr(listener.log[0], "does not bind"));
    ratls_result_free(result);
}

static void empty_quote_of_an_old_simulator(void **state)
{
    ratls_bytes spki = {0};
    ratls_result *result;

    (void)state;
    build_certificate(&certificate, (const uint8_t *)"", 0);
    assert_refused(RATLS_ERR_EVIDENCE_EXTENSION_EMPTY);
    options.allow_simulator = 1;
    result = accepted("evidence");
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_KEY_BOUND), 0);
    assert_null(ratls_result_text(result, RATLS_FIELD_TEE));
    assert_null(ratls_result_text(result, RATLS_FIELD_MR_TD));
    assert_non_null(strstr(listener.log[0], "present but empty"));
    ratls_result_free(result);
    assert_int_equal(ratls_verify_certificate_key(&result, &spki, verifier, (ratls_bytes){certificate.der, certificate.len}, &options, NULL, NULL),
                     RATLS_OK);
    assert_int_equal(spki.len, 91);
    ratls_result_free(result);
}

static void evidence_of_another_tee(void **state)
{
    (void)state;
    build_sgx(&quote);
    build_bound_certificate(&certificate, &quote);
    assert_refused(RATLS_ERR_EVIDENCE_QUOTE_NOT_TDX);
    options.allow_simulator = 1;
    ratls_result_free(accepted("evidence"));
}

static void no_quote_of_a_simulator(void **state)
{
    (void)state;
    build_certificate(&certificate, NULL, 0);
    options.allow_simulator = 1;
    ratls_result_free(accepted("quote"));
}

static void nothing_waived_under_pins(void **state)
{
    char digits[97];
    const char *const mr_td[] = {digits};

    (void)state;
    ratls_hex_write(digits, built_field(&quote, RATLS_FIELD_MR_TD), 48);
    options.allow_simulator = 1;
    options.allowed_mr_td = mr_td;
    options.allowed_mr_td_len = 1;
    ratls_result_free(accepted(NULL));
    built_field(&quote, RATLS_FIELD_REPORT_DATA)[0] ^= 1;
    build_certificate(&certificate, quote.bytes, quote.len);
    assert_refused(RATLS_ERR_KEY_BINDING);
    build_certificate(&certificate, (const uint8_t *)"", 0);
    assert_refused(RATLS_ERR_EVIDENCE_EXTENSION_EMPTY);
    build_certificate(&certificate, NULL, 0);
    assert_refused(RATLS_ERR_QUOTE_MISSING);
}

static void a_certificate_that_is_none_is_never_waived(void **state)
{
    (void)state;
    options.allow_simulator = 1;
    certificate.len--;
    assert_refused(RATLS_ERR_EVIDENCE_CERTIFICATE_FORMAT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(accepted_not_verified),
        TEST(quote_must_be_there),
        TEST(key_must_be_bound),
        TEST(debug_mode_must_be_allowed),
        TEST(pins_hold),
        TEST(unbound_quote_of_an_old_simulator),
        TEST(empty_quote_of_an_old_simulator),
        TEST(evidence_of_another_tee),
        TEST(no_quote_of_a_simulator),
        TEST(nothing_waived_under_pins),
        TEST(a_certificate_that_is_none_is_never_waived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

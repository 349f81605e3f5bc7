#include "failure.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "verifier/evidence_builder.h"
#include "verifier/test_verifier.h"

typedef struct {
    test_judge judge;
    ratls_verifier *verifier;
    ratls_verify_options options;
    built_quote quote;
    built_certificate certificate;
    ratls_cancel *cancel;
} fixture;

static fixture f;

static int set_up(void **state)
{
    (void)state;
    memset(&f, 0, sizeof f);
    test_clock_start();
    test_judge_init(&f.judge);
    f.verifier = test_verifier(&f.judge);
    ratls_verify_options_init(&f.options, sizeof f.options);
    build_td10(&f.quote);
    build_bound_certificate(&f.certificate, &f.quote);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ratls_verifier_free(f.verifier);
    ratls_cancel_free(f.cancel);
    ratls_claims_clear(&f.judge.claims);
    return 0;
}

static ratls_status verify(ratls_result **result, ratls_error **err)
{
    return ratls_verify_certificate(result, f.verifier, f.certificate.der, f.certificate.len, &f.options, f.cancel, err);
}

static ratls_result *accepted(void)
{
    ratls_result *result = NULL;
    ratls_error *err = NULL;

    if (verify(&result, &err) != RATLS_OK) {
        fail_msg("%s", ratls_error_json(err, RATLS_SPELLING_C));
    }
    assert_null(err);
    assert_non_null(result);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_ACCEPTED), 1);
    return result;
}

static ratls_error *refused(ratls_status code)
{
    ratls_result *result = (ratls_result *)(uintptr_t)1;
    ratls_error *err = NULL;

    assert_string_equal(ratls_status_name(verify(&result, &err)), ratls_status_name(code));
    assert_int_equal(ratls_error_code(err), code);
    assert_null(result);
    return err;
}

static void assert_refused(ratls_status code)
{
    ratls_error_free(refused(code));
}

/* Whether the next verification is answered from the cache. */
static bool from_cache(void)
{
    ratls_result *result = accepted();
    bool cached = ratls_result_flag(result, RATLS_FIELD_FROM_CACHE) == 1;

    ratls_result_free(result);
    return cached;
}

static void bound_certificate(void **state)
{
    ratls_result *result = accepted();

    (void)state;
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_VERIFIED), 1);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_KEY_BOUND), 1);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_FROM_CACHE), 0);
    assert_int_equal(ratls_result_number(result, RATLS_FIELD_VERIFIED_AT), TEST_NOW);
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_VERIFIER), "test");
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TRUST_ANCHOR), "intel");
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TEE), "tdx");
    assert_int_equal(ratls_result_list_len(result, RATLS_FIELD_WAIVED), 0);
    assert_int_equal(f.judge.judged_at, TEST_NOW);
    ratls_result_free(result);
}

static void key_of_the_certificate_is_handed_out(void **state)
{
    ratls_bytes der = {f.certificate.der, f.certificate.len}, spki = {0};
    ratls_result *result = NULL;

    (void)state;
    assert_int_equal(ratls_verify_certificate_key(&result, &spki, f.verifier, der, NULL, NULL, NULL), RATLS_OK);
    assert_int_equal(spki.len, 91);
    assert_true(spki.data > der.data && spki.data < der.data + der.len);
    ratls_result_free(result);
    f.judge.judged = RATLS_ERR_COLLATERAL_MISSING;
    f.options.cache_ttl_s = -1;
    assert_int_equal(ratls_verify_certificate_key(&result, &spki, f.verifier, der, &f.options, NULL, NULL), RATLS_ERR_COLLATERAL_MISSING);
    assert_null(spki.data);
}

static void quote_of_another_key(void **state)
{
    ratls_error *err;
    char expected[129];
    uint8_t report_data[64];

    (void)state;
    built_field(&f.quote, RATLS_FIELD_REPORT_DATA)[63] ^= 1;
    build_certificate(&f.certificate, f.quote.bytes, f.quote.len);
    key_report_data(report_data);
    ratls_hex_write(expected, report_data, 64);
    err = refused(RATLS_ERR_KEY_BINDING);
    ASSERT_DETAIL("expected", expected);
    assert_non_null(strstr(ratls_error_tcb_json(err), "\"tcb_status\":\"OK\""));
    ratls_error_free(err);
    /* Neither a flag nor the policy waives it. */
    f.options.allow_simulator = 1;
    assert_refused(RATLS_ERR_KEY_BINDING);
    assert_int_equal(ratls_verdict_cache_len(ratls_verifier_cache(f.verifier)), 0);
}

static void key_bound_only_in_its_first_half(void **state)
{
    (void)state;
    memset(built_field(&f.quote, RATLS_FIELD_REPORT_DATA) + 32, 0, 32);
    build_certificate(&f.certificate, f.quote.bytes, f.quote.len);
    assert_refused(RATLS_ERR_KEY_BINDING);
}

static void no_quote(void **state)
{
    (void)state;
    build_certificate(&f.certificate, NULL, 0);
    assert_refused(RATLS_ERR_QUOTE_MISSING);
    assert_int_equal(f.judge.judgements, 0);
}

static void no_quote_but_a_simulator_is_allowed(void **state)
{
    ratls_result *result;

    (void)state;
    build_certificate(&f.certificate, NULL, 0);
    f.options.allow_simulator = 1;
    result = accepted();
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_VERIFIED), 0);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_KEY_BOUND), 0);
    assert_int_equal(ratls_result_list_len(result, RATLS_FIELD_WAIVED), 1);
    assert_string_equal(ratls_result_list_item(result, RATLS_FIELD_WAIVED, 0), "quote");
    assert_null(ratls_result_text(result, RATLS_FIELD_TRUST_ANCHOR));
    assert_null(ratls_result_text(result, RATLS_FIELD_TEE));
    assert_null(ratls_result_text(result, RATLS_FIELD_TCB_STATUS));
    ratls_result_free(result);
    assert_int_equal(f.judge.judgements, 0);
}

static void every_waived_quote_is_warned_about(void **state)
{
    (void)state;
    build_certificate(&f.certificate, NULL, 0);
    f.options.allow_simulator = 1;
    assert_false(from_cache());
    assert_false(from_cache());
    assert_int_equal(f.judge.log_len, 2);
    assert_non_null(strstr(f.judge.log[1], "without a TDX quote"));
}

static void simulator_allowed_but_only_evidence_could_meet_a_demand(void **state)
{
    static const char *const advisories[] = {"INTEL-SA-00001"};

    (void)state;
    build_certificate(&f.certificate, NULL, 0);
    f.options.allow_simulator = 1;
    f.options.min_tee_tcb_svn = "01000000000000000000000000000000";
    assert_refused(RATLS_ERR_QUOTE_MISSING);
    f.options.min_tee_tcb_svn = NULL;
    f.options.min_tcb_evaluation_data_number = 1;
    assert_refused(RATLS_ERR_QUOTE_MISSING);
    f.options.min_tcb_evaluation_data_number = 0;
    f.options.allowed_advisory_ids = advisories;
    f.options.allowed_advisory_ids_len = 1;
    assert_refused(RATLS_ERR_QUOTE_MISSING);
}

static void simulator_allowed_but_something_is_pinned(void **state)
{
    static const char *const values[] = {"000000000000"};
    static const ratls_pin pins[] = {{"fmspc", values, 1}};
    static const char *const mr_td[] = {"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"};

    (void)state;
    build_certificate(&f.certificate, NULL, 0);
    f.options.allow_simulator = 1;
    f.options.pins = pins;
    f.options.pins_len = 1;
    assert_refused(RATLS_ERR_QUOTE_MISSING);
    f.options.pins = NULL;
    f.options.pins_len = 0;
    f.options.allowed_mr_td = mr_td;
    f.options.allowed_mr_td_len = 1;
    assert_refused(RATLS_ERR_QUOTE_MISSING);
}

static void simulator_waives_no_empty_quote(void **state)
{
    (void)state;
    build_certificate(&f.certificate, (const uint8_t *)"", 0);
    f.options.allow_simulator = 1;
    assert_refused(RATLS_ERR_EVIDENCE_EXTENSION_EMPTY);
}

static void simulator_waives_no_broken_quote(void **state)
{
    (void)state;
    build_certificate(&f.certificate, f.quote.bytes, f.quote.len - 1);
    f.options.allow_simulator = 1;
    assert_refused(RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED);
}

static void enclave_in_a_certificate(void **state)
{
    (void)state;
    build_sgx(&f.quote);
    build_bound_certificate(&f.certificate, &f.quote);
    assert_refused(RATLS_ERR_EVIDENCE_QUOTE_NOT_TDX);
}

static void not_a_certificate(void **state)
{
    (void)state;
    f.certificate.der[0] = 0x31;
    f.options.allow_simulator = 1;
    assert_refused(RATLS_ERR_EVIDENCE_CERTIFICATE_FORMAT);
}

static void verifier_refuses(void **state)
{
    (void)state;
    f.judge.judged = RATLS_ERR_COLLATERAL_MISSING;
    assert_refused(RATLS_ERR_COLLATERAL_MISSING);
    f.judge.judged = RATLS_OK;
    assert_false(from_cache());
}

static void policy_refuses_with_the_verdict(void **state)
{
    ratls_error *err;

    (void)state;
    f.judge.claims.tcb_status = RATLS_TCB_OUT_OF_DATE;
    err = refused(RATLS_ERR_TCB_STATUS);
    assert_non_null(strstr(ratls_error_tcb_json(err), "\"tcb_status\":\"OutOfDate\""));
    ratls_error_free(err);
    assert_int_equal(ratls_verdict_cache_len(ratls_verifier_cache(f.verifier)), 0);
}

static void options_are_read_first(void **state)
{
    (void)state;
    f.options.size = 1;
    f.certificate.der[0] = 0;
    assert_refused(RATLS_ERR_OPTIONS_SIZE);
}

static void clock_below_the_floor(void **state)
{
    (void)state;
    test_clock_set_wall(RATLS_CLOCK_FLOOR_S - 1);
    assert_refused(RATLS_ERR_CLOCK);
    f.options.now = 1000000000;
    f.judge.claims.has_collateral_dates = false;
    assert_false(from_cache());
    assert_int_equal(f.judge.judged_at, 1000000000);
}

static void collateral_that_expired(void **state)
{
    ratls_error *err;

    (void)state;
    f.judge.claims.expires_at = TEST_NOW - 1;
    err = refused(RATLS_ERR_COLLATERAL_STALE);
    ASSERT_DETAIL("found", "2025-12-31T23:59:59Z");
    ASSERT_DETAIL("expected", "2026-01-01T00:00:00Z");
    ratls_error_free(err);
}

static void cancelled_before(void **state)
{
    (void)state;
    assert_int_equal(ratls_cancel_new(&f.cancel, NULL), RATLS_OK);
    ratls_result_free(accepted());
    ratls_cancel_trigger(f.cancel);
    assert_refused(RATLS_ERR_CANCELLED);
}

static void second_time_from_the_cache(void **state)
{
    (void)state;
    assert_false(from_cache());
    assert_true(from_cache());
    assert_int_equal(f.judge.judgements, 1);
    assert_int_equal(f.judge.rechecks, 1);
}

static void another_certificate_is_not_in_the_cache(void **state)
{
    (void)state;
    assert_false(from_cache());
    build_certificate(&f.certificate, f.quote.bytes, f.quote.len); /* a signature of its own */
    assert_false(from_cache());
}

static void cache_off(void **state)
{
    (void)state;
    f.options.cache_ttl_s = -1;
    assert_false(from_cache());
    assert_false(from_cache());
    assert_int_equal(ratls_verdict_cache_len(ratls_verifier_cache(f.verifier)), 0);
}

static void explicit_time_bypasses_the_cache(void **state)
{
    (void)state;
    f.options.now = TEST_NOW;
    assert_false(from_cache());
    assert_int_equal(ratls_verdict_cache_len(ratls_verifier_cache(f.verifier)), 0);
    f.options.now = 0;
    assert_false(from_cache());
    f.options.now = TEST_NOW;
    assert_false(from_cache());
}

static void cached_verdict_under_a_stricter_policy(void **state)
{
    static const char *const other[] = {"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"};

    (void)state;
    assert_false(from_cache());
    f.options.allowed_mr_td = other;
    f.options.allowed_mr_td_len = 1;
    assert_refused(RATLS_ERR_MRTD_NOT_ALLOWED);
    assert_int_equal(f.judge.judgements, 1);
}

static void cached_verdict_too_old(void **state)
{
    (void)state;
    assert_false(from_cache());
    test_clock_advance_ms(INT64_C(3599999));
    assert_true(from_cache());
    test_clock_advance_ms(1);
    assert_false(from_cache());
    f.options.cache_ttl_s = 10;
    test_clock_advance_ms(10000);
    assert_false(from_cache());
}

static void cached_verdict_past_its_collateral(void **state)
{
    (void)state;
    assert_false(from_cache());
    test_clock_set_wall(TEST_NOW + 86401);
    assert_refused(RATLS_ERR_COLLATERAL_STALE);
    assert_int_equal(f.judge.judgements, 2);
}

static void cached_verdict_revoked_since(void **state)
{
    (void)state;
    assert_false(from_cache());
    f.judge.rechecked = RATLS_ERR_DCAP_PCK_REVOKED;
    assert_refused(RATLS_ERR_DCAP_PCK_REVOKED);
    assert_int_equal(ratls_verdict_cache_len(ratls_verifier_cache(f.verifier)), 0);
}

static void cached_verdict_under_a_clock_set_back(void **state)
{
    (void)state;
    assert_false(from_cache());
    test_clock_set_wall(RATLS_CLOCK_FLOOR_S - 1);
    assert_refused(RATLS_ERR_CLOCK);
}

static void debug_mode_waived_also_from_the_cache(void **state)
{
    ratls_result *result;

    (void)state;
    built_field(&f.quote, RATLS_FIELD_TD_ATTRIBUTES)[0] = 1;
    build_bound_certificate(&f.certificate, &f.quote);
    assert_refused(RATLS_ERR_DEBUG_MODE);
    f.options.allow_debug_mode = 1;
    assert_false(from_cache());
    result = accepted();
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_FROM_CACHE), 1);
    assert_string_equal(ratls_result_list_item(result, RATLS_FIELD_WAIVED, 0), "debug_mode");
    ratls_result_free(result);
}

static void mr_td_not_pinned_is_warned_about_once(void **state)
{
    (void)state;
    assert_false(from_cache());
    assert_true(from_cache());
    assert_int_equal(f.judge.log_len, 1);
    assert_non_null(strstr(f.judge.log[0], "MRTD"));
}

static void application_not_pinned_is_warned_about_once(void **state)
{
    char digits[97];
    const char *const mr_td[] = {digits};

    (void)state;
    ratls_hex_write(digits, built_field(&f.quote, RATLS_FIELD_MR_TD), 48);
    f.options.allowed_mr_td = mr_td;
    f.options.allowed_mr_td_len = 1;
    assert_false(from_cache());
    assert_true(from_cache());
    assert_int_equal(f.judge.log_len, 1);
    assert_non_null(strstr(f.judge.log[0], "nothing of the application is pinned"));
}

static void mr_td_and_application_pinned_are_not_warned_about(void **state)
{
    char digits[2][97];
    const char *const values[] = {digits[0], digits[1]};
    const ratls_pin pins[] = {{"mr_td", &values[0], 1}, {"rtmr3", &values[1], 1}};

    (void)state;
    ratls_hex_write(digits[0], built_field(&f.quote, RATLS_FIELD_MR_TD), 48);
    ratls_hex_write(digits[1], built_field(&f.quote, RATLS_FIELD_RTMR3), 48);
    f.options.pins = pins;
    f.options.pins_len = 2;
    assert_false(from_cache());
    assert_int_equal(f.judge.log_len, 0);
}

static void identity_pinned(void **state)
{
    char digits[4][97];
    const ratls_field fields[4] = {RATLS_FIELD_MR_TD, RATLS_FIELD_RTMR0, RATLS_FIELD_RTMR1, RATLS_FIELD_RTMR2};
    const char *const values[4] = {digits[0], digits[1], digits[2], digits[3]};
    const ratls_pin pins[4] = {{"mr_td", &values[0], 1}, {"rtmr0", &values[1], 1}, {"rtmr1", &values[2], 1}, {"rtmr2", &values[3], 1}};
    ratls_result *result;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        ratls_hex_write(digits[i], built_field(&f.quote, fields[i]), 48);
    }
    f.options.pins = pins;
    f.options.pins_len = 4;
    result = accepted();
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_IDENTITY_PINNED), 1);
    ratls_result_free(result);
    f.options.pins_len = 3;
    result = accepted();
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_IDENTITY_PINNED), 0);
    ratls_result_free(result);
}

static ratls_status verify_quote(ratls_result **result, ratls_error **err)
{
    return ratls_verify(result, f.verifier, f.quote.bytes, f.quote.len, &f.options, NULL, err);
}

static void quote_alone(void **state)
{
    ratls_result *result = NULL;

    (void)state;
    memset(built_field(&f.quote, RATLS_FIELD_REPORT_DATA), 0x42, 64);
    assert_int_equal(verify_quote(&result, NULL), RATLS_OK);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_VERIFIED), 1);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_KEY_BOUND), -1);
    assert_null(ratls_result_text(result, RATLS_FIELD_KEY_BOUND));
    ratls_result_free(result);
    assert_int_equal(ratls_verdict_cache_len(ratls_verifier_cache(f.verifier)), 0);
}

static void enclave_alone(void **state)
{
    ratls_result *result = NULL;

    (void)state;
    build_sgx(&f.quote);
    assert_int_equal(verify_quote(&result, NULL), RATLS_OK);
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TEE), "sgx");
    assert_null(ratls_result_text(result, RATLS_FIELD_MR_TD));
    assert_int_equal(strlen(ratls_result_text(result, RATLS_FIELD_REPORT_DATA)), 128);
    assert_int_equal(f.judge.log_len, 0);
    ratls_result_free(result);
}

static void quote_alone_truncated(void **state)
{
    ratls_result *result = NULL;
    ratls_error *err = NULL;

    (void)state;
    f.quote.len--;
    f.options.allow_simulator = 1;
    ASSERT_FAILS(verify_quote(&result, &err), EVIDENCE_QUOTE_TRUNCATED);
    assert_null(result);
    ratls_error_free(err);
    f.quote.len = 0;
    ASSERT_FAILS(verify_quote(&result, &err), EVIDENCE_QUOTE_TRUNCATED);
    ratls_error_free(err);
}

static void quote_alone_refused_by_policy(void **state)
{
    ratls_result *result = NULL;
    ratls_error *err = NULL;

    (void)state;
    f.judge.claims.tcb_status = RATLS_TCB_REVOKED;
    ASSERT_FAILS(verify_quote(&result, &err), TCB_STATUS);
    ratls_error_free(err);
}

static void null_arguments(void **state)
{
    ratls_result *result = (ratls_result *)(uintptr_t)1;
    ratls_error *err = NULL;

    (void)state;
    ASSERT_FAILS(ratls_verify_certificate(NULL, f.verifier, f.certificate.der, f.certificate.len, NULL, NULL, &err), ARGUMENT_INVALID);
    ASSERT_DETAIL("argument", "out");
    ratls_error_free(err);
    ASSERT_FAILS(ratls_verify_certificate(&result, NULL, f.certificate.der, f.certificate.len, NULL, NULL, &err), ARGUMENT_INVALID);
    ASSERT_DETAIL("argument", "verifier");
    assert_null(result);
    ratls_error_free(err);
    ASSERT_FAILS(ratls_verify_certificate(&result, f.verifier, NULL, 10, NULL, NULL, &err), ARGUMENT_INVALID);
    ASSERT_DETAIL("argument", "der");
    ratls_error_free(err);
    ASSERT_FAILS(ratls_verify_certificate(&result, f.verifier, f.certificate.der, 0, NULL, NULL, &err), ARGUMENT_INVALID);
    ratls_error_free(err);
    ASSERT_FAILS(ratls_verify(NULL, f.verifier, f.quote.bytes, f.quote.len, NULL, NULL, &err), ARGUMENT_INVALID);
    ratls_error_free(err);
    ASSERT_FAILS(ratls_verify(&result, NULL, f.quote.bytes, f.quote.len, NULL, NULL, &err), ARGUMENT_INVALID);
    ratls_error_free(err);
    ASSERT_FAILS(ratls_verify(&result, f.verifier, NULL, 10, NULL, NULL, &err), ARGUMENT_INVALID);
    ASSERT_DETAIL("argument", "quote");
    ratls_error_free(err);
    assert_int_equal(ratls_verify(&result, f.verifier, NULL, 10, NULL, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_verify_certificate(&result, f.verifier, f.certificate.der, f.certificate.len, NULL, NULL, NULL), RATLS_OK);
    ratls_result_free(result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bound_certificate),
        TEST(key_of_the_certificate_is_handed_out),
        TEST(quote_of_another_key),
        TEST(key_bound_only_in_its_first_half),
        TEST(no_quote),
        TEST(no_quote_but_a_simulator_is_allowed),
        TEST(every_waived_quote_is_warned_about),
        TEST(simulator_allowed_but_only_evidence_could_meet_a_demand),
        TEST(simulator_allowed_but_something_is_pinned),
        TEST(simulator_waives_no_empty_quote),
        TEST(simulator_waives_no_broken_quote),
        TEST(enclave_in_a_certificate),
        TEST(not_a_certificate),
        TEST(verifier_refuses),
        TEST(policy_refuses_with_the_verdict),
        TEST(options_are_read_first),
        TEST(clock_below_the_floor),
        TEST(collateral_that_expired),
        TEST(cancelled_before),
        TEST(second_time_from_the_cache),
        TEST(another_certificate_is_not_in_the_cache),
        TEST(cache_off),
        TEST(explicit_time_bypasses_the_cache),
        TEST(cached_verdict_under_a_stricter_policy),
        TEST(cached_verdict_too_old),
        TEST(cached_verdict_past_its_collateral),
        TEST(cached_verdict_revoked_since),
        TEST(cached_verdict_under_a_clock_set_back),
        TEST(debug_mode_waived_also_from_the_cache),
        TEST(mr_td_not_pinned_is_warned_about_once),
        TEST(application_not_pinned_is_warned_about_once),
        TEST(mr_td_and_application_pinned_are_not_warned_about),
        TEST(identity_pinned),
        TEST(quote_alone),
        TEST(enclave_alone),
        TEST(quote_alone_truncated),
        TEST(quote_alone_refused_by_policy),
        TEST(null_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

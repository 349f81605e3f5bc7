#include "failure.h"

#include "base/clock.h"
#include "verifier/evidence_builder.h"
#include "verifier/test_verifier.h"

enum { PARTS = 2 };

static test_judge judges[PARTS], listener;
static ratls_verifier *parts[PARTS], *combined;
static ratls_verify_options policy;
static built_quote quote;
static built_certificate certificate;
static ratls_result *result;
static ratls_error *err;

static int begin(void **state)
{
    (void)state;
    test_clock_start();
    for (size_t i = 0; i < PARTS; i++) {
        test_judge_init(&judges[i]);
        parts[i] = test_verifier(&judges[i]);
    }
    test_judge_init(&listener);
    build_td10(&quote);
    ratls_verify_options_init(&policy, sizeof policy);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ratls_result_free(result);
    ratls_error_free(err);
    ratls_verifier_free(combined);
    for (size_t i = 0; i < PARTS; i++) {
        ratls_verifier_free(parts[i]);
        assert_int_equal(judges[i].destroyed, 1);
    }
    result = NULL;
    err = NULL;
    combined = NULL;
    ratls_clock_replace(NULL);
    return 0;
}

static void open_all(void)
{
    assert_int_equal(ratls_verifier_new_all(&combined, parts, PARTS, NULL, &err), RATLS_OK);
}

static void open_first(void)
{
    ratls_verifier_options options;

    ratls_verifier_options_init(&options, sizeof options);
    options.log = test_log;
    options.log_user = &listener;
    assert_int_equal(ratls_verifier_new_first(&combined, parts, PARTS, &options, &err), RATLS_OK);
}

static ratls_status verify(void)
{
    ratls_result_free(result);
    ratls_error_free(err);
    err = NULL;
    return ratls_verify(&result, combined, quote.bytes, quote.len, &policy, NULL, &err);
}

static ratls_status verify_certificate(void)
{
    ratls_result_free(result);
    ratls_error_free(err);
    err = NULL;
    return ratls_verify_certificate(&result, combined, certificate.der, certificate.len, &policy, NULL, &err);
}

static void accept_statuses(const char *const *statuses, size_t len)
{
    policy.acceptable_tcb_statuses = statuses;
    policy.acceptable_tcb_statuses_len = len;
}

static void all_join_what_they_know(void **state)
{
    (void)state;
    judges[0].claims.tcb_status = RATLS_TCB_SW_HARDENING_NEEDED;
    judges[0].claims.qe_tcb_status = RATLS_TCB_UP_TO_DATE;
    judges[0].claims.has_tcb_date = true;
    judges[0].claims.tcb_date = TEST_NOW - 10;
    assert_int_equal(ratls_advisories_add(&judges[0].claims.advisories, "INTEL-SA-2", NULL), RATLS_OK);
    judges[1].claims.has_tcb_date = true;
    judges[1].claims.tcb_date = TEST_NOW - 20;
    judges[1].claims.has_fmspc = true;
    judges[1].claims.has_tcb_evaluation_data_number = true;
    judges[1].claims.tcb_evaluation_data_number = 17;
    judges[1].claims.expires_at = TEST_NOW + 5;
    assert_int_equal(ratls_advisories_add(&judges[1].claims.advisories, "INTEL-SA-1", NULL), RATLS_OK);
    open_all();
    assert_int_equal(verify(), RATLS_OK);
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_VERIFIER), "all");
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TCB_STATUS), "SWHardeningNeeded");
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_QE_TCB_STATUS), "UpToDate");
    assert_string_equal(ratls_result_list_item(result, RATLS_FIELD_ADVISORY_IDS, 0), "INTEL-SA-1");
    assert_string_equal(ratls_result_list_item(result, RATLS_FIELD_ADVISORY_IDS, 1), "INTEL-SA-2");
    assert_int_equal(ratls_result_number(result, RATLS_FIELD_TCB_DATE), TEST_NOW - 20);
    assert_int_equal(ratls_result_number(result, RATLS_FIELD_TCB_EVALUATION_DATA_NUMBER), 17);
    assert_int_equal(ratls_result_number(result, RATLS_FIELD_COLLATERAL_EXPIRES_AT), TEST_NOW + 5);
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_FMSPC), "000000000000");
    ratls_advisories_clear(&judges[0].claims.advisories);
    ratls_advisories_clear(&judges[1].claims.advisories);
}

static void worst_status(void **state)
{
    static const char *const every[] = {"OK", "OutOfDate", "ConfigurationNeeded", "TDRelaunchAdvised"};

    (void)state;
    accept_statuses(every, 4);
    judges[0].claims.tcb_status = RATLS_TCB_OUT_OF_DATE;
    judges[1].claims.tcb_status = RATLS_TCB_CONFIGURATION_NEEDED;
    open_all();
    assert_int_equal(verify(), RATLS_OK);
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TCB_STATUS), "OutOfDate");
    judges[0].claims.tcb_status = RATLS_TCB_TD_RELAUNCH_ADVISED;
    assert_int_equal(verify(), RATLS_OK);
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TCB_STATUS), "TDRelaunchAdvised");
}

/* What is worse and acceptable does not hide what is better and not. */
static void better_status_that_is_not_acceptable(void **state)
{
    static const char *const only[] = {"OutOfDate"};

    (void)state;
    accept_statuses(only, 1);
    judges[0].claims.tcb_status = RATLS_TCB_OUT_OF_DATE;
    judges[1].claims.tcb_status = RATLS_TCB_SW_HARDENING_NEEDED;
    open_all();
    ASSERT_FAILS(verify(), TCB_STATUS);
    ASSERT_DETAIL("found", "SWHardeningNeeded");
}

static void revoked_by_one(void **state)
{
    (void)state;
    judges[1].claims.tcb_status = RATLS_TCB_REVOKED;
    open_all();
    ASSERT_FAILS(verify(), TCB_STATUS);
    ASSERT_DETAIL("found", "Revoked");
}

static void one_of_all_fails(void **state)
{
    (void)state;
    open_all();
    for (size_t i = 0; i < PARTS; i++) {
        judges[i].judged = RATLS_ERR_INTEL_NETWORK;
        ASSERT_FAILS(verify(), INTEL_NETWORK);
        judges[i].judged = RATLS_ERR_DCAP_QUOTE_SIGNATURE;
        ASSERT_FAILS(verify(), DCAP_QUOTE_SIGNATURE);
        judges[i].judged = RATLS_OK;
    }
}

static void one_of_all_checked_no_hardware(void **state)
{
    (void)state;
    judges[1].claims.hardware_verified = false;
    open_all();
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_VERIFIED), 0);
}

static void one_of_all_knows_no_advisories(void **state)
{
    static const char *const allowed[] = {"INTEL-SA-1"};

    (void)state;
    judges[1].claims.advisories_unknown = true;
    policy.allowed_advisory_ids = allowed;
    policy.allowed_advisory_ids_len = 1;
    open_all();
    ASSERT_FAILS(verify(), ADVISORY_NOT_ALLOWED);
}

static void all_are_rechecked(void **state)
{
    (void)state;
    build_bound_certificate(&certificate, &quote);
    open_all();
    assert_int_equal(verify_certificate(), RATLS_OK);
    assert_int_equal(verify_certificate(), RATLS_OK);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_FROM_CACHE), 1);
    assert_int_equal(judges[0].rechecks + judges[1].rechecks, 2);
    judges[1].rechecked = RATLS_ERR_DCAP_PCK_REVOKED;
    ASSERT_FAILS(verify_certificate(), DCAP_PCK_REVOKED);
}

static void first_that_can_check_decides(void **state)
{
    (void)state;
    open_first();
    assert_int_equal(verify(), RATLS_OK);
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_VERIFIER), "first");
    assert_int_equal(judges[1].judgements, 0);
}

static void next_after_could_not_check(void **state)
{
    (void)state;
    judges[0].judged = RATLS_ERR_COLLATERAL_MISSING;
    judges[1].claims.tcb_status = RATLS_TCB_SW_HARDENING_NEEDED;
    open_first();
    assert_int_equal(verify(), RATLS_OK);
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TCB_STATUS), "SWHardeningNeeded");
    assert_non_null(strstr(listener.log[0], "could not check"));
}

static void never_after_a_refusal(void **state)
{
    (void)state;
    judges[0].judged = RATLS_ERR_DCAP_QUOTE_SIGNATURE;
    open_first();
    ASSERT_FAILS(verify(), DCAP_QUOTE_SIGNATURE);
    assert_int_equal(judges[1].judgements, 0);
}

static void never_after_a_mistake_of_the_callers(void **state)
{
    (void)state;
    judges[0].judged = RATLS_ERR_INTEL_API_KEY_MISSING;
    open_first();
    ASSERT_FAILS(verify(), INTEL_API_KEY_MISSING);
    assert_int_equal(judges[1].judgements, 0);
}

static void policy_refuses_what_the_first_says(void **state)
{
    (void)state;
    judges[0].claims.tcb_status = RATLS_TCB_OUT_OF_DATE;
    open_first();
    ASSERT_FAILS(verify(), TCB_STATUS);
    assert_int_equal(judges[1].judgements, 0);
}

static void none_can_check(void **state)
{
    (void)state;
    judges[0].judged = RATLS_ERR_COLLATERAL_MISSING;
    judges[1].judged = RATLS_ERR_INTEL_NETWORK;
    open_first();
    ASSERT_FAILS(verify(), INTEL_NETWORK);
}

static void no_next_after_the_deadline(void **state)
{
    (void)state;
    judges[0].judged = RATLS_ERR_TIMEOUT;
    policy.timeout_ms = 1;
    test_clock_step_ms(1);
    open_first();
    ASSERT_FAILS(verify(), TIMEOUT);
    assert_int_equal(judges[1].judgements, 0);
}

static void first_is_rechecked_in_turn(void **state)
{
    (void)state;
    build_bound_certificate(&certificate, &quote);
    open_first();
    assert_int_equal(verify_certificate(), RATLS_OK);
    judges[0].rechecked = RATLS_ERR_COLLATERAL_MISSING;
    assert_int_equal(verify_certificate(), RATLS_OK);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_FROM_CACHE), 1);
    assert_int_equal(judges[1].rechecks, 1);
    judges[0].rechecked = RATLS_ERR_DCAP_PCK_REVOKED;
    ASSERT_FAILS(verify_certificate(), DCAP_PCK_REVOKED);
}

static void combinations_that_are_refused(void **state)
{
    ratls_verifier *noop = NULL;
    ratls_verifier *wrong[RATLS_COMBINED_MAX + 1];

    (void)state;
    assert_int_equal(ratls_verifier_new_noop(&noop, NULL, &err), RATLS_OK);
    for (size_t i = 0; i < RATLS_COMBINED_MAX + 1; i++) {
        wrong[i] = parts[0];
    }
    ASSERT_FAILS(ratls_verifier_new_all(&combined, parts, 0, NULL, &err), ARGUMENT_INVALID);
    ratls_error_free(err);
    ASSERT_FAILS(ratls_verifier_new_all(&combined, NULL, 1, NULL, &err), ARGUMENT_INVALID);
    ratls_error_free(err);
    ASSERT_FAILS(ratls_verifier_new_first(&combined, wrong, RATLS_COMBINED_MAX + 1, NULL, &err), ARGUMENT_INVALID);
    ratls_error_free(err);
    wrong[1] = noop;
    ASSERT_FAILS(ratls_verifier_new_first(&combined, wrong, 2, NULL, &err), ARGUMENT_INVALID);
    ratls_error_free(err);
    wrong[1] = NULL;
    ASSERT_FAILS(ratls_verifier_new_all(&combined, wrong, 2, NULL, &err), ARGUMENT_INVALID);
    ratls_error_free(err);
    ASSERT_FAILS(ratls_verifier_new_all(NULL, parts, PARTS, NULL, &err), ARGUMENT_INVALID);
    assert_null(combined);
    ratls_verifier_free(noop);
}

static void combined_of_combined(void **state)
{
    ratls_verifier *outer = NULL;

    (void)state;
    open_all();
    assert_int_equal(ratls_verifier_new_first(&outer, &combined, 1, NULL, &err), RATLS_OK);
    ratls_verifier_free(combined);
    combined = outer;
    judges[1].claims.tcb_status = RATLS_TCB_SW_HARDENING_NEEDED;
    assert_int_equal(verify(), RATLS_OK);
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TCB_STATUS), "SWHardeningNeeded");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(all_join_what_they_know), CASE(worst_status), CASE(better_status_that_is_not_acceptable), CASE(revoked_by_one),
        CASE(one_of_all_fails), CASE(one_of_all_checked_no_hardware), CASE(one_of_all_knows_no_advisories), CASE(all_are_rechecked),
        CASE(first_that_can_check_decides), CASE(next_after_could_not_check), CASE(never_after_a_refusal),
        CASE(never_after_a_mistake_of_the_callers), CASE(policy_refuses_what_the_first_says), CASE(none_can_check),
        CASE(no_next_after_the_deadline), CASE(first_is_rechecked_in_turn), CASE(combinations_that_are_refused), CASE(combined_of_combined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "failure.h"

#include "verifier/custom_claims.h"

static ratls_status parse(ratls_claims *claims, const char *json, ratls_error **err)
{
    return ratls_custom_claims_parse(claims, (ratls_bytes){(const uint8_t *)json, strlen(json)}, err);
}

static void assert_refused(const char *json, const char *field)
{
    ratls_claims claims;
    ratls_error *err = NULL;

    ASSERT_FAILS(parse(&claims, json, &err), USER_VERIFIER_CLAIMS);
    assert_int_equal(claims.tcb_status, RATLS_TCB_NONE);
    assert_int_equal(claims.advisories.len, 0);
    assert_false(claims.hardware_verified);
    if (field != NULL) {
        ASSERT_DETAIL("field", field);
    }
    ratls_error_free(err);
}

static void every_claim(void **state)
{
    ratls_claims claims;

    (void)state;
    assert_int_equal(parse(&claims,
                           "{\"tcb_status\":\"OK\",\"tcb_status_dcap\":\"UpToDate\",\"platform_tcb_status\":\"SWHardeningNeeded\","
                           "\"tdx_module_tcb_status\":\"OutOfDate\",\"qe_tcb_status\":\"OK\",\"tcb_date\":\"2023-11-14T22:13:20Z\","
                           "\"advisory_ids\":[\"INTEL-SA-2\",\"INTEL-SA-1\",\"INTEL-SA-2\"],\"fmspc\":\"30806f000000\","
                           "\"ppid\":\"000102030405060708090a0b0c0d0e0f\",\"platform_instance_id\":\"000102030405060708090a0b0c0d0e0f\","
                           "\"tcb_evaluation_data_number\":17,\"collateral_expires_at\":\"2027-01-15T08:00:00Z\"}",
                           NULL),
                     RATLS_OK);
    assert_true(claims.hardware_verified);
    assert_string_equal(claims.trust_anchor, "");
    assert_int_equal(claims.tcb_status, RATLS_TCB_UP_TO_DATE);
    assert_int_equal(claims.platform_tcb_status, RATLS_TCB_SW_HARDENING_NEEDED);
    assert_int_equal(claims.tdx_module_tcb_status, RATLS_TCB_OUT_OF_DATE);
    assert_int_equal(claims.qe_tcb_status, RATLS_TCB_UP_TO_DATE);
    assert_true(claims.has_tcb_date);
    assert_int_equal(claims.tcb_date, 1700000000);
    assert_false(claims.advisories_unknown);
    assert_int_equal(claims.advisories.len, 2);
    assert_true(claims.has_fmspc && claims.has_ppid && claims.has_platform_instance_id);
    assert_int_equal(claims.fmspc[0], 0x30);
    assert_int_equal(claims.ppid[15], 15);
    assert_int_equal(claims.tcb_evaluation_data_number, 17);
    assert_true(claims.has_collateral_dates);
    assert_int_equal(claims.expires_at, 1800000000);
    ratls_claims_clear(&claims);
}

static void only_the_status(void **state)
{
    ratls_claims claims;

    (void)state;
    assert_int_equal(parse(&claims, "{\"tcb_status\":\"UpToDate\",\"fmspc\":null,\"advisory_ids\":null,\"tcb_date\":null}", NULL), RATLS_OK);
    assert_int_equal(claims.tcb_status, RATLS_TCB_UP_TO_DATE);
    assert_true(claims.advisories_unknown);
    assert_false(claims.has_fmspc || claims.has_tcb_date || claims.has_collateral_dates || claims.has_tcb_evaluation_data_number);
    ratls_claims_clear(&claims);
}

static void not_an_object(void **state)
{
    (void)state;
    assert_refused("", NULL);
    assert_refused("null", NULL);
    assert_refused("[]", NULL);
    assert_refused("\"OK\"", NULL);
    assert_refused("{\"tcb_status\":\"OK\"} x", NULL);
}

static void status_missing(void **state)
{
    (void)state;
    assert_refused("{}", "tcb_status");
    assert_refused("{\"tcb_status\":null}", "tcb_status");
    assert_refused("{\"tcb_status_dcap\":\"UpToDate\"}", "tcb_status");
    assert_refused("{\"tcb_status_dcap\":\"UpToDate\",\"tcb_status\":null}", "tcb_status");
}

static void status_unknown(void **state)
{
    (void)state;
    assert_refused("{\"tcb_status\":\"Fine\"}", "tcb_status");
    assert_refused("{\"tcb_status\":1}", "tcb_status");
    assert_refused("{\"tcb_status\":\"OK\",\"qe_tcb_status\":\"Fine\"}", "qe_tcb_status");
}

static void two_verdicts(void **state)
{
    (void)state;
    assert_refused("{\"tcb_status\":\"OK\",\"tcb_status_dcap\":\"OutOfDate\"}", "tcb_status_dcap");
    assert_refused("{\"tcb_status_dcap\":\"UpToDate\",\"tcb_status\":\"OutOfDate\"}", "tcb_status");
    assert_refused("{\"tcb_status\":\"OK\",\"tcb_status\":\"OutOfDate\"}", NULL);
}

static void keys_that_a_verifier_does_not_give(void **state)
{
    (void)state;
    assert_refused("{\"tcb_status\":\"OK\",\"mr_td\":\"00\"}", "mr_td");
    assert_refused("{\"tcb_status\":\"OK\",\"verified\":true}", "verified");
    assert_refused("{\"tcb_status\":\"OK\",\"TCB_STATUS\":\"OK\"}", "TCB_STATUS");
    assert_refused("{\"tcb_status\":\"OK\",\"trust_anchor\":null}", "trust_anchor");
}

static void values_that_are_not_valid(void **state)
{
    (void)state;
    assert_refused("{\"tcb_status\":\"OK\",\"fmspc\":\"30806f0000\"}", "fmspc");
    assert_refused("{\"tcb_status\":\"OK\",\"ppid\":\"xx0102030405060708090a0b0c0d0e0f\"}", "ppid");
    assert_refused("{\"tcb_status\":\"OK\",\"platform_instance_id\":1}", "platform_instance_id");
    assert_refused("{\"tcb_status\":\"OK\",\"tcb_date\":\"yesterday\"}", "tcb_date");
    assert_refused("{\"tcb_status\":\"OK\",\"collateral_expires_at\":1800000000}", "collateral_expires_at");
    assert_refused("{\"tcb_status\":\"OK\",\"tcb_evaluation_data_number\":-1}", "tcb_evaluation_data_number");
    assert_refused("{\"tcb_status\":\"OK\",\"tcb_evaluation_data_number\":1.5}", "tcb_evaluation_data_number");
    assert_refused("{\"tcb_status\":\"OK\",\"advisory_ids\":\"INTEL-SA-1\"}", "advisory_ids");
    assert_refused("{\"tcb_status\":\"OK\",\"advisory_ids\":[\"INTEL-SA-1\",1]}", "advisory_ids");
    assert_refused("{\"tcb_status\":\"OK\",\"advisory_ids\":[\"\"]}", "advisory_ids");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_claim),
        cmocka_unit_test(only_the_status),
        cmocka_unit_test(not_an_object),
        cmocka_unit_test(status_missing),
        cmocka_unit_test(status_unknown),
        cmocka_unit_test(two_verdicts),
        cmocka_unit_test(keys_that_a_verifier_does_not_give),
        cmocka_unit_test(values_that_are_not_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

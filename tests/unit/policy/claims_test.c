#include "failure.h"

#include "policy/claims.h"

static void statuses_have_two_spellings(void **state)
{
    (void)state;
    assert_string_equal(ratls_tcb_status_word(RATLS_TCB_UP_TO_DATE), "OK");
    assert_string_equal(ratls_tcb_status_intel(RATLS_TCB_UP_TO_DATE), "UpToDate");
    assert_null(ratls_tcb_status_word(RATLS_TCB_NONE));
    assert_null(ratls_tcb_status_intel(RATLS_TCB_COUNT));
    for (int known = RATLS_TCB_NONE + 1; known < RATLS_TCB_COUNT; known++) {
        ratls_tcb_status status = (ratls_tcb_status)known;

        assert_int_equal(ratls_tcb_status_parse(ratls_tcb_status_word(status)), status);
        assert_int_equal(ratls_tcb_status_parse(ratls_tcb_status_intel(status)), status);
    }
}

static void unknown_statuses(void **state)
{
    static const char *const words[] = {"", "ok", "uptodate", "UpToDate ", "Unknown", "OKAY"};

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_int_equal(ratls_tcb_status_parse(words[i]), RATLS_TCB_NONE);
    }
}

static void advisories_are_a_sorted_set(void **state)
{
    ratls_advisories set = {0}, copy = {0};

    (void)state;
    assert_int_equal(ratls_advisories_add(&set, "INTEL-SA-00837", NULL), RATLS_OK);
    assert_int_equal(ratls_advisories_add(&set, "INTEL-SA-00615", NULL), RATLS_OK);
    assert_int_equal(ratls_advisories_add(&set, "INTEL-SA-00837", NULL), RATLS_OK);
    assert_int_equal(ratls_advisories_add(&set, "INTEL-SA-00700", NULL), RATLS_OK);
    assert_int_equal(ratls_advisories_copy(&copy, &set, NULL), RATLS_OK);
    ratls_advisories_clear(&set);
    assert_int_equal(set.len, 0);
    assert_int_equal(copy.len, 3);
    assert_string_equal(copy.ids[0], "INTEL-SA-00615");
    assert_string_equal(copy.ids[1], "INTEL-SA-00700");
    assert_string_equal(copy.ids[2], "INTEL-SA-00837");
    ratls_advisories_clear(&copy);
}

static void too_many_advisories(void **state)
{
    ratls_advisories set = {0};
    ratls_error *err = NULL;
    char id[] = "A0000";

    (void)state;
    for (int i = 0; i < RATLS_ADVISORIES_MAX; i++) {
        id[4] = (char)('0' + i % 10);
        id[3] = (char)('0' + i / 10 % 10);
        id[2] = (char)('0' + i / 100);
        assert_int_equal(ratls_advisories_add(&set, id, NULL), RATLS_OK);
    }
    ASSERT_FAILS(ratls_advisories_add(&set, "B", &err), INTERNAL);
    assert_int_equal(set.len, RATLS_ADVISORIES_MAX);
    ratls_error_free(err);
    ratls_advisories_clear(&set);
}

static void advisory_too_long(void **state)
{
    ratls_advisories set = {0};
    ratls_error *err = NULL;
    char id[RATLS_ADVISORY_LEN_MAX + 2] = {0};

    (void)state;
    memset(id, 'A', sizeof id - 1);
    ASSERT_FAILS(ratls_advisories_add(&set, id, &err), INTERNAL);
    assert_int_equal(set.len, 0);
    ratls_error_free(err);
}

static void copies_own_their_advisories(void **state)
{
    ratls_claims claims = {.tcb_status = RATLS_TCB_OUT_OF_DATE, .has_fmspc = true, .fmspc = {1, 2, 3, 4, 5, 6}}, copy;

    (void)state;
    assert_int_equal(ratls_advisories_add(&claims.advisories, "INTEL-SA-00615", NULL), RATLS_OK);
    assert_int_equal(ratls_claims_copy(&copy, &claims, NULL), RATLS_OK);
    ratls_claims_clear(&claims);
    assert_int_equal(claims.tcb_status, RATLS_TCB_NONE);
    assert_int_equal(copy.tcb_status, RATLS_TCB_OUT_OF_DATE);
    assert_int_equal(copy.fmspc[5], 6);
    assert_string_equal(copy.advisories.ids[0], "INTEL-SA-00615");
    ratls_claims_clear(&copy);
}

static void tcb_json_of_a_verdict(void **state)
{
    ratls_claims claims = {
        .hardware_verified = true, .tcb_status = RATLS_TCB_UP_TO_DATE, .platform_tcb_status = RATLS_TCB_UP_TO_DATE,
        .has_tcb_date = true, .tcb_date = 1700000000, .has_fmspc = true, .fmspc = {0x30, 0x80, 0x6f},
        .has_tcb_evaluation_data_number = true, .tcb_evaluation_data_number = 17,
    };
    char *json;

    (void)state;
    assert_int_equal(ratls_advisories_add(&claims.advisories, "INTEL-SA-00837", NULL), RATLS_OK);
    assert_int_equal(ratls_advisories_add(&claims.advisories, "INTEL-SA-00615", NULL), RATLS_OK);
    json = ratls_claims_tcb_json(&claims);
    assert_string_equal(json, "{\"tcb_status\":\"OK\",\"tcb_status_dcap\":\"UpToDate\",\"platform_tcb_status\":\"UpToDate\","
                              "\"tdx_module_tcb_status\":null,\"qe_tcb_status\":null,"
                              "\"launch_tcb_status\":null,\"current_tcb_status\":null,\"tcb_date\":\"2023-11-14T22:13:20Z\","
                              "\"advisory_ids\":[\"INTEL-SA-00615\",\"INTEL-SA-00837\"],\"fmspc\":\"30806f000000\","
                              "\"tcb_evaluation_data_number\":17,\"collateral_expires_at\":null}");
    free(json);
    ratls_claims_clear(&claims);
}

static void no_verdict_is_not_told(void **state)
{
    ratls_claims none = {0}, some = {.tcb_status = RATLS_TCB_REVOKED, .advisories_unknown = true};
    ratls_error *err = NULL;

    (void)state;
    ratls_claims_tell(&some, NULL);
    ratls_claims_tell(&some, &err);
    assert_null(err);
    (void)RAISE(&err, RATLS_ERR_KEY_BINDING);
    ratls_claims_tell(&none, &err);
    assert_string_equal(ratls_error_tcb_json(err), "null");
    ratls_claims_tell(&some, &err);
    assert_non_null(strstr(ratls_error_tcb_json(err), "\"tcb_status\":\"Revoked\""));
    assert_non_null(strstr(ratls_error_tcb_json(err), "\"advisory_ids\":null"));
    ratls_error_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_have_two_spellings),
        cmocka_unit_test(unknown_statuses),
        cmocka_unit_test(advisories_are_a_sorted_set),
        cmocka_unit_test(too_many_advisories),
        cmocka_unit_test(advisory_too_long),
        cmocka_unit_test(copies_own_their_advisories),
        cmocka_unit_test(tcb_json_of_a_verdict),
        cmocka_unit_test(no_verdict_is_not_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

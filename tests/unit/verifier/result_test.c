#include "failure.h"

#include <cjson/cJSON.h>

#include "base/tables.h"
#include "verifier/evidence_builder.h"
#include "verifier/result.h"
#include "verifier/verifier.h"

static ratls_claims claims;
static ratls_advisories waived;
static built_quote quote;

static ratls_result *make(bool with_quote, bool with_certificate)
{
    ratls_parsed_quote parsed_quote = parsed(&quote);
    ratls_result_parts parts = {
        .verifier = "dcap", .quote = with_quote ? &parsed_quote : NULL, .claims = &claims, .waived = &waived,
        .verified_at = 1700000000, .identity_pinned = true, .from_cache = false, .tells_key_bound = with_certificate, .key_bound = true,
    };
    ratls_result *result = NULL;

    assert_int_equal(ratls_result_make(&result, &parts, NULL), RATLS_OK);
    return result;
}

static int set_up(void **state)
{
    (void)state;
    claims = (ratls_claims){
        .hardware_verified = true, .trust_anchor = "intel", .tcb_status = RATLS_TCB_UP_TO_DATE,
        .platform_tcb_status = RATLS_TCB_UP_TO_DATE, .qe_tcb_status = RATLS_TCB_SW_HARDENING_NEEDED,
        .has_tcb_date = true, .tcb_date = 1680000000, .has_fmspc = true, .fmspc = {0x30, 0x80, 0x6f},
        .has_ppid = true, .has_tcb_evaluation_data_number = true, .tcb_evaluation_data_number = 17,
        .has_collateral_dates = true, .expires_at = 1800000000,
    };
    build_td15(&quote);
    assert_int_equal(ratls_advisories_add(&claims.advisories, "INTEL-SA-00615", NULL), RATLS_OK);
    assert_int_equal(ratls_advisories_add(&waived, "debug_mode", NULL), RATLS_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ratls_claims_clear(&claims);
    ratls_advisories_clear(&waived);
    return 0;
}

static void text_by_field(void **state)
{
    ratls_result *result = make(true, true);

    (void)state;
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_ACCEPTED), "true");
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_VERIFIED_AT), "2023-11-14T22:13:20Z");
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TCB_STATUS), "OK");
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TCB_STATUS_DCAP), "UpToDate");
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_PLATFORM_TCB_STATUS), "UpToDate");
    assert_null(ratls_result_text(result, RATLS_FIELD_TDX_MODULE_TCB_STATUS));
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_FMSPC), "30806f000000");
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TCB_EVALUATION_DATA_NUMBER), "17");
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_XFAM), "e702060000000000");
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TEE_TCB_SVN), "05050500000000000000000000000000");
    assert_null(ratls_result_text(result, RATLS_FIELD_PLATFORM_INSTANCE_ID));
    assert_null(ratls_result_text(result, RATLS_FIELD_APP_ID));
    assert_null(ratls_result_text(result, RATLS_FIELD_MR_SERVICE_TD)); /* inspect's, not a result's */
    assert_null(ratls_result_text(result, RATLS_FIELD_WAIVED));
    ratls_result_free(result);
}

static void flags_numbers_and_lists(void **state)
{
    ratls_result *result = make(true, true);

    (void)state;
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_VERIFIED), 1);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_FROM_CACHE), 0);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_IS_DEBUG_MODE), 0);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_TCB_STATUS), -1);
    assert_int_equal(ratls_result_number(result, RATLS_FIELD_TCB_EVALUATION_DATA_NUMBER), 17);
    assert_int_equal(ratls_result_number(result, RATLS_FIELD_TCB_DATE), 1680000000);
    assert_int_equal(ratls_result_number(result, RATLS_FIELD_COLLATERAL_EXPIRES_AT), 1800000000);
    assert_true(ratls_result_number(result, RATLS_FIELD_ACCEPTED) == INT64_MIN);
    assert_int_equal(ratls_result_list_len(result, RATLS_FIELD_ADVISORY_IDS), 1);
    assert_string_equal(ratls_result_list_item(result, RATLS_FIELD_ADVISORY_IDS, 0), "INTEL-SA-00615");
    assert_null(ratls_result_list_item(result, RATLS_FIELD_ADVISORY_IDS, 1));
    assert_string_equal(ratls_result_list_item(result, RATLS_FIELD_WAIVED, 0), "debug_mode");
    ratls_result_free(result);
}

static void fields_that_are_none(void **state)
{
    ratls_result *result = make(true, true);
    const ratls_field none[] = {-1, RATLS_FIELD_COUNT, INT32_MIN, INT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_null(ratls_result_text(result, none[i]));
        assert_int_equal(ratls_result_flag(result, none[i]), -1);
        assert_true(ratls_result_number(result, none[i]) == INT64_MIN);
        assert_int_equal(ratls_result_list_len(result, none[i]), 0);
        assert_null(ratls_result_list_item(result, none[i], 0));
    }
    ratls_result_free(result);
}

static void json_has_every_field_in_order(void **state)
{
    ratls_result *result = make(true, true);
    cJSON *json = cJSON_Parse(ratls_result_json(result));
    const cJSON *item;

    (void)state;
    assert_non_null(json);
    item = json->child;
    for (ratls_field field = 0; field < RATLS_FIELD_COUNT; field++) {
        if (ratls_field_rows[field].in_result) {
            assert_non_null(item);
            assert_string_equal(item->string, ratls_field_rows[field].name);
            item = item->next;
        }
    }
    assert_null(item);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(json, "accepted")));
    assert_true(cJSON_IsNumber(cJSON_GetObjectItem(json, "tcb_evaluation_data_number")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "compose_hash")));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "waived")), 1);
    cJSON_Delete(json);
    ratls_result_free(result);
}

static void nothing_is_verified_without_a_quote(void **state)
{
    ratls_result *result = make(false, true);

    (void)state;
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_VERIFIED), 0);
    assert_null(ratls_result_text(result, RATLS_FIELD_TRUST_ANCHOR));
    assert_null(ratls_result_text(result, RATLS_FIELD_MR_TD));
    assert_null(ratls_result_text(result, RATLS_FIELD_IS_DEBUG_MODE));
    ratls_result_free(result);
}

static void key_is_unknown_without_a_certificate(void **state)
{
    ratls_result *result = make(true, false);

    (void)state;
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_KEY_BOUND), -1);
    assert_non_null(strstr(ratls_result_json(result), "\"key_bound\":null"));
    ratls_result_free(result);
}

static void copy_outlives_the_original(void **state)
{
    ratls_result *result = make(true, true), *copy = NULL;
    ratls_error *err = NULL;

    (void)state;
    assert_int_equal(ratls_result_copy(&copy, result, NULL), RATLS_OK);
    ratls_result_free(result);
    assert_string_equal(ratls_result_text(copy, RATLS_FIELD_VERIFIER), "dcap");
    ratls_result_free(copy);
    ASSERT_FAILS(ratls_result_copy(&copy, NULL, &err), ARGUMENT_INVALID);
    assert_null(copy);
    ratls_error_free(err);
}

static void null_result(void **state)
{
    (void)state;
    ratls_result_free(NULL);
    assert_null(ratls_result_text(NULL, RATLS_FIELD_ACCEPTED));
    assert_int_equal(ratls_result_flag(NULL, RATLS_FIELD_ACCEPTED), -1);
    assert_true(ratls_result_number(NULL, RATLS_FIELD_TCB_DATE) == INT64_MIN);
    assert_int_equal(ratls_result_list_len(NULL, RATLS_FIELD_WAIVED), 0);
    assert_null(ratls_result_list_item(NULL, RATLS_FIELD_WAIVED, 0));
    assert_string_equal(ratls_result_json(NULL), "null");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_by_field),
        TEST(flags_numbers_and_lists),
        TEST(fields_that_are_none),
        TEST(json_has_every_field_in_order),
        TEST(nothing_is_verified_without_a_quote),
        TEST(key_is_unknown_without_a_certificate),
        TEST(copy_outlives_the_original),
        TEST(null_result),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "failure.h"

#include "base/tables.h"
#include "policy/compiled.h"

#define HEX48 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static ratls_status parse(ratls_policy **policy, const char *json, ratls_error **err)
{
    return ratls_policy_parse(policy, json, strlen(json), err);
}

static ratls_policy *accepted(const char *json)
{
    ratls_policy *policy = NULL;
    ratls_error *err = NULL;

    if (parse(&policy, json, &err) != RATLS_OK) {
        fail_msg("%s: %s", json, ratls_error_message(err, RATLS_SPELLING_C));
    }
    return policy;
}

static void assert_refused(const char *json, ratls_status code, const char *detail, const char *value)
{
    ratls_policy *policy = (ratls_policy *)(uintptr_t)1;
    ratls_error *err = NULL;

    assert_string_equal(ratls_status_name(parse(&policy, json, &err)), ratls_status_name(code));
    assert_null(policy);
    assert_int_equal(ratls_error_class(err), RATLS_CLASS_USAGE);
    if (detail != NULL) {
        ASSERT_DETAIL(detail, value);
    }
    ratls_error_free(err);
}

static void empty_object_is_the_defaults(void **state)
{
    ratls_policy *policy = accepted("{}");
    const ratls_verify_options *options = ratls_policy_options(policy);
    ratls_verify_options defaults;

    (void)state;
    ratls_verify_options_init(&defaults, sizeof defaults);
    assert_memory_equal(options, &defaults, sizeof defaults);
    ratls_policy_free(policy);
}

static void every_field(void **state)
{
    ratls_policy *policy = accepted(
        "{\"allowed_mr_td\":[\"0x" HEX48 "\",\"" HEX48 "\"],\"pins\":{\"rtmr0\":\"" HEX48 "\",\"fmspc\":[\"30806f000000\",\"00906ed50000\"]},"
        "\"acceptable_tcb_statuses\":[\"UpToDate\"],\"allowed_advisory_ids\":[\"INTEL-SA-00837\"],"
        "\"min_tee_tcb_svn\":\"05000000000000000000000000000000\",\"min_tcb_evaluation_data_number\":17,"
        "\"now\":\"2023-11-14T22:13:20Z\",\"cache_ttl_s\":-1,\"timeout_ms\":500,\"max_age_s\":60,"
        "\"allow_debug_mode\":true,\"allow_sept_ve\":true,\"allow_simulator\":true,\"allow_partial_pins\":false}");
    const ratls_verify_options *options = ratls_policy_options(policy);

    (void)state;
    assert_int_equal(options->allowed_mr_td_len, 2);
    assert_string_equal(options->allowed_mr_td[1], HEX48);
    assert_int_equal(options->pins_len, 2);
    assert_string_equal(options->pins[0].field, "rtmr0");
    assert_int_equal(options->pins[0].values_len, 1);
    assert_string_equal(options->pins[1].values[1], "00906ed50000");
    assert_string_equal(options->acceptable_tcb_statuses[0], "UpToDate");
    assert_string_equal(options->allowed_advisory_ids[0], "INTEL-SA-00837");
    assert_string_equal(options->min_tee_tcb_svn, "05000000000000000000000000000000");
    assert_int_equal(options->min_tcb_evaluation_data_number, 17);
    assert_int_equal(options->now, 1700000000);
    assert_int_equal(options->cache_ttl_s, -1);
    assert_int_equal(options->timeout_ms, 500);
    assert_int_equal(options->max_age_s, 60);
    assert_int_equal(options->allow_debug_mode, 1);
    assert_int_equal(options->allow_sept_ve, 1);
    assert_int_equal(options->allow_simulator, 1);
    assert_int_equal(options->allow_partial_pins, 0);
    ratls_policy_free(policy);
}

/* The table of options is what the languages know: a policy file knows the same. */
static void every_option_of_the_table(void **state)
{
    size_t checked = 0;

    (void)state;
    for (size_t i = 0; i < ratls_option_row_count; i++) {
        ratls_policy *policy = NULL;
        ratls_error *err = NULL;
        char json[96] = "{\"";

        if (strcmp(ratls_nth_text(ratls_option_rows[i].name, RATLS_OPTION_SCOPE), "verify") == 0) {
            memcpy(json + 2, ratls_option_rows[i].name, strlen(ratls_option_rows[i].name));
            memcpy(json + 2 + strlen(ratls_option_rows[i].name), "\":null}", 8);
            ASSERT_FAILS(parse(&policy, json, &err), OPTION_TYPE);
            ratls_error_free(err);
            checked++;
        }
    }
    assert_int_equal(checked, 23);
}

static void now_in_seconds(void **state)
{
    ratls_policy *policy = accepted(" { \"now\" : 1700000000 } ");

    (void)state;
    assert_int_equal(ratls_policy_options(policy)->now, 1700000000);
    ratls_policy_free(policy);
}

static void not_an_object(void **state)
{
    static const char *const texts[] = {"", "[]", "null", "\"x\"", "{", "{} {}", "{\"now\":1,}", "not json"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_refused(texts[i], RATLS_ERR_POLICY_FORMAT, NULL, NULL);
    }
}

static void too_large(void **state)
{
    enum { LEN = (1 << 20) + 1 };
    char *json = malloc(LEN);
    ratls_policy *policy = NULL;
    ratls_error *err = NULL;

    (void)state;
    assert_non_null(json);
    memset(json, ' ', LEN);
    json[0] = '{';
    json[1] = '}';
    ASSERT_FAILS(ratls_policy_parse(&policy, json, LEN, &err), POLICY_FORMAT);
    ratls_error_free(err);
    free(json);
}

static void key_unknown(void **state)
{
    (void)state;
    assert_refused("{\"allowed_mrtd\":[]}", RATLS_ERR_OPTION_UNKNOWN, "found", "allowed_mrtd");
    assert_refused("{\"size\":1}", RATLS_ERR_OPTION_UNKNOWN, "found", "size");
    assert_refused("{\"Now\":1}", RATLS_ERR_OPTION_UNKNOWN, "found", "Now");
}

static void key_twice(void **state)
{
    (void)state;
    assert_refused("{\"allow_simulator\":false,\"allow_simulator\":true}", RATLS_ERR_OPTION_DUPLICATE, "option", "allow_simulator");
    assert_refused("{\"pins\":{\"fmspc\":\"30806f000000\",\"fmspc\":\"00906ed50000\"}}", RATLS_ERR_OPTION_DUPLICATE, "option", "fmspc");
}

static void values_of_the_wrong_type(void **state)
{
    (void)state;
    assert_refused("{\"allow_simulator\":1}", RATLS_ERR_OPTION_TYPE, "option", "allow_simulator");
    assert_refused("{\"allow_simulator\":\"true\"}", RATLS_ERR_OPTION_TYPE, "found", "text");
    assert_refused("{\"timeout_ms\":\"5\"}", RATLS_ERR_OPTION_TYPE, "option", "timeout_ms");
    assert_refused("{\"allowed_mr_td\":\"" HEX48 "\"}", RATLS_ERR_OPTION_TYPE, "option", "allowed_mr_td");
    assert_refused("{\"allowed_mr_td\":[1]}", RATLS_ERR_OPTION_TYPE, "option", "allowed_mr_td");
    assert_refused("{\"min_tee_tcb_svn\":5}", RATLS_ERR_OPTION_TYPE, "option", "min_tee_tcb_svn");
    assert_refused("{\"pins\":[]}", RATLS_ERR_OPTION_TYPE, "option", "pins");
    assert_refused("{\"pins\":{\"fmspc\":5}}", RATLS_ERR_OPTION_TYPE, "option", "pins");
    assert_refused("{\"pins\":{\"fmspc\":[\"30806f000000\",null]}}", RATLS_ERR_OPTION_TYPE, "option", "pins");
    assert_refused("{\"now\":true}", RATLS_ERR_OPTION_TYPE, "option", "now");
}

static void numbers_that_are_not_whole(void **state)
{
    (void)state;
    assert_refused("{\"timeout_ms\":1.5}", RATLS_ERR_OPTION_VALUE, "option", "timeout_ms");
    assert_refused("{\"cache_ttl_s\":1e99}", RATLS_ERR_OPTION_VALUE, "option", "cache_ttl_s");
}

static void times_that_are_none(void **state)
{
    (void)state;
    assert_refused("{\"now\":\"2023-02-29T00:00:00Z\"}", RATLS_ERR_OPTION_VALUE, "option", "now");
    assert_refused("{\"now\":\"2023-02-28\"}", RATLS_ERR_OPTION_VALUE, "option", "now");
    assert_refused("{\"now\":\"1970-01-01T00:00:00Z\"}", RATLS_ERR_OPTION_VALUE, "option", "now");
    assert_refused("{\"now\":-1}", RATLS_ERR_OPTION_VALUE, "option", "now");
}

/* What the options alone would say later is said when the file is read. */
static void checked_as_options_are(void **state)
{
    (void)state;
    assert_refused("{\"allowed_mr_td\":[]}", RATLS_ERR_OPTION_EMPTY_LIST, "option", "allowed_mr_td");
    assert_refused("{\"acceptable_tcb_statuses\":[]}", RATLS_ERR_OPTION_EMPTY_LIST, "option", "acceptable_tcb_statuses");
    assert_refused("{\"pins\":{}}", RATLS_ERR_OPTION_EMPTY_LIST, "option", "pins");
    assert_refused("{\"pins\":{\"fmspc\":[]}}", RATLS_ERR_OPTION_EMPTY_LIST, "option", "pins.fmspc");
    assert_refused("{\"allowed_mr_td\":[\"00\"]}", RATLS_ERR_OPTION_VALUE, "option", "allowed_mr_td");
    assert_refused("{\"acceptable_tcb_statuses\":[\"Revoked\"]}", RATLS_ERR_OPTION_VALUE, "option", "acceptable_tcb_statuses");
    assert_refused("{\"pins\":{\"nonsense\":\"00\"}}", RATLS_ERR_PIN_UNKNOWN, "found", "nonsense");
    assert_refused("{\"pins\":{\"key_provider\":\"kms\"}}", RATLS_ERR_PINS_INCOMPLETE, "found", "key_provider");
}

static void null_arguments(void **state)
{
    ratls_policy *policy = (ratls_policy *)(uintptr_t)1;
    ratls_compiled_policy *compiled = NULL;
    ratls_error *err = NULL;

    (void)state;
    ASSERT_FAILS(ratls_policy_parse(NULL, "{}", 2, &err), ARGUMENT_INVALID);
    ratls_error_free(err);
    ASSERT_FAILS(ratls_policy_parse(&policy, NULL, 2, &err), ARGUMENT_INVALID);
    assert_null(policy);
    ratls_error_free(err);
    assert_int_equal(ratls_policy_parse(&policy, "[]", 2, NULL), RATLS_ERR_POLICY_FORMAT);
    ratls_policy_free(NULL);
    /* A policy that could not be read is not "the defaults". */
    assert_int_equal(ratls_policy_compile(&compiled, ratls_policy_options(NULL), NULL), RATLS_ERR_OPTIONS_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_object_is_the_defaults),
        cmocka_unit_test(every_field),
        cmocka_unit_test(every_option_of_the_table),
        cmocka_unit_test(now_in_seconds),
        cmocka_unit_test(not_an_object),
        cmocka_unit_test(too_large),
        cmocka_unit_test(key_unknown),
        cmocka_unit_test(key_twice),
        cmocka_unit_test(values_of_the_wrong_type),
        cmocka_unit_test(numbers_that_are_not_whole),
        cmocka_unit_test(times_that_are_none),
        cmocka_unit_test(checked_as_options_are),
        cmocka_unit_test(null_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

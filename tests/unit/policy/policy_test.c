#include "failure.h"

#include "policy/compiled.h"

static ratls_verify_options defaults(void)
{
    ratls_verify_options options;

    ratls_verify_options_init(&options, sizeof options);
    return options;
}

static void assert_refused(const ratls_verify_options *options, ratls_status code, const char *option)
{
    ratls_compiled_policy *policy = (ratls_compiled_policy *)(uintptr_t)1;
    ratls_error *err = NULL;

    assert_string_equal(ratls_status_name(ratls_policy_compile(&policy, options, &err)), ratls_status_name(code));
    assert_null(policy);
    if (option != NULL) {
        ASSERT_DETAIL("option", option);
    }
    assert_int_equal(ratls_error_class(err), RATLS_CLASS_USAGE);
    ratls_error_free(err);
    assert_int_equal(ratls_policy_compile(&policy, options, NULL), code);
}

static ratls_compiled_policy *compiled(const ratls_verify_options *options)
{
    ratls_compiled_policy *policy = NULL;

    assert_int_equal(ratls_policy_compile(&policy, options, NULL), RATLS_OK);
    return policy;
}

static void assert_defaults(ratls_compiled_policy *policy)
{
    char *acceptable = ratls_policy_acceptable_text(policy);

    assert_string_equal(acceptable, "OK, SWHardeningNeeded");
    assert_int_equal(ratls_policy_now(policy), 0);
    assert_int_equal(ratls_policy_cache_ttl_s(policy), RATLS_CACHE_TTL_S_DEFAULT);
    assert_int_equal(ratls_policy_timeout_ms(policy), RATLS_TIMEOUT_MS_DEFAULT);
    assert_false(ratls_policy_allow_simulator(policy));
    assert_false(policy->allow_debug_mode || policy->allow_sept_ve || policy->allow_partial_pins);
    assert_false(ratls_policy_demands_anything(policy));
    assert_false(ratls_policy_pins_mr_td(policy));
    assert_false(ratls_policy_pins_identity(policy));
    free(acceptable);
    ratls_compiled_policy_free(policy);
}

static void no_options_are_the_defaults(void **state)
{
    ratls_verify_options options = defaults();

    (void)state;
    assert_defaults(compiled(NULL));
    assert_defaults(compiled(&options));
}

static void every_option_is_read(void **state)
{
    static const char *const statuses[] = {"UpToDate", "OutOfDate"};
    static const char *const advisories[] = {"INTEL-SA-00837"};
    ratls_verify_options options = defaults();
    ratls_compiled_policy *policy;
    char *acceptable;

    (void)state;
    options.acceptable_tcb_statuses = statuses;
    options.acceptable_tcb_statuses_len = 2;
    options.allowed_advisory_ids = advisories;
    options.allowed_advisory_ids_len = 1;
    options.min_tee_tcb_svn = "0X0102030405060708090a0b0C0D0E0F10";
    options.min_tcb_evaluation_data_number = 17;
    options.now = 1700000000;
    options.cache_ttl_s = 60;
    options.timeout_ms = 1234;
    options.allow_debug_mode = options.allow_sept_ve = options.allow_simulator = options.allow_partial_pins = 1;
    policy = compiled(&options);
    acceptable = ratls_policy_acceptable_text(policy);
    assert_string_equal(acceptable, "OK, OutOfDate");
    assert_int_equal(policy->allowed_advisories.len, 1);
    assert_true(policy->advisories_limited && policy->has_min_tee_tcb_svn);
    assert_int_equal(policy->min_tee_tcb_svn[15], 16);
    assert_int_equal(policy->min_tcb_evaluation_data_number, 17);
    assert_int_equal(ratls_policy_now(policy), 1700000000);
    assert_int_equal(ratls_policy_cache_ttl_s(policy), 60);
    assert_int_equal(ratls_policy_timeout_ms(policy), 1234);
    assert_true(policy->allow_debug_mode && policy->allow_sept_ve && policy->allow_simulator && policy->allow_partial_pins);
    free(acceptable);
    ratls_compiled_policy_free(policy);
}

static void negative_cache_is_off(void **state)
{
    ratls_verify_options options = defaults();
    ratls_compiled_policy *policy;

    (void)state;
    options.cache_ttl_s = -1;
    policy = compiled(&options);
    assert_int_equal(ratls_policy_cache_ttl_s(policy), 0);
    ratls_compiled_policy_free(policy);
}

static void struct_too_short(void **state)
{
    ratls_verify_options options = defaults();

    (void)state;
    options.size = offsetof(ratls_verify_options, min_tcb_date) - 1;
    assert_refused(&options, RATLS_ERR_OPTIONS_SIZE, NULL);
    options.size = 0;
    assert_refused(&options, RATLS_ERR_OPTIONS_SIZE, NULL);
}

/* Options as they were before the first field that was appended: the others have their defaults, whatever lies behind. */
static void struct_of_before(void **state)
{
    ratls_verify_options options = defaults();
    ratls_compiled_policy *policy = NULL;

    (void)state;
    options.size = offsetof(ratls_verify_options, min_tcb_date);
    options.min_tcb_date = -1;
    options.allow_perfmon = 1;
    assert_int_equal(ratls_policy_compile(&policy, &options, NULL), RATLS_OK);
    assert_false(policy->allow_perfmon);
    assert_int_equal(policy->min_tcb_date, 0);
    ratls_compiled_policy_free(policy);
}

/* Options of a later release: what this one does not know must be zero. */
typedef struct {
    ratls_verify_options known;
    uint64_t later[4];
} longer_options;

static void struct_longer_with_zero_tail(void **state)
{
    longer_options options;

    (void)state;
    ratls_verify_options_init(&options.known, sizeof options);
    assert_int_equal(options.known.size, sizeof options);
    assert_int_equal(options.later[3], 0);
    assert_defaults(compiled(&options.known));
}

static void struct_longer_with_something_unknown(void **state)
{
    longer_options options;

    (void)state;
    ratls_verify_options_init(&options.known, sizeof options);
    options.later[3] = UINT64_C(1) << 56;
    assert_refused(&options.known, RATLS_ERR_OPTIONS_SIZE, NULL);
}

static void struct_size_never_set(void **state)
{
    ratls_verify_options options = defaults();

    (void)state;
    options.size = SIZE_MAX;
    assert_refused(&options, RATLS_ERR_OPTIONS_SIZE, NULL);
}

static void init_of_nothing(void **state)
{
    ratls_verify_options options = defaults();

    (void)state;
    ratls_verify_options_init(NULL, sizeof options);
    options.now = 7;
    ratls_verify_options_init(&options, 3);
    assert_int_equal(options.now, 7);
}

static void status_unknown(void **state)
{
    static const char *const words[] = {"OK", "uptodate"};
    ratls_verify_options options = defaults();

    (void)state;
    options.acceptable_tcb_statuses = words;
    options.acceptable_tcb_statuses_len = 2;
    assert_refused(&options, RATLS_ERR_OPTION_VALUE, "acceptable_tcb_statuses");
}

static void status_revoked(void **state)
{
    static const char *const words[] = {"Revoked"};
    ratls_verify_options options = defaults();

    (void)state;
    options.acceptable_tcb_statuses = words;
    options.acceptable_tcb_statuses_len = 1;
    assert_refused(&options, RATLS_ERR_OPTION_VALUE, "acceptable_tcb_statuses");
}

static void status_null(void **state)
{
    static const char *const words[] = {NULL};
    ratls_verify_options options = defaults();

    (void)state;
    options.acceptable_tcb_statuses = words;
    options.acceptable_tcb_statuses_len = 1;
    assert_refused(&options, RATLS_ERR_OPTION_VALUE, "acceptable_tcb_statuses");
}

static void lists_given_but_empty(void **state)
{
    static const char *const nothing[] = {NULL};
    static const ratls_pin no_pin[] = {{0}};
    ratls_verify_options options = defaults();

    (void)state;
    options.acceptable_tcb_statuses = nothing;
    assert_refused(&options, RATLS_ERR_OPTION_EMPTY_LIST, "acceptable_tcb_statuses");
    options = defaults();
    options.allowed_advisory_ids = nothing;
    assert_refused(&options, RATLS_ERR_OPTION_EMPTY_LIST, "allowed_advisory_ids");
    options = defaults();
    options.allowed_mr_td = nothing;
    assert_refused(&options, RATLS_ERR_OPTION_EMPTY_LIST, "allowed_mr_td");
    options = defaults();
    options.pins = no_pin;
    assert_refused(&options, RATLS_ERR_OPTION_EMPTY_LIST, "pins");
}

static void lists_null_with_a_length(void **state)
{
    ratls_verify_options options = defaults();

    (void)state;
    options.acceptable_tcb_statuses_len = 1;
    assert_refused(&options, RATLS_ERR_ARGUMENT_INVALID, NULL);
    options = defaults();
    options.allowed_advisory_ids_len = 1;
    assert_refused(&options, RATLS_ERR_ARGUMENT_INVALID, NULL);
    options = defaults();
    options.allowed_mr_td_len = 1;
    assert_refused(&options, RATLS_ERR_ARGUMENT_INVALID, NULL);
    options = defaults();
    options.pins_len = 1;
    assert_refused(&options, RATLS_ERR_ARGUMENT_INVALID, NULL);
}

static void list_too_long(void **state)
{
    static const char *words[RATLS_POLICY_LIST_MAX + 1];
    ratls_verify_options options = defaults();

    (void)state;
    for (size_t i = 0; i < RATLS_POLICY_LIST_MAX + 1; i++) {
        words[i] = "OK";
    }
    options.acceptable_tcb_statuses = words;
    options.acceptable_tcb_statuses_len = RATLS_POLICY_LIST_MAX + 1;
    assert_refused(&options, RATLS_ERR_OPTION_VALUE, "acceptable_tcb_statuses");
}

static void advisory_empty(void **state)
{
    static const char *const ids[] = {""};
    ratls_verify_options options = defaults();

    (void)state;
    options.allowed_advisory_ids = ids;
    options.allowed_advisory_ids_len = 1;
    assert_refused(&options, RATLS_ERR_OPTION_VALUE, "allowed_advisory_ids");
}

static void svn_of_wrong_length(void **state)
{
    static const char *const texts[] = {"", "0x", "01", "0102030405060708090a0b0c0d0e0f1", "0102030405060708090a0b0c0d0e0f1011", "0102030405060708090a0b0c0d0e0fgg"};
    ratls_verify_options options = defaults();

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        options.min_tee_tcb_svn = texts[i];
        assert_refused(&options, RATLS_ERR_OPTION_VALUE, "min_tee_tcb_svn");
    }
}

static void numbers_out_of_range(void **state)
{
    ratls_verify_options options = defaults();

    (void)state;
    options.min_tcb_evaluation_data_number = -1;
    assert_refused(&options, RATLS_ERR_OPTION_VALUE, "min_tcb_evaluation_data_number");
    options = defaults();
    options.now = -1;
    assert_refused(&options, RATLS_ERR_OPTION_VALUE, "now");
    options = defaults();
    options.now = INT64_C(253402300800);
    assert_refused(&options, RATLS_ERR_OPTION_VALUE, "now");
    options = defaults();
    options.timeout_ms = -1;
    assert_refused(&options, RATLS_ERR_OPTION_VALUE, "timeout_ms");
    options = defaults();
    options.max_age_s = -1;
    assert_refused(&options, RATLS_ERR_OPTION_VALUE, "max_age_s");
}

static void flags_that_are_not_flags(void **state)
{
    ratls_verify_options options = defaults();

    (void)state;
    options.allow_debug_mode = 2;
    assert_refused(&options, RATLS_ERR_OPTION_VALUE, "allow_debug_mode");
    options = defaults();
    options.allow_sept_ve = -1;
    assert_refused(&options, RATLS_ERR_OPTION_VALUE, "allow_sept_ve");
    options = defaults();
    options.allow_simulator = 2;
    assert_refused(&options, RATLS_ERR_OPTION_VALUE, "allow_simulator");
    options = defaults();
    options.allow_partial_pins = 2;
    assert_refused(&options, RATLS_ERR_OPTION_VALUE, "allow_partial_pins");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_options_are_the_defaults),
        cmocka_unit_test(every_option_is_read),
        cmocka_unit_test(negative_cache_is_off),
        cmocka_unit_test(struct_too_short),
        cmocka_unit_test(struct_of_before),
        cmocka_unit_test(struct_longer_with_zero_tail),
        cmocka_unit_test(struct_longer_with_something_unknown),
        cmocka_unit_test(struct_size_never_set),
        cmocka_unit_test(init_of_nothing),
        cmocka_unit_test(status_unknown),
        cmocka_unit_test(status_revoked),
        cmocka_unit_test(status_null),
        cmocka_unit_test(lists_given_but_empty),
        cmocka_unit_test(lists_null_with_a_length),
        cmocka_unit_test(list_too_long),
        cmocka_unit_test(advisory_empty),
        cmocka_unit_test(svn_of_wrong_length),
        cmocka_unit_test(numbers_out_of_range),
        cmocka_unit_test(flags_that_are_not_flags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "failure.h"

#include "base/tables.h"
#include "policy/compiled.h"

#define HEX32 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEX20 "00112233445566778899aabbccddeeff00112233"
#define HEX48 HEX32 "00112233445566778899aabbccddeeff"

static const char *const mr_tds[] = {HEX48};
static const char *const measurement[] = {HEX48};
static const char *const hash[] = {HEX32};
static const char *const id[] = {HEX20};
static const char *const provider[] = {"kms:3059"};

static ratls_status compile(ratls_compiled_policy **policy, const ratls_pin *pins, size_t len, bool with_mr_td, bool partial, ratls_error **err)
{
    ratls_verify_options options;

    ratls_verify_options_init(&options, sizeof options);
    options.pins = pins;
    options.pins_len = len;
    options.allowed_mr_td = with_mr_td ? mr_tds : NULL;
    options.allowed_mr_td_len = with_mr_td ? 1 : 0;
    options.allow_partial_pins = partial;
    return ratls_policy_compile(policy, &options, err);
}

static ratls_compiled_policy *compiled(const ratls_pin *pins, size_t len, bool with_mr_td, bool partial)
{
    ratls_compiled_policy *policy = NULL;

    assert_int_equal(compile(&policy, pins, len, with_mr_td, partial, NULL), RATLS_OK);
    return policy;
}

static void hexadecimal_in_any_form(void **state)
{
    static const char *const forms[] = {HEX20, ("0x" HEX20), "0X00112233445566778899AABBCCDDEEFF00112233"};
    const ratls_pin pins[] = {{"instance_id", forms, 3}};
    ratls_compiled_policy *policy = compiled(pins, 1, false, true);
    const ratls_allowed_values *values = &policy->pins[RATLS_FIELD_INSTANCE_ID];

    (void)state;
    assert_int_equal(values->values_len, 3);
    assert_memory_equal(values->bytes, values->bytes + 20, 20);
    assert_memory_equal(values->bytes, values->bytes + 40, 20);
    ratls_compiled_policy_free(policy);
}

static void every_field_that_the_table_lets_pin(void **state)
{
    static const char *const wanted[] = {
        "rtmr0", "rtmr1", "rtmr2", "rtmr3", "mr_config_id", "mr_owner", "mr_owner_config", "mr_seam", "mr_signer_seam", "seam_attributes",
        "td_attributes", "xfam", "report_data", "fmspc", "compose_hash", "app_id", "instance_id", "os_image_hash", "ppid",
        "platform_instance_id", "qe_vendor_id", "mr_td", "key_provider"};

    (void)state;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        char digits[129] = {0};
        const char *const values[] = {digits};
        const ratls_pin pins[] = {{wanted[i], values, 1}};

        for (ratls_field field = 0; field < RATLS_FIELD_COUNT; field++) {
            if (strcmp(ratls_field_rows[field].name, wanted[i]) == 0) {
                memset(digits, 'a', ratls_field_rows[field].type == RATLS_TYPE_HEX ? 2 * ratls_field_rows[field].length : 3);
            }
        }
        ratls_compiled_policy_free(compiled(pins, 1, false, true));
    }
}

static void field_unknown(void **state)
{
    static const char *const names[] = {"mrtd", "", "tcb_status", "MR_TD", "tee_tcb_svn", "mr_enclave", NULL};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const ratls_pin pins[] = {{names[i], hash, 1}};
        ratls_compiled_policy *policy = NULL;
        ratls_error *err = NULL;

        ASSERT_FAILS(compile(&policy, pins, 1, false, false, &err), PIN_UNKNOWN);
        ASSERT_DETAIL("found", names[i] == NULL ? "" : names[i]);
        ratls_error_free(err);
    }
}

static void assert_value_refused(const char *field, const char *value, const char *expected)
{
    const char *const values[] = {value};
    const ratls_pin pins[] = {{field, values, 1}};
    ratls_compiled_policy *policy = NULL;
    ratls_error *err = NULL;

    ASSERT_FAILS(compile(&policy, pins, 1, false, true, &err), OPTION_VALUE);
    assert_null(policy);
    ASSERT_DETAIL("option", "pins");
    ASSERT_DETAIL("expected", expected);
    ratls_error_free(err);
}

static void value_of_wrong_length(void **state)
{
    (void)state;
    assert_value_refused("rtmr0", HEX32, "rtmr0 of 96 hexadecimal digits");
    assert_value_refused("rtmr0", HEX48 "00", "rtmr0 of 96 hexadecimal digits");
    assert_value_refused("fmspc", "", "fmspc of 12 hexadecimal digits");
    assert_value_refused("fmspc", NULL, "fmspc of 12 hexadecimal digits");
}

static void value_not_hexadecimal(void **state)
{
    (void)state;
    assert_value_refused("fmspc", "30806f00000g", "fmspc of 12 hexadecimal digits");
    assert_value_refused("fmspc", " 0806f000000", "fmspc of 12 hexadecimal digits");
    assert_value_refused("fmspc", "0x0x30806f00", "fmspc of 12 hexadecimal digits");
}

static void key_provider_malformed(void **state)
{
    (void)state;
    assert_value_refused("key_provider", "", "a name, or name:id");
    assert_value_refused("key_provider", NULL, "a name, or name:id");
    assert_value_refused("key_provider", ":id", "a name, or name:id");
    assert_value_refused("key_provider", "kms:", "a name, or name:id");
}

static void mr_td_of_wrong_length(void **state)
{
    static const char *const short_one[] = {HEX32};
    ratls_verify_options options;
    ratls_compiled_policy *policy = NULL;
    ratls_error *err = NULL;

    (void)state;
    ratls_verify_options_init(&options, sizeof options);
    options.allowed_mr_td = short_one;
    options.allowed_mr_td_len = 1;
    ASSERT_FAILS(ratls_policy_compile(&policy, &options, &err), OPTION_VALUE);
    ASSERT_DETAIL("option", "allowed_mr_td");
    assert_string_equal(ratls_error_message(err, RATLS_SPELLING_COMMAND),
                        "--mrtd has a value that is not valid: found \"" HEX32 "\", expected mr_td of 96 hexadecimal digits");
    ratls_error_free(err);
}

static void pin_without_values(void **state)
{
    const ratls_pin with_pointer[] = {{"rtmr0", measurement, 0}}, without[] = {{"rtmr0", NULL, 0}};
    ratls_compiled_policy *policy = NULL;
    ratls_error *err = NULL;

    (void)state;
    ASSERT_FAILS(compile(&policy, with_pointer, 1, false, false, &err), OPTION_EMPTY_LIST);
    ASSERT_DETAIL("option", "pins.rtmr0");
    ratls_error_free(err);
    err = NULL;
    ASSERT_FAILS(compile(&policy, without, 1, false, false, &err), OPTION_EMPTY_LIST);
    ratls_error_free(err);
}

static void pin_values_null_with_a_length(void **state)
{
    const ratls_pin pins[] = {{"rtmr0", NULL, 1}};
    ratls_compiled_policy *policy = NULL;
    ratls_error *err = NULL;

    (void)state;
    ASSERT_FAILS(compile(&policy, pins, 1, false, false, &err), ARGUMENT_INVALID);
    ratls_error_free(err);
}

static void field_pinned_twice(void **state)
{
    const ratls_pin pins[] = {{"rtmr0", measurement, 1}, {"rtmr0", measurement, 1}};
    ratls_compiled_policy *policy = NULL;
    ratls_error *err = NULL;

    (void)state;
    ASSERT_FAILS(compile(&policy, pins, 2, false, false, &err), OPTION_DUPLICATE);
    assert_string_equal(ratls_error_message(err, RATLS_SPELLING_C), "pins.rtmr0 is given more than once");
    ratls_error_free(err);
}

static void mr_td_pinned_both_ways(void **state)
{
    const ratls_pin pins[] = {{"mr_td", measurement, 1}};
    ratls_compiled_policy *policy = compiled(pins, 1, false, false);
    ratls_error *err = NULL;

    (void)state;
    assert_true(ratls_policy_pins_mr_td(policy));
    ratls_compiled_policy_free(policy);
    ASSERT_FAILS(compile(&policy, pins, 1, true, false, &err), OPTION_DUPLICATE);
    ASSERT_DETAIL("option", "pins.mr_td");
    ratls_error_free(err);
}

static void identity_is_all_four(void **state)
{
    const ratls_pin pins[] = {{"rtmr0", measurement, 1}, {"rtmr1", measurement, 1}, {"rtmr2", measurement, 1}};
    ratls_compiled_policy *policy = compiled(pins, 3, true, false);

    (void)state;
    assert_true(ratls_policy_pins_identity(policy));
    ratls_compiled_policy_free(policy);
    policy = compiled(pins, 3, false, false);
    assert_false(ratls_policy_pins_identity(policy));
    assert_true(ratls_policy_demands_anything(policy));
    ratls_compiled_policy_free(policy);
    policy = compiled(pins, 2, true, false);
    assert_false(ratls_policy_pins_identity(policy));
    ratls_compiled_policy_free(policy);
}

static const ratls_pin application[] = {
    {"compose_hash", hash, 1}, {"instance_id", id, 1}, {"os_image_hash", hash, 1}, {"key_provider", provider, 1}, {"app_id", id, 1}};

static void application_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        ratls_compiled_policy *policy = NULL;
        ratls_error *err = NULL;

        ASSERT_FAILS(compile(&policy, &application[i], 1, false, false, &err), PINS_INCOMPLETE);
        ASSERT_DETAIL("found", application[i].field);
        ASSERT_DETAIL("expected", "mr_td, rtmr0, rtmr1, rtmr2");
        ratls_error_free(err);
        ratls_compiled_policy_free(compiled(&application[i], 1, false, true));
    }
}

static void application_without_one_register(void **state)
{
    const ratls_pin pins[] = {{"compose_hash", hash, 1}, {"rtmr0", measurement, 1}, {"rtmr2", measurement, 1}};
    ratls_compiled_policy *policy = NULL;
    ratls_error *err = NULL;

    (void)state;
    ASSERT_FAILS(compile(&policy, pins, 3, true, false, &err), PINS_INCOMPLETE);
    assert_string_equal(ratls_error_message(err, RATLS_SPELLING_PYTHON),
                        "pins has compose_hash, which proves nothing without rtmr1: a measurement of the application counts only under "
                        "pinned firmware and kernel. Pin them too, or set allow_partial_pins=True");
    ratls_error_free(err);
}

static void application_under_firmware(void **state)
{
    const ratls_pin pins[] = {{"compose_hash", hash, 1}, {"rtmr0", measurement, 1}, {"rtmr1", measurement, 1}, {"rtmr2", measurement, 1}};

    (void)state;
    ratls_compiled_policy_free(compiled(pins, 4, true, false));
}

static void app_id_without_key_provider(void **state)
{
    const ratls_pin pins[] = {{"app_id", id, 1}, {"rtmr0", measurement, 1}, {"rtmr1", measurement, 1}, {"rtmr2", measurement, 1},
                              {"key_provider", provider, 1}};
    ratls_compiled_policy *policy = NULL;
    ratls_error *err = NULL;

    (void)state;
    ASSERT_FAILS(compile(&policy, pins, 4, true, false, &err), PINS_INCOMPLETE);
    ASSERT_DETAIL("found", "app_id");
    ASSERT_DETAIL("expected", "key_provider");
    ratls_error_free(err);
    ratls_compiled_policy_free(compiled(pins, 5, true, false));
}

static void values_as_text(void **state)
{
    static const char *const providers[] = {"kms:3059", "tpm"};
    static const char *const fmspcs[] = {"30806F000000", "0x00906ed50000"};
    const ratls_pin pins[] = {{"key_provider", providers, 2}, {"fmspc", fmspcs, 2}};
    ratls_compiled_policy *policy = compiled(pins, 2, false, true);
    char *text;

    (void)state;
    text = ratls_allowed_values_text(&policy->pins[RATLS_FIELD_KEY_PROVIDER]);
    assert_string_equal(text, "kms:3059, tpm");
    free(text);
    text = ratls_allowed_values_text(&policy->pins[RATLS_FIELD_FMSPC]);
    assert_string_equal(text, "30806f000000, 00906ed50000");
    free(text);
    ratls_compiled_policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hexadecimal_in_any_form),
        cmocka_unit_test(every_field_that_the_table_lets_pin),
        cmocka_unit_test(field_unknown),
        cmocka_unit_test(value_of_wrong_length),
        cmocka_unit_test(value_not_hexadecimal),
        cmocka_unit_test(key_provider_malformed),
        cmocka_unit_test(mr_td_of_wrong_length),
        cmocka_unit_test(pin_without_values),
        cmocka_unit_test(pin_values_null_with_a_length),
        cmocka_unit_test(field_pinned_twice),
        cmocka_unit_test(mr_td_pinned_both_ways),
        cmocka_unit_test(identity_is_all_four),
        cmocka_unit_test(application_alone),
        cmocka_unit_test(application_without_one_register),
        cmocka_unit_test(application_under_firmware),
        cmocka_unit_test(app_id_without_key_provider),
        cmocka_unit_test(values_as_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

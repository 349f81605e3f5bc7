#include "failure.h"

#include "policy/policy.h"
#include "verifier/evidence_builder.h"

#define REPEAT8(x) x x x x x x x x
#define HEX48(x) REPEAT8(x x x x x x)

typedef struct {
    ratls_verify_options options;
    ratls_claims claims;
    ratls_identity identity;
    built_quote quote;
} fixture;

static fixture td_fixture(void)
{
    fixture f = {.claims = {.hardware_verified = true, .tcb_status = RATLS_TCB_UP_TO_DATE}};

    ratls_verify_options_init(&f.options, sizeof f.options);
    build_td10(&f.quote);
    return f;
}

static ratls_status apply(const fixture *f, ratls_error **err)
{
    ratls_compiled_policy *policy = NULL;
    ratls_parsed_quote quote = parsed(&f->quote);
    ratls_status status;

    assert_int_equal(ratls_policy_compile(&policy, &f->options, NULL), RATLS_OK);
    status = ratls_policy_apply(policy, &quote, &f->claims, &f->identity, NULL, err);
    ratls_compiled_policy_free(policy);
    return status;
}

static void acceptable(void **state)
{
    fixture f = td_fixture();

    (void)state;
    assert_int_equal(apply(&f, NULL), RATLS_OK);
    f.claims.tcb_status = RATLS_TCB_SW_HARDENING_NEEDED;
    assert_int_equal(apply(&f, NULL), RATLS_OK);
    build_sgx(&f.quote);
    assert_int_equal(apply(&f, NULL), RATLS_OK);
}

static void every_other_status_by_default(void **state)
{
    (void)state;
    for (int bad = RATLS_TCB_CONFIGURATION_NEEDED; bad < RATLS_TCB_COUNT; bad++) {
        fixture f = td_fixture();
        ratls_error *err = NULL;

        f.claims.tcb_status = (ratls_tcb_status)bad;
        ASSERT_FAILS(apply(&f, &err), TCB_STATUS);
        ASSERT_DETAIL("found", ratls_tcb_status_word((ratls_tcb_status)bad));
        ASSERT_DETAIL("expected", "OK, SWHardeningNeeded");
        ratls_error_free(err);
    }
}

static void list_replaces_the_default(void **state)
{
    static const char *const statuses[] = {"OutOfDate"};
    fixture f = td_fixture();
    ratls_error *err = NULL;

    (void)state;
    f.options.acceptable_tcb_statuses = statuses;
    f.options.acceptable_tcb_statuses_len = 1;
    ASSERT_FAILS(apply(&f, &err), TCB_STATUS);
    ASSERT_DETAIL("found", "OK");
    ratls_error_free(err);
    f.claims.tcb_status = RATLS_TCB_OUT_OF_DATE;
    assert_int_equal(apply(&f, NULL), RATLS_OK);
}

static void revoked_whatever_is_listed(void **state)
{
    static const char *const statuses[] = {
        "OK", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded",
        "TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded"};
    fixture f = td_fixture();
    ratls_error *err = NULL;

    (void)state;
    f.options.acceptable_tcb_statuses = statuses;
    f.options.acceptable_tcb_statuses_len = 8;
    for (int good = RATLS_TCB_UP_TO_DATE; good < RATLS_TCB_REVOKED; good++) {
        f.claims.tcb_status = (ratls_tcb_status)good;
        assert_int_equal(apply(&f, NULL), RATLS_OK);
    }
    f.claims.tcb_status = RATLS_TCB_REVOKED;
    ASSERT_FAILS(apply(&f, &err), TCB_STATUS);
    ratls_error_free(err);
}

static void no_status_without_a_signature_is_passed_over(void **state)
{
    fixture f = td_fixture();

    (void)state;
    f.claims = (ratls_claims){.advisories_unknown = true};
    assert_int_equal(apply(&f, NULL), RATLS_OK);
}

static void no_status_although_a_signature_was_checked(void **state)
{
    fixture f = td_fixture();
    ratls_error *err = NULL;

    (void)state;
    f.claims.tcb_status = RATLS_TCB_NONE;
    ASSERT_FAILS(apply(&f, &err), TCB_STATUS);
    ASSERT_DETAIL("found", "not known");
    ratls_error_free(err);
}

static void advisory_not_listed(void **state)
{
    static const char *const allowed[] = {"INTEL-SA-00837", "INTEL-SA-00615"};
    fixture f = td_fixture();
    ratls_error *err = NULL;

    (void)state;
    f.options.allowed_advisory_ids = allowed;
    f.options.allowed_advisory_ids_len = 2;
    assert_int_equal(apply(&f, NULL), RATLS_OK);
    assert_int_equal(ratls_advisories_add(&f.claims.advisories, "INTEL-SA-00615", NULL), RATLS_OK);
    assert_int_equal(apply(&f, NULL), RATLS_OK);
    assert_int_equal(ratls_advisories_add(&f.claims.advisories, "INTEL-SA-00999", NULL), RATLS_OK);
    ASSERT_FAILS(apply(&f, &err), ADVISORY_NOT_ALLOWED);
    ASSERT_DETAIL("found", "INTEL-SA-00999");
    ASSERT_DETAIL("expected", "INTEL-SA-00615, INTEL-SA-00837");
    ratls_error_free(err);
    ratls_claims_clear(&f.claims);
}

static void advisories_not_known_but_limited(void **state)
{
    static const char *const allowed[] = {"INTEL-SA-00837"};
    fixture f = td_fixture();
    ratls_error *err = NULL;

    (void)state;
    f.options.allowed_advisory_ids = allowed;
    f.options.allowed_advisory_ids_len = 1;
    f.claims.advisories_unknown = true;
    ASSERT_FAILS(apply(&f, &err), ADVISORY_NOT_ALLOWED);
    ASSERT_DETAIL("found", "not known");
    ratls_error_free(err);
}

static void evaluation_number_too_low(void **state)
{
    fixture f = td_fixture();
    ratls_error *err = NULL;

    (void)state;
    f.options.min_tcb_evaluation_data_number = 17;
    f.claims.has_tcb_evaluation_data_number = true;
    f.claims.tcb_evaluation_data_number = 17;
    assert_int_equal(apply(&f, NULL), RATLS_OK);
    f.claims.tcb_evaluation_data_number = 16;
    ASSERT_FAILS(apply(&f, &err), TCB_EVALUATION_DATA_NUMBER);
    ASSERT_DETAIL("found", "16");
    ASSERT_DETAIL("expected", "17");
    ratls_error_free(err);
}

static void evaluation_number_not_known(void **state)
{
    fixture f = td_fixture();
    ratls_error *err = NULL;

    (void)state;
    f.options.min_tcb_evaluation_data_number = 1;
    ASSERT_FAILS(apply(&f, &err), TCB_EVALUATION_DATA_NUMBER);
    ASSERT_DETAIL("found", "not known");
    ratls_error_free(err);
}

static void svn_too_low_in_one_byte(void **state)
{
    fixture f = td_fixture();
    ratls_error *err = NULL;

    (void)state;
    f.options.min_tee_tcb_svn = "05050500000000000000000000000000";
    assert_int_equal(apply(&f, NULL), RATLS_OK);
    built_field(&f.quote, RATLS_FIELD_TEE_TCB_SVN)[0] = 9;
    built_field(&f.quote, RATLS_FIELD_TEE_TCB_SVN)[2] = 4;
    ASSERT_FAILS(apply(&f, &err), TEE_TCB_SVN_TOO_LOW);
    ASSERT_DETAIL("found", "09050400000000000000000000000000");
    ASSERT_DETAIL("expected", "05050500000000000000000000000000");
    ratls_error_free(err);
}

static void svn_of_an_enclave(void **state)
{
    fixture f = td_fixture();
    ratls_error *err = NULL;

    (void)state;
    build_sgx(&f.quote);
    f.options.min_tee_tcb_svn = "00000000000000000000000000000000";
    ASSERT_FAILS(apply(&f, &err), TEE_TCB_SVN_TOO_LOW);
    ratls_error_free(err);
}

static void mr_td_not_listed(void **state)
{
    static const char *const other[] = {HEX48("00")};
    const char *both[] = {HEX48("00"), NULL};
    fixture f = td_fixture();
    ratls_error *err = NULL;
    char mr_td[97];

    (void)state;
    ratls_hex_write(mr_td, built_field(&f.quote, RATLS_FIELD_MR_TD), 48);
    f.options.allowed_mr_td = other;
    f.options.allowed_mr_td_len = 1;
    ASSERT_FAILS(apply(&f, &err), MRTD_NOT_ALLOWED);
    ASSERT_DETAIL("found", mr_td);
    ASSERT_DETAIL("expected", HEX48("00"));
    ratls_error_free(err);
    both[1] = mr_td;
    f.options.allowed_mr_td = both;
    f.options.allowed_mr_td_len = 2;
    assert_int_equal(apply(&f, NULL), RATLS_OK);
}

static void mr_td_of_an_enclave(void **state)
{
    static const char *const zero[] = {HEX48("00")};
    fixture f = td_fixture();
    ratls_error *err = NULL;

    (void)state;
    build_sgx(&f.quote);
    f.options.allowed_mr_td = zero;
    f.options.allowed_mr_td_len = 1;
    ASSERT_FAILS(apply(&f, &err), PIN_UNVERIFIABLE);
    ASSERT_DETAIL("field", "mr_td");
    ratls_error_free(err);
}

static void assert_pin(fixture *f, const char *field, const char *value, ratls_status code)
{
    const char *const values[] = {value};
    const ratls_pin pins[] = {{field, values, 1}};
    ratls_error *err = NULL;

    f->options.pins = pins;
    f->options.pins_len = 1;
    f->options.allow_partial_pins = 1;
    assert_string_equal(ratls_status_name(apply(f, &err)), ratls_status_name(code));
    if (code != RATLS_OK) {
        ASSERT_DETAIL("field", field);
        ASSERT_DETAIL("expected", value);
    }
    ratls_error_free(err);
    f->options.pins = NULL;
    f->options.pins_len = 0;
}

static void fields_of_the_body(void **state)
{
    static const struct {
        const char *field;
        const char *value;
        const char *other;
    } cases[] = {
        {"rtmr0", HEX48("a0"), HEX48("00")},
        {"rtmr1", HEX48("a1"), HEX48("00")},
        {"rtmr2", HEX48("a2"), HEX48("00")},
        {"rtmr3", HEX48("a3"), HEX48("00")},
        {"mr_seam", HEX48("5e"), HEX48("00")},
        {"mr_signer_seam", HEX48("00"), HEX48("01")},
        {"mr_config_id", HEX48("c1"), HEX48("00")},
        {"mr_owner", HEX48("c2"), HEX48("00")},
        {"mr_owner_config", HEX48("c3"), HEX48("00")},
        {"seam_attributes", "0000000000000000", "0000000000000001"},
        {"td_attributes", "0000001000000000", "0000000000000010"},
        {"xfam", "e702060000000000", "e718060000000000"},
        {"report_data", HEX48("dd") REPEAT8("dddd"), HEX48("dd") REPEAT8("ddde")},
        {"qe_vendor_id", "939a7233f79c4ca9940a0db3957f0607", "939a7233f79c4ca9940a0db3957f0608"},
    };
    fixture f = td_fixture();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_pin(&f, cases[i].field, cases[i].value, RATLS_OK);
        assert_pin(&f, cases[i].field, cases[i].other, RATLS_ERR_PIN_MISMATCH);
    }
}

static void fields_of_the_platform(void **state)
{
    fixture f = td_fixture();

    (void)state;
    assert_pin(&f, "fmspc", "000000000000", RATLS_ERR_PIN_UNVERIFIABLE);
    assert_pin(&f, "ppid", "00000000000000000000000000000000", RATLS_ERR_PIN_UNVERIFIABLE);
    assert_pin(&f, "platform_instance_id", "00000000000000000000000000000000", RATLS_ERR_PIN_UNVERIFIABLE);
    f.claims.has_fmspc = f.claims.has_ppid = f.claims.has_platform_instance_id = true;
    f.claims.fmspc[0] = f.claims.ppid[0] = f.claims.platform_instance_id[0] = 7;
    assert_pin(&f, "fmspc", "070000000000", RATLS_OK);
    assert_pin(&f, "fmspc", "000000000000", RATLS_ERR_PIN_MISMATCH);
    assert_pin(&f, "ppid", "07000000000000000000000000000000", RATLS_OK);
    assert_pin(&f, "ppid", "00000000000000000000000000000000", RATLS_ERR_PIN_MISMATCH);
    assert_pin(&f, "platform_instance_id", "07000000000000000000000000000000", RATLS_OK);
    assert_pin(&f, "platform_instance_id", "00000000000000000000000000000000", RATLS_ERR_PIN_MISMATCH);
}

/* A pin whose value is not known is a refusal, never a pass. */
static void fields_of_the_application_that_are_not_known(void **state)
{
    fixture f = td_fixture();

    (void)state;
    assert_pin(&f, "compose_hash", REPEAT8("00000000"), RATLS_ERR_PIN_UNVERIFIABLE);
    assert_pin(&f, "os_image_hash", REPEAT8("00000000"), RATLS_ERR_PIN_UNVERIFIABLE);
    assert_pin(&f, "app_id", REPEAT8("00000"), RATLS_ERR_PIN_UNVERIFIABLE);
    assert_pin(&f, "instance_id", REPEAT8("00000"), RATLS_ERR_PIN_UNVERIFIABLE);
    assert_pin(&f, "key_provider", "kms", RATLS_ERR_PIN_UNVERIFIABLE);
}

static void fields_of_the_application(void **state)
{
    fixture f = td_fixture();

    (void)state;
    f.identity = (ratls_identity){.has_app_id = true, .has_instance_id = true, .has_os_image_hash = true,
                                  .compose_hash_source = RATLS_COMPOSE_HASH_MR_CONFIG_ID};
    assert_pin(&f, "compose_hash", REPEAT8("00000000"), RATLS_OK);
    assert_pin(&f, "compose_hash", REPEAT8("00000001"), RATLS_ERR_PIN_MISMATCH);
    assert_pin(&f, "os_image_hash", REPEAT8("00000000"), RATLS_OK);
    assert_pin(&f, "os_image_hash", REPEAT8("00000001"), RATLS_ERR_PIN_MISMATCH);
    assert_pin(&f, "app_id", REPEAT8("00000"), RATLS_OK);
    assert_pin(&f, "app_id", REPEAT8("00001"), RATLS_ERR_PIN_MISMATCH);
    assert_pin(&f, "instance_id", REPEAT8("00000"), RATLS_OK);
    assert_pin(&f, "instance_id", REPEAT8("00001"), RATLS_ERR_PIN_MISMATCH);
}

static void key_provider_by_name_or_by_name_and_id(void **state)
{
    fixture f = td_fixture();

    (void)state;
    f.identity = (ratls_identity){.key_provider_name = "kms", .key_provider_id = {0xab, 0xcd}, .key_provider_id_len = 2};
    assert_pin(&f, "key_provider", "kms", RATLS_OK);
    assert_pin(&f, "key_provider", "kms:abcd", RATLS_OK);
    assert_pin(&f, "key_provider", "kms:0xABCD", RATLS_OK);
    assert_pin(&f, "key_provider", "kms:ab", RATLS_ERR_PIN_MISMATCH);
    assert_pin(&f, "key_provider", "kms:abcd00", RATLS_ERR_PIN_MISMATCH);
    assert_pin(&f, "key_provider", "tpm", RATLS_ERR_PIN_MISMATCH);
    assert_pin(&f, "key_provider", "tpm:abcd", RATLS_ERR_PIN_MISMATCH);
    f.identity.key_provider_id_len = 0;
    assert_pin(&f, "key_provider", "kms", RATLS_OK);
    assert_pin(&f, "key_provider", "kms:abcd", RATLS_ERR_PIN_MISMATCH);
}

/* Everything wrong at once, mended one after the other, in the documented order. */
static void first_refusal_first(void **state)
{
    static const char *const advisories[] = {"INTEL-SA-00001"}, *const other[] = {HEX48("00")};
    static const ratls_pin pins[] = {{"rtmr3", other, 1}};
    fixture f = td_fixture();
    ratls_error *err = NULL;

    (void)state;
    built_field(&f.quote, RATLS_FIELD_TD_ATTRIBUTES)[0] = 1;
    f.claims.tcb_status = RATLS_TCB_OUT_OF_DATE;
    assert_int_equal(ratls_advisories_add(&f.claims.advisories, "INTEL-SA-00615", NULL), RATLS_OK);
    f.options.allowed_advisory_ids = advisories;
    f.options.allowed_advisory_ids_len = 1;
    f.options.min_tcb_evaluation_data_number = 2;
    f.options.min_tee_tcb_svn = "ff000000000000000000000000000000";
    f.options.allowed_mr_td = other;
    f.options.allowed_mr_td_len = 1;
    f.options.pins = pins;
    f.options.pins_len = 1;
    assert_int_equal(apply(&f, NULL), RATLS_ERR_DEBUG_MODE);
    f.options.allow_debug_mode = 1;
    assert_int_equal(apply(&f, NULL), RATLS_ERR_TCB_STATUS);
    f.claims.tcb_status = RATLS_TCB_UP_TO_DATE;
    assert_int_equal(apply(&f, NULL), RATLS_ERR_ADVISORY_NOT_ALLOWED);
    f.options.allowed_advisory_ids = NULL;
    f.options.allowed_advisory_ids_len = 0;
    assert_int_equal(apply(&f, NULL), RATLS_ERR_TCB_EVALUATION_DATA_NUMBER);
    f.options.min_tcb_evaluation_data_number = 0;
    assert_int_equal(apply(&f, NULL), RATLS_ERR_TEE_TCB_SVN_TOO_LOW);
    f.options.min_tee_tcb_svn = NULL;
    assert_int_equal(apply(&f, NULL), RATLS_ERR_MRTD_NOT_ALLOWED);
    f.options.allowed_mr_td = NULL;
    f.options.allowed_mr_td_len = 0;
    ASSERT_FAILS(apply(&f, &err), PIN_MISMATCH);
    assert_string_equal(ratls_error_message(err, RATLS_SPELLING_COMMAND),
                        "rtmr3 is \"" HEX48("a3") "\", which --pin does not allow: expected " HEX48("00"));
    ratls_error_free(err);
    ratls_claims_clear(&f.claims);
}

static void intersection_not_known(void **state)
{
    fixture f = td_fixture();
    ratls_error *err = NULL;

    (void)state;
    f.options.strict_intersection = 1;
    ASSERT_FAILS(apply(&f, &err), STRICT_INTERSECTION);
    ratls_error_free(err);
    f.claims.intersection_known = true;
    assert_int_equal(apply(&f, NULL), RATLS_OK);
}

static void outside_the_intersection(void **state)
{
    fixture f = td_fixture();
    ratls_error *err = NULL;

    (void)state;
    f.claims.intersection_known = true;
    f.claims.outside_intersection = "something";
    assert_int_equal(apply(&f, NULL), RATLS_OK);
    f.options.strict_intersection = 1;
    ASSERT_FAILS(apply(&f, &err), STRICT_INTERSECTION);
    ASSERT_DETAIL("what", "something");
    ratls_error_free(err);
}

static void tcb_date_too_old(void **state)
{
    fixture f = td_fixture();
    ratls_error *err = NULL;

    (void)state;
    f.options.min_tcb_date = 1700000000;
    ASSERT_FAILS(apply(&f, &err), TCB_DATE);
    ASSERT_DETAIL("found", "not known");
    ratls_error_free(err);
    f.claims.has_tcb_date = true;
    f.claims.tcb_date = 1699999999;
    err = NULL;
    ASSERT_FAILS(apply(&f, &err), TCB_DATE);
    ASSERT_DETAIL("found", "2023-11-14T22:13:19Z");
    ASSERT_DETAIL("expected", "2023-11-14T22:13:20Z");
    ratls_error_free(err);
    f.claims.tcb_date = 1700000000;
    assert_int_equal(apply(&f, NULL), RATLS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acceptable),
        cmocka_unit_test(intersection_not_known),
        cmocka_unit_test(outside_the_intersection),
        cmocka_unit_test(tcb_date_too_old),
        cmocka_unit_test(every_other_status_by_default),
        cmocka_unit_test(list_replaces_the_default),
        cmocka_unit_test(revoked_whatever_is_listed),
        cmocka_unit_test(no_status_without_a_signature_is_passed_over),
        cmocka_unit_test(no_status_although_a_signature_was_checked),
        cmocka_unit_test(advisory_not_listed),
        cmocka_unit_test(advisories_not_known_but_limited),
        cmocka_unit_test(evaluation_number_too_low),
        cmocka_unit_test(evaluation_number_not_known),
        cmocka_unit_test(svn_too_low_in_one_byte),
        cmocka_unit_test(svn_of_an_enclave),
        cmocka_unit_test(mr_td_not_listed),
        cmocka_unit_test(mr_td_of_an_enclave),
        cmocka_unit_test(fields_of_the_body),
        cmocka_unit_test(fields_of_the_platform),
        cmocka_unit_test(fields_of_the_application_that_are_not_known),
        cmocka_unit_test(fields_of_the_application),
        cmocka_unit_test(key_provider_by_name_or_by_name_and_id),
        cmocka_unit_test(first_refusal_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

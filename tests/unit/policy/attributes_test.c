#include "failure.h"

#include "policy/compiled.h"
#include "verifier/evidence_builder.h"

typedef struct {
    ratls_compiled_policy policy;
    built_quote quote;
    ratls_advisories waived;
} fixture;

static fixture td_fixture(void)
{
    fixture f = {0};

    build_td10(&f.quote);
    return f;
}

static ratls_status check(fixture *f, ratls_error **err)
{
    ratls_parsed_quote quote = parsed(&f->quote);

    ratls_advisories_clear(&f->waived);
    return ratls_policy_check_attributes(&f->policy, &quote, &f->waived, err);
}

static void assert_accepted(fixture *f, const char *waived)
{
    assert_int_equal(check(f, NULL), RATLS_OK);
    assert_int_equal(f->waived.len, waived == NULL ? 0 : 1);
    if (waived != NULL) {
        assert_string_equal(f->waived.ids[0], waived);
    }
    ratls_advisories_clear(&f->waived);
}

static void assert_refused(fixture *f, ratls_status code)
{
    ratls_error *err = NULL;

    assert_string_equal(ratls_status_name(check(f, &err)), ratls_status_name(code));
    assert_int_equal(ratls_error_code(err), code);
    ratls_error_free(err);
    assert_int_equal(f->waived.len, 0);
}

static void set_bit(fixture *f, ratls_field field, int bit)
{
    built_field(&f->quote, field)[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

static void production_td(void **state)
{
    fixture f = td_fixture();

    (void)state;
    assert_accepted(&f, NULL);
    build_td15(&f.quote);
    assert_accepted(&f, NULL);
}

static void td_in_debug_mode(void **state)
{
    fixture f = td_fixture();

    (void)state;
    set_bit(&f, RATLS_FIELD_TD_ATTRIBUTES, 0);
    assert_refused(&f, RATLS_ERR_DEBUG_MODE);
    f.policy.allow_sept_ve = true;
    assert_refused(&f, RATLS_ERR_DEBUG_MODE);
    f.policy.allow_debug_mode = true;
    assert_accepted(&f, "debug_mode");
}

/* Which code each single bit of TDATTRIBUTES has; 0: accepted. Bit 28 is inverted: it must be set. */
static ratls_status code_of_bit(int bit)
{
    switch (bit) {
    case 0:
        return RATLS_ERR_DEBUG_MODE;
    case 27:
        return RATLS_ERR_TD_LASS;
    case 28:
        return RATLS_ERR_TD_SEPT_VE;
    case 29:
        return RATLS_ERR_TD_MIGRATABLE;
    case 30: /* PKS */
    case 31: /* KL */
        return RATLS_OK;
    case 63:
        return RATLS_ERR_TD_PERFMON;
    default:
        return bit < 8 ? RATLS_ERR_TD_ATTRIBUTES_TUD : RATLS_ERR_TD_ATTRIBUTES_RESERVED;
    }
}

static void every_bit_of_the_attributes(void **state)
{
    (void)state;
    for (int bit = 0; bit < 64; bit++) {
        fixture f = td_fixture();

        set_bit(&f, RATLS_FIELD_TD_ATTRIBUTES, bit);
        if (code_of_bit(bit) == RATLS_OK) {
            assert_accepted(&f, NULL);
        } else {
            assert_refused(&f, code_of_bit(bit));
        }
    }
}

static void debug_mode_allows_no_profiling(void **state)
{
    fixture f = td_fixture();

    (void)state;
    f.policy.allow_debug_mode = true;
    set_bit(&f, RATLS_FIELD_TD_ATTRIBUTES, 5);
    assert_refused(&f, RATLS_ERR_TD_ATTRIBUTES_TUD);
}

static void sept_ve_enabled(void **state)
{
    fixture f = td_fixture();

    (void)state;
    set_bit(&f, RATLS_FIELD_TD_ATTRIBUTES, 28);
    f.policy.allow_debug_mode = true;
    assert_refused(&f, RATLS_ERR_TD_SEPT_VE);
    f.policy.allow_sept_ve = true;
    assert_accepted(&f, "sept_ve");
}

static void every_bit_of_xfam(void **state)
{
    const uint64_t known = UINT64_C(0x6dbe7);

    (void)state;
    for (int bit = 0; bit < 64; bit++) {
        fixture f = td_fixture();

        set_bit(&f, RATLS_FIELD_XFAM, bit);
        if (bit >= 2 && (known >> bit & 1) != 0) {
            assert_accepted(&f, NULL);
        } else {
            assert_refused(&f, RATLS_ERR_TD_XFAM);
        }
    }
}

static void service_td_bound(void **state)
{
    fixture f = td_fixture();

    (void)state;
    build_td15(&f.quote);
    built_field(&f.quote, RATLS_FIELD_MR_SERVICE_TD)[47] = 1;
    assert_refused(&f, RATLS_ERR_SERVICE_TD);
}

static void no_tdx_module(void **state)
{
    fixture f = td_fixture();

    (void)state;
    memset(built_field(&f.quote, RATLS_FIELD_MR_SEAM), 0, RATLS_MEASUREMENT_LEN);
    assert_refused(&f, RATLS_ERR_TD_MR_SEAM_ZERO);
    built_field(&f.quote, RATLS_FIELD_MR_SEAM)[47] = 1;
    assert_accepted(&f, NULL);
}

static void production_enclave(void **state)
{
    fixture f = {0};

    (void)state;
    build_sgx(&f.quote);
    assert_accepted(&f, NULL);
}

static void enclave_in_debug_mode(void **state)
{
    fixture f = {0};

    (void)state;
    build_sgx(&f.quote);
    set_bit(&f, RATLS_FIELD_ATTRIBUTES, 1);
    assert_refused(&f, RATLS_ERR_ENCLAVE_DEBUG);
    f.policy.allow_debug_mode = true;
    assert_accepted(&f, "debug_mode");
}

static void enclave_not_initialised(void **state)
{
    fixture f = {0};

    (void)state;
    build_sgx(&f.quote);
    set_bit(&f, RATLS_FIELD_ATTRIBUTES, 0);
    assert_refused(&f, RATLS_ERR_ENCLAVE_INIT);
}

static void waived_may_be_null(void **state)
{
    fixture f = td_fixture();
    ratls_parsed_quote quote;

    (void)state;
    set_bit(&f, RATLS_FIELD_TD_ATTRIBUTES, 0);
    f.policy.allow_debug_mode = true;
    quote = parsed(&f.quote);
    assert_int_equal(ratls_policy_check_attributes(&f.policy, &quote, NULL, NULL), RATLS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(production_td),
        cmocka_unit_test(td_in_debug_mode),
        cmocka_unit_test(every_bit_of_the_attributes),
        cmocka_unit_test(debug_mode_allows_no_profiling),
        cmocka_unit_test(sept_ve_enabled),
        cmocka_unit_test(every_bit_of_xfam),
        cmocka_unit_test(service_td_bound),
        cmocka_unit_test(no_tdx_module),
        cmocka_unit_test(production_enclave),
        cmocka_unit_test(enclave_in_debug_mode),
        cmocka_unit_test(enclave_not_initialised),
        cmocka_unit_test(waived_may_be_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "dcap/cases.h"

#include <stdlib.h>

/* No placeholder of the message is left open; what was found may itself hold a character that is not shown. */
static void assert_told(const ratls_error *err)
{
    const char *found = ratls_error_detail(err, "found");

    if (found == NULL || strchr(found, '?') == NULL) {
        assert_null(strchr(ratls_error_message(err, RATLS_SPELLING_C), '?'));
    }
}

static void run_case(void **state)
{
    const dcap_case *wanted = *state;
    ratls_claims claims;
    ratls_error *err = NULL;
    ratls_status status;
    pki world;

    pki_init(&world, wanted->kind);
    if (wanted->change != NULL) {
        wanted->change(&world);
    }
    pki_build(&world);
    if (wanted->damage != NULL) {
        wanted->damage(&world);
    }
    status = pki_verify(&claims, &world, PKI_NOW + wanted->late, &err);
    assert_string_equal(ratls_status_name(status), ratls_status_name(wanted->code));
    if (status == RATLS_OK) {
        assert_null(err);
        assert_int_equal(claims.tcb_status, wanted->tcb_status);
        assert_true(claims.hardware_verified);
    } else {
        /* The failure is told in full, and nothing is claimed. */
        assert_int_equal(ratls_error_code(err), wanted->code);
        assert_told(err);
        assert_false(claims.hardware_verified);
        assert_int_equal(claims.tcb_status, RATLS_TCB_NONE);
    }
    ratls_error_free(err);
    ratls_claims_clear(&claims);
    pki_clear(&world);
}

int dcap_cases_run(const char *group, const dcap_case *cases, size_t len)
{
    struct CMUnitTest *tests = calloc(len, sizeof *tests);
    int failed;

    if (tests == NULL) {
        return 1;
    }
    for (size_t i = 0; i < len; i++) {
        tests[i] = (struct CMUnitTest){.name = cases[i].name, .test_func = run_case, .initial_state = (void *)&cases[i]};
    }
    failed = _cmocka_run_group_tests(group, tests, len, NULL, NULL);
    free(tests);
    return failed;
}

/* DCAP rules 3.9 and 3.10: every combination. */
#include "dcap/convergence.h"
#include "support/unit.h"

enum {
    UP = RATLS_TCB_UP_TO_DATE,
    HARDENING = RATLS_TCB_SW_HARDENING_NEEDED,
    CONFIGURATION = RATLS_TCB_CONFIGURATION_NEEDED,
    BOTH = RATLS_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
    OUT = RATLS_TCB_OUT_OF_DATE,
    OUT_CONFIGURATION = RATLS_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
    REVOKED = RATLS_TCB_REVOKED,
    RELAUNCH = RATLS_TCB_TD_RELAUNCH_ADVISED,
    RELAUNCH_CONFIGURATION = RATLS_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
};

/* Platform; with all components up to date, with one out of date, with one revoked. */
static const int table[][4] = {
    {UP, UP, OUT, REVOKED},
    {HARDENING, HARDENING, OUT, REVOKED},
    {CONFIGURATION, CONFIGURATION, OUT_CONFIGURATION, REVOKED},
    {BOTH, BOTH, OUT_CONFIGURATION, REVOKED},
    {OUT, OUT, OUT, REVOKED},
    {OUT_CONFIGURATION, OUT_CONFIGURATION, OUT_CONFIGURATION, REVOKED},
    {REVOKED, REVOKED, REVOKED, REVOKED},
};

static void every_platform_with_every_component(void **state)
{
    static const ratls_tcb_status components[] = {RATLS_TCB_UP_TO_DATE, RATLS_TCB_OUT_OF_DATE, RATLS_TCB_REVOKED};

    (void)state;
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        ratls_tcb_status platform = (ratls_tcb_status)table[row][0];

        for (size_t module = 0; module < 3; module++) {
            for (size_t qe = 0; qe < 3; qe++) {
                size_t worst = module > qe ? module : qe;

                assert_int_equal(ratls_tcb_converge(platform, components[module], components[qe]), table[row][1 + worst]);
            }
            assert_int_equal(ratls_tcb_converge(platform, RATLS_TCB_NONE, components[module]), table[row][1 + module]);
        }
    }
}

static void what_no_level_may_have(void **state)
{
    (void)state;
    assert_int_equal(ratls_tcb_converge(RATLS_TCB_NONE, RATLS_TCB_UP_TO_DATE, RATLS_TCB_UP_TO_DATE), RATLS_TCB_NONE);
    assert_int_equal(ratls_tcb_converge(RATLS_TCB_TD_RELAUNCH_ADVISED, RATLS_TCB_UP_TO_DATE, RATLS_TCB_UP_TO_DATE), RATLS_TCB_NONE);
    assert_int_equal(ratls_tcb_converge(RATLS_TCB_UP_TO_DATE, RATLS_TCB_SW_HARDENING_NEEDED, RATLS_TCB_UP_TO_DATE), RATLS_TCB_NONE);
    assert_int_equal(ratls_tcb_converge(RATLS_TCB_UP_TO_DATE, RATLS_TCB_UP_TO_DATE, RATLS_TCB_CONFIGURATION_NEEDED), RATLS_TCB_NONE);
    assert_int_equal(ratls_tcb_converge(RATLS_TCB_UP_TO_DATE, RATLS_TCB_UP_TO_DATE, RATLS_TCB_NONE), RATLS_TCB_NONE);
    assert_int_equal(ratls_tcb_converge(RATLS_TCB_COUNT, RATLS_TCB_UP_TO_DATE, RATLS_TCB_UP_TO_DATE), RATLS_TCB_NONE);
}

/* Launched under, running under, verdict, whether the current module decided. */
static const int relaunches[][4] = {
    {UP, UP, UP, false},
    {OUT, UP, RELAUNCH, false},
    {OUT, HARDENING, RELAUNCH, false},
    {OUT, CONFIGURATION, RELAUNCH_CONFIGURATION, false},
    {OUT, BOTH, RELAUNCH_CONFIGURATION, false},
    {OUT_CONFIGURATION, UP, RELAUNCH_CONFIGURATION, false},
    {OUT_CONFIGURATION, HARDENING, RELAUNCH_CONFIGURATION, false},
    {OUT, OUT, OUT, false},
    {OUT, OUT_CONFIGURATION, OUT, false},
    {OUT_CONFIGURATION, OUT, OUT_CONFIGURATION, false},
    {OUT, REVOKED, REVOKED, true},
    {UP, REVOKED, REVOKED, true},
    {UP, OUT, OUT, true},
    {HARDENING, OUT_CONFIGURATION, OUT_CONFIGURATION, true},
    {CONFIGURATION, OUT, OUT, true},
    {UP, HARDENING, UP, false},
    {UP, CONFIGURATION, UP, false},
    {REVOKED, UP, REVOKED, false},
    {REVOKED, OUT, REVOKED, false},
    {REVOKED, REVOKED, REVOKED, false},
};

static void every_relaunch(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof relaunches / sizeof relaunches[0]; i++) {
        bool by_current;
        ratls_tcb_status verdict =
            ratls_tcb_relaunch((ratls_tcb_status)relaunches[i][0], (ratls_tcb_status)relaunches[i][1], &by_current);

        assert_int_equal(verdict, relaunches[i][2]);
        assert_int_equal(by_current, relaunches[i][3]);
    }
}

static void relaunch_of_the_unknown(void **state)
{
    bool by_current;

    (void)state;
    assert_int_equal(ratls_tcb_relaunch(RATLS_TCB_NONE, RATLS_TCB_UP_TO_DATE, &by_current), RATLS_TCB_NONE);
    assert_int_equal(ratls_tcb_relaunch(RATLS_TCB_UP_TO_DATE, RATLS_TCB_NONE, &by_current), RATLS_TCB_NONE);
    assert_int_equal(ratls_tcb_relaunch(RATLS_TCB_TD_RELAUNCH_ADVISED, RATLS_TCB_UP_TO_DATE, &by_current), RATLS_TCB_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_platform_with_every_component),
        cmocka_unit_test(what_no_level_may_have),
        cmocka_unit_test(every_relaunch),
        cmocka_unit_test(relaunch_of_the_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

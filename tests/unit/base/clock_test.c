#include "failure.h"

#include "base/clock.h"

static int64_t fake_wall;

static int64_t wall(void *user)
{
    assert_ptr_equal(user, &fake_wall);
    return fake_wall;
}

static int64_t monotonic(void *user)
{
    (void)user;
    return 1234;
}

static const ratls_clock fake = {wall, monotonic, &fake_wall};

static int restore(void **state)
{
    (void)state;
    ratls_clock_replace(NULL);
    return 0;
}

static void system_clocks(void **state)
{
    int64_t before = ratls_clock_monotonic_ms(), now = 0;

    (void)state;
    assert_true(ratls_clock_monotonic_ms() >= before);
    assert_int_equal(ratls_clock_now(&now, 0, NULL), RATLS_OK);
    assert_true(now >= RATLS_CLOCK_FLOOR_S);
}

static void replaced_clocks(void **state)
{
    int64_t now = 0;

    (void)state;
    ratls_clock_replace(&fake);
    fake_wall = RATLS_CLOCK_FLOOR_S;
    assert_int_equal(ratls_clock_wall_s(), RATLS_CLOCK_FLOOR_S);
    assert_int_equal(ratls_clock_monotonic_ms(), 1234);
    assert_int_equal(ratls_clock_now(&now, 0, NULL), RATLS_OK);
    assert_int_equal(now, RATLS_CLOCK_FLOOR_S);
}

static void clock_below_the_floor(void **state)
{
    ratls_error *err = NULL;
    int64_t now = 5;

    (void)state;
    ratls_clock_replace(&fake);
    fake_wall = RATLS_CLOCK_FLOOR_S - 1;
    ASSERT_FAILS(ratls_clock_now(&now, 0, &err), CLOCK);
    assert_int_equal(now, 0);
    ASSERT_DETAIL("found", "2023-12-31T23:59:59Z");
    ASSERT_DETAIL("expected", "2024-01-01T00:00:00Z");
    assert_int_equal(ratls_error_class(err), RATLS_CLASS_UNAVAILABLE);
    ratls_error_free(err);
}

static void explicit_time_may_be_any(void **state)
{
    int64_t now = 0;

    (void)state;
    ratls_clock_replace(&fake);
    fake_wall = 0;
    assert_int_equal(ratls_clock_now(&now, 1, NULL), RATLS_OK);
    assert_int_equal(now, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(system_clocks, restore),
        cmocka_unit_test_teardown(replaced_clocks, restore),
        cmocka_unit_test_teardown(clock_below_the_floor, restore),
        cmocka_unit_test_teardown(explicit_time_may_be_any, restore),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "failure.h"

#include <stdio.h>

static void version_is_of_the_macros(void **state)
{
    int major = -1, minor = -1, patch = -1, end = 0;

    (void)state;
    assert_int_equal(sscanf(ratls_version(), "%d.%d.%d%n", &major, &minor, &patch, &end), 3);
    assert_int_equal(major, RATLS_VERSION_MAJOR);
    assert_int_equal(minor, RATLS_VERSION_MINOR);
    assert_int_equal(patch, RATLS_VERSION_PATCH);
    assert_int_equal(strlen(ratls_version()), end);
    assert_int_equal(ratls_abi_version(), RATLS_ABI_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(version_is_of_the_macros)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

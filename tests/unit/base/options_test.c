#include "failure.h"

#include "base/options.h"

/* The first release, and one that appended a field. */
typedef struct {
    size_t size;
    int64_t number;
} first_options;

typedef struct {
    size_t size;
    int64_t number;
    int64_t later;
} later_options;

static void same_release(void **state)
{
    first_options options, copy;

    (void)state;
    ratls_options_init(&options, sizeof options);
    assert_int_equal(options.size, sizeof options);
    assert_int_equal(options.number, 0);
    options.number = 7;
    assert_int_equal(ratls_options_copy(&copy, sizeof copy, &options, sizeof(first_options), NULL), RATLS_OK);
    assert_int_equal(copy.number, 7);
    assert_int_equal(copy.size, sizeof copy);
}

static void nothing_given(void **state)
{
    first_options copy = {9, 9};

    (void)state;
    assert_int_equal(ratls_options_copy(&copy, sizeof copy, NULL, sizeof(first_options), NULL), RATLS_OK);
    assert_int_equal(copy.size, sizeof copy);
    assert_int_equal(copy.number, 0);
}

static void caller_of_an_earlier_release(void **state)
{
    first_options options = {sizeof options, 7};
    later_options copy = {9, 9, 9};

    (void)state;
    assert_int_equal(ratls_options_copy(&copy, sizeof copy, &options, sizeof(first_options), NULL), RATLS_OK);
    assert_int_equal(copy.size, sizeof copy);
    assert_int_equal(copy.number, 7);
    assert_int_equal(copy.later, 0);
}

static void caller_of_a_later_release(void **state)
{
    later_options options = {sizeof options, 7, 0};
    first_options copy;
    ratls_error *err = NULL;

    (void)state;
    assert_int_equal(ratls_options_copy(&copy, sizeof copy, &options, sizeof(first_options), NULL), RATLS_OK);
    assert_int_equal(copy.number, 7);
    options.later = 1;
    ASSERT_FAILS(ratls_options_copy(&copy, sizeof copy, &options, sizeof(first_options), &err), OPTIONS_SIZE);
    assert_int_equal(copy.number, 0);
    ASSERT_DETAIL("found", "24");
    ASSERT_DETAIL("expected", "16");
    ratls_error_free(err);
}

static void sizes_that_nobody_set(void **state)
{
    static const size_t sizes[] = {0, 1, sizeof(first_options) - 1, RATLS_OPTIONS_SIZE_MAX + 1, SIZE_MAX};
    first_options copy;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        first_options options = {sizes[i], 7};

        assert_int_equal(ratls_options_copy(&copy, sizeof copy, &options, sizeof(first_options), NULL), RATLS_ERR_OPTIONS_SIZE);
        assert_int_equal(copy.number, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_release),
        cmocka_unit_test(nothing_given),
        cmocka_unit_test(caller_of_an_earlier_release),
        cmocka_unit_test(caller_of_a_later_release),
        cmocka_unit_test(sizes_that_nobody_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "failure.h"

#include "verifier/test_verifier.h"

static test_judge judge;

static void destroyed_with_the_last_hold(void **state)
{
    ratls_verifier *verifier;

    (void)state;
    test_judge_init(&judge);
    verifier = test_verifier(&judge);
    assert_ptr_equal(ratls_verifier_hold(verifier), verifier);
    ratls_verifier_free(verifier);
    assert_int_equal(judge.destroyed, 0);
    ratls_verifier_free(verifier);
    assert_int_equal(judge.destroyed, 1);
}

static void nothing_to_hold(void **state)
{
    (void)state;
    assert_null(ratls_verifier_hold(NULL));
    ratls_verifier_free(NULL);
}

static void no_log_is_no_warning(void **state)
{
    ratls_verifier *verifier = NULL;

    (void)state;
    assert_int_equal(ratls_verifier_new_noop(&verifier, NULL, NULL), RATLS_OK);
    ratls_verifier_warn(verifier, "nobody listens");
    ratls_verifier_warn_mr_td(verifier);
    ratls_verifier_free(verifier);
}

static void mr_td_is_warned_about_once(void **state)
{
    ratls_verifier *verifier;

    (void)state;
    test_judge_init(&judge);
    verifier = test_verifier(&judge);
    ratls_verifier_warn_mr_td(verifier);
    ratls_verifier_warn_mr_td(verifier);
    assert_int_equal(judge.log_len, 1);
    assert_non_null(strstr(judge.log[0], "MRTD"));
    ratls_verifier_free(verifier);
}

/* Options of a later release. */
typedef struct {
    ratls_verifier_options known;
    uint64_t later;
} longer_options;

static void options_of_other_releases(void **state)
{
    longer_options options;
    ratls_verifier *verifier = NULL;
    ratls_error *err = NULL;

    (void)state;
    ratls_verifier_options_init(&options.known, sizeof options);
    assert_int_equal(ratls_verifier_new_noop(&verifier, &options.known, NULL), RATLS_OK);
    ratls_verifier_free(verifier);
    options.later = 1;
    ASSERT_FAILS(ratls_verifier_new_noop(&verifier, &options.known, &err), OPTIONS_SIZE);
    assert_null(verifier);
    ratls_error_free(err);
    options.known.size = sizeof options.known - 1;
    ASSERT_FAILS(ratls_verifier_new_noop(&verifier, &options.known, &err), OPTIONS_SIZE);
    ratls_error_free(err);
    ASSERT_FAILS(ratls_verifier_new_noop(NULL, NULL, &err), ARGUMENT_INVALID);
    ratls_error_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destroyed_with_the_last_hold),
        cmocka_unit_test(nothing_to_hold),
        cmocka_unit_test(no_log_is_no_warning),
        cmocka_unit_test(mr_td_is_warned_about_once),
        cmocka_unit_test(options_of_other_releases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

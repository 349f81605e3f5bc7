#include "failure.h"

#include <sys/wait.h>
#include <unistd.h>

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

static void destroy_companion(ratls_companion *companion)
{
    judge.judgements++; /* a count of what went */
    free(companion);
}

static ratls_companion *make_companion(void)
{
    ratls_companion *made = calloc(1, sizeof *made);

    if (made != NULL) {
        made->destroy = destroy_companion;
    }
    return made;
}

static ratls_companion *make_none(void)
{
    return NULL;
}

static void one_companion_that_goes_with_it(void **state)
{
    ratls_verifier *verifier;
    ratls_companion *companion;

    (void)state;
    test_judge_init(&judge);
    verifier = test_verifier(&judge);
    assert_null(ratls_verifier_companion(verifier, make_none));
    companion = ratls_verifier_companion(verifier, make_companion);
    assert_non_null(companion);
    assert_ptr_equal(ratls_verifier_companion(verifier, make_companion), companion);
    assert_int_equal(judge.judgements, 0);
    ratls_verifier_free(verifier);
    assert_int_equal(judge.judgements, 1);
}

/* A lock may have been held when the process forked: the child has a cache and a companion of its own. */
static bool child_has_its_own(ratls_verifier *verifier, const ratls_verdict_cache *cache, const ratls_companion *companion)
{
    ratls_verdict_cache *own = ratls_verifier_cache(verifier);
    const ratls_companion *other = ratls_verifier_companion(verifier, make_companion);

    return own != NULL && own != cache && own == ratls_verifier_cache(verifier) && ratls_verdict_cache_len(own) == 0 && other != NULL &&
           other != companion && ratls_verifier_companion(verifier, make_companion) == other;
}

static void a_forked_child_begins_afresh(void **state)
{
    static const uint8_t key[RATLS_SHA256_LEN];
    const ratls_companion *companion;
    ratls_verdict_cache *cache;
    ratls_verifier *verifier;
    int status = 0;
    pid_t child;

    (void)state;
    test_judge_init(&judge);
    verifier = test_verifier(&judge);
    cache = ratls_verifier_cache(verifier);
    companion = ratls_verifier_companion(verifier, make_companion);
    assert_int_equal(ratls_verdict_cache_store(cache, key, &judge.claims, NULL, NULL), RATLS_OK);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(child_has_its_own(verifier, cache, companion) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_ptr_equal(ratls_verifier_cache(verifier), cache);
    assert_int_equal(ratls_verdict_cache_len(cache), 1);
    ratls_verifier_free(verifier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destroyed_with_the_last_hold),
        cmocka_unit_test(nothing_to_hold),
        cmocka_unit_test(no_log_is_no_warning),
        cmocka_unit_test(mr_td_is_warned_about_once),
        cmocka_unit_test(options_of_other_releases),
        cmocka_unit_test(one_companion_that_goes_with_it),
        cmocka_unit_test(a_forked_child_begins_afresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

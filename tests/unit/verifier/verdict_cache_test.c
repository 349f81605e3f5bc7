#include "failure.h"

#include <pthread.h>

#include "verifier/test_verifier.h"
#include "verifier/verdict_cache.h"

static ratls_verdict_cache *cache;
static ratls_claims claims;

static int set_up(void **state)
{
    (void)state;
    test_clock_start();
    claims = (ratls_claims){.hardware_verified = true, .tcb_status = RATLS_TCB_OUT_OF_DATE};
    assert_int_equal(ratls_advisories_add(&claims.advisories, "INTEL-SA-00615", NULL), RATLS_OK);
    return ratls_verdict_cache_new(&cache, NULL) == RATLS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ratls_verdict_cache_free(cache);
    ratls_claims_clear(&claims);
    return 0;
}

static void make_key(uint8_t key[32], size_t number)
{
    memset(key, 0, 32);
    key[30] = (uint8_t)(number >> 8);
    key[31] = (uint8_t)number;
}

static void store(size_t number)
{
    uint8_t key[32];

    make_key(key, number);
    assert_int_equal(ratls_verdict_cache_store(cache, key, &claims, NULL, NULL), RATLS_OK);
}

static bool finds(size_t number, int64_t ttl_s, int64_t now)
{
    ratls_kept_evidence *evidence;
    ratls_claims found;
    uint8_t key[32];
    bool hit = false;

    make_key(key, number);
    assert_int_equal(ratls_verdict_cache_find(&found, &evidence, &hit, cache, key, ttl_s, now, NULL), RATLS_OK);
    assert_int_equal(found.tcb_status, hit ? RATLS_TCB_OUT_OF_DATE : RATLS_TCB_NONE);
    assert_int_equal(found.advisories.len, hit ? 1 : 0);
    ratls_claims_clear(&found);
    return hit;
}

static void found_again(void **state)
{
    (void)state;
    assert_false(finds(1, 3600, TEST_NOW));
    store(1);
    assert_true(finds(1, 3600, TEST_NOW));
    assert_true(finds(1, 3600, TEST_NOW));
    assert_false(finds(2, 3600, TEST_NOW));
}

static void as_old_as_allowed(void **state)
{
    (void)state;
    store(1);
    test_clock_advance_ms(59999);
    assert_true(finds(1, 60, TEST_NOW));
    test_clock_advance_ms(1);
    assert_false(finds(1, 60, TEST_NOW));
    assert_int_equal(ratls_verdict_cache_len(cache), 0);
}

static void age_does_not_start_again_with_use(void **state)
{
    (void)state;
    store(1);
    test_clock_advance_ms(40000);
    assert_true(finds(1, 60, TEST_NOW));
    test_clock_advance_ms(40000);
    assert_false(finds(1, 60, TEST_NOW));
}

static void age_ignores_the_wall_clock(void **state)
{
    (void)state;
    store(1);
    assert_true(finds(1, 60, TEST_NOW + 1000000));
    assert_true(finds(1, 60, TEST_NOW - 1000000));
}

static void collateral_expired(void **state)
{
    (void)state;
    claims.has_collateral_dates = true;
    claims.valid_from = TEST_NOW - 10;
    claims.expires_at = TEST_NOW + 10;
    store(1);
    assert_true(finds(1, INT64_MAX, TEST_NOW + 10));
    assert_false(finds(1, INT64_MAX, TEST_NOW + 11));
    store(1);
    assert_true(finds(1, INT64_MAX, TEST_NOW - 10));
    assert_false(finds(1, INT64_MAX, TEST_NOW - 11));
}

static void forgotten(void **state)
{
    uint8_t key[32];

    (void)state;
    store(1);
    store(2);
    make_key(key, 1);
    ratls_verdict_cache_forget(cache, key);
    ratls_verdict_cache_forget(cache, key);
    assert_false(finds(1, 3600, TEST_NOW));
    assert_true(finds(2, 3600, TEST_NOW));
}

static void stored_twice_is_one(void **state)
{
    (void)state;
    store(1);
    test_clock_advance_ms(50000);
    store(1);
    assert_int_equal(ratls_verdict_cache_len(cache), 1);
    test_clock_advance_ms(50000);
    assert_true(finds(1, 60, TEST_NOW));
}

static void least_used_goes_when_full(void **state)
{
    (void)state;
    for (size_t i = 0; i < RATLS_VERDICT_CACHE_MAX; i++) {
        store(i);
    }
    assert_true(finds(0, 3600, TEST_NOW));
    store(RATLS_VERDICT_CACHE_MAX);
    assert_int_equal(ratls_verdict_cache_len(cache), RATLS_VERDICT_CACHE_MAX);
    assert_true(finds(0, 3600, TEST_NOW));
    assert_false(finds(1, 3600, TEST_NOW));
    assert_true(finds(2, 3600, TEST_NOW));
    assert_true(finds(RATLS_VERDICT_CACHE_MAX, 3600, TEST_NOW));
}

/* cmocka's assertions are for the main thread: what went wrong is counted. */
static void *use_cache(void *argument)
{
    int *wrong = argument;

    for (size_t i = 0; i < 2000; i++) {
        ratls_kept_evidence *evidence;
        ratls_claims found;
        uint8_t key[32];
        bool hit = false;

        make_key(key, i % 40);
        *wrong += ratls_verdict_cache_store(cache, key, &claims, NULL, NULL) != RATLS_OK;
        make_key(key, (i * 7) % 40);
        *wrong += ratls_verdict_cache_find(&found, &evidence, &hit, cache, key, 3600, TEST_NOW, NULL) != RATLS_OK;
        *wrong += hit && found.advisories.len != 1;
        ratls_claims_clear(&found);
        if (i % 13 == 0) {
            ratls_verdict_cache_forget(cache, key);
        }
    }
    return NULL;
}

static void shared_between_threads(void **state)
{
    pthread_t threads[4];
    int wrong[4] = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, use_cache, &wrong[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(wrong[i], 0);
    }
    assert_true(ratls_verdict_cache_len(cache) <= 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(found_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(as_old_as_allowed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(age_does_not_start_again_with_use, set_up, tear_down),
        cmocka_unit_test_setup_teardown(age_ignores_the_wall_clock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(collateral_expired, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stored_twice_is_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(least_used_goes_when_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shared_between_threads, set_up, tear_down),
    };

    ratls_verdict_cache_free(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

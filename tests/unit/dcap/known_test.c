#include "failure.h"

#include <pthread.h>
#include <stdatomic.h>

#include "dcap/known.h"

enum { SETS = 2, PLACES = SETS * RATLS_KNOWN_WAYS, THREADS = 4, ROUNDS = 20000, KEYS = 24 };

static atomic_int alive;

typedef struct {
    ratls_fact fact;
    uint64_t mark; /* says what the key says, until it is freed */
} test_fact;

static void destroy(ratls_fact *fact)
{
    test_fact *own = (test_fact *)fact;

    own->mark = UINT64_MAX;
    (void)atomic_fetch_sub(&alive, 1);
    free(own);
}

/* A key whose first bytes choose the set, and whose last the fact. */
static void write_key(uint8_t key[RATLS_SHA256_LEN], uint64_t number)
{
    memset(key, 0, RATLS_SHA256_LEN);
    memcpy(key, &number, sizeof number);
    memcpy(key + RATLS_SHA256_LEN - sizeof number, &number, sizeof number);
}

static ratls_fact *new_fact(uint64_t number)
{
    test_fact *own = calloc(1, sizeof *own);

    assert_non_null(own);
    write_key(own->fact.key, number);
    own->fact.destroy = destroy;
    own->mark = number;
    (void)atomic_fetch_add(&alive, 1);
    return &own->fact;
}

static const ratls_fact *find(ratls_known *known, uint64_t number)
{
    uint8_t key[RATLS_SHA256_LEN];

    write_key(key, number);
    return ratls_known_find(known, key);
}

static bool is_known(ratls_known *known, uint64_t number)
{
    const ratls_fact *fact = find(known, number);

    ratls_known_release(known, fact);
    return fact != NULL;
}

static void kept_and_found(void **state)
{
    ratls_known *known = ratls_known_new(SETS);

    (void)state;
    assert_false(is_known(known, 1));
    ratls_known_keep(known, new_fact(1));
    assert_true(is_known(known, 1));
    assert_false(is_known(known, 2));
    ratls_known_keep(known, new_fact(1)); /* once is enough */
    assert_int_equal(atomic_load(&alive), 1);
    ratls_known_free(known);
    assert_int_equal(atomic_load(&alive), 0);
}

/* Keys that begin alike are not the same key. */
static void whole_keys_are_compared(void **state)
{
    ratls_known *known = ratls_known_new(SETS);
    uint8_t key[RATLS_SHA256_LEN];

    (void)state;
    ratls_known_keep(known, new_fact(1));
    for (size_t i = 0; i < sizeof key; i++) {
        write_key(key, 1);
        key[i] ^= 0x80;
        assert_null(ratls_known_find(known, key));
    }
    ratls_known_free(known);
}

static void bounded(void **state)
{
    ratls_known *known = ratls_known_new(SETS);
    size_t left = 0;

    (void)state;
    for (uint64_t i = 0; i < 10 * PLACES; i++) {
        ratls_known_keep(known, new_fact(i));
        assert_true(is_known(known, i));
        assert_true(atomic_load(&alive) <= PLACES);
    }
    for (uint64_t i = 0; i < 10 * PLACES; i++) {
        left += is_known(known, i) ? 1 : 0;
    }
    assert_int_equal(left, PLACES);
    ratls_known_free(known);
    assert_int_equal(atomic_load(&alive), 0);
}

/* A fact that somebody reads outlives its place. */
static void read_while_replaced(void **state)
{
    ratls_known *known = ratls_known_new(1);
    const ratls_fact *read;

    (void)state;
    ratls_known_keep(known, new_fact(1));
    read = find(known, 1);
    for (uint64_t i = 2; i < 2 + RATLS_KNOWN_WAYS; i++) {
        ratls_known_keep(known, new_fact(i));
    }
    assert_false(is_known(known, 1));
    assert_int_equal(((const test_fact *)read)->mark, 1);
    assert_int_equal(atomic_load(&alive), RATLS_KNOWN_WAYS + 1);
    ratls_known_release(known, read);
    ratls_known_keep(known, new_fact(100));
    assert_int_equal(atomic_load(&alive), RATLS_KNOWN_WAYS);
    ratls_known_free(known);
    assert_int_equal(atomic_load(&alive), 0);
}

static void released_nothing(void **state)
{
    (void)state;
    ratls_known_release(NULL, NULL);
    ratls_known_free(NULL);
}

static void *look_and_keep(void *argument)
{
    ratls_known *known = argument;

    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t number = i * 7 % KEYS;
        const ratls_fact *fact = find(known, number);

        if (fact == NULL) {
            ratls_known_keep(known, new_fact(number));
        } else if (((const test_fact *)fact)->mark != number) {
            return (void *)1;
        }
        ratls_known_release(known, fact);
    }
    return NULL;
}

/* More keys than places, in several threads: what is found is always the fact of the key. */
static void shared_by_threads(void **state)
{
    ratls_known *known = ratls_known_new(SETS);
    pthread_t threads[THREADS];
    void *failed;

    (void)state;
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, look_and_keep, known), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    ratls_known_free(known);
    assert_int_equal(atomic_load(&alive), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_and_found),     cmocka_unit_test(whole_keys_are_compared), cmocka_unit_test(bounded),
        cmocka_unit_test(read_while_replaced), cmocka_unit_test(released_nothing),        cmocka_unit_test(shared_by_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The keeper with an agent, clocks and time of the test's own. */
#include "failure.h"

#include <pthread.h>
#include <stdatomic.h>

#include "agent/agent_answer.h"
#include "base/clock.h"
#include "base/http.h"
#include "tunnel/keeper.h"

enum { NOW_S = 1800000000, PATIENCE_MS = 60000, THREADS = 8 };

/* The agent: answers with a certificate of `lifetime_s`, or fails. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool held;    /* a fetch waits until it is let go */
    bool failing;
    long lifetime_s;
    size_t asked;
    size_t answered;
} agent;

static agent world = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false, 0, 0, 0};
static atomic_int_least64_t elapsed_ms;

static int64_t wall_s(void *user)
{
    (void)user;
    return NOW_S + elapsed_ms / 1000;
}

static int64_t monotonic_ms(void *user)
{
    (void)user;
    return 1000000 + elapsed_ms;
}

/* A certificate whose time follows the test's clock, a second or two off: the one that OpenSSL makes follows the system's. */
static void answer_with_key(ratls_http_response *out)
{
    agent_answer wanted = {.not_before_s = -10 * 365 * 86400L, .lifetime_s = NOW_S + elapsed_ms / 1000 + world.lifetime_s - (long)time(NULL)};
    test_buffer answer = {0};

    agent_answer_add(&answer, &wanted);
    out->body = answer.data;
    out->body_len = answer.len;
    out->outcome = RATLS_HTTP_ANSWERED;
    out->status = 200;
}

static void perform(void *user, ratls_http_response *out, const ratls_http_request *request)
{
    (void)user;
    assert_true(request->secret && request->may_be_silent && request->post);
    assert_string_equal(request->unix_socket, "/the/agent.sock");
    (void)pthread_mutex_lock(&world.lock);
    world.asked++;
    (void)pthread_cond_broadcast(&world.changed);
    while (world.held && !ratls_cancel_triggered(request->cancel)) {
        struct timespec until;

        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 10000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&world.changed, &world.lock, &until);
    }
    if (ratls_cancel_triggered(request->cancel)) {
        out->outcome = RATLS_HTTP_CANCELLED;
    } else if (world.failing) {
        out->outcome = RATLS_HTTP_TIMEOUT;
    } else {
        answer_with_key(out);
    }
    world.answered++;
    (void)pthread_cond_broadcast(&world.changed);
    (void)pthread_mutex_unlock(&world.lock);
}

static const ratls_clock clocks = {wall_s, monotonic_ms, NULL};
static const ratls_http_fake web = {perform, NULL};
static const ratls_agent_places nowhere = {{"/nowhere"}, 1};

static ratls_keeper *begin(long lifetime_s)
{
    char path[] = "/the/agent.sock";
    const ratls_agent_settings settings = {.socket = path, .timeout_ms = PATIENCE_MS};
    ratls_keeper *keeper = NULL;

    world.held = world.failing = false;
    world.lifetime_s = lifetime_s;
    world.asked = world.answered = 0;
    elapsed_ms = 0;
    ratls_clock_replace(&clocks);
    ratls_http_replace(&web);
    assert_int_equal(ratls_keeper_new(&keeper, &settings, &nowhere, NULL), RATLS_OK);
    return keeper;
}

static void end(ratls_keeper *keeper)
{
    ratls_keeper_free(keeper);
    ratls_http_replace(NULL);
    ratls_clock_replace(NULL);
}

/* The one that serves now; only the pointer counts. */
static const ratls_identity *get(ratls_keeper *keeper)
{
    ratls_identity *identity = NULL;

    assert_int_equal(ratls_keeper_get(&identity, keeper, ratls_deadline_none(), NULL, NULL), RATLS_OK);
    assert_non_null(identity);
    ratls_identity_free(identity);
    return identity;
}

static void await(const size_t *count, size_t value)
{
    (void)pthread_mutex_lock(&world.lock);
    while (*count < value) {
        (void)pthread_cond_wait(&world.changed, &world.lock);
    }
    (void)pthread_mutex_unlock(&world.lock);
}

static void hold(bool held)
{
    (void)pthread_mutex_lock(&world.lock);
    world.held = held;
    (void)pthread_cond_broadcast(&world.changed);
    (void)pthread_mutex_unlock(&world.lock);
}

/* Until the renewal that runs has ended: then the one that serves is another. */
static const ratls_identity *await_other(ratls_keeper *keeper, const ratls_identity *old)
{
    const ratls_identity *now = old;

    while (now == old) {
        now = get(keeper);
    }
    return now;
}

static void one_fetch_serves_all(void **state)
{
    ratls_keeper *keeper = begin(365 * 86400);
    const ratls_identity *first = get(keeper);

    (void)state;
    elapsed_ms = RATLS_IDENTITY_AGE_MS - 1;
    assert_ptr_equal(get(keeper), first);
    assert_int_equal(world.asked, 1);
    end(keeper);
}

static void *get_in_thread(void *keeper)
{
    return (void *)(uintptr_t)get(keeper);
}

static void all_wait_for_the_same_fetch(void **state)
{
    ratls_keeper *keeper = begin(86400);
    pthread_t threads[THREADS];
    void *got[THREADS];

    (void)state;
    hold(true);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, get_in_thread, keeper), 0);
    }
    await(&world.asked, 1);
    hold(false);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &got[i]), 0);
        assert_ptr_equal(got[i], got[0]);
    }
    assert_int_equal(world.asked, 1);
    end(keeper);
}

static void renewed_by_age_while_the_old_one_serves(void **state)
{
    ratls_keeper *keeper = begin(365 * 86400);
    const ratls_identity *first = get(keeper);

    (void)state;
    elapsed_ms = RATLS_IDENTITY_AGE_MS;
    hold(true);
    assert_ptr_equal(get(keeper), first);
    await(&world.asked, 2);
    assert_ptr_equal(get(keeper), first);
    assert_int_equal(world.asked, 2); /* one at a time */
    hold(false);
    assert_ptr_not_equal(await_other(keeper, first), first);
    assert_int_equal(world.asked, 2);
    end(keeper);
}

static void renewed_after_half_of_a_short_life(void **state)
{
    ratls_keeper *keeper = begin(100);
    const ratls_identity *first = get(keeper);

    (void)state;
    elapsed_ms = 45 * 1000;
    assert_ptr_equal(get(keeper), first);
    assert_int_equal(world.asked, 1);
    elapsed_ms = 60 * 1000;
    (void)get(keeper);
    await(&world.asked, 2);
    end(keeper);
}

static void an_agent_that_is_down_does_not_matter_until_the_end(void **state)
{
    ratls_keeper *keeper = begin(100);
    const ratls_identity *first = get(keeper);
    ratls_identity *none = NULL;
    ratls_error *failure = NULL, *err = NULL;

    (void)state;
    world.failing = true;
    elapsed_ms = 60 * 1000;
    assert_ptr_equal(get(keeper), first);
    await(&world.answered, 2);
    while ((failure = ratls_keeper_take_failure(keeper)) == NULL) {
    }
    assert_int_equal(ratls_error_code(failure), RATLS_ERR_DSTACK_TIMEOUT);
    ratls_error_free(failure);
    assert_null(ratls_keeper_take_failure(keeper));
    assert_ptr_equal(get(keeper), first);
    assert_int_equal(world.asked, 2); /* it is left alone for a while */
    elapsed_ms += RATLS_IDENTITY_RETRY_MS;
    assert_ptr_equal(get(keeper), first);
    await(&world.answered, 3);
    elapsed_ms = 99 * 1000; /* waited for, in vain */
    assert_ptr_equal(get(keeper), first);
    elapsed_ms = 110 * 1000;
    ASSERT_FAILS(ratls_keeper_get(&none, keeper, ratls_deadline_none(), NULL, &err), DSTACK_TIMEOUT);
    assert_null(none);
    ratls_error_free(err);
    world.failing = false;
    assert_non_null(get(keeper));
    end(keeper);
}

/* So near to the end the server's clock may be ahead: the new one is waited for. */
static void near_its_end_the_new_one_is_better(void **state)
{
    ratls_keeper *keeper = begin(100);
    const ratls_identity *first = get(keeper);

    (void)state;
    elapsed_ms = 95 * 1000;
    assert_ptr_not_equal(get(keeper), first);
    end(keeper);
}

static void refused_by_a_server(void **state)
{
    ratls_keeper *keeper = begin(86400);
    const ratls_identity *first = get(keeper);

    (void)state;
    assert_false(ratls_keeper_refused(keeper)); /* new already */
    assert_ptr_equal(get(keeper), first);
    elapsed_ms = RATLS_IDENTITY_RETRY_MS;
    assert_true(ratls_keeper_refused(keeper));
    assert_ptr_not_equal(get(keeper), first);
    assert_int_equal(world.asked, 2);
    elapsed_ms += RATLS_IDENTITY_RETRY_MS;
    world.failing = true;
    assert_true(ratls_keeper_refused(keeper));
    assert_non_null(get(keeper)); /* better than none */
    end(keeper);
}

/* What one certificate has proven counts for that one alone. */
static void proven_until_it_is_renewed(void **state)
{
    ratls_keeper *keeper = begin(365 * 86400);
    const ratls_identity *first = get(keeper);

    (void)state;
    assert_false(ratls_keeper_is_proven(keeper));
    ratls_keeper_prove(keeper);
    assert_true(ratls_keeper_is_proven(keeper));
    elapsed_ms = RATLS_IDENTITY_AGE_MS;
    (void)await_other(keeper, first);
    assert_false(ratls_keeper_is_proven(keeper));
    ratls_keeper_prove(keeper);
    (void)ratls_keeper_refused(keeper);
    assert_false(ratls_keeper_is_proven(keeper));
    end(keeper);
}

static void who_waits_may_give_up(void **state)
{
    ratls_keeper *keeper = begin(86400);
    ratls_cancel *cancel = NULL;
    ratls_identity *identity = NULL;
    ratls_error *err = NULL;

    (void)state;
    hold(true);
    assert_int_equal(ratls_cancel_new(&cancel, NULL), RATLS_OK);
    ratls_cancel_trigger(cancel);
    ASSERT_FAILS(ratls_keeper_get(&identity, keeper, ratls_deadline_none(), cancel, &err), CANCELLED);
    ratls_error_free(err);
    err = NULL;
    ASSERT_FAILS(ratls_keeper_get(&identity, keeper, ratls_deadline_in(0), NULL, &err), TIMEOUT);
    ratls_error_free(err);
    hold(false);
    assert_non_null(get(keeper)); /* the fetch went on */
    assert_int_equal(world.asked, 1);
    ratls_cancel_free(cancel);
    end(keeper);
}

static void freed_while_it_fetches(void **state)
{
    ratls_keeper *keeper = begin(86400);
    ratls_identity *identity = NULL;

    (void)state;
    hold(true);
    assert_int_equal(ratls_keeper_get(&identity, keeper, ratls_deadline_in(0), NULL, NULL), RATLS_ERR_TIMEOUT);
    end(keeper);
    ratls_keeper_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_fetch_serves_all),
        cmocka_unit_test(all_wait_for_the_same_fetch),
        cmocka_unit_test(renewed_by_age_while_the_old_one_serves),
        cmocka_unit_test(renewed_after_half_of_a_short_life),
        cmocka_unit_test(an_agent_that_is_down_does_not_matter_until_the_end),
        cmocka_unit_test(near_its_end_the_new_one_is_better),
        cmocka_unit_test(refused_by_a_server),
        cmocka_unit_test(proven_until_it_is_renewed),
        cmocka_unit_test(who_waits_may_give_up),
        cmocka_unit_test(freed_while_it_fetches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

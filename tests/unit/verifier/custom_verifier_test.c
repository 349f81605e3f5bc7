#include "failure.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "base/cancel.h"
#include "verifier/evidence_builder.h"
#include "verifier/test_verifier.h"

static const char good_claims[] = "{\"tcb_status\":\"OK\",\"advisory_ids\":[]}";

typedef enum {
    ANSWER_ACCEPT,
    ANSWER_ACCEPT_ELSEWHERE, /* from another thread, after the callback returned */
    ANSWER_REJECT,
    ANSWER_LATER, /* by tear_down() */
    ANSWER_CANCEL /* triggers the cancel, answers later */
} answer;

static struct {
    answer answer;
    const char *claims;
    size_t claims_len;
    int32_t status_class;
    const char *reason;
    ratls_custom_request *pending;
    sem_t pending_set;
    sem_t released;
    pthread_t elsewhere;
    atomic_int calls;
    atomic_int signals_open;
    uint8_t quote[BUILT_QUOTE_MAX];
    size_t quote_len;
    ratls_cancel *cancel;
} other; /* the other side: the caller's verifier */

static ratls_verifier *verifier;
static ratls_verify_options options;
static built_quote quote;
static built_certificate certificate;

static void *answer_elsewhere(void *request)
{
    ratls_custom_accept(request, good_claims, strlen(good_claims));
    return NULL;
}

static void look_at_signals(void)
{
    sigset_t blocked;

    (void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    other.signals_open += !sigismember(&blocked, SIGINT) || !sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGALRM);
}

static void callback(void *user, ratls_custom_request *request)
{
    (void)user;
    other.calls++;
    look_at_signals();
    switch (other.answer) {
    case ANSWER_ACCEPT:
        ratls_custom_accept(request, other.claims, other.claims_len);
        break;
    case ANSWER_ACCEPT_ELSEWHERE:
        (void)pthread_create(&other.elsewhere, NULL, answer_elsewhere, request);
        (void)sem_post(&other.pending_set);
        break;
    case ANSWER_REJECT:
        ratls_custom_reject(request, other.status_class, other.reason);
        break;
    case ANSWER_CANCEL:
        ratls_cancel_trigger(other.cancel);
        /* fall through */
    case ANSWER_LATER:
        other.pending = request;
        (void)sem_post(&other.pending_set);
        break;
    }
}

static void release(void *user)
{
    (void)sem_post(user);
}

static int set_up(void **state)
{
    (void)state;
    memset(&other, 0, sizeof other);
    assert_int_equal(sem_init(&other.released, 0, 0), 0);
    assert_int_equal(sem_init(&other.pending_set, 0, 0), 0);
    other.claims = good_claims;
    other.claims_len = strlen(good_claims);
    test_clock_start();
    assert_int_equal(ratls_verifier_new_custom(&verifier, callback, &other.released, release, NULL, NULL), RATLS_OK);
    assert_int_equal(ratls_cancel_new(&other.cancel, NULL), RATLS_OK);
    ratls_verify_options_init(&options, sizeof options);
    build_td10(&quote);
    build_bound_certificate(&certificate, &quote);
    return 0;
}

/* Waits for the last callback: `user` is released after it, whatever became of the verification. */
static int tear_down(void **state)
{
    (void)state;
    ratls_verifier_free(verifier);
    while (sem_wait(&other.released) != 0) {
    }
    assert_int_equal(sem_trywait(&other.released), -1);
    ratls_cancel_free(other.cancel);
    return 0;
}

static ratls_status verify(ratls_result **result, ratls_error **err)
{
    return ratls_verify_certificate(result, verifier, certificate.der, certificate.len, &options, other.cancel, err);
}

static ratls_error *refused(ratls_status code)
{
    ratls_result *result = (ratls_result *)(uintptr_t)1;
    ratls_error *err = NULL;

    assert_string_equal(ratls_status_name(verify(&result, &err)), ratls_status_name(code));
    assert_null(result);
    return err;
}

static void wait_pending(void)
{
    while (sem_wait(&other.pending_set) != 0) {
    }
}

static void assert_accepted(void)
{
    ratls_result *result = NULL;
    ratls_error *err = NULL;

    if (verify(&result, &err) != RATLS_OK) {
        fail_msg("%s", ratls_error_json(err, RATLS_SPELLING_C));
    }
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_VERIFIER), "custom");
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_VERIFIED), 1);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_KEY_BOUND), 1);
    assert_null(ratls_result_text(result, RATLS_FIELD_TRUST_ANCHOR));
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TCB_STATUS), "OK");
    assert_non_null(strstr(ratls_result_text(result, RATLS_FIELD_MR_TD), "91a0563f0c"));
    ratls_result_free(result);
}

static void accepted(void **state)
{
    (void)state;
    assert_accepted();
    assert_int_equal(other.signals_open, 0);
}

static void accepted_from_another_thread(void **state)
{
    (void)state;
    other.answer = ANSWER_ACCEPT_ELSEWHERE;
    assert_accepted();
    wait_pending();
    assert_int_equal(pthread_join(other.elsewhere, NULL), 0);
}

static void second_time_from_the_cache(void **state)
{
    (void)state;
    assert_accepted();
    assert_accepted();
    assert_int_equal(other.calls, 1);
}

static void callback_that_keeps_the_quote(void *user, ratls_custom_request *request)
{
    const uint8_t *bytes = ratls_custom_quote(request, &other.quote_len);

    (void)user;
    memcpy(other.quote, bytes, other.quote_len < sizeof other.quote ? other.quote_len : sizeof other.quote);
    ratls_custom_accept(request, good_claims, strlen(good_claims));
}

static void quote_without_what_follows_it(void **state)
{
    ratls_verifier *keeper = NULL;
    ratls_result *result = NULL;

    (void)state;
    assert_int_equal(ratls_verifier_new_custom(&keeper, callback_that_keeps_the_quote, NULL, NULL, NULL, NULL), RATLS_OK);
    assert_int_equal(ratls_verify(&result, keeper, quote.bytes, quote.len + 70, NULL, NULL, NULL), RATLS_OK);
    assert_int_equal(other.quote_len, quote.len);
    assert_memory_equal(other.quote, quote.bytes, quote.len);
    ratls_result_free(result);
    ratls_verifier_free(keeper);
}

static void rejected_as_refused(void **state)
{
    ratls_error *err;

    (void)state;
    other.answer = ANSWER_REJECT;
    other.status_class = RATLS_CLASS_REFUSED;
    other.reason = "not on my list";
    err = refused(RATLS_ERR_USER_VERIFIER_REFUSED);
    assert_int_equal(ratls_error_class(err), RATLS_CLASS_REFUSED);
    assert_string_equal(ratls_error_message(err, RATLS_SPELLING_C), "the verifier given by the caller refused the quote: not on my list");
    ratls_error_free(err);
}

static void rejected_as_anything_else(void **state)
{
    static const int32_t classes[] = {RATLS_CLASS_UNAVAILABLE, RATLS_CLASS_USAGE, RATLS_CLASS_NONE, 99};

    (void)state;
    other.answer = ANSWER_REJECT;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        ratls_error *err;

        other.status_class = classes[i];
        err = refused(RATLS_ERR_USER_VERIFIER);
        assert_int_equal(ratls_error_class(err), RATLS_CLASS_UNAVAILABLE);
        ASSERT_DETAIL("what", "no reason was given");
        ratls_error_free(err);
    }
}

static void claims_unusable(void **state)
{
    (void)state;
    other.claims = "{\"tcb_status\":\"OK\",\"mr_td\":\"00\"}";
    other.claims_len = strlen(other.claims);
    ratls_error_free(refused(RATLS_ERR_USER_VERIFIER_CLAIMS));
    other.claims_len = 0;
    ratls_error_free(refused(RATLS_ERR_USER_VERIFIER_CLAIMS));
    other.claims_len = (size_t)64 << 20; /* never read */
    ratls_error_free(refused(RATLS_ERR_USER_VERIFIER_CLAIMS));
    other.claims = NULL;
    ratls_error_free(refused(RATLS_ERR_USER_VERIFIER_CLAIMS));
}

static void policy_and_binding_still_hold(void **state)
{
    static const char revoked[] = "{\"tcb_status\":\"Revoked\"}";
    ratls_error *err;

    (void)state;
    other.claims = revoked;
    other.claims_len = strlen(revoked);
    err = refused(RATLS_ERR_TCB_STATUS);
    assert_non_null(strstr(ratls_error_tcb_json(err), "\"tcb_status\":\"Revoked\""));
    ratls_error_free(err);
    other.claims = good_claims;
    other.claims_len = strlen(good_claims);
    built_field(&quote, RATLS_FIELD_REPORT_DATA)[0] ^= 1;
    build_certificate(&certificate, quote.bytes, quote.len);
    ratls_error_free(refused(RATLS_ERR_KEY_BINDING));
}

static void collateral_that_expired(void **state)
{
    static const char stale[] = "{\"tcb_status\":\"OK\",\"collateral_expires_at\":\"2025-12-31T23:59:59Z\"}";

    (void)state;
    other.claims = stale;
    other.claims_len = strlen(stale);
    ratls_error_free(refused(RATLS_ERR_COLLATERAL_STALE));
}

/* The clock jumps beyond the deadline with every reading: no waiting. */
static void never_answered(void **state)
{
    ratls_error *err;

    (void)state;
    other.answer = ANSWER_LATER;
    options.timeout_ms = 1500;
    test_clock_step_ms(1500);
    err = refused(RATLS_ERR_TIMEOUT);
    assert_string_equal(ratls_error_message(err, RATLS_SPELLING_C), "the verifier given by the caller did not finish within 1500ms");
    ratls_error_free(err);
    wait_pending();
    ratls_custom_accept(other.pending, good_claims, strlen(good_claims)); /* late: ignored, and freed */
}

static void rejected_too_late(void **state)
{
    (void)state;
    other.answer = ANSWER_LATER;
    test_clock_step_ms(RATLS_TIMEOUT_MS_DEFAULT);
    ratls_error_free(refused(RATLS_ERR_TIMEOUT));
    wait_pending();
    ratls_custom_reject(other.pending, RATLS_CLASS_REFUSED, "too late");
}

static void cancelled_while_waiting(void **state)
{
    ratls_error *err;

    (void)state;
    other.answer = ANSWER_CANCEL;
    err = refused(RATLS_ERR_CANCELLED);
    ASSERT_DETAIL("what", "waiting for the verifier given by the caller");
    ratls_error_free(err);
    wait_pending();
    ratls_custom_accept(other.pending, good_claims, strlen(good_claims));
}

static sem_t go, gone;

static void callback_that_waits(void *user, ratls_custom_request *request)
{
    (void)user;
    while (sem_wait(&go) != 0) {
    }
    ratls_custom_reject(request, RATLS_CLASS_UNAVAILABLE, NULL);
}

/* Calls do not pile up without end: those that have not returned are counted. */
static void too_many_calls_that_do_not_return(void **state)
{
    enum { CALLS = 256 };
    ratls_verifier *slow = NULL;
    ratls_result *result = NULL;
    ratls_error *err = NULL;

    (void)state;
    assert_int_equal(sem_init(&go, 0, 0), 0);
    assert_int_equal(sem_init(&gone, 0, 0), 0);
    assert_int_equal(ratls_verifier_new_custom(&slow, callback_that_waits, &gone, release, NULL, NULL), RATLS_OK);
    test_clock_step_ms(RATLS_TIMEOUT_MS_DEFAULT);
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(ratls_verify(&result, slow, quote.bytes, quote.len, NULL, NULL, NULL), RATLS_ERR_TIMEOUT);
    }
    ASSERT_FAILS(ratls_verify(&result, slow, quote.bytes, quote.len, NULL, NULL, &err), USER_VERIFIER);
    ratls_error_free(err);
    for (int i = 0; i < CALLS; i++) {
        (void)sem_post(&go);
    }
    ratls_verifier_free(slow);
    while (sem_wait(&gone) != 0) {
    }
}

static void *verify_many(void *argument)
{
    int *wrong = argument;

    for (int i = 0; i < 25; i++) {
        ratls_result *result = NULL;

        *wrong += ratls_verify(&result, verifier, quote.bytes, quote.len, &options, NULL, NULL) != RATLS_OK;
        ratls_result_free(result);
    }
    return NULL;
}

static void shared_between_threads(void **state)
{
    pthread_t threads[4];
    int wrong[4] = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, verify_many, &wrong[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(wrong[i], 0);
    }
    assert_int_equal(other.calls, 100);
}

static void null_arguments(void **state)
{
    ratls_verifier *none = (ratls_verifier *)(uintptr_t)1;
    ratls_error *err = NULL;
    size_t len = 7;

    (void)state;
    ASSERT_FAILS(ratls_verifier_new_custom(NULL, callback, NULL, NULL, NULL, &err), ARGUMENT_INVALID);
    ratls_error_free(err);
    ASSERT_FAILS(ratls_verifier_new_custom(&none, NULL, &other.released, release, NULL, &err), ARGUMENT_INVALID);
    ASSERT_DETAIL("argument", "callback");
    assert_null(none);
    ratls_error_free(err);
    assert_int_equal(sem_trywait(&other.released), -1); /* on failure `user` stays the caller's */
    assert_null(ratls_custom_quote(NULL, &len));
    assert_int_equal(len, 0);
    assert_null(ratls_custom_quote(NULL, NULL));
    ratls_custom_accept(NULL, good_claims, 1);
    ratls_custom_reject(NULL, RATLS_CLASS_REFUSED, "x");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(accepted),
        TEST(accepted_from_another_thread),
        TEST(second_time_from_the_cache),
        TEST(quote_without_what_follows_it),
        TEST(rejected_as_refused),
        TEST(rejected_as_anything_else),
        TEST(claims_unusable),
        TEST(policy_and_binding_still_hold),
        TEST(collateral_that_expired),
        TEST(never_answered),
        TEST(rejected_too_late),
        TEST(cancelled_while_waiting),
        TEST(too_many_calls_that_do_not_return),
        TEST(shared_between_threads),
        TEST(null_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

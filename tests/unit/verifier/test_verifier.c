#include "verifier/test_verifier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static _Atomic int64_t clock_wall_s, clock_monotonic_ms, clock_step_ms;

static int64_t read_wall(void *user)
{
    (void)user;
    return clock_wall_s;
}

static int64_t read_monotonic(void *user)
{
    (void)user;
    return atomic_fetch_add(&clock_monotonic_ms, clock_step_ms);
}

void test_clock_start(void)
{
    static const ratls_clock clock = {read_wall, read_monotonic, NULL};

    clock_wall_s = TEST_NOW;
    clock_monotonic_ms = 0;
    clock_step_ms = 0;
    ratls_clock_replace(&clock);
}

void test_clock_set_wall(int64_t seconds)
{
    clock_wall_s = seconds;
}

void test_clock_advance_ms(int64_t milliseconds)
{
    clock_monotonic_ms += milliseconds;
}

void test_clock_step_ms(int64_t milliseconds)
{
    clock_step_ms = milliseconds;
}

static ratls_status judge(
    ratls_claims *out, void *state, const ratls_parsed_quote *quote, const ratls_judging *judging, ratls_error **err)
{
    test_judge *test = state;

    (void)quote;
    (void)atomic_fetch_add(&test->judgements, 1);
    test->judged_at = judging->now;
    if (test->judged != RATLS_OK) {
        return RAISE(err, test->judged);
    }
    return ratls_claims_copy(out, &test->claims, err);
}

static ratls_status recheck(bool *stale, void *state, const ratls_parsed_quote *quote, int64_t now, ratls_error **err)
{
    test_judge *test = state;

    (void)quote;
    (void)now;
    (void)stale;
    (void)atomic_fetch_add(&test->rechecks, 1);
    return test->rechecked == RATLS_OK ? RATLS_OK : RAISE(err, test->rechecked);
}

static void destroy(void *state)
{
    (void)atomic_fetch_add(&((test_judge *)state)->destroyed, 1);
}

static const ratls_verifier_kind test_kind = {.name = "test", .judge = judge, .recheck = recheck, .destroy = destroy};

void test_judge_init(test_judge *judge_out)
{
    memset(judge_out, 0, sizeof *judge_out);
    judge_out->claims = (ratls_claims){
        .hardware_verified = true,
        .trust_anchor = "intel",
        .tcb_status = RATLS_TCB_UP_TO_DATE,
        .has_collateral_dates = true,
        .valid_from = TEST_NOW - 86400,
        .expires_at = TEST_NOW + 86400,
    };
    judge_out->judged = RATLS_OK;
    judge_out->rechecked = RATLS_OK;
}

void test_log(void *user, const char *message)
{
    test_judge *test = user;

    assert_true(test->log_len < TEST_LOG_MAX);
    (void)snprintf(test->log[test->log_len++], TEST_LOG_LINE_MAX, "%s", message);
}

ratls_verifier *test_verifier(test_judge *judge_of)
{
    ratls_verifier *verifier = NULL;

    assert_int_equal(ratls_verifier_create(&verifier, &test_kind, judge_of, test_log, judge_of, NULL), RATLS_OK);
    return verifier;
}

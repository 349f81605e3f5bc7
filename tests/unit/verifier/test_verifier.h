/** A verifier for tests that answers with what it is told, and a clock that stands still. */
#ifndef RATLS_TESTS_TEST_VERIFIER_H
#define RATLS_TESTS_TEST_VERIFIER_H

#include <stdatomic.h>

#include "verifier/kind.h"

enum { TEST_LOG_MAX = 16, TEST_LOG_LINE_MAX = 256 };

#define TEST_NOW INT64_C(1767225600) /* 2026-01-01 */

typedef struct {
    ratls_claims claims; /* what judge() answers with */
    ratls_status judged; /* or the failure */
    ratls_status rechecked;
    atomic_int judgements;
    atomic_int rechecks;
    atomic_int destroyed;
    int64_t judged_at;
    size_t log_len;
    char log[TEST_LOG_MAX][TEST_LOG_LINE_MAX];
} test_judge;

/** Claims: a hardware signature under Intel's root, UpToDate, holding for a day around TEST_NOW. */
void test_judge_init(test_judge *judge);

ratls_verifier *test_verifier(test_judge *judge);

/** The log that test_verifier() uses; user is a test_judge. */
void test_log(void *user, const char *message);

/** Wall clock at TEST_NOW, monotonic clock at 0. */
void test_clock_start(void);
void test_clock_set_wall(int64_t seconds);
void test_clock_advance_ms(int64_t milliseconds);
/** Every reading of the monotonic clock moves it on by this much. */
void test_clock_step_ms(int64_t milliseconds);

#endif

#include "failure.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>

#include "base/cancel.h"

static bool readable(const ratls_cancel *cancel, int timeout_ms)
{
    struct pollfd event = {.fd = ratls_cancel_fd(cancel), .events = POLLIN};

    return poll(&event, 1, timeout_ms) == 1;
}

static ratls_cancel *made(void)
{
    ratls_cancel *cancel = NULL;

    assert_int_equal(ratls_cancel_new(&cancel, NULL), RATLS_OK);
    return cancel;
}

static void triggered_and_stays_so(void **state)
{
    ratls_cancel *cancel = made();

    (void)state;
    assert_false(ratls_cancel_triggered(cancel));
    assert_false(readable(cancel, 0));
    for (int i = 0; i < 3; i++) {
        ratls_cancel_trigger(cancel);
        assert_true(ratls_cancel_triggered(cancel));
        assert_true(readable(cancel, 0));
    }
    ratls_cancel_free(cancel);
}

static void *trigger(void *cancel)
{
    ratls_cancel_trigger(cancel);
    return NULL;
}

static void wakes_a_waiting_thread(void **state)
{
    ratls_cancel *cancel = made();
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, trigger, cancel), 0);
    assert_true(readable(cancel, -1));
    assert_int_equal(pthread_join(thread, NULL), 0);
    ratls_cancel_free(cancel);
}

static void descriptor_is_closed_on_exec(void **state)
{
    ratls_cancel *cancel = made();

    (void)state;
    assert_true((fcntl(ratls_cancel_fd(cancel), F_GETFD) & FD_CLOEXEC) != 0);
    ratls_cancel_free(cancel);
}

static void null_handles(void **state)
{
    ratls_error *err = NULL;

    (void)state;
    assert_false(ratls_cancel_triggered(NULL));
    assert_int_equal(ratls_cancel_fd(NULL), -1);
    ratls_cancel_trigger(NULL);
    ratls_cancel_free(NULL);
    ASSERT_FAILS(ratls_cancel_new(NULL, &err), ARGUMENT_INVALID);
    ratls_error_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(triggered_and_stays_so),
        cmocka_unit_test(wakes_a_waiting_thread),
        cmocka_unit_test(descriptor_is_closed_on_exec),
        cmocka_unit_test(null_handles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

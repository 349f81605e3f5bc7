/* Calls that wait, made by Python's main thread, which alone may run signal handlers: it looks for signals meanwhile. A thread
 * of Python's for the call would cost several changes of the interpreter's lock. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>

#include "native.h"

/* How late a signal may be noticed that comes just before the waiting begins, or to another thread. */
enum { SIGNAL_CHECK_MS = 200 };

typedef struct {
    void (*run)(void *argument);
    void *argument;
    sem_t done;
} watched_call;

static void *run_call(void *argument)
{
    watched_call *call = argument;

    call->run(call->argument);
    (void)sem_post(&call->done);
    return NULL;
}

/* Signals are the main thread's. */
static int start_thread(pthread_t *thread, watched_call *call)
{
    sigset_t blocked, before;
    int failure;

    (void)sigfillset(&blocked);
    failure = pthread_sigmask(SIG_SETMASK, &blocked, &before);
    if (failure == 0) {
        failure = pthread_create(thread, NULL, run_call, call);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return failure;
}

/* True when it is done; false after a while, or when a signal came. */
static bool wait_a_while(watched_call *call)
{
    struct timespec until = {0};
    int64_t end_ns;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    end_ns = until.tv_nsec + SIGNAL_CHECK_MS * INT64_C(1000000);
    until.tv_sec += end_ns / INT64_C(1000000000);
    until.tv_nsec = (long)(end_ns % INT64_C(1000000000));
    return sem_timedwait(&call->done, &until) == 0;
}

/* Run the handlers of signals that came. True when one of them raised. */
static bool handler_raised(void)
{
    PyGILState_STATE state = PyGILState_Ensure();
    bool raised = PyErr_CheckSignals() != 0;

    PyGILState_Release(state);
    return raised;
}

bool ratls_py_watch(void (*run)(void *argument), void *argument, ratls_cancel *cancel)
{
    watched_call call = {.run = run, .argument = argument};
    pthread_t thread;
    bool raised = false;

    if (sem_init(&call.done, 0, 0) != 0) {
        run(argument);
        return true;
    }
    if (start_thread(&thread, &call) != 0) {
        run(argument); /* no thread to be had: signals are noticed afterwards */
    } else {
        while (!wait_a_while(&call)) {
            if (!raised && handler_raised()) {
                raised = true;
                ratls_cancel_trigger(cancel);
            }
        }
        (void)pthread_join(thread, NULL);
    }
    (void)sem_destroy(&call.done);
    return !raised;
}

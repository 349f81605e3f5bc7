#include "base/thread.h"

#include <signal.h>
#include <string.h>

/* Blocked, these would end the process without the handler that somebody installed for them. */
static const int fault_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};

ratls_status ratls_thread_start(pthread_t *out, void *(*run)(void *), void *argument, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    sigset_t blocked, before;
    int failure;

    (void)sigfillset(&blocked);
    for (size_t i = 0; i < sizeof fault_signals / sizeof fault_signals[0]; i++) {
        (void)sigdelset(&blocked, fault_signals[i]);
    }
    /* A thread begins with the mask of the one that starts it: no signal can slip in. */
    failure = pthread_sigmask(SIG_SETMASK, &blocked, &before);
    if (failure == 0) {
        failure = pthread_create(out, NULL, run, argument);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    CHECK(failure == 0, RATLS_ERR_SYSTEM, WHAT("a thread"), FOUND(strerror(failure)));
    status = RATLS_OK;
out:
    return status;
}

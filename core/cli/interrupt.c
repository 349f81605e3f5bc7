#include "interrupt.h"

#include <string.h>
#include <time.h>

/* SIGUSR1 ends the waiting without an interrupt. */
static void fill_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR1);
}

static void *wait_for_signal(void *user)
{
    ratls_cancel *cancel = user;
    sigset_t signals;
    int received = 0;

    fill_signals(&signals);
    if (sigwait(&signals, &received) == 0 && received != SIGUSR1) {
        ratls_cancel_trigger(cancel);
    }
    return NULL;
}

bool cli_interrupt_start(cli_interrupt *out, cli_failure *failure)
{
    sigset_t signals;
    int error;

    *out = (cli_interrupt){0};
    if (!cli_succeeded(failure, ratls_cancel_new(&out->cancel, &failure->error))) {
        return false;
    }
    fill_signals(&signals);
    error = pthread_sigmask(SIG_BLOCK, &signals, &out->before);
    if (error == 0) {
        error = pthread_create(&out->thread, NULL, wait_for_signal, out->cancel);
    }
    if (error != 0) {
        ratls_cancel_free(out->cancel);
        *out = (cli_interrupt){0};
        return CLI_FAIL(failure, RATLS_ERR_INTERNAL, {"what", strerror(error)});
    }
    out->running = true;
    return true;
}

void cli_interrupt_await(cli_interrupt *interrupt)
{
    if (interrupt->running) {
        pthread_join(interrupt->thread, NULL);
        interrupt->running = false;
    }
}

bool cli_interrupt_await_for(cli_interrupt *interrupt, long seconds)
{
    struct timespec until = {0};

    if (interrupt->running) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += seconds;
        interrupt->running = pthread_clockjoin_np(interrupt->thread, NULL, CLOCK_MONOTONIC, &until) != 0;
    }
    return !interrupt->running;
}

void cli_interrupt_stop(cli_interrupt *interrupt)
{
    if (interrupt->running) {
        pthread_kill(interrupt->thread, SIGUSR1);
        cli_interrupt_await(interrupt);
    }
    ratls_cancel_free(interrupt->cancel);
    interrupt->cancel = NULL;
}

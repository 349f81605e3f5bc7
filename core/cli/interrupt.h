/** SIGINT and SIGTERM, awaited by a thread: they end what blocks, and what is open is closed in order. */
#ifndef RATLS_CLI_INTERRUPT_H
#define RATLS_CLI_INTERRUPT_H

#include <pthread.h>
#include <signal.h>

#include "failure.h"

typedef struct {
    ratls_cancel *cancel; /* triggered by the signal */
    pthread_t thread;
    sigset_t before;
    bool running;
} cli_interrupt;

/** Start waiting. Must come before any other thread is made, so that all of them block the signals. */
bool cli_interrupt_start(cli_interrupt *out, cli_failure *failure);

/** Wait until a signal has come. */
void cli_interrupt_await(cli_interrupt *interrupt);

/** Wait for so many seconds; true at once when a signal comes, or has come. */
bool cli_interrupt_await_for(cli_interrupt *interrupt, long seconds);

/** Stop waiting, if still at it, and free. */
void cli_interrupt_stop(cli_interrupt *interrupt);

#endif

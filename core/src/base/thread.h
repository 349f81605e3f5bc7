/** Threads of the library: they take no signals, which are the program's business. */
#ifndef RATLS_BASE_THREAD_H
#define RATLS_BASE_THREAD_H

#include <pthread.h>

#include "base/error.h"

/** Start a joinable thread with every signal blocked that is not the answer to a fault of its own. */
ratls_status ratls_thread_start(pthread_t *out, void *(*run)(void *), void *argument, ratls_error **err);

#endif

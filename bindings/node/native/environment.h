/** The environment: what the calls of one thread of JavaScript share. Internal to native/. */
#ifndef RA_TLS_VERIFY_ENVIRONMENT_H
#define RA_TLS_VERIFY_ENVIRONMENT_H

#include "native.h"

/** Something for the main thread: exactly one member says what. */
typedef struct rn_message {
    struct rn_message *next;
    rn_frame *done;                /* a call has ended */
    rn_callback *callback;         /* held; called with text or request */
    char *text;
    ratls_custom_request *request;
    rn_callback *gone;             /* nobody holds it any more */
} rn_message;

/** Something for a thread of ours. */
typedef struct rn_task {
    struct rn_task *next;
    rn_frame *frame;  /* run it */
    rn_box *box;      /* or let go of it */
} rn_task;

/** A function of JavaScript. Its holders may be on any thread, the function itself is the main thread's. */
struct rn_callback {
    atomic_size_t holds;
    rn_env *self;
    napi_ref function;
    bool shared;
    rn_callback *next;   /* among the environment's; main thread only */
};

struct rn_env {
    atomic_size_t holds;
    napi_env env; /* main thread only */

    pthread_mutex_t lock; /* of all up to the next comment */
    pthread_cond_t changed;
    bool closed;
    bool woken; /* the main thread knows that messages wait */
    napi_threadsafe_function wake;
    rn_message *first_message, *last_message;
    size_t log_lines, log_lost;
    rn_task *first_task, *last_task;
    size_t threads, idle;
    rn_frame *running;

    /* main thread only */
    size_t unsettled; /* promises: while there are any the event loop goes on */
    bool making;      /* a handle's object is being made by us */
    napi_ref errors;  /* the function that makes exceptions */
    napi_ref classes[RN_CLASSES_MAX];
    rn_callback *callbacks;
};

/** The environment's, made and kept as its instance data. NULL with an exception pending. */
rn_env *rn_env_new(napi_env env);
rn_env *rn_env_hold(rn_env *self);
void rn_env_drop(rn_env *self);

/** Give a message to the main thread. False when the environment has gone: the message stays the caller's. */
bool rn_post(rn_env *self, rn_message *message);

/** Free a message and what it holds; a request is rejected, a call forgotten. */
void rn_message_free(rn_message *message);

/** Do what a message says. Main thread. */
void rn_deliver(rn_env *self, rn_message *message);

/** Have a thread of ours do it. False when the environment has gone or memory is short. */
bool rn_submit(rn_env *self, rn_frame *frame, rn_box *box);

/** Cancel what runs, and wait for every thread of ours to end. */
void rn_stop_threads(rn_env *self);

/** Keep the event loop going while promises are unsettled. Main thread. */
void rn_promise_begins(rn_env *self);
void rn_promise_ends(rn_env *self);

/** Settle the promise of a call that has ended, and free the call. Main thread. */
void rn_frame_settle(rn_frame *frame);

/** Free a call and all it holds. */
void rn_frame_free(rn_frame *frame);

void rn_callback_free(rn_callback *callback);

/** Forget a function that nobody holds. Main thread. */
void rn_callback_forget(rn_callback *callback);

#endif

#include "environment.h"

#include <stdlib.h>

static void close_env(void *argument);

rn_env *rn_env_hold(rn_env *self)
{
    (void)atomic_fetch_add(&self->holds, 1);
    return self;
}

void rn_env_drop(rn_env *self)
{
    if (atomic_fetch_sub(&self->holds, 1) != 1) {
        return;
    }
    (void)pthread_cond_destroy(&self->changed);
    (void)pthread_mutex_destroy(&self->lock);
    free(self);
}

static rn_message *take_messages(rn_env *self)
{
    rn_message *taken;

    (void)pthread_mutex_lock(&self->lock);
    taken = self->first_message;
    self->first_message = self->last_message = NULL;
    self->woken = false;
    self->log_lines = 0;
    (void)pthread_mutex_unlock(&self->lock);
    return taken;
}

static void free_messages(rn_message *first)
{
    while (first != NULL) {
        rn_message *next = first->next;

        rn_message_free(first);
        first = next;
    }
}

/* Node calls it on the main thread after a wake, with env NULL when the environment is going. */
static void on_wake(napi_env env, napi_value function, void *context, void *data)
{
    rn_env *self = context;
    rn_message *message = take_messages(self);

    (void)function;
    (void)data;
    while (message != NULL) {
        rn_message *next = message->next;
        napi_handle_scope scope = NULL;

        if (env != NULL && napi_open_handle_scope(env, &scope) == napi_ok) {
            rn_deliver(self, message);
            (void)napi_close_handle_scope(env, scope);
        }
        rn_message_free(message);
        message = next;
    }
}

static void release_wake(napi_env env, void *data, void *context)
{
    (void)env;
    (void)data;
    rn_env_drop(context);
}

static void release_instance(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    rn_env_drop(data);
}

static bool attach(rn_env *self)
{
    napi_env env = self->env;
    napi_value name;

    if (!rn_ok(env, napi_create_string_utf8(env, "ra-tls-verify", NAPI_AUTO_LENGTH, &name)) ||
        !rn_ok(env, napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, NULL, release_wake, self, on_wake, &self->wake))) {
        return false;
    }
    (void)rn_env_hold(self); /* let go by release_wake */
    /* A program ends though a tunnel is open: only promises keep it. */
    if (!rn_ok(env, napi_unref_threadsafe_function(env, self->wake))) {
        return false;
    }
    /* Hooks run in reverse: ours before the one of the function above, which must not be called after its own. */
    return rn_ok(env, napi_add_env_cleanup_hook(env, close_env, self)) &&
           rn_ok(env, napi_set_instance_data(env, self, release_instance, NULL));
}

rn_env *rn_env_new(napi_env env)
{
    rn_env *self = calloc(1, sizeof *self);
    pthread_condattr_t attributes;

    if (self == NULL) {
        (void)napi_throw_error(env, NULL, "out of memory");
        return NULL;
    }
    atomic_init(&self->holds, 1);
    self->env = env;
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&self->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    /* What fails here stays: a hook or the wake may hold it already. */
    return attach(self) ? self : NULL;
}

/* The environment is going: nothing is delivered from now on, what runs is cancelled and waited for. */
static void close_env(void *argument)
{
    rn_env *self = argument;

    (void)pthread_mutex_lock(&self->lock);
    self->closed = true;
    (void)pthread_mutex_unlock(&self->lock);
    /* First: a thread may wait for the answer to a request that lies here. */
    free_messages(take_messages(self));
    rn_stop_threads(self);
}

static bool is_log(const rn_message *message)
{
    return message->callback != NULL && message->request == NULL;
}

bool rn_post(rn_env *self, rn_message *message)
{
    bool posted = false;

    (void)pthread_mutex_lock(&self->lock);
    if (!self->closed && !(is_log(message) && self->log_lines >= RN_LOG_LINES_MAX)) {
        message->next = NULL;
        if (self->last_message != NULL) {
            self->last_message->next = message;
        } else {
            self->first_message = message;
        }
        self->last_message = message;
        self->log_lines += is_log(message) ? 1 : 0;
        if (!self->woken) {
            self->woken = napi_call_threadsafe_function(self->wake, NULL, napi_tsfn_nonblocking) == napi_ok;
        }
        posted = true;
    }
    (void)pthread_mutex_unlock(&self->lock);
    return posted;
}

void rn_message_free(rn_message *message)
{
    if (message->request != NULL) {
        rn_request_forget(message->request);
    }
    rn_callback_drop(message->callback);
    rn_frame_free(message->done);
    rn_callback_free(message->gone);
    free(message->text);
    free(message);
}

static napi_value message_argument(rn_env *self, rn_message *message)
{
    ratls_custom_request *request = message->request;

    if (request == NULL) {
        return rn_text(self, message->text);
    }
    message->request = NULL;
    return rn_make_handle(&(rn_frame){.self = self}, &rn_custom_request_class, request, false);
}

/* An exception of the function is the program's own: it goes where uncaught ones go. */
static void call_function(rn_env *self, rn_message *message)
{
    napi_env env = self->env;
    napi_value function, receiver, argument, error;
    bool pending = false;

    argument = message_argument(self, message);
    if (argument != NULL && napi_get_reference_value(env, message->callback->function, &function) == napi_ok &&
        function != NULL && napi_get_undefined(env, &receiver) == napi_ok) {
        (void)napi_call_function(env, receiver, function, 1, &argument, NULL);
    }
    if (napi_is_exception_pending(env, &pending) == napi_ok && pending &&
        napi_get_and_clear_last_exception(env, &error) == napi_ok) {
        (void)napi_fatal_exception(env, error);
    }
}

void rn_deliver(rn_env *self, rn_message *message)
{
    if (message->done != NULL) {
        rn_frame *frame = message->done;

        message->done = NULL;
        rn_frame_settle(frame);
    } else if (message->gone != NULL) {
        rn_callback_forget(message->gone);
        message->gone = NULL;
    } else {
        call_function(self, message);
    }
}

void rn_promise_begins(rn_env *self)
{
    if (self->unsettled++ == 0) {
        (void)rn_ok(self->env, napi_ref_threadsafe_function(self->env, self->wake));
    }
}

void rn_promise_ends(rn_env *self)
{
    if (--self->unsettled == 0) {
        (void)rn_ok(self->env, napi_unref_threadsafe_function(self->env, self->wake));
    }
}

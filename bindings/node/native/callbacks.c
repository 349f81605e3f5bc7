/* Functions of JavaScript that any thread may have called. They never run where the core calls: a message takes the
 * call to the main thread, and the core goes on at once. */
#include <stdlib.h>
#include <string.h>

#include "environment.h"

rn_callback *rn_callback_hold(rn_callback *callback)
{
    (void)atomic_fetch_add(&callback->holds, 1);
    return callback;
}

void rn_callback_drop(rn_callback *callback)
{
    rn_message *message;

    if (callback == NULL || atomic_fetch_sub(&callback->holds, 1) != 1) {
        return;
    }
    message = calloc(1, sizeof *message);
    if (message == NULL) {
        return; /* the main thread has it in its list: it stays until the environment goes */
    }
    message->gone = callback;
    if (!rn_post(callback->self, message)) {
        rn_message_free(message);
    }
}

/* Without its reference: that goes with the environment. */
void rn_callback_free(rn_callback *callback)
{
    if (callback != NULL) {
        rn_env_drop(callback->self);
        free(callback);
    }
}

void rn_callback_forget(rn_callback *callback)
{
    rn_env *self = callback->self;

    for (rn_callback **at = &self->callbacks; *at != NULL; at = &(*at)->next) {
        if (*at == callback) {
            *at = callback->next;
            break;
        }
    }
    (void)napi_delete_reference(self->env, callback->function);
    rn_callback_free(callback);
}

/* Hold it unless nobody does any more, and the message that says so is on its way. */
static bool hold_if_held(rn_callback *callback)
{
    size_t holds = atomic_load(&callback->holds);

    while (holds > 0) {
        if (atomic_compare_exchange_weak(&callback->holds, &holds, holds + 1)) {
            return true;
        }
    }
    return false;
}

/* One object for equal functions: the core shares tunnels whose options, the log among them, are equal. */
static rn_callback *find_shared(rn_env *self, napi_value function)
{
    for (rn_callback *callback = self->callbacks; callback != NULL; callback = callback->next) {
        napi_value other;
        bool equal = false;

        if (callback->shared && napi_get_reference_value(self->env, callback->function, &other) == napi_ok && other != NULL &&
            napi_strict_equals(self->env, other, function, &equal) == napi_ok && equal && hold_if_held(callback)) {
            return callback;
        }
    }
    return NULL;
}

static rn_callback *new_callback(rn_env *self, napi_value function, bool shared)
{
    rn_callback *callback = calloc(1, sizeof *callback);

    if (callback == NULL) {
        (void)napi_throw_error(self->env, NULL, "out of memory");
        return NULL;
    }
    if (!rn_ok(self->env, napi_create_reference(self->env, function, 1, &callback->function))) {
        free(callback);
        return NULL;
    }
    atomic_init(&callback->holds, 1);
    callback->self = rn_env_hold(self);
    callback->shared = shared;
    callback->next = self->callbacks;
    self->callbacks = callback;
    return callback;
}

bool rn_read_callback(rn_frame *frame, napi_value value, const char *what, bool nullable, bool shared, rn_callback **out)
{
    napi_env env = frame->self->env;
    napi_valuetype type;
    bool absent = false;

    *out = NULL;
    if (!rn_is_absent(frame, value, &absent) || !rn_ok(env, napi_typeof(env, value, &type))) {
        return false;
    }
    if (absent && nullable) {
        return true;
    }
    if (type != napi_function || frame->calls_len >= RN_KEPT_MAX) {
        rn_throw_type(env, what, "a function");
        return false;
    }
    *out = shared ? find_shared(frame->self, value) : NULL;
    if (*out == NULL) {
        *out = new_callback(frame->self, value, shared);
    }
    if (*out == NULL) {
        return false;
    }
    frame->calls[frame->calls_len++] = *out;
    return true;
}

void rn_log(void *user, const char *message)
{
    rn_callback *callback = user;
    rn_message *posted = calloc(1, sizeof *posted);

    if (posted == NULL) {
        return; /* a warning that is lost when memory is short */
    }
    posted->text = strdup(message);
    posted->callback = rn_callback_hold(callback);
    if (posted->text == NULL || !rn_post(callback->self, posted)) {
        rn_message_free(posted);
    }
}

void rn_judge(void *user, ratls_custom_request *request)
{
    rn_callback *callback = user;
    rn_message *posted = calloc(1, sizeof *posted);

    if (posted == NULL) {
        ratls_custom_reject(request, RATLS_CLASS_UNAVAILABLE, "out of memory");
        return;
    }
    posted->request = request;
    posted->callback = rn_callback_hold(callback);
    if (!rn_post(callback->self, posted)) {
        rn_message_free(posted); /* rejects it: the environment has gone */
    }
}

void rn_callback_release(void *user)
{
    rn_callback_drop(user);
}

void rn_request_forget(void *request)
{
    ratls_custom_reject(request, RATLS_CLASS_UNAVAILABLE, "it gave no answer");
}

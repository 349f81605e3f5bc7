/* What every call of the core goes through: arguments, the call, its outcome. */
#include <stdlib.h>
#include <string.h>

#include "environment.h"

void rn_frame_free(rn_frame *frame)
{
    if (frame == NULL) {
        return;
    }
    if (frame->function->clear != NULL) {
        frame->function->clear(frame);
    }
    for (size_t i = 0; i < frame->boxes_len; i++) {
        rn_box_drop(frame->boxes[i]);
    }
    for (size_t i = 0; i < frame->calls_len; i++) {
        rn_callback_drop(frame->calls[i]);
    }
    for (size_t i = 0; i < frame->blocks_len; i++) {
        free(frame->blocks[i]);
    }
    ratls_cancel_free(frame->cancel);
    ratls_error_free(frame->err);
    free(frame->message);
    rn_env_drop(frame->self);
    free(frame);
}

/* The call's arguments, read; NULL with an exception pending. */
static rn_frame *new_frame(rn_env *self, const rn_function *function, napi_callback_info info, bool copies)
{
    napi_value arguments[RN_ARGUMENTS_MAX];
    size_t given = RN_ARGUMENTS_MAX;
    rn_frame *frame = calloc(1, function->frame_size);

    if (frame == NULL) {
        (void)napi_throw_error(self->env, NULL, "out of memory");
        return NULL;
    }
    frame->function = function;
    frame->self = rn_env_hold(self);
    frame->copies = copies;
    frame->status = RATLS_ERR_INTERNAL;
    /* Arguments that are left out arrive as undefined. */
    if (rn_ok(self->env, napi_get_cb_info(self->env, info, &given, arguments, NULL, NULL)) && function->read(frame, arguments)) {
        return frame;
    }
    rn_frame_free(frame);
    return NULL;
}

/* The result, or NULL with the failure pending as an exception. */
static napi_value outcome(rn_frame *frame)
{
    rn_env *self = frame->self;
    napi_value error;

    if (frame->status == RATLS_OK) {
        return frame->function->result(frame);
    }
    error = rn_error(self, frame->err, frame->status);
    if (error != NULL) {
        (void)rn_ok(self->env, napi_throw(self->env, error));
    }
    return NULL;
}

static bool find_call(napi_env env, napi_callback_info info, rn_env **self, const rn_function **function)
{
    void *data = NULL;

    *self = NULL;
    if (!rn_ok(env, napi_get_instance_data(env, (void **)self)) ||
        !rn_ok(env, napi_get_cb_info(env, info, NULL, NULL, NULL, &data))) {
        return false;
    }
    *function = data;
    return *self != NULL && *function != NULL;
}

static napi_value call_here(napi_env env, napi_callback_info info)
{
    const rn_function *function;
    rn_env *self;
    rn_frame *frame;
    napi_value result = NULL;

    if (!find_call(env, info, &self, &function)) {
        return NULL;
    }
    frame = new_frame(self, function, info, false);
    if (frame != NULL) {
        function->run(frame);
        result = outcome(frame);
        rn_frame_free(frame);
    }
    return result;
}

static bool prepare_to_wait(rn_frame *frame)
{
    napi_env env = frame->self->env;

    frame->message = calloc(1, sizeof *frame->message);
    if (frame->message == NULL) {
        (void)napi_throw_error(env, NULL, "out of memory");
        return false;
    }
    /* Every call can be cancelled when the environment goes, also where the caller has no use for it. */
    if (frame->cancel_box == NULL && ratls_cancel_new(&frame->cancel, NULL) != RATLS_OK) {
        (void)napi_throw_error(env, NULL, "out of memory or descriptors");
        return false;
    }
    return true;
}

static napi_value call_there(napi_env env, napi_callback_info info)
{
    const rn_function *function;
    rn_env *self;
    rn_frame *frame;
    napi_value promise = NULL;

    if (!find_call(env, info, &self, &function)) {
        return NULL;
    }
    frame = new_frame(self, function, info, true);
    if (frame == NULL || !prepare_to_wait(frame) || !rn_ok(env, napi_create_promise(env, &frame->deferred, &promise))) {
        rn_frame_free(frame);
        return NULL;
    }
    rn_promise_begins(self);
    if (!rn_submit(self, frame, NULL)) {
        frame->status = RATLS_ERR_OUT_OF_MEMORY;
        rn_frame_settle(frame);
    }
    return promise;
}

void rn_frame_settle(rn_frame *frame)
{
    rn_env *self = frame->self;
    napi_env env = self->env;
    napi_value result = outcome(frame), error;

    if (result != NULL) {
        (void)rn_ok(env, napi_resolve_deferred(env, frame->deferred, result));
    } else if (rn_ok(env, napi_get_and_clear_last_exception(env, &error))) {
        (void)rn_ok(env, napi_reject_deferred(env, frame->deferred, error));
    }
    rn_promise_ends(self);
    rn_frame_free(frame);
}

static bool define(rn_env *self, napi_value exports, const char *name, napi_callback call, const rn_function *function)
{
    napi_env env = self->env;
    napi_value made;

    /* The data is only read: the casts are for the interface, which knows no constant data. */
    return rn_ok(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, call, (void *)(uintptr_t)function, &made)) &&
           rn_ok(env, napi_set_named_property(env, exports, name, made));
}

static bool define_sync(rn_env *self, napi_value exports, const rn_function *function)
{
    enum { NAME_MAX_LEN = 64 };
    static const char suffix[] = "Sync";
    char name[NAME_MAX_LEN + sizeof suffix];
    size_t len = strlen(function->name);

    if (len > NAME_MAX_LEN) {
        return false;
    }
    memcpy(name, function->name, len);
    memcpy(name + len, suffix, sizeof suffix);
    return define(self, exports, name, call_here, function);
}

bool rn_define_functions(rn_env *self, napi_value exports, const rn_function *const *functions, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const rn_function *function = functions[i];

        if (!define(self, exports, function->name, function->waits ? call_there : call_here, function) ||
            (function->waits && !define_sync(self, exports, function))) {
            return false;
        }
    }
    return true;
}

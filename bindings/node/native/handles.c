#include <stdlib.h>

#include "environment.h"

void *rn_pointer(const rn_box *box)
{
    return box == NULL ? NULL : box->handle;
}

void *rn_give(rn_box *box)
{
    void *handle = box->handle;

    box->handle = NULL;
    return handle;
}

static rn_box *box_hold(rn_box *box)
{
    (void)atomic_fetch_add(&box->holds, 1);
    return box;
}

void rn_box_drop(rn_box *box)
{
    if (box == NULL || atomic_fetch_sub(&box->holds, 1) != 1) {
        return;
    }
    if (box->handle != NULL) {
        box->kind->release(box->handle);
    }
    /* Only now: what it used may go. */
    for (size_t i = 0; i < RN_KEPT_MAX; i++) {
        rn_box_drop(box->keeps[i]);
        rn_callback_drop(box->calls[i]);
    }
    rn_env_drop(box->env);
    free(box);
}

/* Garbage collection of the object, or the end of the environment, which may wait for a tunnel to close. */
static void finalize(napi_env env, void *data, void *hint)
{
    rn_box *box = data;

    (void)env;
    (void)hint;
    if (!box->kind->waits || !rn_submit(box->env, NULL, box)) {
        rn_box_drop(box);
    }
}

static rn_box *new_box(rn_frame *frame, const rn_class *kind, void *handle, bool keep)
{
    rn_box *box = calloc(1, sizeof *box);

    if (box == NULL) {
        kind->release(handle);
        (void)napi_throw_error(frame->self->env, NULL, "out of memory");
        return NULL;
    }
    atomic_init(&box->holds, 1);
    box->kind = kind;
    box->handle = handle;
    box->env = rn_env_hold(frame->self);
    for (size_t i = 0; keep && i < frame->boxes_len; i++) {
        box->keeps[i] = box_hold(frame->boxes[i]);
    }
    for (size_t i = 0; i < frame->calls_len; i++) {
        box->calls[i] = rn_callback_hold(frame->calls[i]);
    }
    return box;
}

napi_value rn_make_handle(rn_frame *frame, const rn_class *kind, void *handle, bool keep)
{
    rn_env *self = frame->self;
    napi_env env = self->env;
    napi_value constructor, object = NULL;
    rn_box *box;
    bool made;

    if (handle == NULL) {
        return rn_null(self);
    }
    box = new_box(frame, kind, handle, keep);
    if (box == NULL) {
        return NULL;
    }
    self->making = true;
    made = rn_ok(env, napi_get_reference_value(env, self->classes[kind->index], &constructor)) &&
           rn_ok(env, napi_new_instance(env, constructor, 0, NULL, &object)) &&
           rn_ok(env, napi_type_tag_object(env, object, &kind->tag)) &&
           rn_ok(env, napi_wrap(env, object, box, finalize, NULL, NULL));
    self->making = false;
    if (!made) {
        rn_box_drop(box);
        return NULL;
    }
    return object;
}

/* Handles come from functions only. */
static napi_value construct(napi_env env, napi_callback_info info)
{
    rn_env *self = NULL;
    napi_value this = NULL;

    if (!rn_ok(env, napi_get_instance_data(env, (void **)&self)) ||
        !rn_ok(env, napi_get_cb_info(env, info, NULL, NULL, &this, NULL))) {
        return NULL;
    }
    if (self == NULL || !self->making) {
        rn_throw_type(env, "constructor", "a call of a function that makes handles");
        return NULL;
    }
    return this;
}

bool rn_define_classes(rn_env *self, napi_value exports, const rn_class *const *classes, size_t len)
{
    napi_env env = self->env;

    for (size_t i = 0; i < len; i++) {
        napi_value constructor;

        if (!rn_ok(env, napi_define_class(env, classes[i]->name, NAPI_AUTO_LENGTH, construct, NULL, 0, NULL, &constructor)) ||
            !rn_ok(env, napi_create_reference(env, constructor, 1, &self->classes[classes[i]->index])) ||
            !rn_ok(env, napi_set_named_property(env, exports, classes[i]->name, constructor))) {
            return false;
        }
    }
    return true;
}

static bool is_of_kind(rn_frame *frame, napi_value value, const char *what, const rn_class *kind)
{
    napi_env env = frame->self->env;
    napi_valuetype type;
    bool tagged = false;

    if (!rn_ok(env, napi_typeof(env, value, &type))) {
        return false;
    }
    if (type == napi_object && !rn_ok(env, napi_check_object_type_tag(env, value, &kind->tag, &tagged))) {
        return false;
    }
    if (!tagged) {
        rn_throw_type(env, what, kind->name);
    }
    return tagged;
}

static bool keep_box(rn_frame *frame, rn_box *box)
{
    if (frame->boxes_len >= RN_KEPT_MAX) {
        (void)napi_throw_error(frame->self->env, NULL, "too many handles in one call");
        return false;
    }
    frame->boxes[frame->boxes_len++] = box_hold(box);
    return true;
}

static bool find_box(rn_frame *frame, napi_value value, const char *what, const rn_class *kind, rn_box **out)
{
    *out = NULL;
    if (!is_of_kind(frame, value, what, kind)) {
        return false;
    }
    /* Closed: the object is of the kind, and nothing is wrapped in it any more. */
    if (napi_unwrap(frame->self->env, value, (void **)out) != napi_ok || *out == NULL) {
        rn_throw_type(frame->self->env, what, "a handle that is not closed");
        return false;
    }
    return true;
}

bool rn_read_handle(rn_frame *frame, napi_value value, const char *what, const rn_class *kind, bool nullable, rn_box **out)
{
    bool absent = false;

    *out = NULL;
    if (nullable && !rn_is_absent(frame, value, &absent)) {
        return false;
    }
    return absent || (find_box(frame, value, what, kind, out) && keep_box(frame, *out));
}

bool rn_read_handles(rn_frame *frame, napi_value value, const char *what, const rn_class *kind, void ***out, size_t *len)
{
    napi_env env = frame->self->env;
    uint32_t count = 0;
    void **handles;

    *out = NULL;
    *len = 0;
    if (!rn_array_len(frame, value, what, &count)) {
        return false;
    }
    handles = rn_block(frame, (count + 1) * sizeof *handles);
    for (uint32_t i = 0; handles != NULL && i < count; i++) {
        napi_value item;
        rn_box *box;

        if (!rn_ok(env, napi_get_element(env, value, i, &item)) || !rn_read_handle(frame, item, what, kind, false, &box)) {
            return false;
        }
        handles[i] = rn_pointer(box);
    }
    *out = handles;
    *len = count;
    return handles != NULL;
}

bool rn_read_cancel(rn_frame *frame, napi_value value, const char *what, const rn_class *kind)
{
    return rn_read_handle(frame, value, what, kind, true, &frame->cancel_box);
}

bool rn_take_handle(rn_frame *frame, napi_value value, const char *what, const rn_class *kind, rn_box **out)
{
    *out = NULL;
    if (!is_of_kind(frame, value, what, kind)) {
        return false;
    }
    if (napi_remove_wrap(frame->self->env, value, (void **)out) != napi_ok) {
        *out = NULL;
    }
    return true;
}

ratls_cancel *rn_cancel_of(const rn_frame *frame)
{
    return frame->cancel_box != NULL ? rn_pointer(frame->cancel_box) : frame->cancel;
}

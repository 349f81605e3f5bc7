/** What the generated calls rest on: the environment, threads, handles, values, functions called from other threads.
 *
 *  Nothing here is static: everything hangs on an rn_env, one for each Node-API environment (the main thread, each
 *  worker). It is counted, because threads of ours and of the core may come back after the environment has gone.
 *  "Main thread" below is the one that runs the environment's JavaScript.
 */
#ifndef RA_TLS_VERIFY_NATIVE_H
#define RA_TLS_VERIFY_NATIVE_H

#include <node_api.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ratls/ratls.h"

enum {
    RN_ARGUMENTS_MAX = 8,
    RN_KEPT_MAX = 16,          /* handles and functions that one call holds */
    RN_BLOCKS_MAX = 24,        /* copies that one call holds */
    RN_THREADS_MAX = 32,       /* of one environment, for calls that wait */
    RN_IDLE_SECONDS = 5,       /* how long a thread without work stays */
    RN_LOG_LINES_MAX = 64,     /* warnings not yet delivered; further ones are lost, and counted */
    RN_BYTES_MAX = 64 << 20,   /* of one argument */
    RN_LIST_MAX = 256,         /* entries of one argument */
    RN_CLASSES_MAX = 16
};

typedef struct rn_env rn_env;
typedef struct rn_frame rn_frame;
typedef struct rn_callback rn_callback;

/* ---- handles: a class of JavaScript for each kind; freed by the last of its object and the calls that use it ---- */

/** One kind of handle. Constant. */
typedef struct {
    const char *name;
    size_t index; /* among the classes of the addon */
    void (*release)(void *handle);
    bool waits; /* releasing may wait: not in a finalizer on the main thread */
    napi_type_tag tag;
} rn_class;

/** A handle of the core with its holders. */
typedef struct rn_box {
    atomic_size_t holds;
    const rn_class *kind;
    void *handle;
    struct rn_box *keeps[RN_KEPT_MAX]; /* handles that it uses for as long as it lives */
    rn_callback *calls[RN_KEPT_MAX];   /* and functions */
    rn_env *env;
} rn_box;

/** The kind of a request, which is made from another thread; the generator's. */
extern const rn_class rn_custom_request_class;

/** The handle inside; NULL for NULL. */
void *rn_pointer(const rn_box *box);
void rn_box_drop(rn_box *box);

/** The handle, which is the caller's from now on. For boxes that rn_take_handle() took. */
void *rn_give(rn_box *box);

/** Make the JavaScript object for a handle; takes the handle over in any case. With `frame`, it keeps what that holds. */
napi_value rn_make_handle(rn_frame *frame, const rn_class *kind, void *handle, bool keep);

/** Define the classes, as properties of `exports`. */
bool rn_define_classes(rn_env *self, napi_value exports, const rn_class *const *classes, size_t len);

/* ---- calls ---- */

/** One function of the core as the generator describes it. Constant. */
typedef struct {
    const char *name;      /* of the property; "Sync" is added where it waits */
    size_t frame_size;     /* of the frame that starts with an rn_frame */
    size_t arguments;
    bool waits;
    bool (*read)(rn_frame *frame, napi_value *arguments);
    void (*run)(rn_frame *frame);                /* on any thread */
    napi_value (*result)(rn_frame *frame);       /* NULL with an exception pending */
    void (*clear)(rn_frame *frame);              /* frees results that nobody took; may be NULL */
} rn_function;

/** One call: its arguments, and later its outcome. */
struct rn_frame {
    const rn_function *function;
    rn_env *self;
    bool copies; /* the call outlives its arguments */
    void *blocks[RN_BLOCKS_MAX];
    size_t blocks_len;
    rn_box *boxes[RN_KEPT_MAX];
    size_t boxes_len;
    rn_callback *calls[RN_KEPT_MAX];
    size_t calls_len;
    rn_box *cancel_box;          /* the caller's */
    ratls_cancel *cancel;        /* our own, where the caller gave none */
    ratls_status status;
    ratls_error *err;
    napi_deferred deferred;
    struct rn_message *message;  /* that it has ended, made before it begins */
    rn_frame *next, *previous;   /* among the calls that run */
};

bool rn_define_functions(rn_env *self, napi_value exports, const rn_function *const *functions, size_t len);

/* ---- arguments: false with an exception pending ---- */

bool rn_read_handle(rn_frame *frame, napi_value value, const char *what, const rn_class *kind, bool nullable, rn_box **out);

/** Take the handle out of its object, which is closed from then on. A handle that is closed already gives NULL. */
bool rn_take_handle(rn_frame *frame, napi_value value, const char *what, const rn_class *kind, rn_box **out);
bool rn_read_cancel(rn_frame *frame, napi_value value, const char *what, const rn_class *kind);
bool rn_read_bytes(rn_frame *frame, napi_value value, const char *what, bool nullable, const uint8_t **out, size_t *len);

/** Text of `len` bytes, which may hold NUL; with `len` NULL a NUL inside is refused. */
bool rn_read_text(rn_frame *frame, napi_value value, const char *what, bool nullable, const char **out, size_t *len);

/** An array of texts, none of which may hold NUL. */
bool rn_read_texts(rn_frame *frame, napi_value value, const char *what, const char *const **out, size_t *len);

/** An array of handles, as an array of what is inside them: pointers to the kind, which only the caller knows. */
bool rn_read_handles(rn_frame *frame, napi_value value, const char *what, const rn_class *kind, void ***out, size_t *len);
bool rn_read_int32(rn_frame *frame, napi_value value, const char *what, int32_t *out);
bool rn_read_int64(rn_frame *frame, napi_value value, const char *what, int64_t *out);
bool rn_read_size(rn_frame *frame, napi_value value, const char *what, size_t *out);

/** A function that any thread may have called, through `rn_log` or `rn_judge`. `shared`: one for equal functions. */
bool rn_read_callback(rn_frame *frame, napi_value value, const char *what, bool nullable, bool shared, rn_callback **out);

/** A member of an options object: *given is false where it is absent, undefined or null. */
bool rn_read_member(rn_frame *frame, napi_value object, const char *name, napi_value *out, bool *given);
bool rn_is_absent(rn_frame *frame, napi_value value, bool *absent);

/** The call's handle to cancel it with; NULL when it has none. */
ratls_cancel *rn_cancel_of(const rn_frame *frame);

/* ---- results: NULL with an exception pending ---- */

napi_value rn_undefined(rn_env *self);
napi_value rn_null(rn_env *self);
napi_value rn_text(rn_env *self, const char *text); /* null for NULL */
napi_value rn_owned_text(rn_env *self, char *text);  /* frees it */
napi_value rn_buffer(rn_env *self, const uint8_t *data, size_t len); /* null for NULL */
napi_value rn_number(rn_env *self, double number);
napi_value rn_bigint(rn_env *self, int64_t number);
napi_value rn_bigint_unsigned(rn_env *self, uint64_t number);
napi_value rn_error(rn_env *self, const ratls_error *error, ratls_status status);
napi_value rn_owned_error(rn_env *self, ratls_error *error); /* null for NULL; frees it */
bool rn_set_number(rn_env *self, napi_value object, const char *name, double number);

/** Memory that lives as long as the call; NULL with an exception pending. */
void *rn_block(rn_frame *frame, size_t len);

/** Length of an array, at most RN_LIST_MAX; false with an exception pending for what is none. */
bool rn_array_len(rn_frame *frame, napi_value value, const char *what, uint32_t *len);

/** True for napi_ok; otherwise an exception is pending. */
bool rn_ok(napi_env env, napi_status status);
void rn_throw_type(napi_env env, const char *what, const char *expected);

/* ---- functions called from other threads ---- */

/** The core's log callback; user is an rn_callback. */
void rn_log(void *user, const char *message);

/** The core's callback for requests; user is an rn_callback. */
void rn_judge(void *user, ratls_custom_request *request);

/** The core lets go of an rn_callback. */
void rn_callback_release(void *user);
rn_callback *rn_callback_hold(rn_callback *callback);
void rn_callback_drop(rn_callback *callback);

/** Reject a request that nobody answered. */
void rn_request_forget(void *request);

#endif

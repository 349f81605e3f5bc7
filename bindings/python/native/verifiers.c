#include <stdatomic.h>
#include <stdbool.h>

#include "native.h"

static const char request_name[] = "ratls_custom_request";
static const char answered_name[] = "ratls_custom_request, answered";

/* Judges at work, and whether new ones may begin: when the interpreter goes away its threads must not wait for it. */
static atomic_int judges_at_work;
static atomic_bool shutting_down;

static ratls_verifier_options common_options(void)
{
    ratls_verifier_options options;

    ratls_verifier_options_init(&options, sizeof options);
    options.log = ratls_py_log;
    return options;
}

ratls_status new_noop_verifier(ratls_verifier **out, ratls_error **err)
{
    ratls_verifier_options options = common_options();

    return ratls_verifier_new_noop(out, &options, err);
}

static void reject_forgotten(PyObject *capsule)
{
    if (PyCapsule_IsValid(capsule, request_name)) {
        ratls_custom_reject(PyCapsule_GetPointer(capsule, request_name), RATLS_CLASS_UNAVAILABLE, "it gave no answer");
    }
}

const ratls_custom_request *ratls_py_peek_request(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, request_name);
}

ratls_custom_request *ratls_py_take_request(PyObject *capsule)
{
    ratls_custom_request *request = PyCapsule_GetPointer(capsule, request_name);

    /* The name is what makes the pointer reachable: whoever renames first owns the answer. */
    if (request == NULL || PyCapsule_SetName(capsule, answered_name) != 0) {
        return NULL;
    }
    return request;
}

void custom_quote(const ratls_custom_request *request, const uint8_t **bytes, size_t *bytes_len)
{
    *bytes = ratls_custom_quote(request, bytes_len);
}

/* Give the request to the judge; consumed in any case. */
static void ask_judge(PyObject *judge, ratls_custom_request *request)
{
    PyObject *capsule = PyCapsule_New(request, request_name, reject_forgotten);
    PyObject *answer;

    if (capsule == NULL) {
        PyErr_Clear();
        ratls_custom_reject(request, RATLS_CLASS_UNAVAILABLE, "out of memory");
        return;
    }
    answer = PyObject_CallFunctionObjArgs(judge, capsule, NULL);
    if (answer == NULL) {
        PyErr_WriteUnraisable(judge);
    }
    Py_XDECREF(answer);
    Py_DECREF(capsule);
}

static void on_request(void *user, ratls_custom_request *request)
{
    atomic_fetch_add(&judges_at_work, 1);
    if (atomic_load(&shutting_down)) {
        ratls_custom_reject(request, RATLS_CLASS_UNAVAILABLE, "the interpreter is shutting down");
    } else {
        PyGILState_STATE state = PyGILState_Ensure();

        ask_judge(user, request);
        PyGILState_Release(state);
    }
    atomic_fetch_sub(&judges_at_work, 1);
}

static void release_judge(void *user)
{
    if (!atomic_load(&shutting_down)) {
        PyGILState_STATE state = PyGILState_Ensure();

        Py_DECREF((PyObject *)user);
        PyGILState_Release(state);
    }
}

ratls_status new_custom_verifier(ratls_verifier **out, PyObject *judge, ratls_error **err)
{
    ratls_verifier_options options = common_options();
    ratls_status status;

    Py_INCREF(judge);
    status = ratls_verifier_new_custom(out, on_request, judge, release_judge, &options, err);
    if (status != RATLS_OK) {
        Py_DECREF(judge);
    }
    return status;
}

int begin_shutdown(void)
{
    atomic_store(&shutting_down, true);
    return atomic_load(&judges_at_work);
}

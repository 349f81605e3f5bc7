#include "native.h"

/* Freeing may wait for threads of the library, and those may wait for the interpreter. */
#define DEFINE_HANDLE(name, type, release)                              \
    static void free_##name(PyObject *capsule)                          \
    {                                                                   \
        type *handle = PyCapsule_GetPointer(capsule, #type);            \
                                                                        \
        Py_BEGIN_ALLOW_THREADS                                          \
        release(handle);                                                \
        Py_END_ALLOW_THREADS                                            \
    }                                                                   \
    PyObject *ratls_py_##name(type *handle)                             \
    {                                                                   \
        PyObject *capsule;                                              \
                                                                        \
        if (handle == NULL) {                                           \
            Py_RETURN_NONE;                                             \
        }                                                               \
        capsule = PyCapsule_New(handle, #type, free_##name);            \
        if (capsule == NULL) {                                          \
            release(handle);                                            \
        }                                                               \
        return capsule;                                                 \
    }

DEFINE_HANDLE(quote, ratls_quote, ratls_quote_free)
DEFINE_HANDLE(policy, ratls_policy, ratls_policy_free)
DEFINE_HANDLE(verifier, ratls_verifier, ratls_verifier_free)
DEFINE_HANDLE(cancel, ratls_cancel, ratls_cancel_free)
DEFINE_HANDLE(result, ratls_result, ratls_result_free)
DEFINE_HANDLE(tunnel, ratls_tunnel, ratls_tunnel_close)
DEFINE_HANDLE(leader, ratls_leader, ratls_leader_free)
DEFINE_HANDLE(leader_record, ratls_leader_record, ratls_leader_record_free)

PyObject *ratls_py_exception(const ratls_error *error, ratls_status status)
{
    PyObject *module = PyImport_ImportModule("ra_tls_verify._errors");
    PyObject *exception = NULL;

    if (module == NULL) {
        return NULL;
    }
    if (error == NULL) {
        exception = PyObject_CallMethod(module, "from_code", "s", ratls_status_name(status));
    } else {
        exception = PyObject_CallMethod(module, "from_json", "zz", ratls_error_json(error, RATLS_SPELLING_PYTHON),
                                        ratls_error_tcb_json(error));
    }
    Py_DECREF(module);
    return exception;
}

void ratls_py_raise(const ratls_error *error, ratls_status status)
{
    PyObject *exception = ratls_py_exception(error, status);

    if (exception != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
        Py_DECREF(exception);
    }
}

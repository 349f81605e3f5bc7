/** What the generated wrapper needs by hand: handles as capsules, errors as exceptions, option structs from flat
 *  arguments, callbacks.
 *
 *  A handle is a capsule with a destructor: freed exactly once, by the last one who holds it, so neither a leak nor a
 *  double free can be written in Python. A call holds its arguments, so a handle outlives the call that uses it.
 */
#ifndef RA_TLS_VERIFY_NATIVE_H
#define RA_TLS_VERIFY_NATIVE_H

#include <Python.h>
#include <stdbool.h>

#include "ratls/ratls.h"

/* ---- handles: None for NULL; NULL with an exception when it fails, and then the handle is freed ---- */

PyObject *ratls_py_quote(ratls_quote *quote);
PyObject *ratls_py_policy(ratls_policy *policy);
PyObject *ratls_py_verifier(ratls_verifier *verifier);
PyObject *ratls_py_cancel(ratls_cancel *cancel);
PyObject *ratls_py_result(ratls_result *result);
PyObject *ratls_py_tunnel(ratls_tunnel *tunnel);
PyObject *ratls_py_leader(ratls_leader *leader);
PyObject *ratls_py_leader_record(ratls_leader_record *record);

/* ---- errors ---- */

/** The exception for a failure: a new instance, not raised; NULL with another exception when it cannot be made. */
PyObject *ratls_py_exception(const ratls_error *error, ratls_status status);

/** Raise it. `error` may be NULL (out of memory), then `status` tells. */
void ratls_py_raise(const ratls_error *error, ratls_status status);

/* ---- signals ---- */

/** Make a call from Python's main thread, without the interpreter's lock, and run the handlers of signals meanwhile. False when
 *  one of them raised: then `cancel` was triggered, its exception is set, and the call ended. */
bool ratls_py_watch(void (*run)(void *argument), void *argument, ratls_cancel *cancel);

/* ---- verifiers and tunnels from flat arguments ---- */

/** given: a dict of settings by their names in C. These four need the interpreter's lock, and let go of it. */
ratls_status new_dcap_verifier(ratls_verifier **out, PyObject *given, ratls_error **err);
ratls_status warm(ratls_verifier *verifier, PyObject *given, ratls_cancel *cancel, ratls_error **err);
ratls_status fetch_collateral(char **json, ratls_verifier *verifier, PyObject *given, ratls_cancel *cancel, ratls_error **err);
ratls_status check_collateral(char **json, ratls_verifier *verifier, PyObject *given, ratls_cancel *cancel, ratls_error **err);
ratls_status new_noop_verifier(ratls_verifier **out, ratls_error **err);

/** A new handle, from a dict of settings by their names in C; or NULL with an exception. */
PyObject *new_intel_verifier(PyObject *given);

/** A new handle, from a list of handles; or NULL with an exception. */
PyObject *new_combined_verifier(PyObject *handles, int all);

/** judge: called with a request for every quote, on a thread of the library. */
ratls_status new_custom_verifier(ratls_verifier **out, PyObject *judge, ratls_error **err);

/** The quote of a request that is not answered yet; nothing for one that is. */
void custom_quote(const ratls_custom_request *request, const uint8_t **bytes, size_t *bytes_len);

/** From now on requests are rejected at once. Returns how many judges are at work. */
int begin_shutdown(void);

/** given: a dict of settings by their names in C. watched: it is Python's main thread that calls, and a handler of a signal that
 *  raises ends the opening. Needs the interpreter's lock, and lets go of it. */
ratls_status open_tunnel(
    ratls_tunnel **out, ratls_verifier *verifier, PyObject *given, const ratls_verify_options *verify, ratls_cancel *cancel,
    int32_t watched, ratls_error **err);

/** given: a dict of settings by their names in C. Needs the interpreter's lock, and lets go of it. */
ratls_status new_leader(ratls_leader **out, PyObject *given, ratls_error **err);

/** given: a dict of url and the settings of ratls_report_fetch_options. Needs the interpreter's lock, and lets go of it. */
ratls_status fetch_report(char **body, PyObject *given, ratls_cancel *cancel, ratls_error **err);

/* ---- requests ---- */

/** Take the request out of its capsule, for the one answer; NULL with an exception when it was answered. */
ratls_custom_request *ratls_py_take_request(PyObject *capsule);
const ratls_custom_request *ratls_py_peek_request(PyObject *capsule);

/* ---- the log ---- */

/** The core's log callback: keeps the line, takes no lock of Python's. */
void ratls_py_log(void *user, const char *message);

/** Take the lines that were kept since the last time, as a list of str; the last says how many were lost, if any. */
PyObject *drain_log(void);

/** Once, when the module is loaded. */
void ratls_py_log_init(void);

#endif

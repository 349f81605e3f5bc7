/* The Python extension: the public header as it stands, with functions and constants only. Handles are capsules,
 * failures raise, bytes are not copied on their way in. What needs an option struct is a function of native.h. */
%module(package="ra_tls_verify", threads="1") core

%{
#include "native.h"
%}

%init %{
ratls_py_log_init();
%}

%include <stdint.i>

/* ---- failures: the status decides, the error becomes the exception ---- */

%typemap(out) ratls_status "$result = SWIG_Py_Void();"
%typemap(in, numinputs=0) ratls_error **err (ratls_error *error = NULL) "$1 = &error;"
%typemap(argout) ratls_error **err {
  if (result != RATLS_OK) {
    Py_CLEAR($result);
    if (!PyErr_Occurred()) ratls_py_raise(*$1, result); /* what a signal's handler raised stands */
    SWIG_fail;
  }
}
%typemap(freearg) ratls_error **err "if ($1 != NULL) ratls_error_free(*$1);"
%typemap(out) ratls_error * {
  if ($1 == NULL) {
    $result = SWIG_Py_Void();
  } else {
    $result = ratls_py_exception($1, RATLS_ERR_INTERNAL);
    ratls_error_free($1);
    if ($result == NULL) SWIG_fail;
  }
}

/* ---- handles ---- */

%define RATLS_HANDLE(name)
%typemap(in) ratls_ ## name *, const ratls_ ## name * {
  $1 = ($1_ltype)PyCapsule_GetPointer($input, "ratls_" "name");
  if ($1 == NULL) SWIG_fail;
}
%typemap(in, numinputs=0) ratls_ ## name **out (ratls_ ## name *made = NULL) "$1 = &made;"
%typemap(argout) ratls_ ## name **out {
  PyObject *handle = ratls_py_ ## name(*$1);
  if (handle == NULL) { Py_CLEAR($result); SWIG_fail; }
  $result = SWIG_Python_AppendOutput($result, handle, 1);
}
%enddef
RATLS_HANDLE(quote)
RATLS_HANDLE(policy)
RATLS_HANDLE(verifier)
RATLS_HANDLE(cancel)
RATLS_HANDLE(result)
RATLS_HANDLE(tunnel)
RATLS_HANDLE(leader)
RATLS_HANDLE(leader_record)

%typemap(in) ratls_cancel *cancel {
  if ($input != Py_None) {
    $1 = ($1_ltype)PyCapsule_GetPointer($input, "ratls_cancel");
    if ($1 == NULL) SWIG_fail;
  }
}
%typemap(in) ratls_cancel *trigger {
  $1 = ($1_ltype)PyCapsule_GetPointer($input, "ratls_cancel");
  if ($1 == NULL) SWIG_fail;
}
%typemap(in) const ratls_verify_options *options {
  if ($input != Py_None) {
    ratls_policy *policy = PyCapsule_GetPointer($input, "ratls_policy");
    if (policy == NULL) SWIG_fail;
    $1 = ($1_ltype)ratls_policy_options(policy);
  }
}
%typemap(in) const ratls_custom_request *request {
  $1 = ($1_ltype)ratls_py_peek_request($input);
  if ($1 == NULL) SWIG_fail;
}
/* Last parameter of the functions that have it, so that nothing can fail once the request is taken. */
%typemap(in) ratls_custom_request *answered {
  $1 = ratls_py_take_request($input);
  if ($1 == NULL) SWIG_fail;
}
%typemap(in) PyObject *judge "$1 = $input;"
%typemap(in) PyObject *given {
  if (!PyDict_Check($input)) { PyErr_SetString(PyExc_TypeError, "a dict is needed"); SWIG_fail; }
  $1 = $input;
}
%typemap(in) PyObject *handles {
  if (!PyList_Check($input)) { PyErr_SetString(PyExc_TypeError, "a list is needed"); SWIG_fail; }
  $1 = $input;
}
%typemap(out) PyObject * "$result = $1; if ($result == NULL) SWIG_fail;"

/* ---- bytes and text: borrowed from the argument, which the call holds ---- */

%typemap(in) (const uint8_t *BYTES, size_t LENGTH) {
  char *data;
  Py_ssize_t length;
  if (PyBytes_AsStringAndSize($input, &data, &length) != 0) SWIG_fail;
  $1 = ($1_ltype)data;
  $2 = (size_t)length;
}
%typemap(in) (const uint8_t *OPTIONAL, size_t LENGTH) {
  $1 = NULL;
  $2 = 0;
  if ($input != Py_None) {
    char *data;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize($input, &data, &length) != 0) SWIG_fail;
    $1 = ($1_ltype)data;
    $2 = (size_t)length;
  }
}
/* Text, or bytes that may be none: the core judges them. */
%typemap(in) (const char *TEXT, size_t LENGTH) {
  Py_ssize_t length;
  if (PyBytes_Check($input)) {
    char *data;
    if (PyBytes_AsStringAndSize($input, &data, &length) != 0) SWIG_fail;
    $1 = ($1_ltype)data;
  } else {
    $1 = ($1_ltype)PyUnicode_AsUTF8AndSize($input, &length);
    if ($1 == NULL) SWIG_fail;
  }
  $2 = (size_t)length;
}
/* A text that C would read as a shorter one is refused. */
%typemap(in) const char *TERMINATED {
  Py_ssize_t length;
  $1 = ($1_ltype)PyUnicode_AsUTF8AndSize($input, &length);
  if ($1 == NULL) SWIG_fail;
  if (strlen($1) != (size_t)length) {
    PyErr_SetString(PyExc_ValueError, "embedded null character");
    SWIG_fail;
  }
}
%typemap(in) const char *OPTIONAL_TERMINATED {
  if ($input != Py_None) {
    Py_ssize_t length;
    $1 = ($1_ltype)PyUnicode_AsUTF8AndSize($input, &length);
    if ($1 == NULL) SWIG_fail;
    if (strlen($1) != (size_t)length) {
      PyErr_SetString(PyExc_ValueError, "embedded null character");
      SWIG_fail;
    }
  }
}
%typemap(freearg) const char *TERMINATED, const char *OPTIONAL_TERMINATED "";
%apply const char *TERMINATED { const char *host, const char *reason };
%apply const char *OPTIONAL_TERMINATED { const char *server_name };
%apply (const uint8_t *BYTES, size_t LENGTH) {
  (const uint8_t *der, size_t der_len), (const uint8_t *quote, size_t quote_len),
  (const uint8_t *evidence, size_t evidence_len), (const uint8_t *file, size_t file_len) };
%apply (const char *TEXT, size_t LENGTH) {
  (const char *json, size_t json_len), (const char *claims, size_t claims_len) };

%typemap(in, numinputs=0) (uint8_t **quote, size_t *quote_len) (uint8_t *made = NULL, size_t made_len = 0) {
  $1 = &made;
  $2 = &made_len;
}
%typemap(argout) (uint8_t **quote, size_t *quote_len) {
  PyObject *bytes = *$1 == NULL ? SWIG_Py_Void() : PyBytes_FromStringAndSize((const char *)*$1, (Py_ssize_t)*$2);
  if (bytes == NULL) { Py_CLEAR($result); SWIG_fail; }
  $result = SWIG_Python_AppendOutput($result, bytes, 1);
}
%typemap(freearg) (uint8_t **quote, size_t *quote_len) "if ($1 != NULL) ratls_bytes_free(*$1);"

%typemap(in, numinputs=0) (const uint8_t **bytes, size_t *bytes_len) (const uint8_t *seen = NULL, size_t seen_len = 0) {
  $1 = ($1_ltype)&seen;
  $2 = &seen_len;
}
%typemap(argout) (const uint8_t **bytes, size_t *bytes_len) {
  PyObject *copy = PyBytes_FromStringAndSize((const char *)*$1, (Py_ssize_t)*$2);
  if (copy == NULL) { Py_CLEAR($result); SWIG_fail; }
  $result = SWIG_Python_AppendOutput($result, copy, 1);
}
%typemap(in, numinputs=0) char **json (char *written = NULL) "$1 = &written;"
%typemap(argout) char **json {
  PyObject *text = *$1 == NULL ? SWIG_Py_Void() : PyUnicode_FromString(*$1);
  if (text == NULL) { Py_CLEAR($result); SWIG_fail; }
  $result = SWIG_Python_AppendOutput($result, text, 1);
}
%typemap(freearg) char **json "if ($1 != NULL) ratls_bytes_free(*$1);"
%apply char **json { char **hash };
%typemap(in, numinputs=0) char **body (char *fetched = NULL) "$1 = &fetched;"
%typemap(argout) char **body {
  PyObject *bytes = *$1 == NULL ? SWIG_Py_Void() : PyBytes_FromString(*$1);
  if (bytes == NULL) { Py_CLEAR($result); SWIG_fail; }
  $result = SWIG_Python_AppendOutput($result, bytes, 1);
}
%typemap(freearg) char **body "if ($1 != NULL) ratls_bytes_free(*$1);"
%newobject ratls_tunnel_stats;
%typemap(newfree) char * "ratls_bytes_free($1);"

/* ---- what stays out: structs, who fills them, who frees, and what the JSON says already ---- */

%rename("$ignore", regexmatch$name="_free$") "";
%rename("$ignore", regexmatch$name="_options(_init)?$") "";
%rename("$ignore", regexmatch$name="^ratls_(error|verifier_new|quote_text|result_(text|flag|number|list))") "";
%rename("$ignore", regexmatch$name="^ratls_leader_(new|record_(host|port|url|instance|cluster|epoch|valid_until))$") "";
%ignore ratls_pin;
%ignore ratls_report_fetch;
%ignore ratls_verifier_warm;
%ignore ratls_collateral_fetch;
%ignore ratls_collateral_check;
%ignore ratls_quote_policy;
%ignore ratls_tunnel_open;
%ignore ratls_tunnel_fetch_certificate;
%ignore ratls_tunnel_close;
%ignore ratls_custom_quote;
%ignore ratls_custom_accept;
%ignore ratls_custom_reject;
%ignore ratls_cancel_trigger;

/* ---- what holds the interpreter: short, and never waits ---- */

%nothread ratls_version;
%nothread ratls_abi_version;
%nothread ratls_status_name;
%nothread ratls_status_class;
%nothread ratls_quote_json;
%nothread ratls_policy_options;
%nothread ratls_result_json;
%nothread ratls_leader_record_json;
%nothread ratls_tunnel_directory;
%nothread ratls_tunnel_port;
%nothread new_custom_verifier; /* keeps a reference */
%nothread new_intel_verifier;
%nothread new_combined_verifier;
%nothread custom_quote;
%nothread new_leader; /* these let go of the interpreter themselves */
%nothread new_dcap_verifier;
%nothread warm;
%nothread fetch_collateral;
%nothread check_collateral;
%nothread fetch_report;
%nothread open_tunnel;
%nothread begin_shutdown;
%nothread drain_log;

%include "ratls/codes.h"
%include "ratls/ratls.h"

ratls_status new_dcap_verifier(ratls_verifier **out, PyObject *given, ratls_error **err);
ratls_status warm(ratls_verifier *verifier, PyObject *given, ratls_cancel *cancel, ratls_error **err);
ratls_status fetch_collateral(char **json, ratls_verifier *verifier, PyObject *given, ratls_cancel *cancel, ratls_error **err);
ratls_status check_collateral(char **json, ratls_verifier *verifier, PyObject *given, ratls_cancel *cancel, ratls_error **err);
ratls_status new_noop_verifier(ratls_verifier **out, ratls_error **err);
PyObject *new_intel_verifier(PyObject *given);
PyObject *new_combined_verifier(PyObject *handles, int all);
ratls_status new_custom_verifier(ratls_verifier **out, PyObject *judge, ratls_error **err);
void custom_quote(const ratls_custom_request *request, const uint8_t **bytes, size_t *bytes_len);
int begin_shutdown(void);
ratls_status open_tunnel(
    ratls_tunnel **out, ratls_verifier *verifier, PyObject *given, const ratls_verify_options *options, ratls_cancel *cancel,
    int32_t watched, ratls_error **err);
ratls_status new_leader(ratls_leader **out, PyObject *given, ratls_error **err);
ratls_status fetch_report(char **body, PyObject *given, ratls_cancel *cancel, ratls_error **err);
PyObject *drain_log(void);

%inline %{
static void custom_accept(const char *claims, size_t claims_len, ratls_custom_request *answered)
{
    ratls_custom_accept(answered, claims, claims_len);
}

static void custom_reject(const char *reason, int32_t status_class, ratls_custom_request *answered)
{
    ratls_custom_reject(answered, status_class, reason);
}

static void trigger_cancel(ratls_cancel *trigger)
{
    ratls_cancel_trigger(trigger);
}
%}

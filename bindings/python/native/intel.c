/* Verifiers whose settings are too many for flat arguments, and those made of others. */
#include <stdbool.h>
#include <string.h>

#include "native.h"

enum { INTEL_LIST_MAX = 16, INTEL_LISTS = 3 };

typedef enum {
    SETTING_TEXT,
    SETTING_LIST,
    SETTING_BYTES,
    SETTING_INT32,
    SETTING_INT64
} setting_kind;

/* Where a setting goes; a list and bytes have their length in the member after the pointer. */
typedef struct {
    const char *name;
    setting_kind kind;
    size_t offset;
} setting;

static const setting settings_known[] = {
    {"api_key", SETTING_TEXT, offsetof(ratls_intel_options, api_key)},
    {"region", SETTING_TEXT, offsetof(ratls_intel_options, region)},
    {"base_url", SETTING_TEXT, offsetof(ratls_intel_options, base_url)},
    {"portal_url", SETTING_TEXT, offsetof(ratls_intel_options, portal_url)},
    {"policy_ids", SETTING_LIST, offsetof(ratls_intel_options, policy_ids)},
    {"allowed_algorithms", SETTING_LIST, offsetof(ratls_intel_options, allowed_algorithms)},
    {"crl_hosts", SETTING_LIST, offsetof(ratls_intel_options, crl_hosts)},
    {"pinned_roots", SETTING_BYTES, offsetof(ratls_intel_options, pinned_roots)},
    {"ca", SETTING_BYTES, offsetof(ratls_intel_options, ca)},
    {"proxy", SETTING_TEXT, offsetof(ratls_intel_options, proxy)},
    {"no_proxy", SETTING_TEXT, offsetof(ratls_intel_options, no_proxy)},
    {"attempt_timeout_ms", SETTING_INT64, offsetof(ratls_intel_options, attempt_timeout_ms)},
    {"http_connect_timeout_ms", SETTING_INT64, offsetof(ratls_intel_options, http_connect_timeout_ms)},
    {"api_version", SETTING_INT32, offsetof(ratls_intel_options, api_version)},
    {"attempts", SETTING_INT32, offsetof(ratls_intel_options, attempts)},
    {"requests_per_second", SETTING_INT32, offsetof(ratls_intel_options, requests_per_second)},
    {"crl_policy", SETTING_INT32, offsetof(ratls_intel_options, crl_policy)},
    {"min_rsa_bits", SETTING_INT32, offsetof(ratls_intel_options, min_rsa_bits)},
    {"policy_must_match", SETTING_INT32, offsetof(ratls_intel_options, policy_must_match)},
    {"allow_unmatched_policies", SETTING_INT32, offsetof(ratls_intel_options, allow_unmatched_policies)},
    {"relaxed_chain", SETTING_INT32, offsetof(ratls_intel_options, relaxed_chain)},
};

typedef struct {
    ratls_intel_options options;
    const char *entries[INTEL_LISTS][INTEL_LIST_MAX];
    size_t lists_len;
} intel_settings;

/* A text that C would read as a shorter one is refused. Borrowed from the object. */
static bool read_text(const char **out, PyObject *value)
{
    Py_ssize_t length = 0;

    *out = PyUnicode_AsUTF8AndSize(value, &length);
    if (*out != NULL && strlen(*out) != (size_t)length) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        *out = NULL;
    }
    return *out != NULL;
}

static bool read_list(const char *const **out, size_t *out_len, intel_settings *settings, PyObject *value)
{
    const char **entries = settings->entries[settings->lists_len++];
    Py_ssize_t length = PyList_Size(value);

    if (length < 0 || length > INTEL_LIST_MAX) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "a list of more than 16 entries");
        }
        return false;
    }
    for (Py_ssize_t i = 0; i < length; i++) {
        if (!read_text(&entries[i], PyList_GetItem(value, i))) {
            return false;
        }
    }
    *out = entries;
    *out_len = (size_t)length;
    return true;
}

static bool read_bytes(const uint8_t **out, size_t *out_len, PyObject *value)
{
    Py_ssize_t length = 0;
    char *data = NULL;

    if (PyBytes_AsStringAndSize(value, &data, &length) != 0) {
        return false;
    }
    *out = (const uint8_t *)data;
    *out_len = (size_t)length;
    return true;
}

static bool read_number(int64_t *out, PyObject *value, int64_t least, int64_t most)
{
    *out = PyLong_AsLongLong(value);
    if (*out == -1 && PyErr_Occurred()) {
        return false;
    }
    if (*out < least || *out > most) {
        PyErr_SetString(PyExc_OverflowError, "a number that is too large");
        return false;
    }
    return true;
}

static bool read_setting(intel_settings *settings, const setting *row, PyObject *value)
{
    void *place = (char *)&settings->options + row->offset;
    int64_t number = 0;

    switch (row->kind) {
    case SETTING_TEXT:
        return read_text(place, value);
    case SETTING_LIST:
        return read_list(place, (size_t *)((char *)place + sizeof(void *)), settings, value);
    case SETTING_BYTES:
        return read_bytes(place, (size_t *)((char *)place + sizeof(void *)), value);
    case SETTING_INT64:
        return read_number(place, value, INT64_MIN, INT64_MAX);
    default:
        if (!read_number(&number, value, INT32_MIN, INT32_MAX)) {
            return false;
        }
        *(int32_t *)place = (int32_t)number;
        return true;
    }
}

/* None stands for "not given". */
static bool read_settings(intel_settings *settings, PyObject *given)
{
    for (size_t i = 0; i < sizeof settings_known / sizeof settings_known[0]; i++) {
        PyObject *value = PyDict_GetItemString(given, settings_known[i].name);

        if (value != NULL && value != Py_None && !read_setting(settings, &settings_known[i], value)) {
            return false;
        }
    }
    return true;
}

PyObject *new_intel_verifier(PyObject *given)
{
    intel_settings settings = {.lists_len = 0};
    ratls_verifier *verifier = NULL;
    ratls_error *error = NULL;
    ratls_status status;

    ratls_intel_options_init(&settings.options, sizeof settings.options);
    settings.options.log = ratls_py_log;
    if (!read_settings(&settings, given)) {
        return NULL;
    }
    status = ratls_verifier_new_intel(&verifier, &settings.options, &error);
    if (status != RATLS_OK) {
        ratls_py_raise(error, status);
        ratls_error_free(error);
        return NULL;
    }
    return ratls_py_verifier(verifier);
}

PyObject *new_combined_verifier(PyObject *handles, int all)
{
    ratls_verifier *verifiers[RATLS_COMBINED_MAX] = {NULL};
    ratls_verifier_options options;
    ratls_verifier *verifier = NULL;
    ratls_error *error = NULL;
    Py_ssize_t length = PyList_Size(handles);
    ratls_status status;

    ratls_verifier_options_init(&options, sizeof options);
    options.log = ratls_py_log;
    for (Py_ssize_t i = 0; i < length && i < RATLS_COMBINED_MAX; i++) {
        verifiers[i] = PyCapsule_GetPointer(PyList_GetItem(handles, i), "ratls_verifier");
        if (verifiers[i] == NULL) {
            return NULL;
        }
    }
    if (length < 0) {
        return NULL;
    }
    status = all ? ratls_verifier_new_all(&verifier, verifiers, (size_t)length, &options, &error)
                 : ratls_verifier_new_first(&verifier, verifiers, (size_t)length, &options, &error);
    if (status != RATLS_OK) {
        ratls_py_raise(error, status);
        ratls_error_free(error);
        return NULL;
    }
    return ratls_py_verifier(verifier);
}

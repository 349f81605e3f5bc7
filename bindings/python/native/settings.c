#include "settings.h"

#include <string.h>

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

static bool read_list(const char *const **out, size_t *out_len, ratls_py_lists *lists, PyObject *value)
{
    Py_ssize_t length = PyList_Size(value);
    const char **entries;

    if (length < 0) {
        return false;
    }
    if (length > RATLS_PY_LIST_MAX || lists->used == RATLS_PY_LISTS) {
        PyErr_SetString(PyExc_ValueError, "a list of more than 16 entries, or too many lists");
        return false;
    }
    entries = lists->entries[lists->used++];
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

static bool read_setting(void *options, ratls_py_lists *lists, const ratls_py_setting *row, PyObject *value)
{
    void *place = (char *)options + row->offset;
    int64_t number = 0;

    switch (row->kind) {
    case RATLS_PY_TEXT:
        return read_text(place, value);
    case RATLS_PY_LIST:
        return read_list(place, (size_t *)((char *)place + sizeof(void *)), lists, value);
    case RATLS_PY_BYTES:
        return read_bytes(place, (size_t *)((char *)place + sizeof(void *)), value);
    case RATLS_PY_LEADER:
        *(ratls_leader **)place = PyCapsule_GetPointer(value, "ratls_leader");
        return *(ratls_leader **)place != NULL;
    case RATLS_PY_INT64:
        return read_number(place, value, INT64_MIN, INT64_MAX);
    default:
        if (!read_number(&number, value, INT32_MIN, INT32_MAX)) {
            return false;
        }
        *(int32_t *)place = (int32_t)number;
        return true;
    }
}

bool ratls_py_read_settings(
    void *options, ratls_py_lists *lists, const ratls_py_setting *rows, size_t rows_len, PyObject *given)
{
    for (size_t i = 0; i < rows_len; i++) {
        PyObject *value = PyDict_GetItemString(given, rows[i].name);

        if (value != NULL && value != Py_None && !read_setting(options, lists, &rows[i], value)) {
            return false;
        }
    }
    return true;
}

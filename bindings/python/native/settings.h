/** Option structs of the core from a dict: settings by their names in C. None stands for "not given". */
#ifndef RA_TLS_VERIFY_SETTINGS_H
#define RA_TLS_VERIFY_SETTINGS_H

#include <stddef.h>

#include "native.h"

enum { RATLS_PY_LIST_MAX = 16, RATLS_PY_LISTS = 4 };

typedef enum {
    RATLS_PY_TEXT,
    RATLS_PY_LIST,
    RATLS_PY_BYTES,
    RATLS_PY_INT32,
    RATLS_PY_INT64,
    RATLS_PY_LEADER
} ratls_py_kind;

/** Where a setting goes in its struct; a list and bytes have their length in the member after the pointer. */
typedef struct {
    const char *name;
    ratls_py_kind kind;
    size_t offset;
} ratls_py_setting;

/** What the lists of a struct point to, for as long as the struct is used. */
typedef struct {
    const char *entries[RATLS_PY_LISTS][RATLS_PY_LIST_MAX];
    size_t used;
} ratls_py_lists;

/** Write what is given into the struct. Texts, bytes and handles are borrowed from the dict. False with an exception. */
bool ratls_py_read_settings(
    void *options, ratls_py_lists *lists, const ratls_py_setting *rows, size_t rows_len, PyObject *given);

#endif

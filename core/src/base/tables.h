/** Rows of the three tables (core/tables), generated. */
#ifndef RATLS_BASE_TABLES_H
#define RATLS_BASE_TABLES_H

#include <string.h>

#include "ratls/ratls.h"

enum { RATLS_SPELLING_COUNT = 5 };

typedef struct {
    ratls_status value;
    int32_t status_class;
    const char *name; /* behind its NUL the stage, and then the message: a template with {detail}, {option:name}, {set:name} */
} ratls_code_row;

enum { RATLS_CODE_STAGE = 1, RATLS_CODE_MESSAGE = 2 };

/** The nth of texts that lie behind each other: one pointer for all, since each costs a relocation. */
static inline const char *ratls_nth_text(const char *texts, size_t n)
{
    for (; n > 0; n--) {
        texts += strlen(texts) + 1;
    }
    return texts;
}

extern const ratls_code_row ratls_code_rows[];
extern const size_t ratls_code_row_count;

typedef enum {
    RATLS_TYPE_HEX,
    RATLS_TYPE_TEXT,
    RATLS_TYPE_FLAG,
    RATLS_TYPE_NUMBER,
    RATLS_TYPE_LIST,
    RATLS_TYPE_TIME,
    RATLS_TYPE_JSON
} ratls_field_type;

typedef enum {
    RATLS_PIN_NONE,
    RATLS_PIN_FIELD,
    RATLS_PIN_APPLICATION /* also names the application: counts only under firmware pins */
} ratls_pin_kind;

typedef struct {
    const char *name;
    ratls_field_type type;
    ratls_pin_kind pin;
    int in_result;
    int in_inspect;
    int td_offset;  /* in the TD report body, -1: not there */
    int sgx_offset; /* in the enclave report body, -1: not there */
    size_t length;  /* bytes of a hex field, 0: variable */
} ratls_field_row;

extern const ratls_field_row ratls_field_rows[RATLS_FIELD_COUNT];

typedef struct {
    const char *name; /* behind its NUL type and scope, and then its spellings */
} ratls_option_row;

enum { RATLS_OPTION_SCOPE = 2, RATLS_OPTION_SPELLINGS = 3 };

extern const ratls_option_row ratls_option_rows[];
extern const size_t ratls_option_row_count;

#endif

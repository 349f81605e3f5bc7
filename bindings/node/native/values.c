/* Between JavaScript's values and C's. Every status is looked at; what does not fit is refused, nothing is cut. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"

bool rn_ok(napi_env env, napi_status status)
{
    const napi_extended_error_info *info = NULL;
    bool pending = false;

    if (status == napi_ok) {
        return true;
    }
    /* Which call failed is forgotten by the next one. */
    if (napi_get_last_error_info(env, &info) != napi_ok || napi_is_exception_pending(env, &pending) != napi_ok || pending) {
        return false;
    }
    (void)napi_throw_error(env, NULL, info != NULL && info->error_message != NULL ? info->error_message : "Node-API failed");
    return false;
}

void rn_throw_type(napi_env env, const char *what, const char *expected)
{
    enum { MESSAGE_MAX = 160 };
    static const char between[] = ": expected ";
    char message[MESSAGE_MAX];
    size_t what_len = strlen(what), expected_len = strlen(expected);

    if (what_len + expected_len + sizeof between > MESSAGE_MAX) {
        (void)napi_throw_type_error(env, NULL, "an argument has the wrong type");
        return;
    }
    memcpy(message, what, what_len);
    memcpy(message + what_len, between, sizeof between - 1);
    memcpy(message + what_len + sizeof between - 1, expected, expected_len + 1);
    (void)napi_throw_type_error(env, NULL, message);
}

/* ---- arguments ---- */

bool rn_is_absent(rn_frame *frame, napi_value value, bool *absent)
{
    napi_valuetype type;

    if (!rn_ok(frame->self->env, napi_typeof(frame->self->env, value, &type))) {
        return false;
    }
    *absent = type == napi_undefined || type == napi_null;
    return true;
}

void *rn_block(rn_frame *frame, size_t len)
{
    void *block = frame->blocks_len < RN_BLOCKS_MAX ? malloc(len) : NULL;

    if (block == NULL) {
        (void)napi_throw_error(frame->self->env, NULL, "out of memory");
        return NULL;
    }
    frame->blocks[frame->blocks_len++] = block;
    return block;
}

static bool uint8_array(rn_frame *frame, napi_value value, const char *what, const uint8_t **data, size_t *len)
{
    napi_env env = frame->self->env;
    napi_typedarray_type type;
    bool is_array = false;
    void *bytes = NULL;

    if (!rn_ok(env, napi_is_typedarray(env, value, &is_array)) ||
        (is_array && !rn_ok(env, napi_get_typedarray_info(env, value, &type, len, &bytes, NULL, NULL)))) {
        return false;
    }
    if (!is_array || type != napi_uint8_array || *len > RN_BYTES_MAX) {
        rn_throw_type(env, what, "a Uint8Array of usual size");
        return false;
    }
    *data = bytes;
    return true;
}

bool rn_read_bytes(rn_frame *frame, napi_value value, const char *what, bool nullable, const uint8_t **out, size_t *len)
{
    const uint8_t *data = NULL;
    bool absent = false;
    uint8_t *copy;

    *out = NULL;
    *len = 0;
    if (nullable && !rn_is_absent(frame, value, &absent)) {
        return false;
    }
    if (absent) {
        return true;
    }
    if (!uint8_array(frame, value, what, &data, len)) {
        return false;
    }
    if (!frame->copies && data != NULL) {
        *out = data;
        return true;
    }
    copy = rn_block(frame, *len + 1);
    if (copy == NULL) {
        return false;
    }
    if (*len > 0) {
        memcpy(copy, data, *len);
    }
    *out = copy;
    return true;
}

bool rn_read_text(rn_frame *frame, napi_value value, const char *what, bool nullable, const char **out, size_t *len)
{
    napi_env env = frame->self->env;
    napi_valuetype type;
    bool absent = false;
    size_t size = 0;
    char *copy;

    *out = NULL;
    if (!rn_is_absent(frame, value, &absent) || !rn_ok(env, napi_typeof(env, value, &type))) {
        return false;
    }
    if (absent && nullable) {
        return true;
    }
    if (type != napi_string) {
        rn_throw_type(env, what, "a string");
        return false;
    }
    if (!rn_ok(env, napi_get_value_string_utf8(env, value, NULL, 0, &size)) || size > RN_BYTES_MAX) {
        return false;
    }
    copy = rn_block(frame, size + 1);
    if (copy == NULL || !rn_ok(env, napi_get_value_string_utf8(env, value, copy, size + 1, &size))) {
        return false;
    }
    if (len != NULL) {
        *len = size;
    } else if (memchr(copy, '\0', size) != NULL) {
        rn_throw_type(env, what, "a string without NUL"); /* C would read a shorter one */
        return false;
    }
    *out = copy;
    return true;
}

bool rn_array_len(rn_frame *frame, napi_value value, const char *what, uint32_t *len)
{
    napi_env env = frame->self->env;
    bool is_array = false;

    *len = 0;
    if (!rn_ok(env, napi_is_array(env, value, &is_array)) || (is_array && !rn_ok(env, napi_get_array_length(env, value, len)))) {
        return false;
    }
    if (!is_array || *len > RN_LIST_MAX) {
        rn_throw_type(env, what, "an array of usual length");
        return false;
    }
    return true;
}

/* Where the texts of an array end, one after the other in one block. */
static bool measure_texts(rn_frame *frame, napi_value array, uint32_t len, const char *what, size_t *size)
{
    napi_env env = frame->self->env;

    *size = 0;
    for (uint32_t i = 0; i < len; i++) {
        napi_value item;
        napi_valuetype type;
        size_t item_size = 0;

        if (!rn_ok(env, napi_get_element(env, array, i, &item)) || !rn_ok(env, napi_typeof(env, item, &type))) {
            return false;
        }
        if (type != napi_string) {
            rn_throw_type(env, what, "an array of strings");
            return false;
        }
        if (!rn_ok(env, napi_get_value_string_utf8(env, item, NULL, 0, &item_size)) || item_size > RN_BYTES_MAX - *size) {
            return false;
        }
        *size += item_size + 1;
    }
    return true;
}

static bool copy_texts(rn_frame *frame, napi_value array, uint32_t len, const char *what, const char **texts, char *block, size_t size)
{
    napi_env env = frame->self->env;

    for (uint32_t i = 0; i < len; i++) {
        napi_value item;
        size_t item_size = 0;

        if (!rn_ok(env, napi_get_element(env, array, i, &item)) ||
            !rn_ok(env, napi_get_value_string_utf8(env, item, block, size, &item_size))) {
            return false;
        }
        /* A getter may have given a longer text the second time. */
        if (item_size + 1 >= size || memchr(block, '\0', item_size) != NULL) {
            rn_throw_type(env, what, "strings without NUL");
            return false;
        }
        texts[i] = block;
        block += item_size + 1;
        size -= item_size + 1;
    }
    return true;
}

bool rn_read_texts(rn_frame *frame, napi_value value, const char *what, const char *const **out, size_t *len)
{
    uint32_t count = 0;
    size_t size = 0;
    const char **texts;
    char *block;

    *out = NULL;
    *len = 0;
    if (!rn_array_len(frame, value, what, &count) || !measure_texts(frame, value, count, what, &size)) {
        return false;
    }
    /* One more of each: an array that is given and empty is not one that is not given. */
    texts = rn_block(frame, (count + 1) * sizeof *texts);
    block = texts == NULL ? NULL : rn_block(frame, size + 1);
    if (block == NULL || !copy_texts(frame, value, count, what, texts, block, size + 1)) {
        return false;
    }
    *out = texts;
    *len = count;
    return true;
}

static bool read_integer(rn_frame *frame, napi_value value, const char *what, double least, double most, double *out)
{
    napi_env env = frame->self->env;
    napi_valuetype type;

    if (!rn_ok(env, napi_typeof(env, value, &type)) ||
        (type == napi_number && !rn_ok(env, napi_get_value_double(env, value, out)))) {
        return false;
    }
    if (type != napi_number || !isfinite(*out) || trunc(*out) != *out || *out < least || *out > most) {
        rn_throw_type(env, what, "a whole number in range");
        return false;
    }
    return true;
}

static const double safe_integer_max = 9007199254740991.0; /* Number.MAX_SAFE_INTEGER */

bool rn_read_int32(rn_frame *frame, napi_value value, const char *what, int32_t *out)
{
    double number;

    if (!read_integer(frame, value, what, INT32_MIN, INT32_MAX, &number)) {
        return false;
    }
    *out = (int32_t)number;
    return true;
}

bool rn_read_int64(rn_frame *frame, napi_value value, const char *what, int64_t *out)
{
    double number;

    if (!read_integer(frame, value, what, -safe_integer_max, safe_integer_max, &number)) {
        return false;
    }
    *out = (int64_t)number;
    return true;
}

bool rn_read_size(rn_frame *frame, napi_value value, const char *what, size_t *out)
{
    double number;

    if (!read_integer(frame, value, what, 0, safe_integer_max, &number)) {
        return false;
    }
    *out = (size_t)number;
    return true;
}

bool rn_read_member(rn_frame *frame, napi_value object, const char *name, napi_value *out, bool *given)
{
    napi_env env = frame->self->env;
    napi_valuetype type;
    bool absent = false;

    *given = false;
    if (!rn_ok(env, napi_typeof(env, object, &type))) {
        return false;
    }
    if (type != napi_object) {
        rn_throw_type(env, "options", "an object");
        return false;
    }
    if (!rn_ok(env, napi_get_named_property(env, object, name, out)) || !rn_is_absent(frame, *out, &absent)) {
        return false;
    }
    *given = !absent;
    return true;
}

/* ---- results ---- */

napi_value rn_undefined(rn_env *self)
{
    napi_value value;

    return rn_ok(self->env, napi_get_undefined(self->env, &value)) ? value : NULL;
}

napi_value rn_null(rn_env *self)
{
    napi_value value;

    return rn_ok(self->env, napi_get_null(self->env, &value)) ? value : NULL;
}

napi_value rn_text(rn_env *self, const char *text)
{
    napi_value value;

    if (text == NULL) {
        return rn_null(self);
    }
    return rn_ok(self->env, napi_create_string_utf8(self->env, text, NAPI_AUTO_LENGTH, &value)) ? value : NULL;
}

napi_value rn_owned_text(rn_env *self, char *text)
{
    napi_value value = rn_text(self, text);

    ratls_bytes_free(text);
    return value;
}

napi_value rn_buffer(rn_env *self, const uint8_t *data, size_t len)
{
    napi_value value;

    if (data == NULL) {
        return rn_null(self);
    }
    return rn_ok(self->env, napi_create_buffer_copy(self->env, len, data, NULL, &value)) ? value : NULL;
}

napi_value rn_number(rn_env *self, double number)
{
    napi_value value;

    return rn_ok(self->env, napi_create_double(self->env, number, &value)) ? value : NULL;
}

napi_value rn_bigint(rn_env *self, int64_t number)
{
    napi_value value;

    return rn_ok(self->env, napi_create_bigint_int64(self->env, number, &value)) ? value : NULL;
}

napi_value rn_bigint_unsigned(rn_env *self, uint64_t number)
{
    napi_value value;

    return rn_ok(self->env, napi_create_bigint_uint64(self->env, number, &value)) ? value : NULL;
}

bool rn_set_number(rn_env *self, napi_value object, const char *name, double number)
{
    napi_value value = rn_number(self, number);

    return value != NULL && rn_ok(self->env, napi_set_named_property(self->env, object, name, value));
}

/* The exception, made by the package's own function from the failure's JSON: its classes live in JavaScript. */
napi_value rn_error(rn_env *self, const ratls_error *error, ratls_status status)
{
    napi_env env = self->env;
    napi_value function, receiver, made, arguments[3];

    arguments[0] = rn_text(self, ratls_status_name(status));
    arguments[1] = rn_text(self, error == NULL ? NULL : ratls_error_json(error, RATLS_SPELLING_TYPESCRIPT));
    arguments[2] = rn_text(self, error == NULL ? NULL : ratls_error_tcb_json(error));
    if (arguments[0] == NULL || arguments[1] == NULL || arguments[2] == NULL) {
        return NULL;
    }
    if (self->errors == NULL) {
        (void)napi_throw_error(env, NULL, ratls_status_name(status));
        return NULL;
    }
    if (!rn_ok(env, napi_get_reference_value(env, self->errors, &function)) || !rn_ok(env, napi_get_undefined(env, &receiver)) ||
        !rn_ok(env, napi_call_function(env, receiver, function, 3, arguments, &made))) {
        return NULL;
    }
    return made;
}

napi_value rn_owned_error(rn_env *self, ratls_error *error)
{
    napi_value value = error == NULL ? rn_null(self) : rn_error(self, error, ratls_error_code(error));

    ratls_error_free(error);
    return value;
}

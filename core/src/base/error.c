#include "base/error.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tables.h"
#include "base/text.h"
#include "base/utf8.h"

enum { ERROR_DETAILS_STORED_MAX = 2 * RATLS_ERROR_DETAILS_MAX };

typedef struct {
    const char *name; /* a literal */
    char *value;
} stored_detail;

struct ratls_error {
    ratls_status code;
    size_t details_len;
    stored_detail details[ERROR_DETAILS_STORED_MAX];
    char *tcb_json;
    /* Written on first use, by whichever thread comes first. */
    _Atomic(char *) message[RATLS_SPELLING_COUNT];
    _Atomic(char *) json[RATLS_SPELLING_COUNT];
};

static const ratls_code_row *find_code(ratls_status code)
{
    for (size_t i = 0; i < ratls_code_row_count; i++) {
        if (ratls_code_rows[i].value == code) {
            return &ratls_code_rows[i];
        }
    }
    return NULL;
}

const char *ratls_status_name(ratls_status status)
{
    const ratls_code_row *row = find_code(status);

    if (status == RATLS_OK) {
        return "OK";
    }
    return row == NULL ? "UNKNOWN" : row->name;
}

int32_t ratls_status_class(ratls_status status)
{
    const ratls_code_row *row = find_code(status);

    if (status == RATLS_OK) {
        return RATLS_CLASS_NONE;
    }
    return row == NULL ? RATLS_CLASS_UNAVAILABLE : row->status_class;
}

ratls_detail ratls_detail_text(const char *name, const char *text)
{
    return (ratls_detail){RATLS_DETAIL_TEXT, name, text, strlen(text), 0};
}

ratls_detail ratls_detail_chars(const char *name, ratls_bytes text)
{
    return (ratls_detail){RATLS_DETAIL_TEXT, name, text.data, text.len, 0};
}

ratls_detail ratls_detail_number(const char *name, int64_t number)
{
    return (ratls_detail){RATLS_DETAIL_NUMBER, name, NULL, 0, number};
}

ratls_detail ratls_detail_hex(const char *name, const uint8_t *bytes, size_t len)
{
    return (ratls_detail){RATLS_DETAIL_HEX, name, bytes, len, 0};
}

/* Length of the character at the start of `text` if it may be shown; 0 for a control character (C0, DEL, C1) and for
 * a byte that begins no character. */
static size_t shown_length(ratls_bytes text)
{
    size_t len = ratls_utf8_sequence(text);
    bool control = text.data[0] < 0x20 || text.data[0] == 0x7f || (len == 2 && text.data[0] == 0xc2 && text.data[1] < 0xa0);

    return control ? 0 : len;
}

/* Text is a stranger's: what could upset a terminal or a log, or is not UTF-8, becomes '?'. */
static void add_shown(ratls_text *text, ratls_bytes from)
{
    while (from.len > 0) {
        size_t len = shown_length(from);
        size_t step = len == 0 ? ratls_utf8_sequence(from) : len;

        ratls_text_add_bytes(text, len == 0 ? "?" : (const char *)from.data, len == 0 ? 1 : len);
        step = step == 0 ? 1 : step;
        from = (ratls_bytes){from.data + step, from.len - step};
    }
}

/* The detail's value as text that may be printed. */
static char *detail_value(const ratls_detail *detail)
{
    ratls_text text = {0};
    size_t len = detail->len < RATLS_ERROR_DETAIL_MAX ? detail->len : RATLS_ERROR_DETAIL_MAX;

    if (detail->kind == RATLS_DETAIL_NUMBER) {
        ratls_text_add_number(&text, detail->number);
    } else if (detail->kind == RATLS_DETAIL_HEX) {
        ratls_text_add_hex(&text, detail->data, len);
    } else {
        add_shown(&text, (ratls_bytes){detail->data, len});
    }
    return ratls_text_take(&text);
}

void ratls_error_add(ratls_error *error, ratls_detail detail)
{
    char *value;

    if (error == NULL || error->details_len == ERROR_DETAILS_STORED_MAX) {
        return;
    }
    value = detail_value(&detail);
    if (value != NULL) {
        error->details[error->details_len++] = (stored_detail){detail.name, value};
    }
}

ratls_status ratls_error_raise(ratls_error **err, ratls_status code, const ratls_detail details[RATLS_ERROR_DETAILS_MAX])
{
    ratls_error *error;

    if (err == NULL || *err != NULL) {
        return code;
    }
    error = calloc(1, sizeof *error);
    if (error == NULL) {
        return code;
    }
    error->code = code;
    for (size_t i = 0; i < RATLS_ERROR_DETAILS_MAX && details[i].kind != RATLS_DETAIL_NONE; i++) {
        ratls_error_add(error, details[i]);
    }
    *err = error;
    return code;
}

void ratls_error_set_tcb(ratls_error *error, const char *json)
{
    if (error != NULL) {
        free(error->tcb_json);
        error->tcb_json = strdup(json);
    }
}

ratls_error *ratls_error_copy(const ratls_error *error)
{
    ratls_error *copy;

    if (error == NULL) {
        return NULL;
    }
    copy = calloc(1, sizeof *copy);
    if (copy == NULL) {
        return NULL;
    }
    copy->code = error->code;
    for (size_t i = 0; i < error->details_len; i++) {
        ratls_error_add(copy, ratls_detail_text(error->details[i].name, error->details[i].value));
    }
    if (error->tcb_json != NULL) {
        ratls_error_set_tcb(copy, error->tcb_json);
    }
    return copy;
}

ratls_status ratls_error_code(const ratls_error *error)
{
    return error == NULL ? RATLS_ERR_INTERNAL : error->code;
}

int32_t ratls_error_class(const ratls_error *error)
{
    return ratls_status_class(ratls_error_code(error));
}

const char *ratls_error_stage(const ratls_error *error)
{
    const ratls_code_row *row = find_code(ratls_error_code(error));

    return row == NULL ? "options" : ratls_nth_text(row->name, RATLS_CODE_STAGE);
}

const char *ratls_error_detail(const ratls_error *error, const char *name)
{
    for (size_t i = 0; error != NULL && name != NULL && i < error->details_len; i++) {
        if (strcmp(error->details[i].name, name) == 0) {
            return error->details[i].value;
        }
    }
    return NULL;
}

static const ratls_option_row *find_option(const char *name, size_t len)
{
    for (size_t i = 0; i < ratls_option_row_count; i++) {
        if (strlen(ratls_option_rows[i].name) == len && memcmp(ratls_option_rows[i].name, name, len) == 0) {
            return &ratls_option_rows[i];
        }
    }
    return NULL;
}

/* {option:NAME} and {set:NAME}; {option:*} is the option that the detail "option" names. */
static void add_option(ratls_text *text, const ratls_error *error, const char *name, size_t len, bool switched_on, int32_t spelling)
{
    /* What switches a flag on, in each spelling. */
    static const char *const on[RATLS_SPELLING_COUNT] = {"=1", "=True", ": true", ": true", ""};
    const ratls_option_row *row;
    const char *named = NULL;

    if (len == 1 && name[0] == '*') {
        named = ratls_error_detail(error, "option");
        name = named == NULL ? "option" : named;
        len = strlen(name);
    }
    row = find_option(name, len);
    if (row == NULL) {
        ratls_text_add_bytes(text, name, len);
    } else {
        ratls_text_add(text, ratls_nth_text(row->name, RATLS_OPTION_SPELLINGS + (size_t)spelling));
        ratls_text_add(text, switched_on ? on[spelling] : "");
    }
}

/* {found_short}: a long measurement as its first and last digits. */
static void add_short(ratls_text *text, const char *value)
{
    size_t len = strlen(value);

    if (len <= RATLS_ERROR_SHORT_HEAD + RATLS_ERROR_SHORT_TAIL) {
        ratls_text_add(text, value);
        return;
    }
    ratls_text_add_bytes(text, value, RATLS_ERROR_SHORT_HEAD);
    ratls_text_add(text, "…");
    ratls_text_add(text, value + len - RATLS_ERROR_SHORT_TAIL);
}

/* A detail in a sentence: only the beginning of one that would fill the screen, and no half of a character. */
static void add_beginning(ratls_text *text, const char *value)
{
    size_t len = strlen(value);
    size_t shown = len <= RATLS_ERROR_SHOWN_MAX ? len : RATLS_ERROR_SHOWN_MAX;

    while (shown < len && shown > 0 && ((unsigned char)value[shown] & 0xc0) == 0x80) {
        shown--;
    }
    ratls_text_add_bytes(text, value, shown);
    if (shown < len) {
        ratls_text_add(text, "…");
    }
}

static void add_placeholder(ratls_text *text, const ratls_error *error, const char *name, size_t len, int32_t spelling)
{
    static const char option[] = "option:", set[] = "set:", found_short[] = "found_short";
    char detail[32];

    if (len >= sizeof option && memcmp(name, option, sizeof option - 1) == 0) {
        add_option(text, error, name + sizeof option - 1, len - (sizeof option - 1), false, spelling);
    } else if (len >= sizeof set && memcmp(name, set, sizeof set - 1) == 0) {
        add_option(text, error, name + sizeof set - 1, len - (sizeof set - 1), true, spelling);
    } else if (len == sizeof found_short - 1 && memcmp(name, found_short, len) == 0) {
        const char *value = ratls_error_detail(error, "found");

        add_short(text, value == NULL ? "?" : value);
    } else if (len < sizeof detail) {
        const char *value;

        memcpy(detail, name, len);
        detail[len] = '\0';
        value = ratls_error_detail(error, detail);
        add_beginning(text, value == NULL ? "?" : value);
    }
}

/* Fill the template once; what is put in is never looked at again, so a detail cannot act as a template. */
static char *render_message(const ratls_error *error, int32_t spelling)
{
    const ratls_code_row *row = find_code(error->code);
    ratls_text text = {0};

    for (const char *next = row == NULL ? "unknown failure" : ratls_nth_text(row->name, RATLS_CODE_MESSAGE); *next != '\0';) {
        const char *open = strchr(next, '{');
        const char *close = open == NULL ? NULL : strchr(open, '}');

        if (close == NULL) {
            ratls_text_add(&text, next);
            break;
        }
        ratls_text_add_bytes(&text, next, (size_t)(open - next));
        add_placeholder(&text, error, open + 1, (size_t)(close - open - 1), spelling);
        next = close + 1;
    }
    return ratls_text_take(&text);
}

static const char *class_name(int32_t status_class)
{
    switch (status_class) {
    case RATLS_CLASS_USAGE:
        return "usage";
    case RATLS_CLASS_REFUSED:
        return "refused";
    default:
        return "unavailable";
    }
}

static char *render_json(const ratls_error *error, int32_t spelling)
{
    ratls_text text = {0};

    ratls_text_add(&text, "{\"code\":");
    ratls_text_add_json_string(&text, ratls_status_name(error->code));
    ratls_text_add(&text, ",\"class\":");
    ratls_text_add_json_string(&text, class_name(ratls_status_class(error->code)));
    ratls_text_add(&text, ",\"stage\":");
    ratls_text_add_json_string(&text, ratls_error_stage(error));
    ratls_text_add(&text, ",\"message\":");
    ratls_text_add_json_string(&text, ratls_error_message(error, spelling));
    ratls_text_add(&text, ",\"details\":{");
    for (size_t i = 0; i < error->details_len; i++) {
        ratls_text_add(&text, i == 0 ? "" : ",");
        ratls_text_add_json_string(&text, error->details[i].name);
        ratls_text_add(&text, ":");
        ratls_text_add_json_string(&text, error->details[i].value);
    }
    ratls_text_add(&text, "}}");
    return ratls_text_take(&text);
}

/* Keep the first rendering; a thread that loses the race frees its own. */
static const char *render_once(const ratls_error *error, _Atomic(char *) *slot, char *(*render)(const ratls_error *, int32_t), int32_t spelling)
{
    char *known = atomic_load(slot);
    char *made;

    if (known != NULL) {
        return known;
    }
    made = render(error, spelling);
    if (made == NULL) {
        return NULL;
    }
    if (!atomic_compare_exchange_strong(slot, &known, made)) {
        free(made);
        return known;
    }
    return made;
}

static int32_t known_spelling(int32_t spelling)
{
    return spelling >= 0 && spelling < RATLS_SPELLING_COUNT ? spelling : RATLS_SPELLING_C;
}

const char *ratls_error_message(const ratls_error *error, int32_t spelling)
{
    int32_t known = known_spelling(spelling);
    const char *message;

    if (error == NULL) {
        return "out of memory";
    }
    /* The rendering is a cache of what the error holds: not a change that a caller can see. */
    message = render_once(error, &((ratls_error *)error)->message[known], render_message, known);
    return message == NULL ? "out of memory" : message;
}

const char *ratls_error_json(const ratls_error *error, int32_t spelling)
{
    static const char no_error[] = "{\"code\":\"OUT_OF_MEMORY\",\"class\":\"unavailable\",\"stage\":\"options\","
                                   "\"message\":\"out of memory\",\"details\":{}}";
    int32_t known = known_spelling(spelling);
    const char *json;

    if (error == NULL) {
        return no_error;
    }
    json = render_once(error, &((ratls_error *)error)->json[known], render_json, known);
    return json == NULL ? no_error : json;
}

const char *ratls_error_tcb_json(const ratls_error *error)
{
    return error == NULL || error->tcb_json == NULL ? "null" : error->tcb_json;
}

void ratls_error_free(ratls_error *error)
{
    if (error == NULL) {
        return;
    }
    for (size_t i = 0; i < error->details_len; i++) {
        free(error->details[i].value);
    }
    free(error->tcb_json);
    for (size_t i = 0; i < RATLS_SPELLING_COUNT; i++) {
        free(atomic_load(&error->message[i]));
        free(atomic_load(&error->json[i]));
    }
    free(error);
}

void ratls_bytes_free(void *bytes)
{
    free(bytes);
}

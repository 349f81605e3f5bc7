#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "base/time.h"
#include "base/utf8.h"
#include "base/word.h"

enum {
    KEYS_FIRST_CAPACITY = 64,
    KEYS_PAIRWISE_MAX = 8,       /* up to so many keys are compared with each other */
    NODES_FIRST_CAPACITY = 256,
    TREE_TEXT_MAX = 16 << 20
};

/* An object or array that is open. */
typedef struct {
    bool object;
    size_t first_key; /* of the scan's keys: where this object's begin */
    size_t node;      /* its own */
} json_frame;

typedef struct {
    ratls_reader reader;
    bool integers_only;
    bool number_refused; /* for its size alone */
    json_frame frames[RATLS_JSON_DEPTH_MAX];
    size_t depth;
    ratls_bytes *keys; /* of all objects that are open, those of the innermost last */
    size_t keys_len;
    size_t keys_capacity;
    ratls_bytes duplicate;
    bool keeps_nodes;
    ratls_json_node *nodes;
    size_t nodes_len;
    size_t nodes_capacity;
} json_scan;

static int peek(const ratls_reader *reader)
{
    return reader->left == 0 ? -1 : reader->next[0];
}

static bool take_char(ratls_reader *reader, char c)
{
    return peek(reader) == (unsigned char)c && ratls_reader_skip(reader, 1);
}

static inline void skip_space(ratls_reader *reader)
{
    if (reader->left > 0 && reader->next[0] > ' ') {
        return; /* as good as always: what Intel signs has no white space */
    }
    while (take_char(reader, ' ') || take_char(reader, '\t') || take_char(reader, '\n') || take_char(reader, '\r')) {
    }
}

static bool take_word(ratls_reader *reader, const char *word)
{
    ratls_bytes taken;

    return ratls_reader_take(reader, &taken, strlen(word)) && ratls_bytes_equal_text(taken, word);
}

static bool take_digits(ratls_reader *reader)
{
    size_t before = reader->left;

    while (peek(reader) >= '0' && peek(reader) <= '9' && ratls_reader_skip(reader, 1)) {
    }
    return reader->left < before;
}

/* Room for one more node. */
static bool reserve_node(json_scan *scan)
{
    size_t capacity = scan->nodes_capacity == 0 ? NODES_FIRST_CAPACITY : 2 * scan->nodes_capacity;
    ratls_json_node *grown;

    if (scan->nodes_len < scan->nodes_capacity) {
        return true;
    }
    grown = realloc(scan->nodes, capacity * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    scan->nodes = grown;
    scan->nodes_capacity = capacity;
    return true;
}

/* Keep what `text` is, if anything is kept; nothing is in it yet. */
static ratls_json_outcome keep_node(json_scan *scan, ratls_json_kind kind, ratls_bytes text, bool escaped)
{
    if (!scan->keeps_nodes) {
        return RATLS_JSON_OK;
    }
    if (!reserve_node(scan)) {
        return RATLS_JSON_OUT_OF_MEMORY;
    }
    scan->nodes[scan->nodes_len] = (ratls_json_node){
        .at = (uint32_t)(text.data - scan->reader.start),
        .len = (uint32_t)text.len,
        .after = (uint32_t)(scan->nodes_len + 1),
        .kind = (uint8_t)kind,
        .escaped = escaped,
    };
    scan->nodes_len++;
    return RATLS_JSON_OK;
}

/* RFC 8259, 6, its grammar alone. */
static bool take_number_form(json_scan *scan)
{
    ratls_reader *reader = &scan->reader;
    size_t exponent;

    (void)take_char(reader, '-');
    if (!take_char(reader, '0') && !take_digits(reader)) {
        return false;
    }
    if (scan->integers_only) {
        int next = peek(reader);

        return next != '.' && next != 'e' && next != 'E';
    }
    if (take_char(reader, '.') && !take_digits(reader)) {
        return false;
    }
    if (take_char(reader, 'e') || take_char(reader, 'E')) {
        (void)(take_char(reader, '+') || take_char(reader, '-'));
        exponent = reader->left;
        if (!take_digits(reader)) {
            return false;
        }
        scan->number_refused = exponent - reader->left > RATLS_JSON_EXPONENT_MAX;
    }
    return true;
}

/* cJSON cuts a long number and makes infinity of a large one: with these limits it does neither. */
static bool take_number(json_scan *scan)
{
    size_t before = scan->reader.left;

    if (!take_number_form(scan)) {
        return false;
    }
    scan->number_refused = scan->number_refused || before - scan->reader.left > RATLS_JSON_NUMBER_MAX;
    return !scan->number_refused;
}

/* Four hexadecimal digits of a \u escape. */
static bool take_code_unit(ratls_reader *reader, uint32_t *out)
{
    ratls_bytes digits;
    uint8_t raw[2];

    if (!ratls_reader_take(reader, &digits, 4) || !ratls_hex_read(raw, sizeof raw, (const char *)digits.data, digits.len)) {
        return false;
    }
    *out = (uint32_t)raw[0] << 8 | raw[1];
    return true;
}

/* What follows a backslash. An escaped NUL would cut the text short for C, and half a surrogate pair is no
 * character: both are refused. */
static bool take_escape(ratls_reader *reader)
{
    uint32_t unit, low;
    uint8_t kind;

    if (!ratls_reader_u8(reader, &kind)) {
        return false;
    }
    if (kind == '"' || kind == 'n') {
        return true;
    }
    if (kind != 'u') {
        return kind != '\0' && strchr("\\/bfrt", kind) != NULL;
    }
    if (!take_code_unit(reader, &unit) || unit == 0 || (unit >= 0xdc00 && unit <= 0xdfff)) {
        return false;
    }
    if (unit >= 0xd800 && unit <= 0xdbff) {
        return take_char(reader, '\\') && take_char(reader, 'u') && take_code_unit(reader, &low) && low >= 0xdc00 && low <= 0xdfff;
    }
    return true;
}

/* Skip to the next quote, backslash or control character: eight bytes at a time, in each of which a difference borrows into
 * its top bit exactly when it is one of them (and, above the first one that is, perhaps where it is not). */
static bool skip_plain(ratls_reader *reader)
{
    size_t plain = 0;

    while (reader->left - plain >= sizeof(uint64_t)) {
        uint64_t eight = ratls_load_le64(reader->next + plain);
        uint64_t special = ((eight - RATLS_EVERY_BYTE(0x20)) & ~eight) | ratls_zero_bytes(eight ^ RATLS_EVERY_BYTE('"')) |
                           ratls_zero_bytes(eight ^ RATLS_EVERY_BYTE('\\'));

        special &= RATLS_EVERY_BYTE(0x80);
        if (special != 0) {
            return ratls_reader_skip(reader, plain + ratls_first_byte(special));
        }
        plain += sizeof eight;
    }
    while (plain < reader->left && reader->next[plain] >= 0x20 && reader->next[plain] != '"' && reader->next[plain] != '\\') {
        plain++;
    }
    return ratls_reader_skip(reader, plain);
}

/* A string; *out is what is between its quotes, *escaped whether that holds a backslash. */
static bool take_string(ratls_reader *reader, ratls_bytes *out, bool *escaped)
{
    ratls_reader start;

    *escaped = false;
    if (!take_char(reader, '"')) {
        return false;
    }
    start = *reader;
    while (skip_plain(reader) && take_char(reader, '\\')) {
        *escaped = true;
        if (!take_escape(reader)) {
            return false;
        }
    }
    return ratls_reader_take(&start, out, start.left - reader->left) && take_char(reader, '"');
}

static ratls_json_outcome remember_key(json_scan *scan, ratls_bytes key)
{
    ratls_json_outcome outcome = keep_node(scan, RATLS_JSON_KEY, key, false);

    if (outcome != RATLS_JSON_OK) {
        return outcome;
    }
    if (scan->keys_len - scan->frames[scan->depth - 1].first_key == RATLS_JSON_MEMBERS_MAX) {
        return RATLS_JSON_MALFORMED;
    }
    if (scan->keys_len == scan->keys_capacity) {
        size_t capacity = scan->keys_capacity == 0 ? KEYS_FIRST_CAPACITY : 2 * scan->keys_capacity;
        ratls_bytes *grown = realloc(scan->keys, capacity * sizeof *grown);

        if (grown == NULL) {
            return RATLS_JSON_OUT_OF_MEMORY;
        }
        scan->keys = grown;
        scan->keys_capacity = capacity;
    }
    scan->keys[scan->keys_len++] = key;
    return RATLS_JSON_OK;
}

/* Name and colon of a member. A key with an escape could be another key in disguise (DCAP rules 2.6, 2). */
static ratls_json_outcome take_key(json_scan *scan)
{
    bool escaped;
    ratls_bytes key;

    skip_space(&scan->reader);
    if (!take_string(&scan->reader, &key, &escaped) || escaped || key.len > RATLS_JSON_KEY_MAX) {
        return RATLS_JSON_MALFORMED;
    }
    skip_space(&scan->reader);
    return take_char(&scan->reader, ':') ? remember_key(scan, key) : RATLS_JSON_MALFORMED;
}

static int compare_keys(const void *left, const void *right)
{
    const ratls_bytes *a = left;
    const ratls_bytes *b = right;

    if (a->len != b->len) {
        return a->len < b->len ? -1 : 1;
    }
    return a->len == 0 ? 0 : memcmp(a->data, b->data, a->len);
}

/* A key that is there twice among `count`; NULL when all differ. */
static const ratls_bytes *find_duplicate(ratls_bytes *keys, size_t count)
{
    if (count <= KEYS_PAIRWISE_MAX) {
        for (size_t i = 1; i < count; i++) {
            for (size_t j = 0; j < i; j++) {
                if (ratls_bytes_equal(keys[i], keys[j])) {
                    return &keys[i];
                }
            }
        }
        return NULL;
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (ratls_bytes_equal(keys[i - 1], keys[i])) {
            return &keys[i];
        }
    }
    return NULL;
}

/* The innermost object or array ends; an object's keys must all differ (DCAP rules 2.6, 6). */
static ratls_json_outcome close_frame(json_scan *scan)
{
    json_frame frame = scan->frames[--scan->depth];
    size_t count = scan->keys_len - frame.first_key;
    const ratls_bytes *duplicate = frame.object && count > 1 ? find_duplicate(scan->keys + frame.first_key, count) : NULL;

    if (duplicate != NULL) {
        scan->duplicate = *duplicate;
        return RATLS_JSON_DUPLICATE_KEY;
    }
    scan->keys_len = frame.first_key;
    if (scan->keeps_nodes) {
        scan->nodes[frame.node].after = (uint32_t)scan->nodes_len;
    }
    return RATLS_JSON_OK;
}

/* A value begins with { or [: *empty tells whether it ends at once. */
static ratls_json_outcome open_frame(json_scan *scan, bool object, bool *empty)
{
    size_t node = scan->nodes_len;
    ratls_json_outcome outcome;

    if (scan->depth == RATLS_JSON_DEPTH_MAX) {
        return RATLS_JSON_MALFORMED;
    }
    outcome = keep_node(scan, object ? RATLS_JSON_OBJECT : RATLS_JSON_ARRAY, (ratls_bytes){scan->reader.next, 0}, false);
    if (outcome != RATLS_JSON_OK) {
        return outcome;
    }
    scan->frames[scan->depth++] = (json_frame){object, scan->keys_len, node};
    skip_space(&scan->reader);
    *empty = take_char(&scan->reader, object ? '}' : ']');
    if (*empty) {
        return close_frame(scan);
    }
    return object ? take_key(scan) : RATLS_JSON_OK;
}

static ratls_json_outcome take_scalar(json_scan *scan)
{
    ratls_reader start = scan->reader;
    ratls_json_kind kind = RATLS_JSON_NUMBER_KIND;
    ratls_bytes text = {0};
    bool escaped = false, taken;

    switch (peek(&scan->reader)) {
    case '"':
        kind = RATLS_JSON_STRING;
        taken = take_string(&scan->reader, &text, &escaped);
        break;
    case 't':
        kind = RATLS_JSON_TRUE;
        taken = take_word(&scan->reader, "true");
        break;
    case 'f':
        kind = RATLS_JSON_FALSE;
        taken = take_word(&scan->reader, "false");
        break;
    case 'n':
        kind = RATLS_JSON_NULL;
        taken = take_word(&scan->reader, "null");
        break;
    default:
        taken = take_number(scan);
        break;
    }
    if (!taken) {
        return RATLS_JSON_MALFORMED;
    }
    if (kind != RATLS_JSON_STRING) {
        text = (ratls_bytes){start.next, start.left - scan->reader.left};
    }
    return keep_node(scan, kind, text, escaped);
}

/* After a whole value: close what ends here, up to the comma before the next value; *done at the very end. */
static ratls_json_outcome after_value(json_scan *scan, bool *done)
{
    for (;;) {
        ratls_json_outcome outcome;
        bool object;

        skip_space(&scan->reader);
        *done = scan->depth == 0;
        if (*done) {
            return scan->reader.left == 0 ? RATLS_JSON_OK : RATLS_JSON_MALFORMED;
        }
        object = scan->frames[scan->depth - 1].object;
        if (take_char(&scan->reader, ',')) {
            return object ? take_key(scan) : RATLS_JSON_OK;
        }
        outcome = take_char(&scan->reader, object ? '}' : ']') ? close_frame(scan) : RATLS_JSON_MALFORMED;
        if (outcome != RATLS_JSON_OK) {
            return outcome;
        }
    }
}

static ratls_json_outcome scan_values(json_scan *scan)
{
    bool done = false;

    while (!done) {
        ratls_json_outcome outcome = RATLS_JSON_OK;
        bool empty = true;

        skip_space(&scan->reader);
        if (take_char(&scan->reader, '{')) {
            outcome = open_frame(scan, true, &empty);
        } else if (take_char(&scan->reader, '[')) {
            outcome = open_frame(scan, false, &empty);
        } else {
            outcome = take_scalar(scan);
        }
        if (outcome == RATLS_JSON_OK && empty) {
            outcome = after_value(scan, &done);
        }
        if (outcome != RATLS_JSON_OK) {
            return outcome;
        }
    }
    return RATLS_JSON_OK;
}

/* Scan it all; the nodes stay the scan's. */
static ratls_json_outcome scan_text(json_scan *scan, ratls_bytes *duplicate)
{
    ratls_json_outcome outcome = RATLS_JSON_MALFORMED;

    if (ratls_utf8_valid((ratls_bytes){scan->reader.next, scan->reader.left})) {
        outcome = scan_values(scan);
    }
    outcome = scan->number_refused ? RATLS_JSON_NUMBER : outcome;
    free(scan->keys);
    if (duplicate != NULL) {
        *duplicate = scan->duplicate;
    }
    return outcome;
}

static ratls_json_outcome check_text(ratls_bytes text, bool integers_only, ratls_bytes *duplicate)
{
    json_scan scan = {.reader = ratls_reader_over(text), .integers_only = integers_only};

    return scan_text(&scan, duplicate);
}

ratls_json_outcome ratls_json_tree_parse(ratls_json_tree *out, ratls_bytes text, bool integers_only, ratls_bytes *duplicate)
{
    json_scan scan = {.reader = ratls_reader_over(text), .integers_only = integers_only, .keeps_nodes = true};
    ratls_json_outcome outcome = text.len > TREE_TEXT_MAX ? RATLS_JSON_MALFORMED : scan_text(&scan, duplicate);

    *out = (ratls_json_tree){0};
    if (outcome != RATLS_JSON_OK) {
        free(scan.nodes);
        return outcome;
    }
    *out = (ratls_json_tree){text, scan.nodes, scan.nodes_len};
    return RATLS_JSON_OK;
}

void ratls_json_tree_clear(ratls_json_tree *tree)
{
    free(tree->nodes);
    *tree = (ratls_json_tree){0};
}

ratls_json_outcome ratls_json_check(ratls_bytes text, ratls_bytes *duplicate)
{
    return check_text(text, false, duplicate);
}

static ratls_json_outcome parse_text(cJSON **out, ratls_bytes text, bool integers_only, ratls_bytes *duplicate)
{
    ratls_json_outcome outcome;

    *out = NULL;
    outcome = check_text(text, integers_only, duplicate);
    if (outcome != RATLS_JSON_OK) {
        return outcome;
    }
    *out = cJSON_ParseWithLength((const char *)text.data, text.len);
    /* It passed the scanner: what cJSON lacks is memory. */
    return *out == NULL ? RATLS_JSON_OUT_OF_MEMORY : RATLS_JSON_OK;
}

ratls_json_outcome ratls_json_parse(cJSON **out, ratls_bytes text, ratls_bytes *duplicate)
{
    return parse_text(out, text, false, duplicate);
}

ratls_json_outcome ratls_json_parse_integers(cJSON **out, ratls_bytes text, ratls_bytes *duplicate)
{
    return parse_text(out, text, true, duplicate);
}

/* Skip one value of an object that passed the scanner: brackets outside strings count, then the value ends
 * where something else begins. */
static bool skip_value(ratls_reader *reader)
{
    size_t depth = 0;
    bool escaped;
    ratls_bytes text;
    uint8_t c;

    do {
        if (peek(reader) == '"') {
            if (!take_string(reader, &text, &escaped)) {
                return false;
            }
        } else if (ratls_reader_u8(reader, &c)) {
            depth += c == '{' || c == '[' ? 1 : 0;
            depth -= c == '}' || c == ']' ? 1 : 0;
        } else {
            return false;
        }
    } while (depth > 0 || (reader->left > 0 && strchr(",} \t\n\r", peek(reader)) == NULL));
    return true;
}

/* Name and value of the next member of an object that passed the scanner. */
static bool next_member(ratls_reader *reader, ratls_bytes *key, ratls_bytes *value)
{
    ratls_reader start;
    bool escaped;

    skip_space(reader);
    if (!take_string(reader, key, &escaped)) {
        return false;
    }
    skip_space(reader);
    if (!take_char(reader, ':')) {
        return false;
    }
    skip_space(reader);
    start = *reader;
    return skip_value(reader) && ratls_reader_take(&start, value, start.left - reader->left);
}

bool ratls_json_slice(ratls_bytes *out, ratls_bytes text, const char *key)
{
    ratls_reader reader = ratls_reader_over(text);
    ratls_bytes name, value;

    skip_space(&reader);
    if (!take_char(&reader, '{')) {
        return false;
    }
    do {
        if (!next_member(&reader, &name, &value)) {
            return false;
        }
        if (ratls_bytes_equal_text(name, key)) {
            *out = value;
            return true;
        }
        skip_space(&reader);
    } while (take_char(&reader, ','));
    return false;
}

bool ratls_json_get_text(const cJSON *object, const char *key, const char **out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    if (!cJSON_IsString(item) || item->valuestring == NULL) {
        return false;
    }
    *out = item->valuestring;
    return true;
}

bool ratls_json_get_integer(const cJSON *object, const char *key, int64_t minimum, int64_t maximum, int64_t *out)
{
    const double exact = 9007199254740991.0; /* 2^53 - 1: beyond it two integers may be the same double */
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    double value;

    if (!cJSON_IsNumber(item)) {
        return false;
    }
    value = item->valuedouble;
    if (!(value >= -exact && value <= exact) || value < (double)minimum || value > (double)maximum) {
        return false;
    }
    *out = (int64_t)value;
    return (double)*out == value;
}

bool ratls_json_get_hex(const cJSON *object, const char *key, uint8_t *out, size_t len)
{
    const char *text;

    return ratls_json_get_text(object, key, &text) && ratls_hex_read(out, len, text, strlen(text));
}

bool ratls_json_get_time(const cJSON *object, const char *key, int64_t *out)
{
    const char *text;

    return ratls_json_get_text(object, key, &text) && ratls_time_parse(out, (ratls_bytes){(const uint8_t *)text, strlen(text)});
}

const cJSON *ratls_json_get_array(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsArray(item) ? item : NULL;
}

const cJSON *ratls_json_get_object(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsObject(item) ? item : NULL;
}

#include "base/json_tree.h"

#include <string.h>

#include "base/reader.h"
#include "base/time.h"
#include "base/word.h"

enum { INTEGER_DIGITS_MAX = 18 }; /* always fit */

static ratls_bytes text_of(ratls_json_value value)
{
    return (ratls_bytes){value.tree->text.data + value.node->at, value.node->len};
}

ratls_json_value ratls_json_root(const ratls_json_tree *tree)
{
    return tree->len == 0 ? (ratls_json_value){0} : (ratls_json_value){tree, tree->nodes};
}

bool ratls_json_is_present(ratls_json_value value)
{
    return value.node != NULL;
}

bool ratls_json_is(ratls_json_value value, ratls_json_kind kind)
{
    return value.node != NULL && value.node->kind == (uint8_t)kind;
}

/* A name is a node, and its value the one behind it. */
ratls_json_value ratls_json_member(ratls_json_value object, const char *name)
{
    size_t at;

    if (!ratls_json_is(object, RATLS_JSON_OBJECT)) {
        return (ratls_json_value){0};
    }
    at = (size_t)(object.node - object.tree->nodes) + 1;
    while (at < object.node->after) {
        ratls_json_value value = {object.tree, &object.tree->nodes[at + 1]};

        if (ratls_bytes_equal_text(text_of((ratls_json_value){object.tree, &object.tree->nodes[at]}), name)) {
            return value;
        }
        at = value.node->after;
    }
    return (ratls_json_value){0};
}

ratls_json_items ratls_json_items_of(ratls_json_value array)
{
    if (!ratls_json_is(array, RATLS_JSON_ARRAY)) {
        return (ratls_json_items){0};
    }
    return (ratls_json_items){array.tree, (uint32_t)(array.node - array.tree->nodes) + 1, array.node->after};
}

bool ratls_json_items_next(ratls_json_items *items, ratls_json_value *out)
{
    if (items->next >= items->end) {
        return false;
    }
    *out = (ratls_json_value){items->tree, &items->tree->nodes[items->next]};
    items->next = out->node->after;
    return true;
}

size_t ratls_json_count(ratls_json_value array)
{
    ratls_json_items items = ratls_json_items_of(array);
    ratls_json_value value;
    size_t count = 0;

    while (ratls_json_items_next(&items, &value)) {
        count++;
    }
    return count;
}

bool ratls_json_text(ratls_bytes *out, ratls_json_value value)
{
    if (!ratls_json_is(value, RATLS_JSON_STRING) || value.node->escaped) {
        return false;
    }
    *out = text_of(value);
    return true;
}

/* A code point as UTF-8; returns how many bytes. Never more than its escape has. */
static size_t write_utf8(uint8_t *out, uint32_t point)
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (uint8_t)(0xc0 | point >> 6);
        out[1] = (uint8_t)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (uint8_t)(0xe0 | point >> 12);
        out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | point >> 18);
    out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (point & 0x3f));
    return 4;
}

static bool take_unit(ratls_reader *reader, uint32_t *unit)
{
    ratls_bytes digits;
    uint8_t raw[2];

    if (!ratls_reader_take(reader, &digits, 4) || !ratls_hex_read(raw, sizeof raw, (const char *)digits.data, digits.len)) {
        return false;
    }
    *unit = (uint32_t)raw[0] << 8 | raw[1];
    return true;
}

/* What follows a backslash; the scanner has seen that it is well formed. */
static bool write_escape(uint8_t *out, size_t *len, ratls_reader *reader)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    uint32_t point, low;
    const char *letter;
    uint8_t kind;

    if (!ratls_reader_u8(reader, &kind)) {
        return false;
    }
    if (kind != 'u') {
        letter = kind == '"' ? NULL : strchr(letters, kind);
        out[(*len)++] = letter == NULL ? kind : (uint8_t)meanings[letter - letters];
        return true;
    }
    if (!take_unit(reader, &point)) {
        return false;
    }
    if (point >= 0xd800 && point <= 0xdbff) {
        if (!ratls_reader_skip(reader, 2) || !take_unit(reader, &low)) {
            return false;
        }
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    *len += write_utf8(out + *len, point);
    return true;
}

/* Copy up to the next backslash. Short runs are many: a copy of eight bytes, of which the last may not count, is cheaper than
 * to look how many there are. */
static bool copy_plain(uint8_t *out, size_t *len, ratls_reader *reader)
{
    while (reader->left >= sizeof(uint64_t)) {
        uint64_t slashes = ratls_zero_bytes(ratls_load_le64(reader->next) ^ RATLS_EVERY_BYTE('\\'));
        size_t plain = slashes == 0 ? sizeof slashes : ratls_first_byte(slashes);

        memcpy(out + *len, reader->next, sizeof slashes);
        *len += plain;
        if (!ratls_reader_skip(reader, plain) || slashes != 0) {
            return true;
        }
    }
    while (reader->left > 0 && reader->next[0] != '\\') {
        out[(*len)++] = reader->next[0];
        if (!ratls_reader_skip(reader, 1)) {
            return false;
        }
    }
    return true;
}

bool ratls_json_unescape(uint8_t *out, size_t *len, ratls_json_value value)
{
    ratls_reader reader;

    *len = 0;
    if (!ratls_json_is(value, RATLS_JSON_STRING)) {
        return false;
    }
    reader = ratls_reader_over(text_of(value));
    while (reader.left > 0) {
        if (!copy_plain(out, len, &reader)) {
            return false;
        }
        if (reader.left > 0 && (!ratls_reader_skip(&reader, 1) || !write_escape(out, len, &reader))) {
            return false;
        }
    }
    return true;
}

bool ratls_json_member_text(ratls_bytes *out, ratls_json_value object, const char *name)
{
    return ratls_json_text(out, ratls_json_member(object, name));
}

/* Digits alone, with a sign perhaps. */
static bool read_integer(int64_t *out, ratls_bytes text)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    size_t first = negative ? 1 : 0;
    int64_t number = 0;

    if (text.len == first || text.len - first > INTEGER_DIGITS_MAX) {
        return false;
    }
    for (size_t i = first; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        number = number * 10 + (text.data[i] - '0');
    }
    *out = negative ? -number : number;
    return true;
}

bool ratls_json_member_integer(int64_t *out, ratls_json_value object, const char *name, int64_t minimum, int64_t maximum)
{
    ratls_json_value value = ratls_json_member(object, name);
    int64_t number;

    if (!ratls_json_is(value, RATLS_JSON_NUMBER_KIND) || !read_integer(&number, text_of(value)) || number < minimum || number > maximum) {
        return false;
    }
    *out = number;
    return true;
}

bool ratls_json_member_hex(uint8_t *out, size_t len, ratls_json_value object, const char *name)
{
    ratls_bytes digits;

    return ratls_json_member_text(&digits, object, name) && ratls_hex_read(out, len, (const char *)digits.data, digits.len);
}

bool ratls_json_member_time(int64_t *out, ratls_json_value object, const char *name)
{
    ratls_bytes text;

    return ratls_json_member_text(&text, object, name) && ratls_time_parse(out, text);
}

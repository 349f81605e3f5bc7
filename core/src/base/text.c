#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum { TEXT_FIRST_CAPACITY = 128 };

/* Make room for `more` bytes and the NUL. */
static bool text_reserve(ratls_text *text, size_t more)
{
    size_t capacity = text->capacity == 0 ? TEXT_FIRST_CAPACITY : text->capacity;
    char *grown;

    if (text->failed || more >= SIZE_MAX / 2 - text->len) {
        text->failed = true;
        return false;
    }
    while (capacity < text->len + more + 1) {
        capacity *= 2;
    }
    if (capacity == text->capacity) {
        return true;
    }
    grown = realloc(text->data, capacity);
    if (grown == NULL) {
        text->failed = true;
        return false;
    }
    text->data = grown;
    text->capacity = capacity;
    return true;
}

void ratls_text_add_bytes(ratls_text *text, const char *piece, size_t len)
{
    if (!text_reserve(text, len)) {
        return;
    }
    if (len > 0) {
        memcpy(text->data + text->len, piece, len);
    }
    text->len += len;
    text->data[text->len] = '\0';
}

void ratls_text_add(ratls_text *text, const char *piece)
{
    ratls_text_add_bytes(text, piece, strlen(piece));
}

void ratls_text_add_number(ratls_text *text, int64_t value)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRId64, value);

    ratls_text_add_bytes(text, digits, (size_t)len);
}

void ratls_text_add_hex(ratls_text *text, const uint8_t *bytes, size_t len)
{
    if (len > SIZE_MAX / 4 || !text_reserve(text, 2 * len)) {
        text->failed = true;
        return;
    }
    ratls_hex_write(text->data + text->len, bytes, len);
    text->len += 2 * len;
}

/* One that JSON strings do not hold as it is: what RFC 8259 forbids, DEL, and whatever is not ASCII, which is looked at. */
static bool is_special(uint8_t c)
{
    return c < 0x20 || c == '"' || c == '\\' || c >= 0x7f;
}

/* The character at the start of `text`, which is special; returns how many bytes it has. */
static size_t add_special(ratls_text *text, ratls_bytes from)
{
    uint8_t c = from.data[0];
    size_t len = ratls_utf8_sequence(from);

    if (c == '"' || c == '\\') {
        char escaped[2] = {'\\', (char)c};

        ratls_text_add_bytes(text, escaped, sizeof escaped);
    } else if (c < 0x20 || c == 0x7f) {
        ratls_text_add(text, "\\u00");
        ratls_text_add_hex(text, &c, 1);
    } else if (len == 0) {
        ratls_text_add(text, "\\ufffd");
    } else {
        ratls_text_add_bytes(text, (const char *)from.data, len);
    }
    return len == 0 ? 1 : len;
}

void ratls_text_add_json_string(ratls_text *text, const char *piece)
{
    ratls_bytes left = {(const uint8_t *)piece, strlen(piece)};

    ratls_text_add_bytes(text, "\"", 1);
    while (left.len > 0) {
        size_t plain = 0;

        while (plain < left.len && !is_special(left.data[plain])) {
            plain++;
        }
        ratls_text_add_bytes(text, (const char *)left.data, plain);
        left = (ratls_bytes){left.data + plain, left.len - plain};
        if (left.len > 0) {
            size_t taken = add_special(text, left);

            left = (ratls_bytes){left.data + taken, left.len - taken};
        }
    }
    ratls_text_add_bytes(text, "\"", 1);
}

char *ratls_text_take(ratls_text *text)
{
    char *data = NULL;

    if (!text->failed && text_reserve(text, 0)) {
        text->data[text->len] = '\0';
        data = text->data;
        text->data = NULL;
    }
    ratls_text_clear(text);
    return data;
}

void ratls_text_clear(ratls_text *text)
{
    free(text->data);
    *text = (ratls_text){0};
}

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Length of the UTF-8 sequence at `s`, 0 when it is none (RFC 3629: no overlong form, no surrogate). */
static size_t utf8_sequence(const unsigned char *s)
{
    if (s[0] < 0x80) {
        return 1;
    }
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        return (s[1] & 0xc0) == 0x80 ? 2 : 0;
    }
    if (s[0] >= 0xe0 && s[0] <= 0xef) {
        unsigned char low = s[0] == 0xe0 ? 0xa0 : 0x80;
        unsigned char high = s[0] == 0xed ? 0x9f : 0xbf;

        return s[1] >= low && s[1] <= high && (s[2] & 0xc0) == 0x80 ? 3 : 0;
    }
    if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        unsigned char low = s[0] == 0xf0 ? 0x90 : 0x80;
        unsigned char high = s[0] == 0xf4 ? 0x8f : 0xbf;

        return s[1] >= low && s[1] <= high && (s[2] & 0xc0) == 0x80 && (s[3] & 0xc0) == 0x80 ? 4 : 0;
    }
    return 0;
}

void ratls_text_add_json_string(ratls_text *text, const char *piece)
{
    ratls_text_add(text, "\"");
    for (const unsigned char *s = (const unsigned char *)piece; *s != '\0';) {
        size_t len = utf8_sequence(s);

        if (*s == '"' || *s == '\\') {
            char escaped[2] = {'\\', (char)*s};

            ratls_text_add_bytes(text, escaped, 2);
        } else if (*s < 0x20 || *s == 0x7f) {
            uint8_t control = *s;

            ratls_text_add(text, "\\u00");
            ratls_text_add_hex(text, &control, 1);
        } else if (len == 0) {
            ratls_text_add(text, "\\ufffd");
        } else {
            ratls_text_add_bytes(text, (const char *)s, len);
        }
        s += len == 0 ? 1 : len;
    }
    ratls_text_add(text, "\"");
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

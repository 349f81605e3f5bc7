#include "text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CLI_TEXT_CAPACITY_FIRST = 256 };

static bool grow_text(cli_text *text, size_t needed)
{
    size_t capacity = text->capacity == 0 ? CLI_TEXT_CAPACITY_FIRST : text->capacity;
    char *data;

    while (capacity < needed) {
        if (capacity > SIZE_MAX / 2) {
            return false;
        }
        capacity *= 2;
    }
    data = realloc(text->data, capacity);
    if (data == NULL) {
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void cli_text_add(cli_text *text, const char *piece, size_t len)
{
    if (text->failed || len >= SIZE_MAX - text->len) {
        text->failed = true;
        return;
    }
    if (text->len + len + 1 > text->capacity && !grow_text(text, text->len + len + 1)) {
        text->failed = true;
        return;
    }
    memcpy(text->data + text->len, piece, len);
    text->len += len;
    text->data[text->len] = '\0';
}

char *cli_text_take(cli_text *text)
{
    char *data = text->data;

    if (!text->failed && data == NULL) {
        data = calloc(1, 1);
    } else if (text->failed) {
        free(data);
        data = NULL;
    }
    *text = (cli_text){0};
    return data;
}

/* Length of the UTF-8 character at `text`, 0 when it is none (RFC 3629: no overlong forms, no surrogates). */
static size_t utf8_length(const unsigned char *text)
{
    static const struct {
        unsigned char first, last, second_low, second_high;
        size_t len;
    } forms[] = {
        {0x20, 0x7e, 0, 0, 1},       {0xc2, 0xc2, 0xa0, 0xbf, 2}, /* C1 controls are left out */
        {0xc3, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (text[0] < forms[i].first || text[0] > forms[i].last) {
            continue;
        }
        if (forms[i].len > 1 && (text[1] < forms[i].second_low || text[1] > forms[i].second_high)) {
            return 0;
        }
        for (size_t j = 2; j < forms[i].len; j++) {
            if ((text[j] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return forms[i].len;
    }
    return 0;
}

char *cli_text_printable(const char *text)
{
    char *copy = strdup(text);

    for (size_t i = 0; copy != NULL && copy[i] != '\0';) {
        size_t len = utf8_length((const unsigned char *)copy + i);

        if (len == 0) {
            copy[i] = '?';
            len = 1;
        }
        i += len;
    }
    return copy;
}

/** A growing text; once memory runs out it stays failed, and ratls_text_take() says so. */
#ifndef RATLS_BASE_TEXT_H
#define RATLS_BASE_TEXT_H

#include "base/bytes.h"

typedef struct {
    char *data; /* NUL-terminated once anything was added */
    size_t len;
    size_t capacity;
    bool failed;
} ratls_text;

void ratls_text_add(ratls_text *text, const char *piece);
void ratls_text_add_bytes(ratls_text *text, const char *piece, size_t len);
void ratls_text_add_number(ratls_text *text, int64_t value);
void ratls_text_add_hex(ratls_text *text, const uint8_t *bytes, size_t len);

/** `piece` as a JSON string with its quotes. Input that is not UTF-8 has its bad bytes replaced. */
void ratls_text_add_json_string(ratls_text *text, const char *piece);

/** Hand out the text, the caller's to free(); NULL when memory ran out. The text is empty afterwards. */
char *ratls_text_take(ratls_text *text);

void ratls_text_clear(ratls_text *text);

#endif

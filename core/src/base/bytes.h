/** A borrowed run of bytes, and the hexadecimal form of one. */
#ifndef RATLS_BASE_BYTES_H
#define RATLS_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *data;
    size_t len;
} ratls_bytes;

/** Same length and same content. */
bool ratls_bytes_equal(ratls_bytes a, ratls_bytes b);

/** Same content as the literal text, which is not part of a longer or shorter run. */
bool ratls_bytes_equal_text(ratls_bytes a, const char *text);

/** Every byte is zero (also true of none). */
bool ratls_bytes_all_zero(ratls_bytes bytes);

/** Lower-case hexadecimal of `bytes`, with NUL, into `out` of `2 * len + 1` bytes. */
void ratls_hex_write(char *out, const uint8_t *bytes, size_t len);

/** Read exactly `len` bytes from `digits_len` hexadecimal digits of either case; no prefix.
 *  False, with `out` untouched or half written, when the length or a digit is wrong. */
bool ratls_hex_read(uint8_t *out, size_t len, const char *digits, size_t digits_len);

#endif

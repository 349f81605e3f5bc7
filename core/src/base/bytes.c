#include "base/bytes.h"

#include <limits.h>
#include <string.h>

bool ratls_bytes_equal(ratls_bytes a, ratls_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool ratls_bytes_equal_text(ratls_bytes a, const char *text)
{
    return ratls_bytes_equal(a, (ratls_bytes){(const uint8_t *)text, strlen(text)});
}

bool ratls_bytes_all_zero(ratls_bytes bytes)
{
    uint8_t any = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        any |= bytes.data[i];
    }
    return any == 0;
}

void ratls_hex_write(char *out, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 0x0f];
    }
    out[2 * len] = '\0';
}

enum { HEX_DIGIT = 0x10 };

/* Value of a hexadecimal digit and HEX_DIGIT; 0 of any other character. */
static const uint8_t hex_digits[UCHAR_MAX + 1] = {
    ['0'] = 0x10, ['1'] = 0x11, ['2'] = 0x12, ['3'] = 0x13, ['4'] = 0x14, ['5'] = 0x15, ['6'] = 0x16, ['7'] = 0x17,
    ['8'] = 0x18, ['9'] = 0x19, ['a'] = 0x1a, ['b'] = 0x1b, ['c'] = 0x1c, ['d'] = 0x1d, ['e'] = 0x1e, ['f'] = 0x1f,
    ['A'] = 0x1a, ['B'] = 0x1b, ['C'] = 0x1c, ['D'] = 0x1d, ['E'] = 0x1e, ['F'] = 0x1f};

bool ratls_hex_read(uint8_t *out, size_t len, const char *digits, size_t digits_len)
{
    if (digits_len % 2 != 0 || digits_len / 2 != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned int high = hex_digits[(uint8_t)digits[2 * i]], low = hex_digits[(uint8_t)digits[2 * i + 1]];

        if ((high & low & HEX_DIGIT) == 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | (low & 0x0f));
    }
    return true;
}

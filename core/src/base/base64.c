#include "base/base64.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

enum { BASE64_NOT_A_DIGIT = 64 };

/* Value of one digit; `extra` are the two of 62 and 63. */
static uint32_t digit_value(uint8_t digit, const char extra[2])
{
    if (digit >= 'A' && digit <= 'Z') {
        return (uint32_t)(digit - 'A');
    }
    if (digit >= 'a' && digit <= 'z') {
        return (uint32_t)(digit - 'a') + 26;
    }
    if (digit >= '0' && digit <= '9') {
        return (uint32_t)(digit - '0') + 52;
    }
    if (digit == (uint8_t)extra[0]) {
        return 62;
    }
    return digit == (uint8_t)extra[1] ? 63 : BASE64_NOT_A_DIGIT;
}

/* The digits' bytes into a buffer that is large enough. */
static bool fill(uint8_t *bytes, size_t *len, ratls_bytes digits, const char extra[2])
{
    uint32_t held = 0;
    unsigned int bits = 0;

    *len = 0;
    for (size_t i = 0; i < digits.len; i++) {
        uint32_t value = digit_value(digits.data[i], extra);

        if (value == BASE64_NOT_A_DIGIT) {
            return false;
        }
        held = held << 6 | value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[(*len)++] = (uint8_t)(held >> bits);
            held &= (UINT32_C(1) << bits) - 1;
        }
    }
    /* What is left over must be nothing: else two texts would stand for the same bytes. */
    return held == 0;
}

/* Digits without padding. */
static ratls_base64_outcome decode_digits(uint8_t **out, size_t *out_len, ratls_bytes digits, const char extra[2])
{
    uint8_t *bytes;

    if (digits.len % 4 == 1) {
        return RATLS_BASE64_MALFORMED;
    }
    bytes = malloc(digits.len / 4 * 3 + 3);
    if (bytes == NULL) {
        return RATLS_BASE64_OUT_OF_MEMORY;
    }
    if (!fill(bytes, out_len, digits, extra)) {
        *out_len = 0;
        free(bytes);
        return RATLS_BASE64_MALFORMED;
    }
    *out = bytes;
    return RATLS_BASE64_OK;
}

ratls_base64_outcome ratls_base64_decode(uint8_t **out, size_t *out_len, ratls_bytes text)
{
    size_t padding = 0;

    *out = NULL;
    *out_len = 0;
    if (text.len % 4 != 0) {
        return RATLS_BASE64_MALFORMED;
    }
    while (padding < 2 && padding < text.len && text.data[text.len - 1 - padding] == '=') {
        padding++;
    }
    return decode_digits(out, out_len, (ratls_bytes){text.data, text.len - padding}, "+/");
}

ratls_base64_outcome ratls_base64url_decode(uint8_t **out, size_t *out_len, ratls_bytes text)
{
    *out = NULL;
    *out_len = 0;
    return decode_digits(out, out_len, text, "-_");
}

char *ratls_base64_encode(ratls_bytes bytes)
{
    char *text;

    if (bytes.len > INT_MAX / 2) {
        return NULL;
    }
    text = malloc((bytes.len + 2) / 3 * 4 + 1);
    if (text != NULL) {
        (void)EVP_EncodeBlock((uint8_t *)text, bytes.data, (int)bytes.len);
    }
    return text;
}

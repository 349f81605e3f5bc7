#include "base/base64.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

enum { BASE64_NOT_A_DIGIT = 64, BASE64_DIGITS = 64 };

/* Values of digits; anything else is BASE64_NOT_A_DIGIT. */
typedef struct {
    uint8_t values[UCHAR_MAX + 1];
} base64_alphabet;

/* `extra` are the digits of 62 and 63. */
static void fill_alphabet(base64_alphabet *out, const char extra[2])
{
    static const char common[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    memset(out->values, BASE64_NOT_A_DIGIT, sizeof out->values);
    for (uint8_t i = 0; i < BASE64_DIGITS - 2; i++) {
        out->values[(uint8_t)common[i]] = i;
    }
    out->values[(uint8_t)extra[0]] = BASE64_DIGITS - 2;
    out->values[(uint8_t)extra[1]] = BASE64_DIGITS - 1;
}

/* A whole group of four. */
static bool decode_group(uint8_t out[3], const uint8_t digits[4], const base64_alphabet *alphabet)
{
    uint32_t a = alphabet->values[digits[0]], b = alphabet->values[digits[1]], c = alphabet->values[digits[2]],
             d = alphabet->values[digits[3]];
    uint32_t group = a << 18 | b << 12 | c << 6 | d;

    out[0] = (uint8_t)(group >> 16);
    out[1] = (uint8_t)(group >> 8);
    out[2] = (uint8_t)group;
    return ((a | b | c | d) & BASE64_NOT_A_DIGIT) == 0;
}

/* The digits' bytes into a buffer that is large enough. What is left over of the last group must be nothing: else two texts
 * would stand for the same bytes. */
static bool fill(uint8_t *bytes, size_t *len, ratls_bytes digits, const base64_alphabet *alphabet)
{
    size_t whole = digits.len / 4, rest = digits.len % 4;
    uint8_t last[4] = "AAAA", decoded[3];

    *len = 0;
    for (size_t i = 0; i < whole; i++) {
        if (!decode_group(bytes + 3 * i, digits.data + 4 * i, alphabet)) {
            return false;
        }
    }
    *len = 3 * whole;
    if (rest == 0) {
        return true;
    }
    memcpy(last, digits.data + 4 * whole, rest);
    if (rest == 1 || !decode_group(decoded, last, alphabet) || decoded[2] != 0 || (rest == 2 && decoded[1] != 0)) {
        return false;
    }
    memcpy(bytes + *len, decoded, rest - 1);
    *len += rest - 1;
    return true;
}

/* Digits without padding. */
static ratls_base64_outcome decode_digits(uint8_t **out, size_t *out_len, ratls_bytes digits, const char extra[2])
{
    base64_alphabet alphabet;
    uint8_t *bytes = malloc(digits.len / 4 * 3 + 3);

    if (bytes == NULL) {
        return RATLS_BASE64_OUT_OF_MEMORY;
    }
    fill_alphabet(&alphabet, extra);
    if (!fill(bytes, out_len, digits, &alphabet)) {
        *out_len = 0;
        free(bytes);
        return RATLS_BASE64_MALFORMED;
    }
    *out = bytes;
    return RATLS_BASE64_OK;
}

/* The digits of a padded text; false when it is not of whole groups. */
static bool cut_padding(ratls_bytes *digits, ratls_bytes text)
{
    size_t padding = 0;

    while (padding < 2 && padding < text.len && text.data[text.len - 1 - padding] == '=') {
        padding++;
    }
    *digits = (ratls_bytes){text.data, text.len - padding};
    return text.len % 4 == 0;
}

bool ratls_base64_decode_into(uint8_t *out, size_t *out_len, ratls_bytes text)
{
    base64_alphabet alphabet;
    ratls_bytes digits;

    *out_len = 0;
    fill_alphabet(&alphabet, "+/");
    return cut_padding(&digits, text) && fill(out, out_len, digits, &alphabet);
}

ratls_base64_outcome ratls_base64_decode(uint8_t **out, size_t *out_len, ratls_bytes text)
{
    ratls_bytes digits;

    *out = NULL;
    *out_len = 0;
    return cut_padding(&digits, text) ? decode_digits(out, out_len, digits, "+/") : RATLS_BASE64_MALFORMED;
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

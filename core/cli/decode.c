#include "decode.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool is_text(const uint8_t *input, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!is_space(input[i]) && (input[i] < 0x20 || input[i] > 0x7e)) {
            return false;
        }
    }
    return true;
}

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static int base64_digit(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z') {
        return byte - 'A';
    }
    if (byte >= 'a' && byte <= 'z') {
        return byte - 'a' + 26;
    }
    if (byte >= '0' && byte <= '9') {
        return byte - '0' + 52;
    }
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

/* Hexadecimal in place, with or without 0x. */
static bool decode_hex(uint8_t *text, size_t *len)
{
    size_t start = *len >= 2 && text[0] == '0' && (text[1] | 0x20) == 'x' ? 2 : 0;
    size_t digits = *len - start;

    if (digits == 0 || digits % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        if (hex_digit(text[start + i]) < 0) {
            return false;
        }
    }
    for (size_t i = 0; i < digits / 2; i++) {
        text[i] = (uint8_t)(hex_digit(text[start + 2 * i]) << 4 | hex_digit(text[start + 2 * i + 1]));
    }
    *len = digits / 2;
    return true;
}

/* Base64 (RFC 4648, section 4) in place; padding may be missing, bits left over must be zero. */
static bool decode_base64(uint8_t *text, size_t *len)
{
    size_t digits = *len, made = 0;
    uint32_t bits = 0;
    unsigned held = 0;

    while (digits > 0 && *len % 4 == 0 && *len - digits < 2 && text[digits - 1] == '=') {
        digits--;
    }
    if (digits == 0 || digits % 4 == 1) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        int digit = base64_digit(text[i]);

        if (digit < 0) {
            return false;
        }
        bits = (bits << 6 | (uint32_t)digit) & 0xfff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            text[made++] = (uint8_t)(bits >> held);
        }
    }
    *len = made;
    return (bits & ((1u << held) - 1)) == 0;
}

/* What stands between the first "-----BEGIN label-----" and its end; false when there is none. */
static bool find_pem(const uint8_t **start, size_t *len, const uint8_t *input, const char *label)
{
    static const char begin[] = "-----BEGIN ", end[] = "-----END ", dashes[] = "-----";
    const char *text = (const char *)input;

    while ((text = strstr(text, begin)) != NULL) {
        const char *body, *close;

        text += sizeof begin - 1;
        if (strncmp(text, label, strlen(label)) != 0 || strncmp(text + strlen(label), dashes, sizeof dashes - 1) != 0) {
            continue;
        }
        body = text + strlen(label) + sizeof dashes - 1;
        close = strstr(body, end);
        if (close == NULL || strncmp(close + sizeof end - 1, label, strlen(label)) != 0) {
            return false;
        }
        *start = (const uint8_t *)body;
        *len = (size_t)(close - body);
        return true;
    }
    return false;
}

/* A copy without white space. */
static uint8_t *copy_dense(const uint8_t *input, size_t len, size_t *dense_len)
{
    uint8_t *copy = malloc(len + 1);

    *dense_len = 0;
    for (size_t i = 0; copy != NULL && i < len; i++) {
        if (!is_space(input[i])) {
            copy[(*dense_len)++] = input[i];
        }
    }
    return copy;
}

cli_decode_outcome cli_decode(uint8_t **out, size_t *out_len, const uint8_t *input, size_t len, const char *pem_label)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf}; /* byte order mark that editors put before UTF-8 */
    bool pem, known;
    uint8_t *dense;
    size_t dense_len;

    *out = NULL;
    *out_len = 0;
    if (len >= sizeof mark && memcmp(input, mark, sizeof mark) == 0 && is_text(input + sizeof mark, len - sizeof mark)) {
        input += sizeof mark;
        len -= sizeof mark;
    }
    if (!is_text(input, len)) {
        return CLI_DECODE_BINARY;
    }
    pem = find_pem(&input, &len, input, pem_label);
    dense = copy_dense(input, len, &dense_len);
    if (dense == NULL) {
        return CLI_DECODE_MEMORY;
    }
    known = pem ? decode_base64(dense, &dense_len) : decode_hex(dense, &dense_len) || decode_base64(dense, &dense_len);
    if (!known) {
        free(dense);
        return CLI_DECODE_NONE;
    }
    *out = dense;
    *out_len = dense_len;
    return CLI_DECODE_TEXT;
}

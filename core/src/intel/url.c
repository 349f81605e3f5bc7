#include "intel/url.h"

#include <string.h>

#include "base/reader.h"

enum { URL_PORT_DIGITS_MAX = 5 };

static bool is_host_character(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

static bool is_address_character(uint8_t c)
{
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

static size_t run_length(ratls_reader reader, bool (*belongs)(uint8_t))
{
    size_t len = 0;

    while (len < reader.left && belongs(reader.next[len])) {
        len++;
    }
    return len;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool take_char(ratls_reader *reader, char c)
{
    return reader->left > 0 && reader->next[0] == (uint8_t)c && ratls_reader_skip(reader, 1);
}

static bool take_host(ratls_bytes *out, ratls_reader *reader)
{
    if (take_char(reader, '[')) {
        return ratls_reader_take(reader, out, run_length(*reader, is_address_character)) && out->len > 0 && take_char(reader, ']');
    }
    return ratls_reader_take(reader, out, run_length(*reader, is_host_character)) && out->len > 0;
}

static bool is_printable(ratls_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f || text.data[i] == '#' || text.data[i] == '\\') {
            return false;
        }
    }
    return true;
}

bool ratls_url_read(ratls_url *out, ratls_bytes text)
{
    ratls_reader reader = ratls_reader_over(text);
    ratls_bytes port = {0};

    *out = (ratls_url){0};
    if (!is_printable(text) || !ratls_reader_take(&reader, &out->scheme, run_length(reader, is_host_character)) ||
        !take_char(&reader, ':') || !take_char(&reader, '/') || !take_char(&reader, '/') || !take_host(&out->host, &reader)) {
        return false;
    }
    if (take_char(&reader, ':')) {
        if (!ratls_reader_take(&reader, &port, run_length(reader, is_digit)) || port.len == 0 || port.len > URL_PORT_DIGITS_MAX) {
            return false;
        }
    }
    if (reader.left > 0 && reader.next[0] != '/') {
        return false;
    }
    return ratls_reader_take(&reader, &out->rest, reader.left);
}

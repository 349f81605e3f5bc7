#include "base/pem.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/reader.h"
#include "base/text.h"

enum { PEM_LINE_CHARACTERS = 64, PEM_LINE_BYTES = 48 };

static const char begin_mark[] = "-----BEGIN ";
static const char end_mark[] = "-----END ";
static const char closing_mark[] = "-----";

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The text without the run of NUL and white space at its end (DCAP rules 1.7, 1). */
static ratls_bytes cut_end(ratls_bytes text)
{
    while (text.len > 0 && (text.data[text.len - 1] == '\0' || is_space(text.data[text.len - 1]))) {
        text.len--;
    }
    return text;
}

static void skip_space(ratls_reader *reader)
{
    while (reader->left > 0 && is_space(reader->next[0]) && ratls_reader_skip(reader, 1)) {
    }
}

/* The next line without its end, LF or CRLF; the last line may have none. */
static ratls_bytes take_line(ratls_reader *reader)
{
    ratls_bytes line = {reader->next, 0};
    const uint8_t *end = reader->left == 0 ? NULL : memchr(reader->next, '\n', reader->left);
    size_t whole = end == NULL ? reader->left : (size_t)(end - reader->next) + 1;

    if (!ratls_reader_take(reader, &line, whole)) {
        return line;
    }
    if (end != NULL) {
        line.len -= line.len >= 2 && line.data[line.len - 2] == '\r' ? 2 : 1;
    }
    return line;
}

static bool take_text(ratls_reader *reader, const char *text)
{
    ratls_bytes part;

    return ratls_reader_take(reader, &part, strlen(text)) && ratls_bytes_equal_text(part, text);
}

/* Take MARK LABEL "-----" if that comes next. */
static bool take_mark(ratls_reader *reader, const char *mark, const char *label)
{
    ratls_reader ahead = *reader;

    if (!take_text(&ahead, mark) || !take_text(&ahead, label) || !take_text(&ahead, closing_mark)) {
        return false;
    }
    *reader = ahead;
    return true;
}

/* Decode base64 to `target`, which has room for as many bytes as there are characters. */
static const char *decode_block(uint8_t *target, ratls_bytes text, size_t block_max, size_t *decoded)
{
    if (text.len == 0 || !ratls_base64_decode_into(target, decoded, text)) {
        return "a block is not strict base64";
    }
    return *decoded > block_max ? "a block is longer than the limit" : NULL;
}

/* One block, decoded to `target`; its base64 is joined in `scratch`. Each has room for as many bytes as are
 * left to read. The END mark need not end its line: genuine quotes have the next BEGIN right after it. */
static const char *read_block(uint8_t *target, uint8_t *scratch, ratls_reader *reader, const char *label, size_t block_max, size_t *decoded)
{
    ratls_bytes joined = {scratch, 0};
    ratls_bytes line;

    if (!take_mark(reader, begin_mark, label) || take_line(reader).len > 0) {
        return "text that is not a block of the expected kind";
    }
    while (reader->left > 0) {
        if (take_mark(reader, end_mark, label)) {
            return decode_block(target, joined, block_max, decoded);
        }
        line = take_line(reader);
        if (line.len == 0) {
            return "an empty line inside a block";
        }
        memcpy(scratch + joined.len, line.data, line.len);
        joined.len += line.len;
    }
    return "a block has no end";
}

static const char *read_blocks(ratls_pem *out, ratls_bytes text, const char *label, size_t block_max)
{
    ratls_reader reader = ratls_reader_over(text);
    uint8_t *target = out->storage;
    const char *fault;
    size_t decoded = 0;

    skip_space(&reader);
    while (reader.left > 0) {
        if (out->len == RATLS_PEM_BLOCKS_MAX) {
            return "more blocks than the limit";
        }
        fault = read_block(target, out->storage + text.len, &reader, label, block_max, &decoded);
        if (fault != NULL) {
            return fault;
        }
        out->blocks[out->len++] = (ratls_bytes){target, decoded};
        target += decoded;
        skip_space(&reader);
    }
    return out->len == 0 ? "no block" : NULL;
}

bool ratls_pem_parse(ratls_pem *out, ratls_bytes text, const char *label, size_t block_max, const char **what)
{
    const char *fault;

    *out = (ratls_pem){0};
    text = cut_end(text);
    if (text.len == 0 || memchr(text.data, '\0', text.len) != NULL) {
        *what = text.len == 0 ? "no block" : "a NUL byte in the text";
        return false;
    }
    out->storage_len = 2 * text.len; /* decoded blocks, then scratch */
    out->storage = text.len > SIZE_MAX / 2 ? NULL : malloc(out->storage_len);
    fault = out->storage == NULL ? "out of memory" : read_blocks(out, text, label, block_max);
    if (fault != NULL) {
        ratls_pem_clear(out);
        *what = fault;
        return false;
    }
    return true;
}

void ratls_pem_clear(ratls_pem *pem)
{
    if (pem->storage != NULL) {
        OPENSSL_cleanse(pem->storage, pem->storage_len);
    }
    free(pem->storage);
    *pem = (ratls_pem){0};
}

static void add_boundary(ratls_text *text, const char *which, const char *label)
{
    ratls_text_add(text, "-----");
    ratls_text_add(text, which);
    ratls_text_add(text, " ");
    ratls_text_add(text, label);
    ratls_text_add(text, "-----\n");
}

char *ratls_pem_write(const char *label, ratls_bytes block)
{
    ratls_text text = {0};

    add_boundary(&text, "BEGIN", label);
    for (size_t at = 0; at < block.len; at += PEM_LINE_BYTES) {
        size_t step = block.len - at < PEM_LINE_BYTES ? block.len - at : PEM_LINE_BYTES;
        uint8_t line[PEM_LINE_CHARACTERS + 1];
        int len = EVP_EncodeBlock(line, block.data + at, (int)step);

        ratls_text_add_bytes(&text, (const char *)line, (size_t)len);
        ratls_text_add(&text, "\n");
    }
    add_boundary(&text, "END", label);
    return ratls_text_take(&text);
}

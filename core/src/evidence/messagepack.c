#include "evidence/messagepack.h"

#include "base/utf8.h"

enum {
    FIXINT_LAST = 0x7f,
    FIXMAP = 0x80,
    FIXARRAY = 0x90,
    FIXSTR = 0xa0,
    NIL = 0xc0,
    NEVER_USED = 0xc1,
    FALSE_VALUE = 0xc2,
    TRUE_VALUE = 0xc3,
    BIN_8 = 0xc4, /* then 16 and 32 */
    EXT_8 = 0xc7, /* then 16 and 32 */
    FLOAT_32 = 0xca,
    UINT_8 = 0xcc, /* then 16, 32 and 64 */
    INT_8 = 0xd0,  /* then 16, 32 and 64 */
    FIXEXT_1 = 0xd4, /* then 2, 4, 8 and 16 */
    STR_8 = 0xd9,  /* then 16 and 32 */
    ARRAY_16 = 0xdc, /* then 32 */
    MAP_16 = 0xde, /* then 32 */
    NEGATIVE_FIXINT = 0xe0
};

/* A family of forms: one with the number in the first byte (absent where fixed_first is 0), and wider ones
 * in which it follows in big-endian, each twice as wide as the one before it. */
typedef struct {
    uint8_t fixed_first;
    uint8_t fixed_mask; /* bits of the number in the first byte */
    uint8_t wide_first;
    uint8_t wide_count;
    uint8_t wide_bytes; /* of the narrowest */
} number_forms;

static const number_forms map_forms = {FIXMAP, 0x0f, MAP_16, 2, 2};
static const number_forms array_forms = {FIXARRAY, 0x0f, ARRAY_16, 2, 2};
static const number_forms text_forms = {FIXSTR, 0x1f, STR_8, 3, 1};
static const number_forms bin_forms = {0, 0, BIN_8, 3, 1};
static const number_forms extension_forms = {0, 0, EXT_8, 3, 1};
static const number_forms unsigned_forms = {0, 0, UINT_8, 4, 1};

/* Read a value's first bytes if they are of this family. */
static bool read_number(ratls_reader *reader, const number_forms *forms, uint64_t *out)
{
    ratls_reader ahead = *reader;
    uint64_t number;
    uint8_t first;

    if (!ratls_reader_u8(&ahead, &first)) {
        return false;
    }
    if (forms->fixed_first != 0 && (first & ~forms->fixed_mask) == forms->fixed_first) {
        number = first & forms->fixed_mask;
    } else if (first < forms->wide_first || first >= forms->wide_first + forms->wide_count ||
               !ratls_reader_uint_be(&ahead, &number, (size_t)forms->wide_bytes << (first - forms->wide_first))) {
        return false;
    }
    *reader = ahead;
    *out = number;
    return true;
}

static bool read_count(ratls_reader *reader, const number_forms *forms, uint32_t *out)
{
    uint64_t count;

    if (!read_number(reader, forms, &count)) {
        return false;
    }
    *out = (uint32_t)count; /* no form is wider than 32 bits */
    return true;
}

static bool read_counted(ratls_reader *reader, const number_forms *forms, size_t more, ratls_bytes *out)
{
    ratls_reader ahead = *reader;
    uint32_t count;

    if (!read_count(&ahead, forms, &count) || count > SIZE_MAX - more || !ratls_reader_take(&ahead, out, count + more)) {
        return false;
    }
    *reader = ahead;
    return true;
}

bool ratls_messagepack_map(ratls_reader *reader, uint32_t *pairs)
{
    return read_count(reader, &map_forms, pairs);
}

bool ratls_messagepack_array(ratls_reader *reader, uint32_t *elements)
{
    return read_count(reader, &array_forms, elements);
}

bool ratls_messagepack_text(ratls_reader *reader, ratls_bytes *out)
{
    return read_counted(reader, &text_forms, 0, out) && ratls_utf8_valid(*out);
}

bool ratls_messagepack_bin(ratls_reader *reader, ratls_bytes *out)
{
    return read_counted(reader, &bin_forms, 0, out);
}

bool ratls_messagepack_unsigned(ratls_reader *reader, uint64_t maximum, uint64_t *out)
{
    ratls_reader ahead = *reader;
    uint8_t first;

    if (!ratls_reader_u8(&ahead, &first)) {
        return false;
    }
    if (first <= FIXINT_LAST) {
        *out = first;
        *reader = ahead;
    } else if (!read_number(reader, &unsigned_forms, out)) {
        return false;
    }
    return *out <= maximum;
}

/* Bytes after the first one of the values whose length the first byte alone tells; -1 for other values. */
static int fixed_length(uint8_t first)
{
    if (first <= FIXINT_LAST || first >= NEGATIVE_FIXINT || first == NIL || first == FALSE_VALUE || first == TRUE_VALUE) {
        return 0;
    }
    if (first == FLOAT_32 || first == FLOAT_32 + 1) {
        return 4 << (first - FLOAT_32);
    }
    if (first >= UINT_8 && first < INT_8) {
        return 1 << (first - UINT_8);
    }
    if (first >= INT_8 && first < FIXEXT_1) {
        return 1 << (first - INT_8);
    }
    if (first >= FIXEXT_1 && first < STR_8) {
        return 1 + (1 << (first - FIXEXT_1));
    }
    return -1;
}

/* Take a value that holds no others. The byte that MessagePack never uses is none. */
static bool skip_scalar(ratls_reader *reader)
{
    ratls_bytes content;
    int fixed = reader->left == 0 || reader->next[0] == NEVER_USED ? -1 : fixed_length(reader->next[0]);

    if (fixed >= 0) {
        return ratls_reader_skip(reader, (size_t)fixed + 1);
    }
    return read_counted(reader, &text_forms, 0, &content) || read_counted(reader, &bin_forms, 0, &content) ||
           read_counted(reader, &extension_forms, 1, &content);
}

/* How many values a map or an array holds; false for anything else. */
static bool read_container(ratls_reader *reader, uint64_t *values)
{
    uint32_t count;

    if (ratls_messagepack_map(reader, &count)) {
        *values = 2 * (uint64_t)count;
        return true;
    }
    if (ratls_messagepack_array(reader, &count)) {
        *values = count;
        return true;
    }
    return false;
}

bool ratls_messagepack_skip(ratls_reader *reader, size_t depth, ratls_bytes *out)
{
    uint64_t waiting[RATLS_MESSAGEPACK_DEPTH_MAX + 1] = {1}; /* values still to come, by depth */
    ratls_reader ahead = *reader;
    size_t level = 0;

    if (depth > RATLS_MESSAGEPACK_DEPTH_MAX) {
        return false;
    }
    while (level > 0 || waiting[0] > 0) {
        uint64_t values;

        if (waiting[level] == 0) {
            level--;
            continue;
        }
        waiting[level]--;
        if (read_container(&ahead, &values)) {
            if (level == depth) {
                return false;
            }
            waiting[++level] = values;
        } else if (!skip_scalar(&ahead)) {
            return false;
        }
    }
    return ratls_reader_take(reader, out, reader->left - ahead.left);
}

#include "evidence/scale.h"

#include "base/utf8.h"

enum {
    MODE_MASK = 0x03,
    MODE_BITS = 2,
    MODE_ONE_BYTE = 0,
    MODE_TWO_BYTES = 1,
    MODE_FOUR_BYTES = 2,
    ONE_BYTE_MAX = 63,
    TWO_BYTES_MAX = 16383
};

bool ratls_scale_compact(ratls_reader *reader, uint32_t *out)
{
    ratls_reader ahead = *reader;
    uint8_t first;
    uint16_t two;
    uint32_t value;

    if (!ratls_reader_u8(&ahead, &first)) {
        return false;
    }
    if ((first & MODE_MASK) == MODE_ONE_BYTE) {
        value = first >> MODE_BITS;
        *reader = ahead;
    } else if ((first & MODE_MASK) == MODE_TWO_BYTES) {
        if (!ratls_reader_u16_le(reader, &two) || two >> MODE_BITS <= ONE_BYTE_MAX) {
            return false;
        }
        value = two >> MODE_BITS;
    } else {
        if ((first & MODE_MASK) != MODE_FOUR_BYTES || !ratls_reader_u32_le(reader, &value) || value >> MODE_BITS <= TWO_BYTES_MAX) {
            return false;
        }
        value >>= MODE_BITS;
    }
    *out = value;
    return true;
}

bool ratls_scale_bytes(ratls_reader *reader, ratls_bytes *out)
{
    uint32_t len;

    return ratls_scale_compact(reader, &len) && ratls_reader_take(reader, out, len);
}

bool ratls_scale_text(ratls_reader *reader, ratls_bytes *out)
{
    return ratls_scale_bytes(reader, out) && ratls_utf8_valid(*out);
}

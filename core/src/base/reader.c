#include "base/reader.h"

#include <string.h>

ratls_reader ratls_reader_over(ratls_bytes input)
{
    return (ratls_reader){input.data, input.data, input.len};
}

size_t ratls_reader_offset(const ratls_reader *reader)
{
    return (size_t)(reader->next - reader->start);
}

bool ratls_reader_copy(ratls_reader *reader, uint8_t *out, size_t len)
{
    ratls_bytes taken;

    if (!ratls_reader_take(reader, &taken, len)) {
        return false;
    }
    if (len > 0) {
        memcpy(out, taken.data, len);
    }
    return true;
}

bool ratls_reader_u16_le(ratls_reader *reader, uint16_t *out)
{
    uint8_t raw[2];

    if (!ratls_reader_copy(reader, raw, sizeof raw)) {
        return false;
    }
    *out = (uint16_t)(raw[0] | raw[1] << 8);
    return true;
}

bool ratls_reader_u32_le(ratls_reader *reader, uint32_t *out)
{
    uint8_t raw[4];

    if (!ratls_reader_copy(reader, raw, sizeof raw)) {
        return false;
    }
    *out = (uint32_t)raw[0] | (uint32_t)raw[1] << 8 | (uint32_t)raw[2] << 16 | (uint32_t)raw[3] << 24;
    return true;
}

bool ratls_reader_uint_be(ratls_reader *reader, uint64_t *out, size_t len)
{
    ratls_bytes raw;
    uint64_t value = 0;

    if (len == 0 || len > sizeof value || !ratls_reader_take(reader, &raw, len)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        value = value << 8 | raw.data[i];
    }
    *out = value;
    return true;
}

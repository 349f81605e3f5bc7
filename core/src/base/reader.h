/** A bounds-checked cursor over untrusted bytes: the only way in which parsers touch them.
 *
 *  Every take moves the cursor only when all of it was there, and says so.
 */
#ifndef RATLS_BASE_READER_H
#define RATLS_BASE_READER_H

#include "base/bytes.h"

typedef struct {
    const uint8_t *start; /* where the input began, for offsets in messages */
    const uint8_t *next;
    size_t left;
} ratls_reader;

ratls_reader ratls_reader_over(ratls_bytes input);

/** Bytes consumed so far. */
size_t ratls_reader_offset(const ratls_reader *reader);

/* In the header: the scanner of JSON and the reader of DER do little else. */

static inline bool ratls_reader_skip(ratls_reader *reader, size_t len)
{
    if (len > reader->left) {
        return false;
    }
    if (len > 0) { /* an empty input may be a NULL pointer, to which nothing may be added */
        reader->next += len;
        reader->left -= len;
    }
    return true;
}

static inline bool ratls_reader_take(ratls_reader *reader, ratls_bytes *out, size_t len)
{
    ratls_bytes taken = {reader->next, len};

    if (!ratls_reader_skip(reader, len)) {
        return false;
    }
    *out = taken;
    return true;
}

static inline bool ratls_reader_u8(ratls_reader *reader, uint8_t *out)
{
    if (reader->left == 0) {
        return false;
    }
    *out = *reader->next;
    return ratls_reader_skip(reader, 1);
}

bool ratls_reader_copy(ratls_reader *reader, uint8_t *out, size_t len);

/* Little-endian, as quotes and SCALE have them. */
bool ratls_reader_u16_le(ratls_reader *reader, uint16_t *out);
bool ratls_reader_u32_le(ratls_reader *reader, uint32_t *out);

/* Big-endian of 1 to 8 bytes, as MessagePack and DER have them. */
bool ratls_reader_uint_be(ratls_reader *reader, uint64_t *out, size_t len);

#endif

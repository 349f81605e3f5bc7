/** MessagePack, as V1 envelopes use it (evidence format 2.6). */
#ifndef RATLS_EVIDENCE_MESSAGEPACK_H
#define RATLS_EVIDENCE_MESSAGEPACK_H

#include "base/reader.h"

enum { RATLS_MESSAGEPACK_DEPTH_MAX = 8 };

/** Head of a map: how many pairs follow. */
bool ratls_messagepack_map(ratls_reader *reader, uint32_t *pairs);

/** Head of an array: how many elements follow. */
bool ratls_messagepack_array(ratls_reader *reader, uint32_t *elements);

/** A str, which must be UTF-8. */
bool ratls_messagepack_text(ratls_reader *reader, ratls_bytes *out);

/** A bin. */
bool ratls_messagepack_bin(ratls_reader *reader, ratls_bytes *out);

/** A non-negative integer in one of the unsigned forms, not above `maximum`. */
bool ratls_messagepack_unsigned(ratls_reader *reader, uint64_t maximum, uint64_t *out);

/** Take one whole value of any kind, at most `depth` maps and arrays deep (1 to RATLS_MESSAGEPACK_DEPTH_MAX),
 *  without recursion. */
bool ratls_messagepack_skip(ratls_reader *reader, size_t depth, ratls_bytes *out);

#endif

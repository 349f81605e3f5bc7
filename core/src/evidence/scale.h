/** The SCALE codec's primitives, as V0 envelopes use them (evidence format 2.2). */
#ifndef RATLS_EVIDENCE_SCALE_H
#define RATLS_EVIDENCE_SCALE_H

#include "base/reader.h"

/** A compact integer in its shortest form; the mode for 2^30 and more is refused, since no length here is that long. */
bool ratls_scale_compact(ratls_reader *reader, uint32_t *out);

/** A compact count and as many bytes. */
bool ratls_scale_bytes(ratls_reader *reader, ratls_bytes *out);

/** A compact count and as many bytes of UTF-8. */
bool ratls_scale_text(ratls_reader *reader, ratls_bytes *out);

#endif

/** Attestation envelopes V0 and V1 for tests. */
#ifndef RATLS_TEST_ENVELOPE_BUILDER_H
#define RATLS_TEST_ENVELOPE_BUILDER_H

#include "support/buffer.h"

/* SCALE. */
void scale_compact(test_buffer *out, uint32_t value);
void scale_bytes(test_buffer *out, const void *bytes, size_t len);
void scale_text(test_buffer *out, const char *text);

/** Body of variant `tag` (0 to 4), as the newest release writes it, one entry in every list. `quote` for the two
 *  TDX variants. */
void envelope_v0_body(test_buffer *out, uint8_t tag, const test_buffer *quote);

/** Runtime events, report_data and config: what follows the body. */
void envelope_v0_rest(test_buffer *out, uint8_t report_data_fill);

/** A whole V0 envelope; `with_body` false as older releases wrote tags 1 and 2. */
void envelope_v0(test_buffer *out, uint8_t tag, bool with_body, const test_buffer *quote, uint8_t report_data_fill);

/* MessagePack, in the shortest form unless said otherwise. */
void pack_map(test_buffer *out, uint32_t pairs);
void pack_array(test_buffer *out, uint32_t elements);
void pack_text(test_buffer *out, const char *text);
void pack_bin(test_buffer *out, const void *bytes, size_t len);
void pack_unsigned(test_buffer *out, uint32_t value);
/** Bytes as an array of integers. */
void pack_octets(test_buffer *out, const void *bytes, size_t len);

typedef struct {
    const char *kind;        /* of the platform */
    bool without_data;       /* of the platform */
    bool octets_as_bin;      /* quote and report_data as bin */
    bool reversed;           /* members of the outermost map in the other order */
    bool unknown_members;    /* further members here and there */
    const test_buffer *quote;
    uint8_t report_data_fill;
    const char *pod_payload; /* NULL: an ordinary stack; else dstack-pod */
    const uint8_t *pod_report_data; /* 64 bytes, for a pod */
} envelope_v1_spec;

void envelope_v1(test_buffer *out, const envelope_v1_spec *spec);

#endif

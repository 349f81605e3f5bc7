/** Bytes that a test puts together: they grow, and a test that runs out of memory ends. */
#ifndef RATLS_TEST_BUFFER_H
#define RATLS_TEST_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

typedef struct {
    uint8_t *data;
    size_t len;
    size_t capacity;
} test_buffer;

void buffer_add(test_buffer *buffer, const void *bytes, size_t len);
void buffer_add_text(test_buffer *buffer, const char *text);
void buffer_add_buffer(test_buffer *buffer, const test_buffer *other);
void buffer_fill(test_buffer *buffer, uint8_t value, size_t len);
void buffer_u8(test_buffer *buffer, uint8_t value);
void buffer_u16_le(test_buffer *buffer, uint16_t value);
void buffer_u32_le(test_buffer *buffer, uint32_t value);
void buffer_u16_be(test_buffer *buffer, uint16_t value);
void buffer_u32_be(test_buffer *buffer, uint32_t value);

/** Put bytes in before `at`. */
void buffer_insert(test_buffer *buffer, size_t at, const void *bytes, size_t len);

ratls_bytes buffer_bytes(const test_buffer *buffer);
void buffer_free(test_buffer *buffer);

/** Begin an element of DER: what is added until der_close() is its content. */
size_t der_open(test_buffer *buffer, uint8_t tag);
void der_close(test_buffer *buffer, size_t opened);

/** A whole element. */
void der_add(test_buffer *buffer, uint8_t tag, const void *content, size_t len);

#endif

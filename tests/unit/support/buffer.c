#include "support/buffer.h"

#include <stdlib.h>
#include <string.h>

static void buffer_reserve(test_buffer *buffer, size_t more)
{
    size_t capacity = buffer->capacity == 0 ? 256 : buffer->capacity;

    while (capacity < buffer->len + more) {
        capacity *= 2;
    }
    if (capacity != buffer->capacity) {
        buffer->data = realloc(buffer->data, capacity);
        if (buffer->data == NULL) {
            abort();
        }
        buffer->capacity = capacity;
    }
}

void buffer_add(test_buffer *buffer, const void *bytes, size_t len)
{
    buffer_reserve(buffer, len);
    if (len > 0) {
        memcpy(buffer->data + buffer->len, bytes, len);
    }
    buffer->len += len;
}

void buffer_add_text(test_buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_add_buffer(test_buffer *buffer, const test_buffer *other)
{
    buffer_add(buffer, other->data, other->len);
}

void buffer_fill(test_buffer *buffer, uint8_t value, size_t len)
{
    buffer_reserve(buffer, len);
    memset(buffer->data + buffer->len, value, len);
    buffer->len += len;
}

void buffer_u8(test_buffer *buffer, uint8_t value)
{
    buffer_add(buffer, &value, 1);
}

void buffer_u16_le(test_buffer *buffer, uint16_t value)
{
    uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8)};

    buffer_add(buffer, bytes, sizeof bytes);
}

void buffer_u32_le(test_buffer *buffer, uint32_t value)
{
    buffer_u16_le(buffer, (uint16_t)value);
    buffer_u16_le(buffer, (uint16_t)(value >> 16));
}

void buffer_u16_be(test_buffer *buffer, uint16_t value)
{
    buffer_u8(buffer, (uint8_t)(value >> 8));
    buffer_u8(buffer, (uint8_t)value);
}

void buffer_u32_be(test_buffer *buffer, uint32_t value)
{
    buffer_u16_be(buffer, (uint16_t)(value >> 16));
    buffer_u16_be(buffer, (uint16_t)value);
}

void buffer_insert(test_buffer *buffer, size_t at, const void *bytes, size_t len)
{
    buffer_reserve(buffer, len);
    memmove(buffer->data + at + len, buffer->data + at, buffer->len - at);
    memcpy(buffer->data + at, bytes, len);
    buffer->len += len;
}

ratls_bytes buffer_bytes(const test_buffer *buffer)
{
    return (ratls_bytes){buffer->data, buffer->len};
}

void buffer_free(test_buffer *buffer)
{
    free(buffer->data);
    *buffer = (test_buffer){0};
}

size_t der_open(test_buffer *buffer, uint8_t tag)
{
    buffer_u8(buffer, tag);
    return buffer->len;
}

void der_close(test_buffer *buffer, size_t opened)
{
    size_t len = buffer->len - opened;
    uint8_t length[5];
    size_t bytes = 0;

    if (len < 0x80) {
        length[0] = (uint8_t)len;
        buffer_insert(buffer, opened, length, 1);
        return;
    }
    while (len >> (8 * bytes) != 0) {
        bytes++;
    }
    length[0] = (uint8_t)(0x80 + bytes);
    for (size_t i = 0; i < bytes; i++) {
        length[1 + i] = (uint8_t)(len >> (8 * (bytes - 1 - i)));
    }
    buffer_insert(buffer, opened, length, 1 + bytes);
}

void der_add(test_buffer *buffer, uint8_t tag, const void *content, size_t len)
{
    size_t opened = der_open(buffer, tag);

    buffer_add(buffer, content, len);
    der_close(buffer, opened);
}

/** Eight bytes at a time. */
#ifndef RATLS_BASE_WORD_H
#define RATLS_BASE_WORD_H

#include <stddef.h>
#include <stdint.h>

/** A word whose bytes are all `c`. */
#define RATLS_EVERY_BYTE(c) (UINT64_C(0x0101010101010101) * (uint64_t)(c))

/** Eight bytes, the first one lowest (compilers make one instruction of it). */
static inline uint64_t ratls_load_le64(const uint8_t bytes[8])
{
    return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 | (uint64_t)bytes[3] << 24 |
           (uint64_t)bytes[4] << 32 | (uint64_t)bytes[5] << 40 | (uint64_t)bytes[6] << 48 | (uint64_t)bytes[7] << 56;
}

/** The top bit of the first byte that is zero is set, and of none before it; what is above it means nothing. */
static inline uint64_t ratls_zero_bytes(uint64_t word)
{
    return (word - RATLS_EVERY_BYTE(0x01)) & ~word & RATLS_EVERY_BYTE(0x80);
}

/** Which byte is the first that has a bit set; `word` is not 0. */
static inline size_t ratls_first_byte(uint64_t word)
{
    return (size_t)__builtin_ctzll(word) / 8;
}

#endif

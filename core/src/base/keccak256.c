#include "base/keccak256.h"

enum {
    LANES = 25,
    ROUNDS = 24,
    RATE = 136,             /* bytes that one block takes: 200 less twice the digest's 32 */
    PADDING_FIRST = 0x01,   /* Keccak's own; SHA-3 begins with 0x06 */
    PADDING_LAST = 0x80
};

typedef struct {
    uint64_t lanes[LANES];
    size_t filled; /* bytes of the current block */
} sponge;

/* FIPS 202, 3.2: the permutation is the same there. */
static const uint64_t round_constants[ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
    0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
    0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

/* ρ and π along the one cycle that π makes of all lanes but the first. */
static const uint8_t rotations[LANES - 1] = {1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44};
static const uint8_t places[LANES - 1] = {10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1};

static uint64_t rotate(uint64_t value, unsigned by)
{
    return (value << by) | (value >> (64 - by));
}

static void mix_columns(uint64_t lanes[LANES])
{
    uint64_t parity[5];

    for (size_t x = 0; x < 5; x++) {
        parity[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20];
    }
    for (size_t x = 0; x < 5; x++) {
        uint64_t change = parity[(x + 4) % 5] ^ rotate(parity[(x + 1) % 5], 1);

        for (size_t y = 0; y < LANES; y += 5) {
            lanes[x + y] ^= change;
        }
    }
}

static void move_lanes(uint64_t lanes[LANES])
{
    uint64_t moving = lanes[1];

    for (size_t i = 0; i < LANES - 1; i++) {
        uint64_t displaced = lanes[places[i]];

        lanes[places[i]] = rotate(moving, rotations[i]);
        moving = displaced;
    }
}

static void mix_rows(uint64_t lanes[LANES])
{
    for (size_t y = 0; y < LANES; y += 5) {
        uint64_t row[5];

        for (size_t x = 0; x < 5; x++) {
            row[x] = lanes[y + x];
        }
        for (size_t x = 0; x < 5; x++) {
            lanes[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
        }
    }
}

static void permute(uint64_t lanes[LANES])
{
    for (size_t i = 0; i < ROUNDS; i++) {
        mix_columns(lanes);
        move_lanes(lanes);
        mix_rows(lanes);
        lanes[0] ^= round_constants[i];
    }
}

/* A lane's bytes are little-endian. */
static void add_byte(sponge *state, size_t at, uint8_t byte)
{
    state->lanes[at / 8] ^= (uint64_t)byte << (8 * (at % 8));
}

static void absorb(sponge *state, ratls_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        add_byte(state, state->filled++, bytes.data[i]);
        if (state->filled == RATE) {
            permute(state->lanes);
            state->filled = 0;
        }
    }
}

void ratls_keccak256(uint8_t out[RATLS_KECCAK256_LEN], ratls_bytes a, ratls_bytes b)
{
    sponge state = {.filled = 0};

    absorb(&state, a);
    absorb(&state, b);
    add_byte(&state, state.filled, PADDING_FIRST);
    add_byte(&state, RATE - 1, PADDING_LAST);
    permute(state.lanes);
    for (size_t i = 0; i < RATLS_KECCAK256_LEN; i++) {
        out[i] = (uint8_t)(state.lanes[i / 8] >> (8 * (i % 8)));
    }
}

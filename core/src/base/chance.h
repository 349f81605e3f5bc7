/** Random numbers, replaceable in tests. */
#ifndef RATLS_BASE_CHANCE_H
#define RATLS_BASE_CHANCE_H

#include "base/error.h"

/** Fill `out`; OpenSSL's generator, or the tests'. */
ratls_status ratls_chance_bytes(uint8_t *out, size_t len, ratls_error **err);

/** A number from 0 to `most`, near enough to evenly for spreading attempts in time. */
ratls_status ratls_chance_up_to(int64_t *out, int64_t most, ratls_error **err);

typedef struct {
    void (*fill)(void *user, uint8_t *out, size_t len);
    void *user;
} ratls_chance;

/** Replace the generator (tests only, before threads start); NULL restores it. */
void ratls_chance_replace(const ratls_chance *chance);

#endif

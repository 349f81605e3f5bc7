#include "base/chance.h"

#include <openssl/rand.h>
#include <stdatomic.h>
#include <string.h>

#include "base/openssl_start.h"

/* NULL: OpenSSL's. For tests, as the clocks are. */
static _Atomic(const ratls_chance *) replaced_chance;

void ratls_chance_replace(const ratls_chance *chance)
{
    atomic_store(&replaced_chance, chance);
}

ratls_status ratls_chance_bytes(uint8_t *out, size_t len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_chance *chance = atomic_load(&replaced_chance);

    if (chance != NULL) {
        chance->fill(chance->user, out, len);
        return RATLS_OK;
    }
    ratls_openssl_start();
    CHECK(len <= INT32_MAX && RAND_bytes(out, (int)len) == 1, RATLS_ERR_INTERNAL, WHAT("OpenSSL has no random numbers"));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_chance_up_to(int64_t *out, int64_t most, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t bytes[8];
    uint64_t number;

    *out = 0;
    CHECK(most >= 0, RATLS_ERR_INTERNAL, WHAT("a range of random numbers that is empty"));
    TRY(ratls_chance_bytes(bytes, sizeof bytes, err));
    memcpy(&number, bytes, sizeof number);
    *out = (int64_t)(number % ((uint64_t)most + 1));
    status = RATLS_OK;
out:
    return status;
}

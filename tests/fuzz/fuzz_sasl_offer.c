/* The first byte says where the rest is cut in two; whatever the pieces, the same must come out. */
#include <string.h>

#include "fuzz.h"
#include "tunnel/sasl_offer.h"

enum { INPUT_MAX = 8192 };

typedef struct {
    uint8_t bytes[INPUT_MAX];
    size_t len;
    ratls_status status;
} passed;

static void pass(passed *out, const uint8_t *data, size_t size, size_t split)
{
    ratls_sasl_offer offer = {0};
    const size_t ends[2] = {split, size};
    size_t held = 0;

    *out = (passed){.status = RATLS_OK};
    for (size_t i = 0, at = 0; i < 2 && out->status == RATLS_OK; at = ends[i++]) {
        size_t rest = held + ends[i] - at, clear = 0;

        memcpy(out->bytes + out->len + held, data + at, ends[i] - at);
        out->status = ratls_sasl_offer_look(&offer, out->bytes + out->len, &rest, &clear, NULL);
        MUST(clear <= rest && rest <= held + ends[i] - at);
        MUST(out->status == RATLS_OK || out->status == RATLS_ERR_CHANNEL_BINDING_ONLY);
        out->len += clear;
        held = rest - clear;
        MUST(out->status != RATLS_OK || held <= RATLS_SASL_OFFER_MAX);
    }
    out->len += out->status == RATLS_OK ? held : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    passed whole, cut;
    size_t removed;

    if (size < 1 || size > INPUT_MAX) {
        return 0;
    }
    pass(&whole, data + 1, size - 1, 0);
    pass(&cut, data + 1, size - 1, data[0] % size);
    MUST(whole.status == cut.status && whole.len == cut.len && memcmp(whole.bytes, cut.bytes, whole.len) == 0);
    removed = size - 1 - whole.len;
    MUST(whole.status != RATLS_OK || removed == 0 || removed > sizeof "-PLUS");
    return 0;
}

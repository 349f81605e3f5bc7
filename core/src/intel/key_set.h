/** The portal's key set (JWKS): parsed once, looked up by key id and algorithm (Intel rules 2.2). */
#ifndef RATLS_INTEL_KEY_SET_H
#define RATLS_INTEL_KEY_SET_H

#include <cjson/cJSON.h>

#include "base/error.h"

enum {
    RATLS_INTEL_KEY_SET_MAX = 128 * 1024, /* bytes of the document */
    RATLS_INTEL_KEYS_MAX = 32
};

/** Shared by counting holds; immutable. */
typedef struct ratls_intel_key_set ratls_intel_key_set;

/** Parse a document; `url` is for messages. Entries that make no sense are passed over until one is asked for. */
ratls_status ratls_intel_key_set_parse(ratls_intel_key_set **out, ratls_bytes json, const char *url, ratls_error **err);

ratls_intel_key_set *ratls_intel_key_set_hold(ratls_intel_key_set *set);
void ratls_intel_key_set_free(ratls_intel_key_set *set);

/** The entry for this key id and algorithm, borrowed; NULL with RATLS_OK when there is none. Several with the same
 *  key are one; with different keys, an error. */
ratls_status ratls_intel_key_set_find(
    const cJSON **out, const ratls_intel_key_set *set, const char *key_id, int algorithm, ratls_error **err);

#endif

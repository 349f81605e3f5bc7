#include "base/options.h"

#include <string.h>

void ratls_options_init(void *options, size_t size)
{
    if (options == NULL || size < sizeof size) {
        return;
    }
    memset(options, 0, size);
    memcpy(options, &size, sizeof size);
}

ratls_status ratls_options_copy(void *out, size_t known, const void *options, size_t first, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    size_t size = 0;

    ratls_options_init(out, known);
    if (options == NULL) {
        return RATLS_OK;
    }
    memcpy(&size, options, sizeof size);
    CHECK(size >= first && size <= RATLS_OPTIONS_SIZE_MAX, RATLS_ERR_OPTIONS_SIZE, FOUND_NUMBER(size), EXPECTED_NUMBER(known));
    if (size > known) {
        ratls_bytes tail = {(const uint8_t *)options + known, size - known};

        CHECK(ratls_bytes_all_zero(tail), RATLS_ERR_OPTIONS_SIZE, FOUND_NUMBER(size), EXPECTED_NUMBER(known));
    }
    memcpy(out, options, size < known ? size : known);
    memcpy(out, &known, sizeof known);
    status = RATLS_OK;
out:
    return status;
}

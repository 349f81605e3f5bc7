#include <string.h>

#include "collateral/answer.h"
#include "fuzz.h"

/* The first byte chooses the part that was asked for; then a line each of header, an empty one, and the body. */
static size_t read_headers(char *out, const uint8_t *data, size_t size, size_t *written)
{
    size_t at = 0;

    *written = 0;
    while (at < size) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t len = end == NULL ? size - at : (size_t)(end - data) - at;

        if (len == 0 || memchr(data + at, '\0', len) != NULL) {
            return at + (len == 0);
        }
        memcpy(out + *written, data + at, len);
        out[*written + len] = '\0';
        *written += len + 1;
        at += len + (end != NULL);
    }
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ratls_platform_id platform = {.tdx = true, .fmspc = {0x51, 0x0a, 0x7e}};
    ratls_http_response response = {.outcome = RATLS_HTTP_ANSWERED, .status = 200, .retry_after_s = -1};
    ratls_trust_anchor anchor;
    ratls_trust *trust = NULL;
    ratls_error *error = NULL;
    ratls_part *part = NULL;
    ratls_part_id id;
    ratls_status status;
    char *headers;
    size_t begin;

    if (size == 0 || size > 1 << 16) {
        return 0;
    }
    ratls_trust_anchor_intel(&anchor);
    MUST(ratls_trust_new(&trust, &anchor, NULL) == RATLS_OK);
    headers = malloc(size + 1);
    MUST(headers != NULL);
    begin = 1 + read_headers(headers, data + 1, size - 1, &response.headers_len);
    response.headers = headers;
    response.body = (uint8_t *)(uintptr_t)(data + begin);
    response.body_len = size - begin;
    id = ratls_part_id_of(data[0] % RATLS_PARTS, &platform, false);
    status = ratls_answer_part(&part, &response, &id, "https://a", trust, &error);
    MUST((status == RATLS_OK) == (part != NULL) && (status == RATLS_OK) == (error == NULL));
    MUST(ratls_answer_max_age(&response) >= -1 && ratls_answer_max_age(&response) <= RATLS_COLLATERAL_MAX_AGE_S);
    ratls_error_free(error);
    ratls_part_free(part);
    free(headers);
    ratls_trust_free(trust);
    return 0;
}

#include "tunnel/verdict.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct ratls_verdict {
    atomic_size_t holds;
    ratls_result *result;
    size_t certificate_len;
    uint8_t certificate[];
};

ratls_status ratls_verdict_new(ratls_verdict **out, ratls_result *result, ratls_bytes certificate, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verdict *verdict = malloc(sizeof *verdict + certificate.len);

    *out = NULL;
    CHECK(verdict != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&verdict->holds, 1);
    verdict->result = result;
    verdict->certificate_len = certificate.len;
    if (certificate.len > 0) {
        memcpy(verdict->certificate, certificate.data, certificate.len);
    }
    *out = verdict;
    return RATLS_OK;
out:
    ratls_result_free(result);
    return status;
}

ratls_verdict *ratls_verdict_hold(ratls_verdict *verdict)
{
    if (verdict != NULL) {
        (void)atomic_fetch_add(&verdict->holds, 1);
    }
    return verdict;
}

void ratls_verdict_free(ratls_verdict *verdict)
{
    if (verdict == NULL || atomic_fetch_sub(&verdict->holds, 1) != 1) {
        return;
    }
    ratls_result_free(verdict->result);
    free(verdict);
}

const ratls_result *ratls_verdict_result(const ratls_verdict *verdict)
{
    return verdict->result;
}

ratls_bytes ratls_verdict_certificate(const ratls_verdict *verdict)
{
    return (ratls_bytes){verdict->certificate, verdict->certificate_len};
}

#include "verifier/kept_evidence.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"

struct ratls_kept_evidence {
    atomic_size_t holds;
    size_t spki_at;
    size_t spki_len;
    ratls_identity identity;
    size_t quote_len;
    uint8_t quote[];
};

ratls_status ratls_kept_evidence_new(
    ratls_kept_evidence **out, ratls_bytes certificate, ratls_bytes spki, ratls_bytes quote, const ratls_identity *identity,
    ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_kept_evidence *kept = NULL;

    *out = NULL;
    CHECK(spki.data >= certificate.data && spki.len <= certificate.len && (size_t)(spki.data - certificate.data) <= certificate.len - spki.len,
          RATLS_ERR_INTERNAL, WHAT("a key that is not the certificate's"));
    kept = malloc(sizeof *kept + quote.len);
    CHECK(kept != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&kept->holds, 1);
    kept->spki_at = (size_t)(spki.data - certificate.data);
    kept->spki_len = spki.len;
    kept->identity = *identity;
    kept->quote_len = quote.len;
    memcpy(kept->quote, quote.data, quote.len);
    *out = kept;
    status = RATLS_OK;
out:
    return status;
}

ratls_kept_evidence *ratls_kept_evidence_hold(ratls_kept_evidence *kept)
{
    if (kept != NULL) {
        (void)atomic_fetch_add(&kept->holds, 1);
    }
    return kept;
}

void ratls_kept_evidence_free(ratls_kept_evidence *kept)
{
    if (kept != NULL && atomic_fetch_sub(&kept->holds, 1) == 1) {
        free(kept);
    }
}

ratls_bytes ratls_kept_evidence_quote(const ratls_kept_evidence *kept)
{
    return (ratls_bytes){kept->quote, kept->quote_len};
}

ratls_bytes ratls_kept_evidence_spki(const ratls_kept_evidence *kept, ratls_bytes certificate)
{
    ratls_reader reader = ratls_reader_over(certificate);
    ratls_bytes spki = {0};

    if (!ratls_reader_skip(&reader, kept->spki_at) || !ratls_reader_take(&reader, &spki, kept->spki_len)) {
        return (ratls_bytes){0};
    }
    return spki;
}

const ratls_identity *ratls_kept_evidence_identity(const ratls_kept_evidence *kept)
{
    return &kept->identity;
}

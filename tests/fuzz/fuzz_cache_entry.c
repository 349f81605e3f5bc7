#include "collateral/entry.h"
#include "fuzz.h"

/* The first byte chooses the part that the file is taken for. Nothing that a fuzzer makes is signed by Intel. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ratls_platform_id platform = {.tdx = true, .fmspc = {0x51, 0x0a, 0x7e}};
    ratls_provenance provenance = {0};
    ratls_trust_anchor anchor;
    ratls_trust *trust = NULL;
    ratls_error *error = NULL;
    ratls_part *part = NULL;
    ratls_part_id id;
    ratls_status status;

    if (size == 0) {
        return 0;
    }
    ratls_trust_anchor_intel(&anchor);
    MUST(ratls_trust_new(&trust, &anchor, NULL) == RATLS_OK);
    id = ratls_part_id_of(data[0] % RATLS_PARTS, &platform, false);
    status = ratls_entry_read(&part, &provenance, (ratls_bytes){data + 1, size - 1}, &id, trust, &error);
    MUST((status == RATLS_OK) == (part != NULL) && (status == RATLS_OK) == (error == NULL));
    MUST(error == NULL || ratls_error_message(error, RATLS_SPELLING_C) != NULL);
    ratls_error_free(error);
    ratls_part_free(part);
    ratls_provenance_clear(&provenance);
    ratls_trust_free(trust);
    return 0;
}

#include "evidence/attestation.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_V0 = 0x00,
    FIRST_FIXMAP = 0x80,
    LAST_FIXMAP = 0x8f,
    FIRST_MAP_16 = 0xde,
    FIRST_MAP_32 = 0xdf
};

const char *ratls_platform_name(ratls_platform platform)
{
    switch (platform) {
    case RATLS_PLATFORM_TDX:
        return "tdx";
    case RATLS_PLATFORM_GCP_TDX:
        return "gcp-tdx";
    case RATLS_PLATFORM_NITRO_ENCLAVE:
        return "nitro-enclave";
    case RATLS_PLATFORM_SEV_SNP:
        return "sev-snp";
    default:
        return "aws-nitro-tpm";
    }
}

/* Evidence format 2.1: the first byte tells the two forms apart. */
static ratls_status parse_by_form(ratls_attestation *out, ratls_bytes input, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t first;

    CHECK(input.len > 0, RATLS_ERR_EVIDENCE_ENVELOPE_VERSION, FOUND("none"));
    CHECK(input.len <= RATLS_ATTESTATION_SIZE_MAX, RATLS_ERR_EVIDENCE_ENVELOPE_TOO_LARGE, WHAT("its size"), FOUND_NUMBER(input.len),
          EXPECTED_NUMBER(RATLS_ATTESTATION_SIZE_MAX));
    first = input.data[0];
    if (first == FIRST_V0) {
        TRY(ratls_attestation_parse_v0(out, input, err));
    } else {
        CHECK((first >= FIRST_FIXMAP && first <= LAST_FIXMAP) || first == FIRST_MAP_16 || first == FIRST_MAP_32,
              RATLS_ERR_EVIDENCE_ENVELOPE_VERSION, FOUND_HEX(&first, 1));
        TRY(ratls_attestation_parse_v1(out, input, err));
    }
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_attestation_parse(ratls_attestation *out, ratls_bytes input, ratls_error **err)
{
    ratls_attestation found = {0};
    ratls_status status;

    *out = found;
    status = parse_by_form(&found, input, err);
    if (status != RATLS_OK) {
        ratls_attestation_clear(&found);
        return status;
    }
    *out = found;
    return RATLS_OK;
}

void ratls_attestation_clear(ratls_attestation *attestation)
{
    free(attestation->quote);
    ratls_events_clear(&attestation->events);
    memset(attestation, 0, sizeof *attestation);
}

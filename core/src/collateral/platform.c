#include "collateral/platform.h"

#include <string.h>

#include "dcap/name.h"
#include "dcap/pck_chain.h"

enum { CERTIFICATION_PCK_CHAIN = 5 };

static const char processor_ca[] = "Intel SGX PCK Processor CA";

bool ratls_platform_id_equal(const ratls_platform_id *a, const ratls_platform_id *b)
{
    return a->tdx == b->tdx && a->processor == b->processor && memcmp(a->fmspc, b->fmspc, sizeof a->fmspc) == 0;
}

ratls_status ratls_platform_of_quote(ratls_platform_id *out, const ratls_parsed_quote *quote, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_pck_chain pck = {0};

    *out = (ratls_platform_id){0};
    CHECK(quote->certification_data_type == CERTIFICATION_PCK_CHAIN, RATLS_ERR_DCAP_PCK_CHAIN_MISSING,
          FOUND_NUMBER(quote->certification_data_type));
    TRY(ratls_pck_chain_read(&pck, quote->certification_data, err));
    TRY(ratls_pck_chain_verify(&pck, trust, err));
    out->tdx = quote->tee_type == RATLS_TEE_TDX;
    out->processor = ratls_name_is(pck.chain.links[RATLS_PCK_LEAF].parsed.issuer, processor_ca);
    memcpy(out->fmspc, pck.platform.fmspc, sizeof out->fmspc);
    status = RATLS_OK;
out:
    ratls_pck_chain_clear(&pck);
    return status;
}

#include "dcap/pck_use.h"

#include <stdlib.h>
#include <string.h>

enum { CERTIFICATION_PCK_CHAIN = 5 };

/* Its key is the SHA-256 of the chain's text: on that, and the trust that it belongs to, it depends. */
struct ratls_pck_fact {
    ratls_fact fact;
    ratls_pck_chain pck;
};

static void destroy_pck_fact(ratls_fact *fact)
{
    ratls_pck_fact *own = (ratls_pck_fact *)fact;

    ratls_pck_chain_clear(&own->pck);
    free(own);
}

static ratls_status verify_fresh(ratls_pck_fact *fresh, ratls_bytes text, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_pck_chain_read(&fresh->pck, text, err));
    TRY(ratls_pck_chain_verify(&fresh->pck, trust, err));
    status = RATLS_OK;
out:
    return status;
}

/* The quote's chain, if it was not verified before. */
static ratls_status use_own(ratls_pck_use *out, ratls_bytes text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_trust *trust = out->prepared->trust;
    uint8_t key[RATLS_SHA256_LEN];

    TRY(ratls_sha256(key, text, (ratls_bytes){0}, err));
    out->known = ratls_known_find(trust->chains, key);
    if (out->known != NULL) {
        out->pck = &((const ratls_pck_fact *)out->known)->pck;
        return RATLS_OK;
    }
    out->fresh = calloc(1, sizeof *out->fresh);
    CHECK(out->fresh != NULL, RATLS_ERR_OUT_OF_MEMORY);
    memcpy(out->fresh->fact.key, key, sizeof key);
    out->fresh->fact.destroy = destroy_pck_fact;
    TRY(verify_fresh(out->fresh, text, trust, err));
    out->pck = &out->fresh->pck;
    status = RATLS_OK;
out:
    return status;
}

/* L3 to L6 on the PCK CRL. That of a bundle with a chain of its own was verified with it. */
static ratls_status verify_pck_crl(const ratls_pck_use *use, ratls_error **err)
{
    const ratls_chain_link *ca = &use->pck->chain.links[RATLS_PCK_CA];
    ratls_signer signer = ratls_chain_signer(ca);

    return ratls_dcap_crl_verify(&use->prepared->pck_crl, ca, &signer, use->prepared->trust, err);
}

static ratls_status begin(ratls_pck_use *out, const ratls_parsed_quote *quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (out->prepared->pck != NULL) {
        out->pck = out->prepared->pck;
        return RATLS_OK;
    }
    CHECK(quote->certification_data_type == CERTIFICATION_PCK_CHAIN, RATLS_ERR_DCAP_PCK_CHAIN_MISSING,
          FOUND_NUMBER(quote->certification_data_type));
    TRY(use_own(out, quote->certification_data, err));
    TRY(verify_pck_crl(out, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_pck_use_begin(ratls_pck_use *out, const ratls_parsed_quote *quote, const ratls_prepared *prepared, ratls_error **err)
{
    ratls_status status;

    *out = (ratls_pck_use){.prepared = prepared};
    status = begin(out, quote, err);
    if (status != RATLS_OK) {
        ratls_pck_use_end(out, false);
    }
    return status;
}

void ratls_pck_use_end(ratls_pck_use *use, bool keep)
{
    if (use->prepared != NULL) {
        ratls_known_release(use->prepared->trust->chains, use->known);
    }
    if (use->fresh != NULL && keep) {
        ratls_known_keep(use->prepared->trust->chains, &use->fresh->fact);
    } else if (use->fresh != NULL) {
        destroy_pck_fact(&use->fresh->fact);
    }
    *use = (ratls_pck_use){0};
}

#include "dcap/pck_use.h"

#include <stdlib.h>
#include <string.h>

#include "base/word.h"

enum { CERTIFICATION_PCK_CHAIN = 5 };

/* It depends on the chain's text, which it is compared with, whole, and on the trust that it belongs to. */
struct ratls_pck_fact {
    ratls_fact fact;
    ratls_pck_chain pck;
    uint8_t *text;
    size_t text_len;
};

enum { SAMPLE_STEP = 64, SAMPLE_LEN = 8 };

static void destroy_pck_fact(ratls_fact *fact)
{
    ratls_pck_fact *own = (ratls_pck_fact *)fact;

    ratls_pck_chain_clear(&own->pck);
    free(own->text);
    free(own);
}

/* Where among the known chains to look: its length, and some of its bytes here and there. A digest would take longer than to
 * compare the text. Who makes two chains meet here, and both must be genuine, makes one of them be verified each time. */
static void sample(uint8_t key[RATLS_SHA256_LEN], ratls_bytes text)
{
    uint64_t mixed = text.len;

    for (size_t at = 0; text.len - at >= SAMPLE_LEN && at < text.len; at += SAMPLE_STEP) {
        mixed = (mixed ^ ratls_load_le64(text.data + at)) * UINT64_C(0x9e3779b97f4a7c15);
        mixed ^= mixed >> 29;
    }
    memset(key, 0, RATLS_SHA256_LEN);
    memcpy(key, &mixed, sizeof mixed);
    memcpy(key + sizeof mixed, &text.len, sizeof text.len);
}

/* The chain of this very text, if it is known. */
static const ratls_fact *find_known(ratls_known *chains, const uint8_t key[RATLS_SHA256_LEN], ratls_bytes text)
{
    const ratls_fact *found = ratls_known_find(chains, key);
    const ratls_pck_fact *chain = (const ratls_pck_fact *)found;

    if (found != NULL && !ratls_bytes_equal(text, (ratls_bytes){chain->text, chain->text_len})) {
        ratls_known_release(chains, found);
        found = NULL;
    }
    return found;
}

static ratls_status verify_fresh(ratls_pck_fact *fresh, ratls_bytes text, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_pck_chain_read(&fresh->pck, text, err));
    TRY(ratls_pck_chain_verify(&fresh->pck, trust, err));
    fresh->text = malloc(text.len);
    CHECK(fresh->text != NULL, RATLS_ERR_OUT_OF_MEMORY);
    memcpy(fresh->text, text.data, text.len);
    fresh->text_len = text.len;
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

    sample(key, text);
    out->known = find_known(trust->chains, key, text);
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

/* The verifier that checks Intel's signing chain on this machine. */
#include <stdlib.h>

#include <string.h>

#include "base/options.h"
#include "base/pem.h"
#include "dcap/dcap.h"
#include "verifier/kind.h"

enum { DER_SEQUENCE_BYTE = 0x30 }; /* no PEM begins so */

/* Immutable once made; what `prepared` was made of lives as long as it. */
typedef struct {
    ratls_trust *trust; /* held; what was verified before is kept there, whatever collateral comes */
    char *anchor_pem;   /* NULL: Intel's */
    ratls_collateral collateral;
    ratls_prepared *prepared; /* NULL: no collateral was given */
} dcap_state;

static ratls_status check_prepared(const dcap_state *dcap, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(dcap->prepared != NULL, RATLS_ERR_COLLATERAL_MISSING, WHAT("no bundle was given to the verifier"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status judge_dcap(
    ratls_claims *out, void *state, const ratls_parsed_quote *quote, const ratls_judging *judging, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const dcap_state *dcap = state;

    TRY(check_prepared(dcap, err));
    TRY(ratls_dcap_verify(out, quote, dcap->prepared, judging->now, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status recheck_dcap(void *state, const ratls_parsed_quote *quote, int64_t now, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const dcap_state *dcap = state;

    TRY(check_prepared(dcap, err));
    TRY(ratls_dcap_recheck(quote, dcap->prepared, now, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status dcap_sources(char **collateral, char **anchor, void *state, const ratls_parsed_quote *quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const dcap_state *dcap = state;

    (void)quote; /* one bundle serves all */
    *collateral = dcap->prepared == NULL ? NULL : ratls_collateral_print(&dcap->collateral);
    *anchor = dcap->anchor_pem == NULL ? NULL : strdup(dcap->anchor_pem);
    CHECK((*collateral != NULL || dcap->prepared == NULL) && (*anchor != NULL || dcap->anchor_pem == NULL), RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

static void destroy_dcap(void *state)
{
    dcap_state *dcap = state;

    if (dcap == NULL) {
        return;
    }
    ratls_prepared_free(dcap->prepared);
    ratls_collateral_clear(&dcap->collateral);
    ratls_trust_free(dcap->trust);
    free(dcap->anchor_pem);
    free(dcap);
}

static const ratls_verifier_kind dcap_kind = {
    .name = "dcap",
    .judge = judge_dcap,
    .recheck = recheck_dcap,
    .sources = dcap_sources,
    .destroy = destroy_dcap,
};

void ratls_dcap_options_init(ratls_dcap_options *options, size_t size)
{
    ratls_options_init(options, size);
}

/* A root that is given replaces Intel's, however it is given: one that cannot be read is never Intel's instead. */
static ratls_status read_anchor(dcap_state *dcap, const ratls_dcap_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes given = {options->trust_anchor, options->trust_anchor_len};
    ratls_trust_anchor anchor = {0};

    CHECK(given.data != NULL || given.len == 0, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "trust_anchor"),
          WHAT("it is NULL but has a length"));
    if (given.data == NULL) {
        ratls_trust_anchor_intel(&anchor);
        return ratls_trust_new(&dcap->trust, &anchor, err);
    }
    TRY(ratls_trust_anchor_parse(&anchor, given, err));
    TRY(ratls_trust_new(&dcap->trust, &anchor, err));
    dcap->anchor_pem = given.data[0] == DER_SEQUENCE_BYTE ? ratls_pem_write("CERTIFICATE", given)
                                                          : strndup((const char *)given.data, given.len);
    CHECK(dcap->anchor_pem != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    ratls_trust_anchor_clear(&anchor);
    return status;
}

/* Whatever is wrong with the bundle itself is told here; its dates are looked at with every quote. */
static ratls_status read_collateral(dcap_state *dcap, const ratls_dcap_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes given = {options->collateral, options->collateral_len};

    CHECK(given.data != NULL || given.len == 0, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "collateral"),
          WHAT("it is NULL but has a length"));
    if (given.data == NULL) {
        return RATLS_OK;
    }
    TRY(ratls_collateral_parse(&dcap->collateral, given, err));
    TRY(ratls_prepare(&dcap->prepared, &dcap->collateral, dcap->trust, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_verifier_new_dcap(ratls_verifier **out, const ratls_dcap_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_dcap_options copy;
    dcap_state *dcap = NULL;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    TRY(ratls_options_copy(&copy, sizeof copy, options, sizeof copy, err));
    dcap = calloc(1, sizeof *dcap);
    CHECK(dcap != NULL, RATLS_ERR_OUT_OF_MEMORY);
    TRY(read_anchor(dcap, &copy, err));
    TRY(read_collateral(dcap, &copy, err));
    TRY(ratls_verifier_create(out, &dcap_kind, dcap, copy.log, copy.log_user, err));
    dcap = NULL;
    status = RATLS_OK;
out:
    destroy_dcap(dcap);
    return status;
}

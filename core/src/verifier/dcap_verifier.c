/* The verifier that checks Intel's signing chain on this machine. */
#include <stdlib.h>

#include <string.h>

#include "base/clock.h"
#include "base/options.h"
#include "base/pem.h"
#include "dcap/trust.h"
#include "verifier/kind.h"

enum { DER_SEQUENCE_BYTE = 0x30 }; /* no PEM begins so */

/* Immutable once made; what `prepared` was made of lives as long as it. */
typedef struct {
    ratls_trust *trust; /* held; what was verified before is kept there, whatever collateral comes */
    char *anchor_pem;   /* NULL: Intel's */
    ratls_collateral collateral;
    ratls_prepared *prepared; /* NULL: no collateral was given */
    ratls_fetching *fetching; /* NULL: it was */
} dcap_state;

static ratls_status judge_fetching(
    ratls_claims *out, const dcap_state *dcap, const ratls_parsed_quote *quote, const ratls_judging *judging, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_collateral_wish wish = {
        .quote = quote,
        .early = ratls_fetching_early(dcap->fetching),
        .time = {judging->now, judging->timeout_ms, judging->deadline_ms, judging->cancel},
    };
    ratls_collateral_set *set = NULL;

    TRY(ratls_fetching_get(&set, dcap->fetching, &wish, err));
    TRY(ratls_dcap_verify(out, quote, set->prepared, judging->now, err));
    out->collateral_generation = set->generation;
    status = RATLS_OK;
out:
    ratls_collateral_set_free(set);
    return status;
}

static ratls_status judge_dcap(
    ratls_claims *out, void *state, const ratls_parsed_quote *quote, const ratls_judging *judging, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const dcap_state *dcap = state;

    if (dcap->fetching != NULL) {
        return judge_fetching(out, dcap, quote, judging, err);
    }
    TRY(ratls_dcap_verify(out, quote, dcap->prepared, judging->now, err));
    status = RATLS_OK;
out:
    return status;
}

static uint64_t generation_dcap(void *state, const ratls_parsed_quote *quote, int64_t now)
{
    const dcap_state *dcap = state;
    ratls_collateral_set *set = dcap->fetching == NULL ? NULL : ratls_fetching_peek(dcap->fetching, quote, now);
    uint64_t generation = set == NULL ? 0 : set->generation;

    ratls_collateral_set_free(set);
    return generation;
}

static ratls_status recheck_fetched(bool *stale, const dcap_state *dcap, const ratls_parsed_quote *quote, int64_t now, ratls_error **err)
{
    ratls_collateral_set *set = ratls_fetching_peek(dcap->fetching, quote, now);
    ratls_status status = RATLS_OK;

    *stale = set == NULL;
    if (set != NULL) {
        status = ratls_dcap_recheck(quote, set->prepared, now, err);
    }
    ratls_collateral_set_free(set);
    return status;
}

static ratls_status recheck_dcap(bool *stale, void *state, const ratls_parsed_quote *quote, int64_t now, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const dcap_state *dcap = state;

    if (dcap->fetching != NULL) {
        return recheck_fetched(stale, dcap, quote, now, err);
    }
    TRY(ratls_dcap_recheck(quote, dcap->prepared, now, err));
    status = RATLS_OK;
out:
    return status;
}

/* The bundle that was given, or what was fetched for the platform: NULL once that has been replaced by what does not hold. */
static char *print_collateral(const dcap_state *dcap, const ratls_parsed_quote *quote)
{
    ratls_collateral_set *set;
    ratls_collateral view;
    char *printed = NULL;

    if (dcap->fetching == NULL) {
        return ratls_collateral_print(&dcap->collateral);
    }
    set = quote == NULL ? NULL : ratls_fetching_peek(dcap->fetching, quote, ratls_clock_wall_s());
    if (set != NULL) {
        view = ratls_collateral_set_view(set);
        printed = ratls_collateral_print(&view);
    }
    ratls_collateral_set_free(set);
    return printed;
}

static ratls_status dcap_sources(char **collateral, char **anchor, void *state, const ratls_parsed_quote *quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const dcap_state *dcap = state;

    *collateral = print_collateral(dcap, quote);
    *anchor = dcap->anchor_pem == NULL ? NULL : strdup(dcap->anchor_pem);
    CHECK((*collateral != NULL || dcap->fetching != NULL) && (*anchor != NULL || dcap->anchor_pem == NULL), RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

static ratls_status warm_dcap(void *state, const ratls_collateral_wish *wish, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const dcap_state *dcap = state;
    ratls_collateral_wish own = *wish;
    ratls_collateral_set *set = NULL;

    if (dcap->fetching == NULL) {
        return RATLS_OK;
    }
    own.early = ratls_fetching_early(dcap->fetching);
    TRY(ratls_fetching_get(&set, dcap->fetching, &own, err));
    status = RATLS_OK;
out:
    ratls_collateral_set_free(set);
    return status;
}

static void destroy_dcap(void *state)
{
    dcap_state *dcap = state;

    if (dcap == NULL) {
        return;
    }
    ratls_fetching_free(dcap->fetching);
    ratls_prepared_free(dcap->prepared);
    ratls_collateral_clear(&dcap->collateral);
    ratls_trust_free(dcap->trust);
    free(dcap->anchor_pem);
    free(dcap);
}

static const ratls_verifier_kind dcap_kind = {
    .name = "dcap",
    .judge = judge_dcap,
    .generation = generation_dcap,
    .recheck = recheck_dcap,
    .warm = warm_dcap,
    .sources = dcap_sources,
    .destroy = destroy_dcap,
};

ratls_fetching *ratls_verifier_fetching(const ratls_verifier *verifier)
{
    return ratls_verifier_kind_of(verifier) == &dcap_kind ? ((const dcap_state *)ratls_verifier_state(verifier))->fetching : NULL;
}

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
        return ratls_fetching_new(&dcap->fetching, options, dcap->trust, err);
    }
    CHECK(options->pccs_urls == NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "pccs_urls"),
          WHAT("means nothing beside collateral, with which nothing is fetched"));
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

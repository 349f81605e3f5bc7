/* The verifier that checks no signature, for development: what holds nevertheless is in the one orchestration. */
#include "base/options.h"
#include "verifier/kind.h"

static ratls_status judge_nothing(
    ratls_claims *out, void *state, const ratls_parsed_quote *quote, const ratls_judging *judging, ratls_error **err)
{
    (void)state;
    (void)quote;
    (void)judging;
    (void)err;
    *out = (ratls_claims){.hardware_verified = false, .advisories_unknown = true};
    return RATLS_OK;
}

static void destroy_nothing(void *state)
{
    (void)state;
}

static const ratls_verifier_kind noop_kind = {
    .name = "noop",
    .judge = judge_nothing,
    .destroy = destroy_nothing,
    .waives_evidence = true,
};

ratls_status ratls_verifier_new_noop(ratls_verifier **out, const ratls_verifier_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verifier_options copy;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    TRY(ratls_options_copy(&copy, sizeof copy, options, sizeof copy, err));
    TRY(ratls_verifier_create(out, &noop_kind, NULL, copy.log, copy.log_user, err));
    status = RATLS_OK;
out:
    return status;
}

/* The verifier that asks Intel Trust Authority. */
#include <stdlib.h>

#include "base/options.h"
#include "intel/client.h"
#include "verifier/kind.h"

static ratls_status judge_intel(
    ratls_claims *out, void *state, const ratls_parsed_quote *quote, const ratls_judging *judging, ratls_error **err)
{
    const ratls_intel_time time = {judging->timeout_ms, judging->deadline_ms, judging->cancel};

    return ratls_intel_client_appraise(out, state, quote, judging->now, judging->allow_debug_mode, &time, err);
}

static void destroy_intel(void *state)
{
    ratls_intel_client_free(state);
}

/* What was proved when a token was fetched is believed as long as a verdict is kept (cache_ttl_s): nothing of it is
 * looked at again. */
static const ratls_verifier_kind intel_kind = {
    .name = "intel",
    .judge = judge_intel,
    .destroy = destroy_intel,
};

void ratls_intel_options_init(ratls_intel_options *options, size_t size)
{
    ratls_options_init(options, size);
}

ratls_status ratls_verifier_new_intel(ratls_verifier **out, const ratls_intel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_intel_options copy;
    ratls_intel_client *client = NULL;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    TRY(ratls_options_copy(&copy, sizeof copy, options, sizeof copy, err));
    TRY(ratls_intel_client_new(&client, &copy, err));
    TRY(ratls_verifier_create(out, &intel_kind, client, copy.log, copy.log_user, err));
    client = NULL;
    status = RATLS_OK;
out:
    ratls_intel_client_free(client);
    return status;
}

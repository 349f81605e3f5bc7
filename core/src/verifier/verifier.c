/* The object that every kind of verifier shares: a count of holds, a cache, a log. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/options.h"
#include "verifier/kind.h"

struct ratls_verifier {
    atomic_size_t holds;
    const ratls_verifier_kind *kind;
    void *state;
    ratls_verdict_cache *cache;
    ratls_log_callback log;
    void *log_user;
    atomic_flag mr_td_warned;
};

ratls_status ratls_verifier_create(
    ratls_verifier **out, const ratls_verifier_kind *kind, void *state, ratls_log_callback log, void *log_user, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verifier *verifier = NULL;

    *out = NULL;
    verifier = calloc(1, sizeof *verifier);
    CHECK(verifier != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&verifier->holds, 1);
    atomic_flag_clear(&verifier->mr_td_warned);
    verifier->kind = kind;
    verifier->log = log;
    verifier->log_user = log_user;
    TRY(ratls_verdict_cache_new(&verifier->cache, err));
    verifier->state = state;
    *out = verifier;
    verifier = NULL;
    status = RATLS_OK;
out:
    free(verifier);
    return status;
}

const ratls_verifier_kind *ratls_verifier_kind_of(const ratls_verifier *verifier)
{
    return verifier->kind;
}

void *ratls_verifier_state(const ratls_verifier *verifier)
{
    return verifier->state;
}

ratls_verdict_cache *ratls_verifier_cache(const ratls_verifier *verifier)
{
    return verifier->cache;
}

void ratls_verifier_warn(const ratls_verifier *verifier, const char *message)
{
    if (verifier->log != NULL) {
        verifier->log(verifier->log_user, message);
    }
}

void ratls_verifier_warn_mr_td(ratls_verifier *verifier)
{
    if (!atomic_flag_test_and_set(&verifier->mr_td_warned)) {
        ratls_verifier_warn(verifier, "no MRTD is pinned (allowed_mr_td): any virtual firmware is accepted");
    }
}

ratls_verifier *ratls_verifier_hold(ratls_verifier *verifier)
{
    if (verifier != NULL) {
        (void)atomic_fetch_add(&verifier->holds, 1);
    }
    return verifier;
}

void ratls_verifier_free(ratls_verifier *verifier)
{
    if (verifier == NULL || atomic_fetch_sub(&verifier->holds, 1) != 1) {
        return;
    }
    ratls_verdict_cache_free(verifier->cache);
    verifier->kind->destroy(verifier->state);
    free(verifier);
}

void ratls_verifier_options_init(ratls_verifier_options *options, size_t size)
{
    ratls_options_init(options, size);
}

#include "tunnel/sharing.h"

#include <pthread.h>
#include <stdlib.h>

#include "tunnel/keeper.h"
#include "tunnel/resolve.h"
#include "verifier/verifier.h"

/* This client's certificates: of one agent as a rule. They stay while the verifier does, so that who connects now and then
 * need not wait for a new one each time. */
typedef struct kept_identity {
    struct kept_identity *next;
    ratls_keeper *keeper;
} kept_identity;

/* What is open with one verifier in one process. */
typedef struct {
    ratls_companion companion; /* of the verifier: first */
    pthread_mutex_t lock;      /* of the list, and of what is said to be so in a share */
    ratls_share *shares;
    kept_identity *identities; /* lock */
    ratls_resolver *resolver;
} open_tunnels;

struct ratls_share {
    ratls_share *next;     /* lock */
    size_t users;          /* lock */
    open_tunnels *tunnels; /* NULL: never shared */
    ratls_endpoint *endpoint;
    ratls_cancel *settled; /* triggered once what follows is final */
    ratls_status outcome;
    ratls_error *failure;
};

static void destroy_tunnels(ratls_companion *companion)
{
    open_tunnels *tunnels = (open_tunnels *)companion;

    for (kept_identity *next, *kept = tunnels->identities; kept != NULL; kept = next) {
        next = kept->next;
        ratls_keeper_free(kept->keeper);
        free(kept);
    }
    ratls_resolver_free(tunnels->resolver);
    (void)pthread_mutex_destroy(&tunnels->lock);
    free(tunnels);
}

static ratls_companion *make_tunnels(void)
{
    open_tunnels *tunnels = calloc(1, sizeof *tunnels);

    if (tunnels == NULL) {
        return NULL;
    }
    tunnels->companion.destroy = destroy_tunnels;
    if (pthread_mutex_init(&tunnels->lock, NULL) != 0) {
        free(tunnels);
        return NULL;
    }
    if (ratls_resolver_new(&tunnels->resolver, NULL) != RATLS_OK) {
        destroy_tunnels(&tunnels->companion);
        return NULL;
    }
    return &tunnels->companion;
}

ratls_endpoint *ratls_share_endpoint(const ratls_share *share)
{
    return share->endpoint;
}

static void free_share(ratls_share *share)
{
    if (share != NULL) {
        ratls_cancel_free(share->settled);
        ratls_error_free(share->failure);
        ratls_endpoint_close(share->endpoint); /* last: it may hold the verifier, and with it the list */
        free(share);
    }
}

/* Nobody finds it any more. With the lock. */
static void unlist(ratls_share *share)
{
    for (ratls_share **link = &share->tunnels->shares; *link != NULL; link = &(*link)->next) {
        if (*link == share) {
            *link = share->next;
            return;
        }
    }
}

void ratls_share_close(ratls_share *share)
{
    bool last = true;

    if (share == NULL) {
        return;
    }
    if (share->tunnels != NULL) {
        (void)pthread_mutex_lock(&share->tunnels->lock);
        last = --share->users == 0;
        if (last) {
            unlist(share);
        }
        (void)pthread_mutex_unlock(&share->tunnels->lock);
    }
    if (last) {
        free_share(share);
    }
}

/* Found under the lock, or the candidate, put into the list. */
static ratls_share *find_or_list(open_tunnels *tunnels, ratls_share *candidate)
{
    const ratls_tunnel_settings *wanted = ratls_endpoint_settings(candidate->endpoint);
    ratls_share *found;

    (void)pthread_mutex_lock(&tunnels->lock);
    for (found = tunnels->shares; found != NULL; found = found->next) {
        if (ratls_tunnel_settings_equal(ratls_endpoint_settings(found->endpoint), wanted)) {
            break;
        }
    }
    if (found == NULL) {
        found = candidate;
        found->tunnels = tunnels;
        found->next = tunnels->shares;
        tunnels->shares = found;
    }
    found->users++;
    (void)pthread_mutex_unlock(&tunnels->lock);
    return found;
}

/* Start it and tell those who wait. One that failed is found by nobody who comes later. */
static ratls_status lead(ratls_share *share, ratls_cancel *cancel, ratls_error **err)
{
    ratls_error *failure = NULL;
    ratls_status status = ratls_endpoint_start(share->endpoint, cancel, &failure);

    if (status != RATLS_OK) {
        (void)pthread_mutex_lock(&share->tunnels->lock);
        unlist(share);
        (void)pthread_mutex_unlock(&share->tunnels->lock);
        share->failure = ratls_error_copy(failure);
    }
    share->outcome = status;
    ratls_cancel_trigger(share->settled);
    if (err != NULL) {
        *err = failure;
    } else {
        ratls_error_free(failure);
    }
    return status;
}

static ratls_status follow(const ratls_share *share, const ratls_cancel *cancel, ratls_error **err)
{
    const ratls_upstream *upstream = &ratls_endpoint_settings(share->endpoint)->upstream;
    int64_t limit = upstream->connect_timeout_ms;
    ratls_deadline deadline = limit > 0 ? ratls_deadline_in(limit) : ratls_deadline_none();
    ratls_wait_outcome outcome = RATLS_WAIT_READY;
    ratls_status status = RATLS_ERR_INTERNAL;

    if (!ratls_cancel_triggered(share->settled)) {
        outcome = ratls_wait_one(ratls_cancel_fd(share->settled), POLLIN, deadline, cancel);
    }
    if (outcome != RATLS_WAIT_READY) {
        return ratls_upstream_wait_failed(outcome, upstream, deadline, "waiting for the tunnel to open", err);
    }
    CHECK(ratls_cancel_triggered(share->settled), RATLS_ERR_INTERNAL, WHAT("an outcome before its time"));
    if (share->outcome != RATLS_OK && err != NULL) {
        *err = ratls_error_copy(share->failure);
    }
    return share->outcome;
out:
    return status;
}

/* A share of the candidate's kind. *used: the candidate was taken. */
static ratls_status join(
    ratls_share **out, bool *used, open_tunnels *tunnels, ratls_share *candidate, ratls_cancel *cancel, ratls_error **err)
{
    for (;;) {
        ratls_share *share = find_or_list(tunnels, candidate);
        bool others = share != candidate;
        ratls_status status = others ? follow(share, cancel, err) : lead(share, cancel, err);

        *used = !others;
        if (status == RATLS_OK) {
            *out = share;
            return RATLS_OK;
        }
        ratls_share_close(share);
        /* Somebody else's cancelling is not ours. */
        if (!others || status != RATLS_ERR_CANCELLED || ratls_cancel_triggered(cancel)) {
            return status;
        }
        if (err != NULL) {
            ratls_error_free(*err);
            *err = NULL;
        }
    }
}

/* A share that nobody else knows yet. */
static ratls_status new_share(ratls_share **out, ratls_verifier *verifier, ratls_tunnel_settings *settings, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_share *share = calloc(1, sizeof *share);

    *out = NULL;
    CHECK(share != NULL, RATLS_ERR_OUT_OF_MEMORY);
    TRY(ratls_cancel_new(&share->settled, err));
    TRY(ratls_endpoint_new(&share->endpoint, verifier, settings, err));
    *out = share;
    share = NULL;
    status = RATLS_OK;
out:
    free_share(share);
    ratls_tunnel_settings_clear(settings);
    return status;
}

/* With the lock. */
static ratls_status find_keeper(ratls_keeper **out, open_tunnels *tunnels, const ratls_agent_settings *wanted, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    kept_identity *kept;

    for (kept = tunnels->identities; kept != NULL; kept = kept->next) {
        if (ratls_agent_settings_same_agent(ratls_keeper_settings(kept->keeper), wanted)) {
            *out = kept->keeper;
            return RATLS_OK;
        }
    }
    kept = calloc(1, sizeof *kept);
    CHECK(kept != NULL, RATLS_ERR_OUT_OF_MEMORY);
    TRY(ratls_keeper_new(&kept->keeper, wanted, &ratls_agent_usual_places, err));
    kept->next = tunnels->identities;
    tunnels->identities = kept;
    *out = kept->keeper;
    return RATLS_OK;
out:
    free(kept);
    return status;
}

/* What all tunnels of the verifier use together. */
static ratls_status fill_upstream(ratls_upstream *upstream, open_tunnels *tunnels, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    upstream->resolver = tunnels->resolver;
    if (upstream->agent.wanted < 0) {
        return RATLS_OK;
    }
    (void)pthread_mutex_lock(&tunnels->lock);
    status = find_keeper(&upstream->keeper, tunnels, &upstream->agent, err);
    (void)pthread_mutex_unlock(&tunnels->lock);
    return status;
}

ratls_status ratls_share_open(
    ratls_share **out, ratls_verifier *verifier, ratls_tunnel_settings *settings, ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    open_tunnels *tunnels = (open_tunnels *)ratls_verifier_companion(verifier, make_tunnels);
    ratls_share *share = NULL;
    bool used = false;

    *out = NULL;
    status = tunnels == NULL ? RAISE(err, RATLS_ERR_OUT_OF_MEMORY) : fill_upstream(&settings->upstream, tunnels, err);
    if (status != RATLS_OK) {
        ratls_tunnel_settings_clear(settings);
        return status;
    }
    TRY(new_share(&share, verifier, settings, err));
    if (ratls_endpoint_settings(share->endpoint)->socket_dir != NULL) {
        TRY(ratls_endpoint_start(share->endpoint, cancel, err));
        *out = share;
        share = NULL;
    } else {
        status = join(out, &used, tunnels, share, cancel, err);
        share = used ? NULL : share;
        goto out;
    }
    status = RATLS_OK;
out:
    free_share(share);
    return status;
}

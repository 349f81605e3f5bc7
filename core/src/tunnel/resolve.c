#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tunnel/thread.h"
#include "tunnel/upstream.h"

/* A look-up in the background. It belongs to two, who asks and who looks up; the last to leave clears up. */
typedef struct {
    atomic_int holders;
    atomic_bool done;
    int event;
    char *host;
    char *service;
    struct addrinfo *found;
    int failure; /* of getaddrinfo() */
    int system;  /* its errno */
} lookup;

static void leave_lookup(lookup *job)
{
    if (job == NULL || atomic_fetch_sub(&job->holders, 1) > 1) {
        return;
    }
    if (job->found != NULL) {
        freeaddrinfo(job->found);
    }
    if (job->event >= 0) {
        (void)close(job->event);
    }
    free(job->host);
    free(job->service);
    free(job);
}

static int look_up(struct addrinfo **out, const char *host, const char *service, int flags)
{
    struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};

    return getaddrinfo(host, service, &wanted, out);
}

static void *run_lookup(void *argument)
{
    lookup *job = argument;
    uint64_t one = 1;

    job->failure = look_up(&job->found, job->host, job->service, 0);
    job->system = errno;
    atomic_store(&job->done, true);
    while (write(job->event, &one, sizeof one) < 0 && errno == EINTR) {
    }
    leave_lookup(job);
    return NULL;
}

static ratls_status start_lookup(lookup **out, const ratls_upstream *upstream, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    lookup *job = calloc(1, sizeof *job);
    pthread_t thread;

    *out = NULL;
    CHECK(job != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&job->holders, 1);
    job->host = strdup(upstream->host);
    job->service = strdup(upstream->service);
    job->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(job->host != NULL && job->service != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(job->event >= 0, RATLS_ERR_SYSTEM, WHAT("an event descriptor"), FOUND(strerror(errno)));
    atomic_store(&job->holders, 2);
    status = ratls_thread_start(&thread, run_lookup, job, err);
    if (status != RATLS_OK) {
        atomic_store(&job->holders, 1);
        goto out;
    }
    (void)pthread_detach(thread);
    *out = job;
    return RATLS_OK;
out:
    leave_lookup(job);
    return status;
}

static ratls_status refuse_name(const ratls_upstream *upstream, int failure, int system, ratls_error **err)
{
    const char *what = failure == EAI_SYSTEM ? strerror(system) : gai_strerror(failure);

    return RAISE(err, RATLS_ERR_RESOLVE_FAILED, ratls_detail_text("upstream", upstream->label), WHAT(what));
}

ratls_status ratls_upstream_wait_failed(
    ratls_wait_outcome outcome, const ratls_upstream *upstream, ratls_deadline deadline, const char *doing, ratls_error **err)
{
    switch (outcome) {
    case RATLS_WAIT_PASSED:
        return RAISE(err, RATLS_ERR_CONNECT_TIMEOUT, ratls_detail_text("upstream", upstream->label), EXPECTED_NUMBER(deadline.limit_ms));
    case RATLS_WAIT_CANCELLED:
        return RAISE(err, RATLS_ERR_CANCELLED, WHAT(doing));
    default:
        return RAISE(err, RATLS_ERR_SYSTEM, WHAT("waiting"), FOUND(strerror(errno)));
    }
}

ratls_status ratls_upstream_resolve(
    struct addrinfo **out, const ratls_upstream *upstream, ratls_deadline deadline, const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_wait_outcome outcome;
    lookup *job = NULL;

    *out = NULL;
    /* An address needs no asking, and no thread. */
    if (look_up(out, upstream->host, upstream->service, AI_NUMERICHOST) == 0) {
        return RATLS_OK;
    }
    *out = NULL;
    TRY(start_lookup(&job, upstream, err));
    outcome = ratls_wait_one(job->event, POLLIN, deadline, cancel);
    if (outcome != RATLS_WAIT_READY) {
        status = ratls_upstream_wait_failed(outcome, upstream, deadline, "resolving the upstream's name", err);
        goto out;
    }
    CHECK(atomic_load(&job->done), RATLS_ERR_INTERNAL, WHAT("a look-up that ended without an end"));
    if (job->failure != 0) {
        status = refuse_name(upstream, job->failure, job->system, err);
        goto out;
    }
    *out = job->found;
    job->found = NULL;
    status = RATLS_OK;
out:
    leave_lookup(job);
    return status;
}

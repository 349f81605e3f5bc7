#include "tunnel/resolve.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/thread.h"

struct ratls_resolver {
    atomic_size_t holds; /* its owner, and every thread that looks up */
    pthread_mutex_t lock; /* of the list */
    ratls_lookup *running;
    size_t running_len;
};

/* It belongs to all who ask and to the thread that looks up; the last to leave clears up. */
struct ratls_lookup {
    ratls_lookup *next; /* in the list of those that run */
    ratls_resolver *resolver;
    atomic_size_t holds;
    atomic_bool done; /* what follows `event` is written before, and only read after */
    int event;
    char *host;
    char *service;
    struct addrinfo *found;
    int failure; /* of getaddrinfo() */
    int system;  /* its errno */
};

ratls_status ratls_resolver_new(ratls_resolver **out, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_resolver *resolver = calloc(1, sizeof *resolver);

    *out = NULL;
    CHECK(resolver != NULL && pthread_mutex_init(&resolver->lock, NULL) == 0, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&resolver->holds, 1);
    *out = resolver;
    return RATLS_OK;
out:
    free(resolver);
    return status;
}

void ratls_resolver_free(ratls_resolver *resolver)
{
    if (resolver != NULL && atomic_fetch_sub(&resolver->holds, 1) == 1) {
        (void)pthread_mutex_destroy(&resolver->lock);
        free(resolver);
    }
}

const struct addrinfo *ratls_lookup_addresses(const ratls_lookup *lookup)
{
    return lookup->found;
}

void ratls_lookup_free(ratls_lookup *lookup)
{
    if (lookup == NULL || atomic_fetch_sub(&lookup->holds, 1) != 1) {
        return;
    }
    if (lookup->found != NULL) {
        freeaddrinfo(lookup->found);
    }
    if (lookup->event >= 0) {
        (void)close(lookup->event);
    }
    free(lookup->host);
    free(lookup->service);
    free(lookup);
}

static int look_up(struct addrinfo **out, const char *host, const char *service, int flags)
{
    struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
    int failure;

    *out = NULL;
    failure = getaddrinfo(host, service, &wanted, out);
    if (failure != 0) {
        *out = NULL;
    }
    return failure;
}

/* With the resolver's lock. */
static void unlist(ratls_lookup *lookup)
{
    ratls_resolver *resolver = lookup->resolver;

    for (ratls_lookup **link = &resolver->running; *link != NULL; link = &(*link)->next) {
        if (*link == lookup) {
            *link = lookup->next;
            resolver->running_len--;
            return;
        }
    }
}

/* The look-up and its thread part; who comes later begins another. */
static void finish_lookup(ratls_lookup *lookup)
{
    ratls_resolver *resolver = lookup->resolver;

    (void)pthread_mutex_lock(&resolver->lock);
    unlist(lookup);
    (void)pthread_mutex_unlock(&resolver->lock);
    ratls_resolver_free(resolver);
    ratls_lookup_free(lookup);
}

static void *run_lookup(void *argument)
{
    ratls_lookup *lookup = argument;
    uint64_t one = 1;

    lookup->failure = look_up(&lookup->found, lookup->host, lookup->service, 0);
    lookup->system = errno;
    atomic_store(&lookup->done, true);
    while (write(lookup->event, &one, sizeof one) < 0 && errno == EINTR) {
    }
    finish_lookup(lookup);
    return NULL;
}

/* One that nobody runs yet, held by who asks. */
static ratls_status new_lookup(ratls_lookup **out, const ratls_upstream *upstream, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_lookup *lookup = calloc(1, sizeof *lookup);

    *out = NULL;
    CHECK(lookup != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&lookup->holds, 1);
    atomic_init(&lookup->done, false);
    lookup->event = -1;
    lookup->host = strdup(upstream->host);
    lookup->service = strdup(upstream->service);
    CHECK(lookup->host != NULL && lookup->service != NULL, RATLS_ERR_OUT_OF_MEMORY);
    *out = lookup;
    return RATLS_OK;
out:
    ratls_lookup_free(lookup);
    return status;
}

/* With the resolver's lock: the thread waits for it before it leaves the list. */
static ratls_status start_lookup(ratls_lookup *lookup, ratls_resolver *resolver, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    pthread_t thread;

    CHECK(resolver->running_len < RATLS_LOOKUPS_MAX, RATLS_ERR_SYSTEM, WHAT("a look-up of another name"),
          FOUND("the name service owes answers on too many already"));
    lookup->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(lookup->event >= 0, RATLS_ERR_SYSTEM, WHAT("an event descriptor"), FOUND(strerror(errno)));
    lookup->resolver = resolver;
    (void)atomic_fetch_add(&lookup->holds, 1);
    (void)atomic_fetch_add(&resolver->holds, 1);
    status = ratls_thread_start(&thread, run_lookup, lookup, err);
    if (status != RATLS_OK) {
        (void)atomic_fetch_sub(&resolver->holds, 1);
        (void)atomic_fetch_sub(&lookup->holds, 1);
        goto out;
    }
    (void)pthread_detach(thread);
    lookup->next = resolver->running;
    resolver->running = lookup;
    resolver->running_len++;
    return RATLS_OK;
out:
    return status;
}

/* With the resolver's lock: one for the same name that is under way, held once more; or NULL. */
static ratls_lookup *find_running(const ratls_resolver *resolver, const ratls_upstream *upstream)
{
    for (ratls_lookup *lookup = resolver->running; lookup != NULL; lookup = lookup->next) {
        if (!atomic_load(&lookup->done) && strcmp(lookup->host, upstream->host) == 0 && strcmp(lookup->service, upstream->service) == 0) {
            (void)atomic_fetch_add(&lookup->holds, 1);
            return lookup;
        }
    }
    return NULL;
}

/* Join a look-up or begin one. */
static ratls_status ask(ratls_lookup **out, ratls_resolver *resolver, const ratls_upstream *upstream, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_lookup *lookup = NULL;

    *out = NULL;
    (void)pthread_mutex_lock(&resolver->lock);
    lookup = find_running(resolver, upstream);
    if (lookup == NULL) {
        TRY(new_lookup(&lookup, upstream, err));
        TRY(start_lookup(lookup, resolver, err));
    }
    *out = lookup;
    lookup = NULL;
    status = RATLS_OK;
out:
    (void)pthread_mutex_unlock(&resolver->lock);
    ratls_lookup_free(lookup);
    return status;
}

static ratls_status refuse_name(const ratls_upstream *upstream, const ratls_lookup *lookup, ratls_error **err)
{
    const char *what = lookup->failure == EAI_SYSTEM ? strerror(lookup->system) : gai_strerror(lookup->failure);

    return RAISE(err, RATLS_ERR_RESOLVE_FAILED, ratls_detail_text("upstream", upstream->label), WHAT(what));
}

static ratls_status resolve_name(
    ratls_lookup **out, ratls_resolver *resolver, const ratls_upstream *upstream, ratls_deadline deadline, const ratls_cancel *cancel,
    ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_lookup *lookup = NULL;
    ratls_wait_outcome outcome;

    TRY(ask(&lookup, resolver, upstream, err));
    outcome = ratls_wait_one(lookup->event, POLLIN, deadline, cancel);
    if (outcome != RATLS_WAIT_READY) {
        status = ratls_upstream_wait_failed(outcome, upstream, deadline, "resolving the upstream's name", err);
        goto out;
    }
    CHECK(atomic_load(&lookup->done), RATLS_ERR_INTERNAL, WHAT("a look-up that ended without an end"));
    if (lookup->failure != 0) {
        status = refuse_name(upstream, lookup, err);
        goto out;
    }
    *out = lookup;
    lookup = NULL;
    status = RATLS_OK;
out:
    ratls_lookup_free(lookup);
    return status;
}

ratls_status ratls_upstream_resolve(
    ratls_lookup **out, const ratls_upstream *upstream, ratls_deadline deadline, const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_resolver *own = NULL;
    ratls_lookup *lookup = NULL;

    *out = NULL;
    TRY(new_lookup(&lookup, upstream, err));
    /* An address needs no asking, and no thread. */
    if (look_up(&lookup->found, upstream->host, upstream->service, AI_NUMERICHOST) == 0) {
        *out = lookup;
        return RATLS_OK;
    }
    if (upstream->resolver == NULL) {
        TRY(ratls_resolver_new(&own, err));
    }
    TRY(resolve_name(out, upstream->resolver == NULL ? own : upstream->resolver, upstream, deadline, cancel, err));
    status = RATLS_OK;
out:
    ratls_resolver_free(own);
    ratls_lookup_free(lookup);
    return status;
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

#include "failure.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tunnel/resolve.h"

enum { PATIENCE_MS = 60000, ADDRESSES_MAX = 4, ASKERS = 20 };

/* The name service, in this program's hands: names that begin with "hung" are answered when they are released. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool released;
    size_t asked, answered;
    struct sockaddr_in addresses[ADDRESSES_MAX];
    size_t addresses_len;
} names = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static struct addrinfo *one_address(const struct sockaddr_in *address, struct addrinfo *next)
{
    struct addrinfo *made = calloc(1, sizeof *made + sizeof *address);

    if (made == NULL) {
        abort();
    }
    made->ai_family = AF_INET;
    made->ai_addrlen = sizeof *address;
    made->ai_addr = (struct sockaddr *)(made + 1);
    memcpy(made->ai_addr, address, sizeof *address);
    made->ai_next = next;
    return made;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    (void)service;
    if ((hints->ai_flags & AI_NUMERICHOST) != 0) {
        return EAI_NONAME;
    }
    (void)pthread_mutex_lock(&names.lock);
    names.asked++;
    (void)pthread_cond_broadcast(&names.changed);
    while (strncmp(host, "hung", 4) == 0 && !names.released) {
        (void)pthread_cond_wait(&names.changed, &names.lock);
    }
    for (size_t i = names.addresses_len; i > 0; i--) {
        *out = one_address(&names.addresses[i - 1], *out);
    }
    names.answered++;
    (void)pthread_cond_broadcast(&names.changed);
    (void)pthread_mutex_unlock(&names.lock);
    return *out == NULL ? EAI_NONAME : 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;

        free(list);
        list = next;
    }
}

static void begin_names(void)
{
    names.released = false;
    names.asked = names.answered = 0;
    names.addresses[0] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(1)};
    names.addresses_len = 1;
}

static void await_count(const size_t *count, size_t value)
{
    struct timespec limit;

    assert_int_equal(clock_gettime(CLOCK_REALTIME, &limit), 0);
    limit.tv_sec += PATIENCE_MS / 1000;
    (void)pthread_mutex_lock(&names.lock);
    while (*count < value) {
        assert_int_equal(pthread_cond_timedwait(&names.changed, &names.lock, &limit), 0);
    }
    (void)pthread_mutex_unlock(&names.lock);
}

static void release_names(void)
{
    (void)pthread_mutex_lock(&names.lock);
    names.released = true;
    (void)pthread_cond_broadcast(&names.changed);
    (void)pthread_mutex_unlock(&names.lock);
}

static size_t times_asked(void)
{
    size_t asked;

    (void)pthread_mutex_lock(&names.lock);
    asked = names.asked;
    (void)pthread_mutex_unlock(&names.lock);
    return asked;
}

static ratls_status resolve(ratls_lookup **out, ratls_resolver *resolver, const char *host, int64_t limit_ms, ratls_error **err)
{
    ratls_upstream upstream = {.host = strdup(host), .service = strdup("5432"), .label = strdup("label:1"), .resolver = resolver};
    ratls_status status = ratls_upstream_resolve(out, &upstream, ratls_deadline_in(limit_ms), NULL, err);

    free(upstream.host);
    free(upstream.service);
    free(upstream.label);
    return status;
}

typedef struct {
    pthread_t thread;
    ratls_resolver *resolver;
    ratls_lookup *lookup;
    ratls_status status;
} asker;

static void *run_asker(void *argument)
{
    asker *one = argument;

    one->status = resolve(&one->lookup, one->resolver, "hung.test", PATIENCE_MS, NULL);
    return NULL;
}

static void who_asks_for_the_same_name_shares_the_answer(void **state)
{
    asker askers[ASKERS];
    ratls_resolver *resolver = NULL;

    (void)state;
    begin_names();
    assert_int_equal(ratls_resolver_new(&resolver, NULL), RATLS_OK);
    for (size_t i = 0; i < ASKERS; i++) {
        askers[i] = (asker){.resolver = resolver};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, run_asker, &askers[i]), 0);
        await_count(&names.asked, 1);
    }
    release_names();
    for (size_t i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        assert_int_equal(askers[i].status, RATLS_OK);
        assert_non_null(ratls_lookup_addresses(askers[i].lookup));
        ratls_lookup_free(askers[i].lookup);
    }
    assert_true(times_asked() < ASKERS); /* those who came after the answer asked again */
    ratls_resolver_free(resolver);
}

/* However often it is asked: one thread waits for the name service. */
static void a_look_up_that_overstays_is_joined(void **state)
{
    ratls_resolver *resolver = NULL;
    ratls_lookup *lookup = NULL;

    (void)state;
    begin_names();
    assert_int_equal(ratls_resolver_new(&resolver, NULL), RATLS_OK);
    for (int i = 0; i < 5; i++) {
        ratls_error *err = NULL;

        ASSERT_FAILS(resolve(&lookup, resolver, "hung.test", 10, &err), CONNECT_TIMEOUT);
        ASSERT_DETAIL("expected", "10");
        assert_null(lookup);
        ratls_error_free(err);
    }
    await_count(&names.asked, 1);
    assert_int_equal(times_asked(), 1);
    release_names();
    assert_int_equal(resolve(&lookup, resolver, "hung.test", PATIENCE_MS, NULL), RATLS_OK);
    ratls_lookup_free(lookup);
    ratls_resolver_free(resolver);
}

static void too_many_names_hang(void **state)
{
    ratls_resolver *resolver = NULL;
    ratls_lookup *lookup = NULL;
    ratls_error *err = NULL;
    char name[] = "hung-a.test";

    (void)state;
    begin_names();
    assert_int_equal(ratls_resolver_new(&resolver, NULL), RATLS_OK);
    for (size_t i = 0; i < RATLS_LOOKUPS_MAX; i++) {
        name[5] = (char)('a' + i);
        assert_int_equal(resolve(&lookup, resolver, name, 1, NULL), RATLS_ERR_CONNECT_TIMEOUT);
    }
    ASSERT_FAILS(resolve(&lookup, resolver, "one-more.test", PATIENCE_MS, &err), SYSTEM);
    ratls_error_free(err);
    assert_int_equal(resolve(&lookup, resolver, name, 1, NULL), RATLS_ERR_CONNECT_TIMEOUT); /* joining needs no room */
    release_names();
    await_count(&names.answered, RATLS_LOOKUPS_MAX);
    for (int i = 0; i < PATIENCE_MS && resolve(&lookup, resolver, "one-more.test", PATIENCE_MS, NULL) != RATLS_OK; i++) {
        (void)poll(NULL, 0, 1); /* the threads have been answered, and leave */
    }
    assert_non_null(lookup);
    ratls_lookup_free(lookup);
    ratls_resolver_free(resolver);
}

static void a_look_up_outlives_its_resolver(void **state)
{
    ratls_resolver *resolver = NULL;
    ratls_lookup *lookup = NULL;

    (void)state;
    begin_names();
    assert_int_equal(ratls_resolver_new(&resolver, NULL), RATLS_OK);
    assert_int_equal(resolve(&lookup, resolver, "hung.test", 1, NULL), RATLS_ERR_CONNECT_TIMEOUT);
    ratls_resolver_free(resolver);
    assert_int_equal(resolve(&lookup, NULL, "hung.test", 1, NULL), RATLS_ERR_CONNECT_TIMEOUT); /* one of its own */
    await_count(&names.asked, 2);
    release_names();
    await_count(&names.answered, 2);
}

/* A listener on loopback whose queue is full when `full`: connecting to it hangs. */
static int add_listener(struct sockaddr_in *address, bool full, int filled[8])
{
    socklen_t len = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)address, len), 0);
    assert_int_equal(listen(fd, full ? 0 : 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &len), 0);
    for (size_t i = 0; full && i < 8; i++) {
        filled[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(filled[i], (struct sockaddr *)address, len);
    }
    return fd;
}

/* Refused, silent, and one that answers: the last is found, and nobody waits for the silent one. */
static void every_address_is_tried(void **state)
{
    ratls_upstream upstream = {.host = (char[]){"several.test"}, .service = (char[]){"5432"}, .label = (char[]){"label:1"},
                               .keepalive_idle_s = -1};
    struct sockaddr_in found;
    socklen_t len = sizeof found;
    int silent, answers, filled[8], fd = -1;

    (void)state;
    begin_names();
    silent = add_listener(&names.addresses[1], true, filled);
    answers = add_listener(&names.addresses[2], false, NULL);
    names.addresses_len = 3;
    assert_int_equal(ratls_upstream_connect(&fd, &upstream, ratls_deadline_in(PATIENCE_MS), NULL, NULL), RATLS_OK);
    assert_int_equal(getpeername(fd, (struct sockaddr *)&found, &len), 0);
    assert_int_equal(found.sin_port, names.addresses[2].sin_port);
    (void)close(fd);
    (void)close(silent);
    (void)close(answers);
    for (size_t i = 0; i < 8; i++) {
        (void)close(filled[i]);
    }
}

static void a_name_without_an_address(void **state)
{
    ratls_lookup *lookup = NULL;
    ratls_error *err = NULL;

    (void)state;
    begin_names();
    names.addresses_len = 0;
    ASSERT_FAILS(resolve(&lookup, NULL, "nobody.test", PATIENCE_MS, &err), RESOLVE_FAILED);
    ASSERT_DETAIL("upstream", "label:1");
    ratls_error_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_for_the_same_name_shares_the_answer),
        cmocka_unit_test(a_look_up_that_overstays_is_joined),
        cmocka_unit_test(too_many_names_hang),
        cmocka_unit_test(a_look_up_outlives_its_resolver),
        cmocka_unit_test(every_address_is_tried),
        cmocka_unit_test(a_name_without_an_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

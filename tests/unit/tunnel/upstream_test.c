#include "failure.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "tunnel/upstream.h"

enum { PATIENCE_MS = 60000 };

/* A listener on loopback; its port. */
static int listen_on_loopback(int family, char service[8])
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *address = family == AF_INET6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    socklen_t len = family == AF_INET6 ? sizeof six : sizeof four;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ratls_text text = {0};

    if (fd < 0 || bind(fd, address, len) != 0 || listen(fd, 8) != 0 || getsockname(fd, address, &len) != 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    ratls_text_add_number(&text, ntohs(family == AF_INET6 ? six.sin6_port : four.sin_port));
    memcpy(service, text.data, text.len + 1);
    ratls_text_clear(&text);
    return fd;
}

static ratls_status try_connect(int *fd, const char *host, const char *service, ratls_deadline deadline, const ratls_cancel *cancel, ratls_error **err)
{
    ratls_upstream upstream = {.host = strdup(host), .service = strdup(service), .label = strdup("label:1"),
                               .user_timeout_ms = 1234, .keepalive_idle_s = 5, .keepalive_interval_s = 6, .keepalive_count = 7};
    ratls_status status = ratls_upstream_connect(fd, &upstream, deadline, cancel, err);

    free(upstream.host);
    free(upstream.service);
    free(upstream.label);
    return status;
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;

    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void connects_to_an_address(void **state)
{
    char service[8];
    int listener = listen_on_loopback(AF_INET, service), fd = -1;

    (void)state;
    assert_true(listener >= 0);
    assert_int_equal(try_connect(&fd, "127.0.0.1", service, ratls_deadline_in(PATIENCE_MS), NULL, NULL), RATLS_OK);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    assert_int_not_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    assert_int_not_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 5);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 6);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPCNT), 7);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 1234);
    (void)close(fd);
    (void)close(listener);
}

static void connects_to_an_address_of_ipv6(void **state)
{
    char service[8];
    int listener = listen_on_loopback(AF_INET6, service), fd = -1;

    (void)state;
    if (listener < 0) {
        print_message("skipped 1: no IPv6 loopback\n");
        return;
    }
    assert_int_equal(try_connect(&fd, "::1", service, ratls_deadline_in(PATIENCE_MS), NULL, NULL), RATLS_OK);
    (void)close(fd);
    (void)close(listener);
}

/* Negative: as the system has it. */
static void the_system_s_own_timing(void **state)
{
    ratls_upstream upstream = {.host = (char[]){"127.0.0.1"}, .label = (char[]){"label:1"}, .user_timeout_ms = -1, .keepalive_idle_s = -1};
    char service[8];
    int listener = listen_on_loopback(AF_INET, service), fd = -1;

    (void)state;
    upstream.service = service;
    assert_int_equal(ratls_upstream_connect(&fd, &upstream, ratls_deadline_in(PATIENCE_MS), NULL, NULL), RATLS_OK);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    (void)close(fd);
    (void)close(listener);
}

/* "localhost" may be ::1 first: whichever answers is taken. */
static void connects_to_a_name(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};
    size_t skipped = 0;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char service[8];
        int listener = listen_on_loopback(families[i], service), fd = -1;
        ratls_error *err = NULL;
        ratls_status status;

        if (listener < 0) {
            skipped++;
            continue;
        }
        status = try_connect(&fd, "localhost", service, ratls_deadline_in(PATIENCE_MS), NULL, &err);
        if (families[i] == AF_INET6 && status == RATLS_ERR_CONNECT_FAILED) {
            skipped++; /* this machine's localhost has no ::1 */
        } else {
            assert_int_equal(status, RATLS_OK);
            (void)close(fd);
        }
        ratls_error_free(err);
        (void)close(listener);
    }
    if (skipped > 0) {
        print_message("skipped %zu: no IPv6 loopback\n", skipped);
    }
    assert_true(skipped < 2);
}

static void nobody_listens(void **state)
{
    char service[8];
    int listener = listen_on_loopback(AF_INET, service), fd = 0;
    ratls_error *err = NULL;

    (void)state;
    (void)close(listener);
    ASSERT_FAILS(try_connect(&fd, "127.0.0.1", service, ratls_deadline_in(PATIENCE_MS), NULL, &err), CONNECT_FAILED);
    assert_int_equal(fd, -1);
    ASSERT_DETAIL("upstream", "label:1");
    ASSERT_DETAIL("what", "Connection refused");
    ratls_error_free(err);
}

static void name_unknown(void **state)
{
    ratls_error *err = NULL;
    int fd = 0;

    (void)state;
    /* RFC 6761: never resolves; where there is no name service at all, the failure has another reason. */
    ASSERT_FAILS(try_connect(&fd, "nowhere.invalid", "5432", ratls_deadline_in(PATIENCE_MS), NULL, &err), RESOLVE_FAILED);
    assert_int_equal(fd, -1);
    ASSERT_DETAIL("upstream", "label:1");
    assert_non_null(ratls_error_detail(err, "what"));
    ratls_error_free(err);
}

/* The look-up overstays and is left behind. */
static void time_is_up_while_resolving(void **state)
{
    ratls_error *err = NULL;
    int fd = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        ratls_deadline passed = {ratls_clock_monotonic_ms() - 1, 1234};
        ratls_status status = try_connect(&fd, "nowhere.invalid", "5432", passed, NULL, &err);

        /* A look-up that ends at once is quicker than the deadline. */
        assert_true(status == RATLS_ERR_CONNECT_TIMEOUT || status == RATLS_ERR_RESOLVE_FAILED);
        if (status == RATLS_ERR_CONNECT_TIMEOUT) {
            ASSERT_DETAIL("expected", "1234");
        }
        ratls_error_free(err);
        err = NULL;
    }
}

/* A listener whose queue is full answers no more: connecting to it hangs. */
static int fill_queue(int listener, const char *service, int filled[16])
{
    int count = 0;

    assert_int_equal(listen(listener, 0), 0);
    while (count < 16) {
        ratls_deadline soon = ratls_deadline_in(200);

        if (try_connect(&filled[count], "127.0.0.1", service, soon, NULL, NULL) != RATLS_OK) {
            break;
        }
        count++;
    }
    return count;
}

static void time_is_up_while_connecting(void **state)
{
    char service[8];
    int listener = listen_on_loopback(AF_INET, service), fd = 0, filled[16];
    int count = fill_queue(listener, service, filled);
    ratls_error *err = NULL;

    (void)state;
    assert_true(count < 16);
    ASSERT_FAILS(try_connect(&fd, "127.0.0.1", service, ratls_deadline_in(20), NULL, &err), CONNECT_TIMEOUT);
    ASSERT_DETAIL("expected", "20");
    ASSERT_DETAIL("upstream", "label:1");
    assert_int_equal(fd, -1);
    ratls_error_free(err);
    while (count > 0) {
        (void)close(filled[--count]);
    }
    (void)close(listener);
}

static void cancelled(void **state)
{
    ratls_cancel *cancel = NULL;
    ratls_error *err = NULL;
    int fd = 0;

    (void)state;
    assert_int_equal(ratls_cancel_new(&cancel, NULL), RATLS_OK);
    ratls_cancel_trigger(cancel);
    ASSERT_FAILS(try_connect(&fd, "nowhere.invalid", "5432", ratls_deadline_in(PATIENCE_MS), cancel, &err), CANCELLED);
    ASSERT_DETAIL("what", "resolving the upstream's name");
    ratls_error_free(err);
    err = NULL;
    ASSERT_FAILS(try_connect(&fd, "192.0.2.1", "5432", ratls_deadline_in(PATIENCE_MS), cancel, &err), CANCELLED);
    ratls_error_free(err);
    ratls_cancel_free(cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_to_an_address),
        cmocka_unit_test(connects_to_an_address_of_ipv6),
        cmocka_unit_test(the_system_s_own_timing),
        cmocka_unit_test(connects_to_a_name),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(name_unknown),
        cmocka_unit_test(time_is_up_while_resolving),
        cmocka_unit_test(time_is_up_while_connecting),
        cmocka_unit_test(cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

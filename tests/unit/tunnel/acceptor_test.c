#include "failure.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "tunnel/acceptor.h"

enum { PORT = 5432, LIMIT = 2, PATIENCE_S = 60, SETTLE_ROUNDS = 20000 };

#define STARTUP "\0\0\0\x12\0\3\0\0user\0bob\0\0"
#define STARTUP_LEN 18

/* An acceptor whose connections get nowhere: nobody says anything, or it is refused before the server is dialled. */
typedef struct {
    ratls_socket_directory *directory;
    ratls_cancel *closing;
    ratls_acceptor *acceptor;
    ratls_pump_counters counters;
    ratls_service service;
    atomic_int failures;
    atomic_int warnings;
    _Atomic ratls_status last;
} fixture;

static void note_failure(void *user, const ratls_error *error, bool was_open)
{
    fixture *f = user;

    (void)was_open;
    f->last = ratls_error_code(error);
    f->failures++;
}

static void note_warning(void *user, const ratls_error *error)
{
    fixture *f = user;

    (void)error;
    f->warnings++;
}

static void start(fixture *f)
{
    static const ratls_upstream nowhere;

    memset(f, 0, sizeof *f);
    assert_int_equal(ratls_socket_directory_open(&f->directory, NULL, PORT, RATLS_PEER_SAME_PROCESS, NULL), RATLS_OK);
    assert_int_equal(ratls_cancel_new(&f->closing, NULL), RATLS_OK);
    f->service = (ratls_service){.upstream = &nowhere, .closing = f->closing, .counters = &f->counters, .user = f, .failed = note_failure, .warn = note_warning};
    assert_int_equal(ratls_acceptor_start(&f->acceptor, f->directory, &f->service, LIMIT, NULL), RATLS_OK);
}

static void stop(fixture *f)
{
    ratls_cancel_trigger(f->closing);
    ratls_acceptor_stop(f->acceptor);
    ratls_socket_directory_close(f->directory);
    ratls_cancel_free(f->closing);
}

static int dial(const fixture *f)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%d", ratls_socket_directory_host(f->directory), PORT);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void await_serving(const fixture *f, size_t count)
{
    for (int i = 0; i < SETTLE_ROUNDS && ratls_acceptor_serving(f->acceptor) != count; i++) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(ratls_acceptor_serving(f->acceptor), count);
}

static void await_total(const fixture *f, uint64_t count)
{
    for (int i = 0; i < SETTLE_ROUNDS && ratls_acceptor_total(f->acceptor) < count; i++) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(ratls_acceptor_total(f->acceptor), count);
}

static void one_too_many(void **state)
{
    uint8_t response[1024];
    int fds[LIMIT], more;
    fixture f;
    ssize_t len;

    (void)state;
    start(&f);
    for (int i = 0; i < LIMIT; i++) {
        fds[i] = dial(&f);
    }
    await_serving(&f, LIMIT);
    more = dial(&f);
    assert_int_equal(send(more, STARTUP, STARTUP_LEN, MSG_NOSIGNAL), STARTUP_LEN);
    len = recv(more, response, sizeof response, MSG_WAITALL);
    assert_true(len > 5);
    assert_int_equal(response[0], 'E');
    assert_int_equal(f.last, RATLS_ERR_CONNECTIONS_EXHAUSTED);
    (void)close(more);
    (void)close(fds[0]); /* who leaves makes room: */
    await_serving(&f, LIMIT - 1);
    fds[0] = dial(&f);
    await_serving(&f, LIMIT);
    for (int i = 0; i < LIMIT; i++) {
        (void)close(fds[i]);
    }
    await_serving(&f, 0);
    stop(&f);
    assert_int_equal(f.failures, 1);
    assert_int_equal(f.warnings, 1);
}

static void far_too_many(void **state)
{
    int fds[LIMIT + RATLS_CONNECTIONS_REFUSED_MAX + 1];
    fixture f;
    char byte;

    (void)state;
    start(&f);
    for (int i = 0; i <= LIMIT + RATLS_CONNECTIONS_REFUSED_MAX; i++) {
        fds[i] = dial(&f);
    }
    /* The last finds neither a place nor a thread to tell it so. */
    assert_int_equal(recv(fds[LIMIT + RATLS_CONNECTIONS_REFUSED_MAX], &byte, 1, 0), 0);
    assert_int_equal(ratls_acceptor_serving(f.acceptor), LIMIT);
    assert_int_equal(ratls_acceptor_total(f.acceptor), LIMIT + RATLS_CONNECTIONS_REFUSED_MAX + 1);
    stop(&f);
    for (int i = 0; i <= LIMIT + RATLS_CONNECTIONS_REFUSED_MAX; i++) {
        (void)close(fds[i]);
    }
}

static void silent_drivers_are_no_failures(void **state)
{
    fixture f;

    (void)state;
    start(&f);
    /* More than there is room for: threads that have ended are cleared away. */
    for (uint64_t i = 0; i < 3 * (LIMIT + RATLS_CONNECTIONS_REFUSED_MAX); i++) {
        int fd = dial(&f);

        assert_int_equal(send(fd, STARTUP, 5, MSG_NOSIGNAL), 5);
        (void)close(fd);
        await_total(&f, i + 1);
        await_serving(&f, 0);
    }
    stop(&f);
    assert_int_equal(f.failures, 0);
    assert_int_equal(f.warnings, 0);
    ratls_acceptor_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_too_many),
        cmocka_unit_test(far_too_many),
        cmocka_unit_test(silent_drivers_are_no_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

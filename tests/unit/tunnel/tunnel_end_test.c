#include "failure.h"

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tunnel/tunnel_fixture.h"

enum { SEQUENCE = 300, SEQUENCE_UNDER_VALGRIND = 40 };

static void server_cuts_the_connection(void **state)
{
    ratls_error *error;
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_CUT);
    fd = driver_starts(f.tunnel);
    driver_hears_end(fd);
    (void)close(fd);
    fixture_await_counter(f.tunnel, "connections_now", 0);
    error = ratls_tunnel_last_error(f.tunnel);
    assert_int_equal(ratls_error_code(error), RATLS_ERR_TLS_TRUNCATED);
    ratls_error_free(error);
    assert_int_equal(fixture_counter(f.tunnel, "connections_refused"), 0);
    fixture_end(&f);
}

static void server_says_goodbye(void **state)
{
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_GOODBYE);
    fd = driver_starts(f.tunnel);
    driver_hears_end(fd);
    (void)close(fd);
    fixture_await_counter(f.tunnel, "connections_now", 0);
    assert_null(ratls_tunnel_last_error(f.tunnel));
    fixture_end(&f);
}

static void closing_ends_open_connections(void **state)
{
    char path[64];
    fixture f;
    int fds[3];

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    (void)snprintf(path, sizeof path, "%s", ratls_tunnel_directory(f.tunnel));
    for (int i = 0; i < 3; i++) {
        fds[i] = i == 2 ? driver_dials(f.tunnel) : driver_starts(f.tunnel); /* the last has not said anything yet */
    }
    ratls_tunnel_close(f.tunnel);
    f.tunnel = NULL;
    for (int i = 0; i < 3; i++) {
        char byte;

        assert_true(recv(fds[i], &byte, 1, 0) <= 0);
        (void)close(fds[i]);
    }
    service_await_goodbyes(f.server, 3);
    assert_int_equal(access(path, F_OK), -1);
    fixture_end(&f);
}

static void closing_ends_a_handshake_under_way(void **state)
{
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    service_behave(f.server, SERVICE_SILENT);
    fd = driver_dials(f.tunnel);
    driver_says(fd, STARTUP, STARTUP_LEN);
    fixture_await_counter(f.tunnel, "connections_total", 1);
    ratls_tunnel_close(f.tunnel); /* long before the handshake's deadline */
    f.tunnel = NULL;
    (void)close(fd);
    fixture_end(&f);
}

static size_t entries_of(const char *directory)
{
    DIR *opened = opendir(directory);
    size_t count = 0;

    assert_non_null(opened);
    while (readdir(opened) != NULL) {
        count++;
    }
    (void)closedir(opened);
    return count;
}

static void await_entries(const char *directory, size_t most)
{
    for (int i = 0; i < SETTLE_ROUNDS && entries_of(directory) > most; i++) {
        (void)poll(NULL, 0, 1);
    }
    assert_true(entries_of(directory) <= most);
}

static void many_connections_leave_nothing_behind(void **state)
{
    int count = getenv("RATLS_UNDER_VALGRIND") == NULL ? SEQUENCE : SEQUENCE_UNDER_VALGRIND;
    size_t descriptors, threads;
    fixture f;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    service_await_idle(f.server);
    descriptors = entries_of("/proc/self/fd");
    threads = entries_of("/proc/self/task");
    for (int i = 0; i < count; i++) {
        (void)close(driver_starts(f.tunnel));
    }
    service_await_idle(f.server);
    fixture_await_counter(f.tunnel, "connections_now", 0);
    await_entries("/proc/self/fd", descriptors);
    await_entries("/proc/self/task", threads);
    assert_int_equal(fixture_counter(f.tunnel, "connections_total"), count);
    fixture_end(&f);
}

/* In the child: nothing works, nothing is sent, nothing is removed. The number of the first thing that is wrong. */
static int child_uses(ratls_tunnel *tunnel, const char *directory, int port)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ratls_result *result = NULL;
    ratls_error *error = NULL;
    char byte;

    if (ratls_tunnel_result(&result, tunnel, &error) != RATLS_ERR_TUNNEL_FORKED || result != NULL) {
        return 1;
    }
    ratls_error_free(error);
    error = ratls_tunnel_last_error(tunnel);
    if (ratls_error_code(error) != RATLS_ERR_TUNNEL_FORKED) {
        return 2;
    }
    ratls_error_free(error);
    if (ratls_tunnel_directory(tunnel) != NULL || ratls_tunnel_port(tunnel) != 0 || ratls_tunnel_stats(tunnel) != NULL) {
        return 3;
    }
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.63s/.s.PGSQL.%d", directory, port);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 || recv(fd, &byte, 1, 0) != 0) {
        return 4; /* let in, or told something */
    }
    ratls_tunnel_close(tunnel);
    return 0;
}

/* How a child ends: it tells its parent the result and becomes another program. An exit would have Valgrind and the
 * sanitizers look for what the parent's threads, which a child has not, had in hand. */
static void end_child(int report, int result)
{
    uint8_t byte = (uint8_t)result;

    (void)!write(report, &byte, 1);
    (void)execl("/bin/true", "true", NULL);
    abort();
}

static int await_child(pid_t child, int report)
{
    uint8_t byte = 0;
    int status = 0;

    assert_int_equal(read(report, &byte, 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return byte;
}

static void forked_child(void **state)
{
    char directory[64];
    uint8_t heard[SERVICE_HEARD_MAX];
    int port, fd, report[2];
    pid_t child;
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_ECHO);
    f.options.peer = RATLS_PEER_SAME_PROCESS;
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    fd = driver_starts(f.tunnel);
    (void)snprintf(directory, sizeof directory, "%s", ratls_tunnel_directory(f.tunnel));
    port = ratls_tunnel_port(f.tunnel);
    assert_int_equal(pipe(report), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        end_child(report[1], child_uses(f.tunnel, directory, port));
    }
    assert_int_equal(await_child(child, report[0]), 0);
    (void)close(report[0]);
    (void)close(report[1]);
    driver_says(fd, "still", 5); /* the parent's connection and socket are as they were */
    driver_hears(fd, "still", 5);
    assert_int_equal(service_heard(f.server, heard), STARTUP_LEN + 5);
    (void)close(fd);
    (void)close(driver_starts(f.tunnel));
    fixture_end(&f);
}

static void another_process_of_the_user(void **state)
{
    char directory[64];
    int port, report[2];
    pid_t child;
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_ECHO);
    f.options.peer = RATLS_PEER_SAME_USER;
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    (void)snprintf(directory, sizeof directory, "%s", ratls_tunnel_directory(f.tunnel));
    port = ratls_tunnel_port(f.tunnel);
    assert_int_equal(pipe(report), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        uint8_t heard[STARTUP_LEN];
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        (void)snprintf(address.sun_path, sizeof address.sun_path, "%.63s/.s.PGSQL.%d", directory, port);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 || send(fd, STARTUP, STARTUP_LEN, MSG_NOSIGNAL) != STARTUP_LEN ||
            recv(fd, heard, sizeof heard, MSG_WAITALL) != STARTUP_LEN) {
            end_child(report[1], 1);
        }
        end_child(report[1], 0);
    }
    assert_int_equal(await_child(child, report[0]), 0);
    (void)close(report[0]);
    (void)close(report[1]);
    fixture_end(&f);
}

static void keep_line(void *user, const char *line)
{
    (void)snprintf(user, TEXT_ROOM, "%s", line);
}

static void refusals_are_logged(void **state)
{
    char line[TEXT_ROOM] = "", text[TEXT_ROOM];
    fixture f;
    int fd;

    (void)state;
    fixture_prepare(&f, SERVICE_ECHO);
    f.options.log = keep_line;
    f.options.log_user = line;
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    service_show(f.server, SERVICE_CERTIFICATE_UNBOUND);
    fd = driver_dials(f.tunnel);
    driver_says(fd, STARTUP, STARTUP_LEN);
    driver_hears_refusal(fd, 'M', text);
    fixture_await_counter(f.tunnel, "connections_now", 0); /* the line comes last of all */
    ratls_tunnel_close(f.tunnel);
    f.tunnel = NULL;
    assert_non_null(strstr(line, text));
    fixture_end(&f);
}

/* As psycopg does: it holds the interpreter's lock while it waits for the end of a cancel request's connection, and
 * the log wants that lock. */
static void wait_for_lock(void *user, const char *line)
{
    (void)line;
    (void)pthread_mutex_lock(user);
    (void)pthread_mutex_unlock(user);
}

static void the_log_holds_up_nobody(void **state)
{
    pthread_mutex_t interpreter = PTHREAD_MUTEX_INITIALIZER;
    fixture f;
    int fd;

    (void)state;
    fixture_prepare(&f, SERVICE_ECHO);
    f.options.log = wait_for_lock;
    f.options.log_user = &interpreter;
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    service_show(f.server, SERVICE_CERTIFICATE_UNBOUND);
    (void)pthread_mutex_lock(&interpreter);
    for (int i = 0; i < 3; i++) {
        fd = driver_dials(f.tunnel);
        driver_says(fd, CANCEL_REQUEST, 16);
        driver_hears_end(fd);
        (void)close(fd);
    }
    (void)pthread_mutex_unlock(&interpreter);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_cuts_the_connection),
        cmocka_unit_test(server_says_goodbye),
        cmocka_unit_test(closing_ends_open_connections),
        cmocka_unit_test(closing_ends_a_handshake_under_way),
        cmocka_unit_test(many_connections_leave_nothing_behind),
        cmocka_unit_test(forked_child),
        cmocka_unit_test(another_process_of_the_user),
        cmocka_unit_test(refusals_are_logged),
        cmocka_unit_test(the_log_holds_up_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "failure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tunnel/socket_directory.h"

enum { PORT = 5432, PATH_ROOM = 512 };

/* Connect to the socket in `host`; -1 and errno when that fails. */
static int connect_to(const char *host)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_true(snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%d", host, PORT) < (int)sizeof address.sun_path);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int failure = errno;

        (void)close(fd);
        errno = failure;
        return -1;
    }
    return fd;
}

static void make_directory(char path[PATH_ROOM])
{
    (void)snprintf(path, PATH_ROOM, "/tmp/ratls-test-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static mode_t mode_of(const char *directory, const char *name)
{
    char path[PATH_ROOM + 64];
    struct stat found;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_int_equal(lstat(path, &found), 0);
    return found.st_mode;
}

static void assert_serves(const ratls_socket_directory *directory)
{
    bool exhausted = true;
    char byte = 0;
    int ours = connect_to(ratls_socket_directory_host(directory));
    int theirs = ratls_socket_directory_accept(directory, &exhausted);

    assert_true(ours >= 0);
    assert_true(theirs >= 0);
    assert_false(exhausted);
    assert_int_equal(fcntl(theirs, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(write(theirs, "x", 1), 1);
    assert_int_equal(read(ours, &byte, 1), 1);
    (void)close(ours);
    (void)close(theirs);
}

static void own_directory(void **state)
{
    ratls_socket_directory *directory = NULL;
    char path[PATH_ROOM];

    (void)state;
    assert_int_equal(ratls_socket_directory_open(&directory, NULL, PORT, RATLS_PEER_SAME_PROCESS, NULL), RATLS_OK);
    (void)snprintf(path, sizeof path, "%s", ratls_socket_directory_host(directory));
    assert_int_equal(mode_of(path, ".") & 07777, 0700);
    assert_true(S_ISSOCK(mode_of(path, ".s.PGSQL.5432")));
    assert_int_equal(mode_of(path, ".s.PGSQL.5432") & 07777, 0600);
    assert_serves(directory);
    ratls_socket_directory_close(directory);
    assert_int_equal(access(path, F_OK), -1); /* nothing is left */
}

static void two_own_directories(void **state)
{
    ratls_socket_directory *first = NULL, *second = NULL;

    (void)state;
    assert_int_equal(ratls_socket_directory_open(&first, NULL, PORT, RATLS_PEER_SAME_PROCESS, NULL), RATLS_OK);
    assert_int_equal(ratls_socket_directory_open(&second, NULL, PORT, RATLS_PEER_SAME_PROCESS, NULL), RATLS_OK);
    assert_string_not_equal(ratls_socket_directory_host(first), ratls_socket_directory_host(second));
    ratls_socket_directory_close(first);
    assert_serves(second);
    ratls_socket_directory_close(second);
}

static void nobody_waits(void **state)
{
    ratls_socket_directory *directory = NULL;
    bool exhausted = true;

    (void)state;
    assert_int_equal(ratls_socket_directory_open(&directory, NULL, PORT, RATLS_PEER_SAME_PROCESS, NULL), RATLS_OK);
    assert_int_equal(ratls_socket_directory_accept(directory, &exhausted), -1);
    assert_false(exhausted);
    ratls_socket_directory_close(directory);
}

static void given_directory_is_kept(void **state)
{
    ratls_socket_directory *directory = NULL;
    char path[PATH_ROOM];

    (void)state;
    make_directory(path);
    assert_int_equal(ratls_socket_directory_open(&directory, path, PORT, RATLS_PEER_SAME_USER, NULL), RATLS_OK);
    assert_string_equal(ratls_socket_directory_host(directory), path);
    assert_serves(directory);
    ratls_socket_directory_close(directory);
    assert_int_equal(rmdir(path), 0); /* there, and empty */
}

static void assert_refused_since(const char *path, const char *what)
{
    ratls_socket_directory *directory = NULL;
    ratls_error *err = NULL;

    ASSERT_FAILS(ratls_socket_directory_open(&directory, path, PORT, RATLS_PEER_SAME_PROCESS, &err), SOCKET_DIRECTORY);
    assert_null(directory);
    assert_non_null(ratls_error_detail(err, "path"));
    assert_non_null(ratls_error_detail(err, "what"));
    assert_true(what == NULL || strcmp(ratls_error_detail(err, "what"), what) == 0);
    ratls_error_free(err);
}

static void assert_refused(const char *path)
{
    assert_refused_since(path, NULL);
}

static void directory_missing(void **state)
{
    (void)state;
    assert_refused("/tmp/ratls-test-there-is-no-such");
    assert_refused("");
}

static void directory_is_a_file(void **state)
{
    char path[] = "/tmp/ratls-test-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    assert_refused(path);
    (void)unlink(path);
}

static void directory_of_another_mode(void **state)
{
    static const mode_t modes[] = {0750, 0701, 0770, 0777, 01700, 02700, 0500};
    char path[PATH_ROOM];

    (void)state;
    make_directory(path);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_refused(path);
    }
    assert_int_equal(rmdir(path), 0);
}

static void directory_of_another_user(void **state)
{
    char path[PATH_ROOM];

    (void)state;
    if (geteuid() != 0) {
        print_message("skipped 1: giving a directory away needs root\n");
        return;
    }
    make_directory(path);
    assert_int_equal(chown(path, 12345, 12345), 0);
    assert_refused(path);
    assert_int_equal(rmdir(path), 0);
}

/* The driver is told where the link led when it was looked at. */
static void link_is_resolved_once(void **state)
{
    ratls_socket_directory *directory = NULL;
    char path[PATH_ROOM], link[PATH_ROOM + 8];

    (void)state;
    make_directory(path);
    (void)snprintf(link, sizeof link, "%s-link", path);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(ratls_socket_directory_open(&directory, link, PORT, RATLS_PEER_SAME_PROCESS, NULL), RATLS_OK);
    assert_string_equal(ratls_socket_directory_host(directory), path);
    ratls_socket_directory_close(directory);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(rmdir(path), 0);
}

static void socket_in_use(void **state)
{
    ratls_socket_directory *directory = NULL;
    char path[PATH_ROOM];

    (void)state;
    make_directory(path);
    assert_int_equal(ratls_socket_directory_open(&directory, path, PORT, RATLS_PEER_SAME_PROCESS, NULL), RATLS_OK);
    assert_refused_since(path, "its socket is in use");
    (void)close(ratls_socket_directory_accept(directory, &(bool){false})); /* who asked whether it lives */
    assert_serves(directory);
    ratls_socket_directory_close(directory);
    assert_int_equal(rmdir(path), 0);
}

static void stale_socket_is_replaced(void **state)
{
    ratls_socket_directory *directory = NULL;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[PATH_ROOM];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    make_directory(path);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.64s/.s.PGSQL.%d", path, PORT);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    (void)close(fd); /* its process has died, its name is still there */
    assert_int_equal(ratls_socket_directory_open(&directory, path, PORT, RATLS_PEER_SAME_PROCESS, NULL), RATLS_OK);
    assert_serves(directory);
    ratls_socket_directory_close(directory);
    assert_int_equal(rmdir(path), 0);
}

static void a_file_in_the_sockets_place_is_left_alone(void **state)
{
    char path[PATH_ROOM], name[PATH_ROOM + 32];
    int fd;

    (void)state;
    make_directory(path);
    (void)snprintf(name, sizeof name, "%s/.s.PGSQL.%d", path, PORT);
    fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_refused_since(path, "what has the socket's name there is not a socket");
    assert_int_equal(unlink(name), 0);
    assert_int_equal(rmdir(path), 0);
}

static void socket_of_a_successor_is_left_alone(void **state)
{
    ratls_socket_directory *first = NULL, *second = NULL;
    char path[PATH_ROOM], name[PATH_ROOM + 32];

    (void)state;
    make_directory(path);
    (void)snprintf(name, sizeof name, "%s/.s.PGSQL.%d", path, PORT);
    assert_int_equal(ratls_socket_directory_open(&first, path, PORT, RATLS_PEER_SAME_PROCESS, NULL), RATLS_OK);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(ratls_socket_directory_open(&second, path, PORT, RATLS_PEER_SAME_PROCESS, NULL), RATLS_OK);
    ratls_socket_directory_close(first);
    assert_serves(second);
    ratls_socket_directory_close(second);
    assert_int_equal(rmdir(path), 0);
}

static void path_too_long_for_a_socket(void **state)
{
    static const int32_t peers[] = {RATLS_PEER_SAME_PROCESS, RATLS_PEER_SAME_USER};
    ratls_socket_directory *directory = NULL;
    char path[PATH_ROOM], longer[PATH_ROOM];

    (void)state;
    make_directory(path);
    (void)snprintf(longer, sizeof longer, "%.64s/%0150d", path, 0);
    assert_int_equal(mkdir(longer, 0700), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ratls_socket_directory_open(&directory, longer, PORT, peers[i], NULL), RATLS_OK);
        assert_int_equal(strncmp(ratls_socket_directory_host(directory), "/proc/", 6), 0);
        assert_int_equal(strncmp(ratls_socket_directory_host(directory), "/proc/self/", 11) == 0, peers[i] == RATLS_PEER_SAME_PROCESS);
        assert_serves(directory);
        ratls_socket_directory_close(directory);
    }
    assert_int_equal(rmdir(longer), 0);
    assert_int_equal(rmdir(path), 0);
}

/* What another process of this user hears from the socket: -1 no connection, 0 the end, else bytes. */
static int hear_from_child(const ratls_socket_directory *directory)
{
    pid_t child = fork();
    bool exhausted = false;
    int result = 0, accepted;

    assert_true(child >= 0);
    if (child == 0) {
        int fd = connect_to(ratls_socket_directory_host(directory));
        char byte;

        _exit(fd < 0 ? 100 : (int)read(fd, &byte, 1));
    }
    do {
        accepted = ratls_socket_directory_accept(directory, &exhausted);
        if (accepted >= 0) {
            (void)send(accepted, "x", 1, MSG_NOSIGNAL);
            (void)close(accepted);
        }
    } while (waitpid(child, &result, WNOHANG) == 0);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

static void another_process(void **state)
{
    ratls_socket_directory *directory = NULL;

    (void)state;
    assert_int_equal(ratls_socket_directory_open(&directory, NULL, PORT, RATLS_PEER_SAME_PROCESS, NULL), RATLS_OK);
    assert_int_equal(hear_from_child(directory), 0); /* turned away without a byte */
    ratls_socket_directory_close(directory);
    assert_int_equal(ratls_socket_directory_open(&directory, NULL, PORT, RATLS_PEER_SAME_USER, NULL), RATLS_OK);
    assert_int_equal(hear_from_child(directory), 1);
    ratls_socket_directory_close(directory);
}

static void forgotten_in_a_child(void **state)
{
    ratls_socket_directory *directory = NULL;
    pid_t child;
    int result = 0;

    (void)state;
    assert_int_equal(ratls_socket_directory_open(&directory, NULL, PORT, RATLS_PEER_SAME_PROCESS, NULL), RATLS_OK);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        ratls_socket_directory_forget(directory);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_serves(directory);
    ratls_socket_directory_close(directory);
    ratls_socket_directory_close(NULL);
    ratls_socket_directory_forget(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_directory),
        cmocka_unit_test(two_own_directories),
        cmocka_unit_test(nobody_waits),
        cmocka_unit_test(given_directory_is_kept),
        cmocka_unit_test(directory_missing),
        cmocka_unit_test(directory_is_a_file),
        cmocka_unit_test(directory_of_another_mode),
        cmocka_unit_test(directory_of_another_user),
        cmocka_unit_test(link_is_resolved_once),
        cmocka_unit_test(socket_in_use),
        cmocka_unit_test(stale_socket_is_replaced),
        cmocka_unit_test(a_file_in_the_sockets_place_is_left_alone),
        cmocka_unit_test(socket_of_a_successor_is_left_alone),
        cmocka_unit_test(path_too_long_for_a_socket),
        cmocka_unit_test(another_process),
        cmocka_unit_test(forgotten_in_a_child),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tunnel/tunnel_fixture.h"

#include "failure.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

void fixture_prepare(fixture *f, service_behaviour behaviour)
{
    memset(f, 0, sizeof *f);
    f->server = service_start(behaviour);
    assert_int_equal(ratls_verifier_new_noop(&f->verifier, NULL, NULL), RATLS_OK);
    ratls_verify_options_init(&f->policy, sizeof f->policy);
    f->policy.cache_ttl_s = -1;
    ratls_tunnel_options_init(&f->options, sizeof f->options);
    f->options.host = "127.0.0.1";
    f->options.server_name = "db-5432s.example";
    f->options.port = service_port(f->server);
    f->options.verify = &f->policy;
    f->options.peer = RATLS_PEER_SAME_USER; /* no connection is kept: every driver's is a new one */
    f->options.spelling = RATLS_SPELLING_PYTHON;
    f->options.handshake_timeout_ms = 1000 * PATIENCE_S; /* slow machines, Valgrind */
}

ratls_status fixture_try_open(fixture *f)
{
    return ratls_tunnel_open(&f->tunnel, f->verifier, &f->options, NULL, &f->error);
}

void fixture_open(fixture *f, service_behaviour behaviour)
{
    fixture_prepare(f, behaviour);
    assert_int_equal(fixture_try_open(f), RATLS_OK);
    assert_null(f->error);
}

void fixture_end(fixture *f)
{
    ratls_tunnel_close(f->tunnel);
    ratls_error_free(f->error);
    ratls_verifier_free(f->verifier);
    service_stop(f->server);
}

int driver_dials(const ratls_tunnel *tunnel)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%d", ratls_tunnel_directory(tunnel), (int)ratls_tunnel_port(tunnel));
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void driver_says(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

void driver_hears(int fd, const void *expected, size_t len)
{
    uint8_t heard[TEXT_ROOM];

    assert_true(len <= sizeof heard);
    assert_int_equal(recv(fd, heard, len, MSG_WAITALL), (ssize_t)len);
    assert_memory_equal(heard, expected, len);
}

void driver_hears_end(int fd)
{
    char byte;

    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

int driver_starts(const ratls_tunnel *tunnel)
{
    int fd = driver_dials(tunnel);

    driver_says(fd, STARTUP, STARTUP_LEN);
    driver_hears(fd, STARTUP, STARTUP_LEN);
    return fd;
}

void driver_hears_refusal(int fd, char letter, char text[TEXT_ROOM])
{
    uint8_t response[TEXT_ROOM];
    size_t len = 0, at = 5;
    ssize_t got;

    while (len < sizeof response && (got = recv(fd, response + len, sizeof response - len, 0)) > 0) {
        len += (size_t)got;
    }
    assert_true(len > 5);
    assert_int_equal(response[0], 'E');
    text[0] = '\0';
    while (at < len && response[at] != 0) {
        const char *value = (const char *)response + at + 1;

        if ((char)response[at] == letter) {
            (void)snprintf(text, TEXT_ROOM, "%s", value);
        }
        at += strlen(value) + 2;
    }
    assert_int_equal(at + 1, len);
    (void)close(fd);
}

void fixture_server_heard(service *server, const void *expected, size_t len)
{
    uint8_t heard[SERVICE_HEARD_MAX];

    assert_int_equal(service_heard(server, heard), len);
    assert_memory_equal(heard, expected, len);
}

int64_t fixture_counter(const ratls_tunnel *tunnel, const char *name)
{
    char *stats = ratls_tunnel_stats(tunnel);
    char *found;
    int64_t value;

    assert_non_null(stats);
    found = strstr(stats, name);
    assert_non_null(found);
    value = strtoll(found + strlen(name) + 2, NULL, 10);
    ratls_bytes_free(stats);
    return value;
}

void fixture_await_counter(const ratls_tunnel *tunnel, const char *name, int64_t value)
{
    for (int i = 0; i < SETTLE_ROUNDS && fixture_counter(tunnel, name) != value; i++) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(fixture_counter(tunnel, name), value);
}

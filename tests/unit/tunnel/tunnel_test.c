#include "failure.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tunnel/tls_service.h"

enum { PATIENCE_S = 60, TEXT_ROOM = 4096, SEQUENCE = 300, SEQUENCE_UNDER_VALGRIND = 40, SETTLE_ROUNDS = 20000 };

#define STARTUP "\0\0\0\x12\0\3\0\0user\0bob\0\0"
#define STARTUP_LEN 18
#define SSL_REQUEST "\0\0\0\x08\x04\xd2\x16\x2f"
#define CANCEL_REQUEST "\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\1\0\0\0\2"

/* A server, a verifier and a tunnel between the test, which plays the driver, and the server. */
typedef struct {
    service *server;
    ratls_verifier *verifier;
    ratls_tunnel_options options;
    ratls_verify_options policy;
    ratls_tunnel *tunnel;
    ratls_error *error;
} fixture;

static void prepare(fixture *f, service_behaviour behaviour)
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
    f->options.spelling = RATLS_SPELLING_PYTHON;
    f->options.handshake_timeout_ms = 1000 * PATIENCE_S; /* slow machines, Valgrind */
}

static ratls_status try_open(fixture *f)
{
    return ratls_tunnel_open(&f->tunnel, f->verifier, &f->options, NULL, &f->error);
}

static void open_tunnel(fixture *f, service_behaviour behaviour)
{
    prepare(f, behaviour);
    assert_int_equal(try_open(f), RATLS_OK);
    assert_null(f->error);
}

static void finish(fixture *f)
{
    ratls_tunnel_close(f->tunnel);
    ratls_error_free(f->error);
    ratls_verifier_free(f->verifier);
    service_stop(f->server);
}

static void assert_open_fails(fixture *f, ratls_status expected)
{
    assert_int_equal(try_open(f), expected);
    assert_null(f->tunnel);
    assert_int_equal(ratls_error_code(f->error), expected);
    finish(f);
}

/* ---------------------------------------------------------------- the driver */

static int dial(const ratls_tunnel *tunnel)
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

static void say(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void hear(int fd, const void *expected, size_t len)
{
    uint8_t heard[TEXT_ROOM];

    assert_true(len <= sizeof heard);
    assert_int_equal(recv(fd, heard, len, MSG_WAITALL), (ssize_t)len);
    assert_memory_equal(heard, expected, len);
}

static void hear_end(int fd)
{
    char byte;

    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

/* A driver whose startup packet came back from the echo. */
static int dial_and_start(const ratls_tunnel *tunnel)
{
    int fd = dial(tunnel);

    say(fd, STARTUP, STARTUP_LEN);
    hear(fd, STARTUP, STARTUP_LEN);
    return fd;
}

/* Everything until the end, which must be one ErrorResponse; the field's text. */
static void hear_refusal(int fd, char letter, char text[TEXT_ROOM])
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

static void assert_server_heard(service *server, const void *expected, size_t len)
{
    uint8_t heard[SERVICE_HEARD_MAX];

    assert_int_equal(service_heard(server, heard), len);
    assert_memory_equal(heard, expected, len);
}

static int64_t counter(const ratls_tunnel *tunnel, const char *name)
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

/* Wait for a counter that follows a connection's end. */
static void await_counter(const ratls_tunnel *tunnel, const char *name, int64_t value)
{
    for (int i = 0; i < SETTLE_ROUNDS && counter(tunnel, name) != value; i++) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(counter(tunnel, name), value);
}

/* ---------------------------------------------------------------- what works */

static void rows_flow_both_ways(void **state)
{
    char name[256];
    fixture f;
    int fd;

    (void)state;
    open_tunnel(&f, SERVICE_ECHO);
    service_await_goodbyes(f.server, 1); /* the handshake up front ended with a goodbye */
    assert_server_heard(f.server, "", 0);
    fd = dial_and_start(f.tunnel);
    say(fd, "select 1", 8);
    hear(fd, "select 1", 8);
    assert_server_heard(f.server, STARTUP "select 1", STARTUP_LEN + 8);
    service_name(f.server, name);
    assert_string_equal(name, "db-5432s.example");
    assert_int_equal(counter(f.tunnel, "connections_now"), 1);
    (void)close(fd);
    service_await_goodbyes(f.server, 2);
    await_counter(f.tunnel, "connections_now", 0);
    assert_int_equal(counter(f.tunnel, "connections_total"), 1);
    assert_int_equal(counter(f.tunnel, "connections_refused"), 0);
    assert_int_equal(counter(f.tunnel, "bytes_to_upstream"), STARTUP_LEN + 8);
    assert_int_equal(counter(f.tunnel, "bytes_from_upstream"), STARTUP_LEN + 8);
    assert_null(ratls_tunnel_last_error(f.tunnel));
    finish(&f);
}

static void result_of_the_newest_handshake(void **state)
{
    ratls_result *result = NULL;
    fixture f;

    (void)state;
    open_tunnel(&f, SERVICE_ECHO);
    assert_int_equal(ratls_tunnel_result(&result, f.tunnel, NULL), RATLS_OK);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_KEY_BOUND), 1);
    assert_int_equal(strncmp(ratls_result_text(result, RATLS_FIELD_MR_TD), "91a0", 4), 0);
    (void)close(dial_and_start(f.tunnel));
    ratls_tunnel_close(f.tunnel); /* the copy outlives the tunnel */
    f.tunnel = NULL;
    assert_non_null(ratls_result_json(result));
    ratls_result_free(result);
    finish(&f);
}

/* One driver thread's worth of both directions with poll(): a megabyte each way, checked byte by byte. */
static void a_megabyte_each_way(void **state)
{
    enum { LEN = 1 << 20 };
    uint8_t *sent = malloc(LEN), *back = malloc(LEN);
    size_t out = 0, in = 0;
    fixture f;
    int fd;

    (void)state;
    assert_true(sent != NULL && back != NULL);
    for (size_t i = 0; i < LEN; i++) {
        sent[i] = (uint8_t)(i * 2654435761U >> 13);
    }
    memcpy(sent, STARTUP, STARTUP_LEN);
    open_tunnel(&f, SERVICE_ECHO);
    fd = dial(f.tunnel);
    while (in < LEN) {
        struct pollfd one = {.fd = fd, .events = (short)(POLLIN | (out < LEN ? POLLOUT : 0))};
        ssize_t step;

        assert_int_equal(poll(&one, 1, 1000 * PATIENCE_S), 1);
        if ((one.revents & POLLOUT) != 0 && (step = send(fd, sent + out, LEN - out, MSG_NOSIGNAL | MSG_DONTWAIT)) > 0) {
            out += (size_t)step;
        }
        if ((one.revents & POLLIN) != 0) {
            step = recv(fd, back + in, LEN - in, MSG_DONTWAIT);
            assert_true(step > 0);
            in += (size_t)step;
        }
    }
    assert_memory_equal(back, sent, LEN);
    (void)close(fd);
    free(sent);
    free(back);
    finish(&f);
}

/* The tunnel takes from the server only what fits into its buffers and the driver's socket. */
static void a_slow_reader_bounds_memory(void **state)
{
    enum { STEP = 64 * 1024, HELD_MAX = 1 << 20 };
    uint8_t *rows = malloc(STEP);
    fixture f;
    int fd;

    (void)state;
    assert_non_null(rows);
    open_tunnel(&f, SERVICE_FLOOD);
    fd = dial(f.tunnel);
    say(fd, STARTUP, STARTUP_LEN);
    for (size_t total = 0; total < SERVICE_FLOOD_LEN; total += STEP) {
        assert_true(counter(f.tunnel, "bytes_from_upstream") <= (int64_t)total + HELD_MAX);
        assert_int_equal(recv(fd, rows, STEP, MSG_WAITALL), STEP);
        for (size_t i = 0; i < STEP; i += 97) {
            size_t at = (total + i) / (16 * 1024) * (16 * 1024), within = (total + i) % (16 * 1024);

            assert_int_equal(rows[i], (uint8_t)((at + within) * 31 >> 3));
        }
    }
    (void)close(fd);
    free(rows);
    finish(&f);
}

/* Rows that nobody takes: the driver leaves in the middle, the server hears a goodbye or a reset, all ends. */
static void driver_leaves_in_the_middle_of_rows(void **state)
{
    uint8_t rows[TEXT_ROOM];
    fixture f;
    int fd;

    (void)state;
    open_tunnel(&f, SERVICE_FLOOD);
    fd = dial(f.tunnel);
    say(fd, STARTUP, STARTUP_LEN);
    assert_int_equal(recv(fd, rows, sizeof rows, MSG_WAITALL), (ssize_t)sizeof rows);
    (void)close(fd);
    await_counter(f.tunnel, "connections_now", 0);
    service_await_idle(f.server);
    finish(&f);
}

static void driver_closes_one_half(void **state)
{
    fixture f;
    int fd;

    (void)state;
    open_tunnel(&f, SERVICE_ECHO);
    fd = dial(f.tunnel);
    say(fd, STARTUP "last words", STARTUP_LEN + 10);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    hear(fd, STARTUP "last words", STARTUP_LEN + 10); /* the answer still comes */
    service_await_goodbyes(f.server, 2);
    (void)close(fd);
    await_counter(f.tunnel, "connections_now", 0);
    finish(&f);
}

static void driver_says_all_and_leaves(void **state)
{
    fixture f;
    int fd;

    (void)state;
    open_tunnel(&f, SERVICE_ECHO);
    fd = dial(f.tunnel);
    say(fd, STARTUP "X\0\0\0\4", STARTUP_LEN + 5);
    (void)close(fd);
    service_await_goodbyes(f.server, 2);
    assert_server_heard(f.server, STARTUP "X\0\0\0\4", STARTUP_LEN + 5);
    finish(&f);
}

static void encryption_is_declined(void **state)
{
    fixture f;
    int fd;

    (void)state;
    open_tunnel(&f, SERVICE_ECHO);
    fd = dial(f.tunnel);
    for (int i = 0; i < 2; i++) {
        say(fd, SSL_REQUEST, 8);
        hear(fd, "N", 1);
    }
    say(fd, STARTUP, STARTUP_LEN);
    hear(fd, STARTUP, STARTUP_LEN);
    assert_server_heard(f.server, STARTUP, STARTUP_LEN); /* and never forwarded */
    (void)close(fd);
    finish(&f);
}

static void encryption_asked_for_without_end(void **state)
{
    char text[TEXT_ROOM];
    fixture f;
    int fd;

    (void)state;
    open_tunnel(&f, SERVICE_ECHO);
    fd = dial(f.tunnel);
    say(fd, SSL_REQUEST SSL_REQUEST SSL_REQUEST, 24);
    hear(fd, "NN", 2);
    hear_refusal(fd, 'D', text);
    assert_string_equal(text, "STARTUP_INVALID");
    finish(&f);
}

static void a_second_connection_cancels(void **state)
{
    fixture f;
    int first, second;

    (void)state;
    open_tunnel(&f, SERVICE_ECHO);
    first = dial_and_start(f.tunnel);
    second = dial(f.tunnel);
    say(second, CANCEL_REQUEST, 16);
    hear(second, CANCEL_REQUEST, 16);
    (void)close(second);
    assert_server_heard(f.server, STARTUP CANCEL_REQUEST, STARTUP_LEN + 16);
    assert_int_equal(service_handshakes(f.server), 3); /* each its own attested TLS */
    say(first, "on", 2);
    hear(first, "on", 2);
    (void)close(first);
    finish(&f);
}

static void first_packet_in_pieces(void **state)
{
    fixture f;
    int fd;

    (void)state;
    open_tunnel(&f, SERVICE_ECHO);
    fd = dial(f.tunnel);
    for (size_t i = 0; i < STARTUP_LEN; i++) {
        say(fd, STARTUP + i, 1);
    }
    hear(fd, STARTUP, STARTUP_LEN);
    (void)close(fd);
    finish(&f);
}

static void early_words_of_the_server_wait_for_the_verdict(void **state)
{
    char text[TEXT_ROOM];
    fixture f;
    int fd;

    (void)state;
    open_tunnel(&f, SERVICE_EARLY);
    fd = dial(f.tunnel);
    say(fd, STARTUP, STARTUP_LEN);
    hear(fd, SERVICE_EARLY_TEXT STARTUP, sizeof SERVICE_EARLY_TEXT - 1 + STARTUP_LEN);
    (void)close(fd);
    service_show(f.server, SERVICE_CERTIFICATE_UNBOUND);
    fd = dial(f.tunnel);
    say(fd, STARTUP, STARTUP_LEN);
    hear_refusal(fd, 'D', text); /* nothing before it */
    assert_string_equal(text, "KEY_BINDING");
    finish(&f);
}

static void socket_in_a_long_directory(void **state)
{
    char base[] = "/tmp/ratls-test-XXXXXX", path[256];
    fixture f;

    (void)state;
    assert_non_null(mkdtemp(base));
    (void)snprintf(path, sizeof path, "%s/%0150d", base, 0);
    assert_int_equal(mkdir(path, 0700), 0);
    prepare(&f, SERVICE_ECHO);
    f.options.socket_dir = path;
    assert_int_equal(try_open(&f), RATLS_OK);
    (void)close(dial_and_start(f.tunnel));
    finish(&f);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(base), 0);
}

/* ---------------------------------------------------------------- refusals */

static void assert_driver_is_refused(fixture *f, const char *code, const char *sqlstate, const char *message)
{
    uint8_t heard[SERVICE_HEARD_MAX];
    size_t before = service_heard(f->server, heard);
    const char letters[] = {'D', 'C', 'M', 'S'};
    const char *expected[] = {code, sqlstate, message, "FATAL"};
    ratls_error *error;

    for (size_t i = 0; i < 4; i++) {
        char text[TEXT_ROOM];
        int fd = dial(f->tunnel);

        say(fd, STARTUP, STARTUP_LEN);
        hear_refusal(fd, letters[i], text);
        assert_string_equal(text, expected[i]);
    }
    assert_int_equal(service_heard(f->server, heard), before); /* not one byte */
    error = ratls_tunnel_last_error(f->tunnel);
    assert_string_equal(ratls_status_name(ratls_error_code(error)), code);
    ratls_error_free(error);
    await_counter(f->tunnel, "connections_refused", 4);
}

static void driver_is_told_of_a_missing_quote(void **state)
{
    fixture f;

    (void)state;
    open_tunnel(&f, SERVICE_ECHO);
    service_show(f.server, SERVICE_CERTIFICATE_PLAIN);
    assert_driver_is_refused(&f, "QUOTE_MISSING", "08004",
                             "upstream cert has no TDX attestation extension; set allow_simulator=True for non-TEE targets");
    service_show(f.server, SERVICE_CERTIFICATE_BOUND); /* what is right again is accepted again */
    (void)close(dial_and_start(f.tunnel));
    finish(&f);
}

static void driver_is_told_of_an_unbound_key(void **state)
{
    fixture f;

    (void)state;
    open_tunnel(&f, SERVICE_ECHO);
    service_show(f.server, SERVICE_CERTIFICATE_UNBOUND);
    assert_driver_is_refused(&f, "KEY_BINDING", "08004", "quote report_data does not bind the TLS certificate's public key");
    finish(&f);
}

static void driver_is_told_of_a_closed_handshake(void **state)
{
    fixture f;

    (void)state;
    open_tunnel(&f, SERVICE_ECHO);
    service_behave(f.server, SERVICE_CLOSE_HANDSHAKE);
    assert_driver_is_refused(&f, "HANDSHAKE_CLOSED", "08001", "upstream closed the connection during the TLS handshake");
    finish(&f);
}

static void who_cancels_is_not_answered_when_refused(void **state)
{
    uint8_t heard[SERVICE_HEARD_MAX];
    fixture f;
    int fd;

    (void)state;
    open_tunnel(&f, SERVICE_ECHO);
    service_show(f.server, SERVICE_CERTIFICATE_PLAIN);
    fd = dial(f.tunnel);
    say(fd, CANCEL_REQUEST, 16);
    hear_end(fd);
    (void)close(fd);
    assert_int_equal(service_heard(f.server, heard), 0);
    finish(&f);
}

static void first_packet_is_none(void **state)
{
    char text[TEXT_ROOM];
    fixture f;
    int fd;

    (void)state;
    open_tunnel(&f, SERVICE_ECHO);
    fd = dial(f.tunnel);
    say(fd, "GET / HTTP/1.1\r\n\r\n", 18);
    hear_refusal(fd, 'D', text);
    assert_string_equal(text, "STARTUP_INVALID");
    assert_int_equal(service_handshakes(f.server), 1); /* the server was not even dialled */
    finish(&f);
}

static void opening_without_a_quote(void **state)
{
    fixture f;

    (void)state;
    prepare(&f, SERVICE_ECHO);
    service_show(f.server, SERVICE_CERTIFICATE_PLAIN);
    assert_open_fails(&f, RATLS_ERR_QUOTE_MISSING);
}

static void opening_at_a_gateway_gives_a_hint(void **state)
{
    static const char *const names[] = {"app-5432.example", "app-5432g.example", "app-5432s.example", "app.example", "5432.example"};
    fixture f;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        prepare(&f, SERVICE_ECHO);
        service_show(f.server, SERVICE_CERTIFICATE_PLAIN);
        f.options.server_name = names[i];
        assert_int_equal(try_open(&f), RATLS_ERR_QUOTE_MISSING);
        assert_int_equal(ratls_error_detail(f.error, "hint") != NULL, i < 2);
        finish(&f);
    }
}

static void opening_with_an_unbound_key(void **state)
{
    fixture f;

    (void)state;
    prepare(&f, SERVICE_ECHO);
    service_show(f.server, SERVICE_CERTIFICATE_UNBOUND);
    assert_open_fails(&f, RATLS_ERR_KEY_BINDING);
}

static void opening_with_another_mr_td(void **state)
{
    static const char *const other[] = {"000000000000000000000000000000000000000000000000"
                                        "000000000000000000000000000000000000000000000000"};
    fixture f;

    (void)state;
    prepare(&f, SERVICE_ECHO);
    f.policy.allowed_mr_td = other;
    f.policy.allowed_mr_td_len = 1;
    assert_open_fails(&f, RATLS_ERR_MRTD_NOT_ALLOWED);
}

static void server_closes_in_the_handshake(void **state)
{
    fixture f;

    (void)state;
    prepare(&f, SERVICE_CLOSE_HANDSHAKE);
    assert_open_fails(&f, RATLS_ERR_HANDSHAKE_CLOSED);
}

static void server_speaks_no_tls(void **state)
{
    fixture f;

    (void)state;
    prepare(&f, SERVICE_GARBAGE);
    assert_open_fails(&f, RATLS_ERR_HANDSHAKE_FAILED);
}

static void server_is_silent(void **state)
{
    fixture f;

    (void)state;
    prepare(&f, SERVICE_SILENT);
    f.options.handshake_timeout_ms = 50;
    assert_int_equal(try_open(&f), RATLS_ERR_HANDSHAKE_TIMEOUT);
    assert_string_equal(ratls_error_message(f.error, RATLS_SPELLING_C), "upstream TLS handshake timed out after 50ms");
    finish(&f);
}

static int64_t standing_clock(void *user)
{
    (void)user;
    return 1767225600;
}

static int64_t striding_clock(void *user)
{
    _Atomic int64_t *now = user;

    return *now += 6000; /* at each look more than a handshake may take */
}

static void server_is_silent_by_default(void **state)
{
    _Atomic int64_t now = 0;
    ratls_clock clock = {standing_clock, striding_clock, &now};
    fixture f;

    (void)state;
    prepare(&f, SERVICE_SILENT);
    f.options.handshake_timeout_ms = 0;
    ratls_clock_replace(&clock);
    assert_int_equal(try_open(&f), RATLS_ERR_HANDSHAKE_TIMEOUT);
    ratls_clock_replace(NULL);
    assert_string_equal(ratls_error_message(f.error, RATLS_SPELLING_C), "upstream TLS handshake timed out after 5000ms");
    finish(&f);
}

static void all_together_takes_too_long(void **state)
{
    fixture f;

    (void)state;
    prepare(&f, SERVICE_SILENT);
    f.options.connect_timeout_ms = 50;
    assert_int_equal(try_open(&f), RATLS_ERR_CONNECT_TIMEOUT);
    assert_string_equal(ratls_error_detail(f.error, "expected"), "50");
    finish(&f);
}

static void never_answer(void *user, ratls_custom_request *request)
{
    *(_Atomic(ratls_custom_request *) *)user = request;
}

static void verdict_takes_too_long(void **state)
{
    _Atomic(ratls_custom_request *) request = NULL;
    ratls_verifier *slow = NULL;
    fixture f;

    (void)state;
    prepare(&f, SERVICE_ECHO);
    assert_int_equal(ratls_verifier_new_custom(&slow, never_answer, &request, NULL, NULL, NULL), RATLS_OK);
    f.options.connect_timeout_ms = 2000;
    assert_int_equal(ratls_tunnel_open(&f.tunnel, slow, &f.options, NULL, &f.error), RATLS_ERR_TIMEOUT);
    assert_null(f.tunnel);
    if (request != NULL) {
        ratls_custom_reject(request, RATLS_CLASS_UNAVAILABLE, "too late");
    }
    ratls_verifier_free(slow);
    finish(&f);
}

static void nobody_listens(void **state)
{
    fixture f;

    (void)state;
    prepare(&f, SERVICE_ECHO);
    service_stop(f.server);
    f.server = service_start(SERVICE_ECHO); /* on another port, for the fixture's sake */
    assert_int_not_equal(service_port(f.server), f.options.port);
    assert_open_fails(&f, RATLS_ERR_CONNECT_FAILED);
}

static void opening_is_cancelled(void **state)
{
    ratls_cancel *cancel = NULL;
    fixture f;

    (void)state;
    prepare(&f, SERVICE_SILENT);
    assert_int_equal(ratls_cancel_new(&cancel, NULL), RATLS_OK);
    ratls_cancel_trigger(cancel);
    assert_int_equal(ratls_tunnel_open(&f.tunnel, f.verifier, &f.options, cancel, &f.error), RATLS_ERR_CANCELLED);
    assert_null(f.tunnel);
    ratls_cancel_free(cancel);
    finish(&f);
}

static void opening_in_a_wrong_directory(void **state)
{
    char path[] = "/tmp/ratls-test-XXXXXX";
    fixture f;

    (void)state;
    assert_non_null(mkdtemp(path));
    assert_int_equal(chmod(path, 0755), 0);
    prepare(&f, SERVICE_ECHO);
    f.options.socket_dir = path;
    assert_int_equal(try_open(&f), RATLS_ERR_SOCKET_DIRECTORY);
    assert_int_equal(service_handshakes(f.server), 0);
    finish(&f);
    assert_int_equal(rmdir(path), 0);
}

static void arguments_missing(void **state)
{
    ratls_result *result = NULL;
    fixture f;

    (void)state;
    prepare(&f, SERVICE_ECHO);
    assert_int_equal(ratls_tunnel_open(NULL, f.verifier, &f.options, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_tunnel_open(&f.tunnel, NULL, &f.options, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_tunnel_open(&f.tunnel, f.verifier, NULL, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_tunnel_result(&result, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_null(ratls_tunnel_directory(NULL));
    assert_null(ratls_tunnel_stats(NULL));
    ratls_tunnel_close(NULL);
    finish(&f);
}

/* ---------------------------------------------------------------- ends */

static void server_cuts_the_connection(void **state)
{
    ratls_error *error;
    fixture f;
    int fd;

    (void)state;
    open_tunnel(&f, SERVICE_CUT);
    fd = dial_and_start(f.tunnel);
    hear_end(fd);
    (void)close(fd);
    await_counter(f.tunnel, "connections_now", 0);
    error = ratls_tunnel_last_error(f.tunnel);
    assert_int_equal(ratls_error_code(error), RATLS_ERR_TLS_TRUNCATED);
    ratls_error_free(error);
    assert_int_equal(counter(f.tunnel, "connections_refused"), 0);
    finish(&f);
}

static void server_says_goodbye(void **state)
{
    fixture f;
    int fd;

    (void)state;
    open_tunnel(&f, SERVICE_GOODBYE);
    fd = dial_and_start(f.tunnel);
    hear_end(fd);
    (void)close(fd);
    await_counter(f.tunnel, "connections_now", 0);
    assert_null(ratls_tunnel_last_error(f.tunnel));
    finish(&f);
}

static void closing_ends_open_connections(void **state)
{
    char path[64];
    fixture f;
    int fds[3];

    (void)state;
    open_tunnel(&f, SERVICE_ECHO);
    (void)snprintf(path, sizeof path, "%s", ratls_tunnel_directory(f.tunnel));
    for (int i = 0; i < 3; i++) {
        fds[i] = i == 2 ? dial(f.tunnel) : dial_and_start(f.tunnel); /* the last has not said anything yet */
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
    finish(&f);
}

static void closing_ends_a_handshake_under_way(void **state)
{
    fixture f;
    int fd;

    (void)state;
    open_tunnel(&f, SERVICE_ECHO);
    service_behave(f.server, SERVICE_SILENT);
    fd = dial(f.tunnel);
    say(fd, STARTUP, STARTUP_LEN);
    await_counter(f.tunnel, "connections_total", 1);
    ratls_tunnel_close(f.tunnel); /* long before the handshake's deadline */
    f.tunnel = NULL;
    (void)close(fd);
    finish(&f);
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
    open_tunnel(&f, SERVICE_ECHO);
    service_await_idle(f.server);
    descriptors = entries_of("/proc/self/fd");
    threads = entries_of("/proc/self/task");
    for (int i = 0; i < count; i++) {
        (void)close(dial_and_start(f.tunnel));
    }
    service_await_idle(f.server);
    await_counter(f.tunnel, "connections_now", 0);
    await_entries("/proc/self/fd", descriptors);
    await_entries("/proc/self/task", threads);
    assert_int_equal(counter(f.tunnel, "connections_total"), count);
    finish(&f);
}

/* ---------------------------------------------------------------- another process */

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
    open_tunnel(&f, SERVICE_ECHO);
    fd = dial_and_start(f.tunnel);
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
    say(fd, "still", 5); /* the parent's connection and socket are as they were */
    hear(fd, "still", 5);
    assert_int_equal(service_heard(f.server, heard), STARTUP_LEN + 5);
    (void)close(fd);
    (void)close(dial_and_start(f.tunnel));
    finish(&f);
}

static void another_process_of_the_user(void **state)
{
    char directory[64];
    int port, report[2];
    pid_t child;
    fixture f;

    (void)state;
    prepare(&f, SERVICE_ECHO);
    f.options.peer = RATLS_PEER_SAME_USER;
    assert_int_equal(try_open(&f), RATLS_OK);
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
    finish(&f);
}

/* ---------------------------------------------------------------- the log */

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
    prepare(&f, SERVICE_ECHO);
    f.options.log = keep_line;
    f.options.log_user = line;
    assert_int_equal(try_open(&f), RATLS_OK);
    service_show(f.server, SERVICE_CERTIFICATE_UNBOUND);
    fd = dial(f.tunnel);
    say(fd, STARTUP, STARTUP_LEN);
    hear_refusal(fd, 'M', text);
    await_counter(f.tunnel, "connections_now", 0); /* the line comes last of all */
    ratls_tunnel_close(f.tunnel);
    f.tunnel = NULL;
    assert_non_null(strstr(line, text));
    finish(&f);
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
    prepare(&f, SERVICE_ECHO);
    f.options.log = wait_for_lock;
    f.options.log_user = &interpreter;
    assert_int_equal(try_open(&f), RATLS_OK);
    service_show(f.server, SERVICE_CERTIFICATE_UNBOUND);
    (void)pthread_mutex_lock(&interpreter);
    for (int i = 0; i < 3; i++) {
        fd = dial(f.tunnel);
        say(fd, CANCEL_REQUEST, 16);
        hear_end(fd);
        (void)close(fd);
    }
    (void)pthread_mutex_unlock(&interpreter);
    finish(&f);
}

/* ---------------------------------------------------------------- a look at the certificate */

static void certificate_is_fetched_unjudged(void **state)
{
    uint8_t heard[SERVICE_HEARD_MAX], *certificate = NULL;
    size_t len = 0;
    fixture f;

    (void)state;
    prepare(&f, SERVICE_ECHO);
    service_show(f.server, SERVICE_CERTIFICATE_UNBOUND);
    assert_int_equal(ratls_tunnel_fetch_certificate(&certificate, &len, &f.options, NULL, NULL), RATLS_OK);
    assert_true(len > 0);
    assert_int_equal(certificate[0], 0x30);
    ratls_bytes_free(certificate);
    service_await_goodbyes(f.server, 1);
    assert_int_equal(service_heard(f.server, heard), 0);
    finish(&f);
}

static void certificate_is_not_to_be_had(void **state)
{
    uint8_t *certificate = (uint8_t *)&certificate;
    size_t len = 1;
    fixture f;

    (void)state;
    prepare(&f, SERVICE_CLOSE_HANDSHAKE);
    assert_int_equal(ratls_tunnel_fetch_certificate(&certificate, &len, &f.options, NULL, &f.error), RATLS_ERR_HANDSHAKE_CLOSED);
    assert_null(certificate);
    assert_int_equal(len, 0);
    assert_int_equal(ratls_tunnel_fetch_certificate(NULL, &len, &f.options, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_tunnel_fetch_certificate(&certificate, NULL, &f.options, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_tunnel_fetch_certificate(&certificate, &len, NULL, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_flow_both_ways),
        cmocka_unit_test(result_of_the_newest_handshake),
        cmocka_unit_test(a_megabyte_each_way),
        cmocka_unit_test(a_slow_reader_bounds_memory),
        cmocka_unit_test(driver_leaves_in_the_middle_of_rows),
        cmocka_unit_test(driver_closes_one_half),
        cmocka_unit_test(driver_says_all_and_leaves),
        cmocka_unit_test(encryption_is_declined),
        cmocka_unit_test(encryption_asked_for_without_end),
        cmocka_unit_test(a_second_connection_cancels),
        cmocka_unit_test(first_packet_in_pieces),
        cmocka_unit_test(early_words_of_the_server_wait_for_the_verdict),
        cmocka_unit_test(socket_in_a_long_directory),
        cmocka_unit_test(driver_is_told_of_a_missing_quote),
        cmocka_unit_test(driver_is_told_of_an_unbound_key),
        cmocka_unit_test(driver_is_told_of_a_closed_handshake),
        cmocka_unit_test(who_cancels_is_not_answered_when_refused),
        cmocka_unit_test(first_packet_is_none),
        cmocka_unit_test(opening_without_a_quote),
        cmocka_unit_test(opening_at_a_gateway_gives_a_hint),
        cmocka_unit_test(opening_with_an_unbound_key),
        cmocka_unit_test(opening_with_another_mr_td),
        cmocka_unit_test(server_closes_in_the_handshake),
        cmocka_unit_test(server_speaks_no_tls),
        cmocka_unit_test(server_is_silent),
        cmocka_unit_test(server_is_silent_by_default),
        cmocka_unit_test(all_together_takes_too_long),
        cmocka_unit_test(verdict_takes_too_long),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(opening_is_cancelled),
        cmocka_unit_test(opening_in_a_wrong_directory),
        cmocka_unit_test(arguments_missing),
        cmocka_unit_test(server_cuts_the_connection),
        cmocka_unit_test(server_says_goodbye),
        cmocka_unit_test(closing_ends_open_connections),
        cmocka_unit_test(closing_ends_a_handshake_under_way),
        cmocka_unit_test(many_connections_leave_nothing_behind),
        cmocka_unit_test(forked_child),
        cmocka_unit_test(another_process_of_the_user),
        cmocka_unit_test(refusals_are_logged),
        cmocka_unit_test(the_log_holds_up_nobody),
        cmocka_unit_test(certificate_is_fetched_unjudged),
        cmocka_unit_test(certificate_is_not_to_be_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

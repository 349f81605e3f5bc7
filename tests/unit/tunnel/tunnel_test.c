#include "failure.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tunnel/tunnel_fixture.h"

static void rows_flow_both_ways(void **state)
{
    char name[256];
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    service_await_goodbyes(f.server, 1); /* the handshake up front ended with a goodbye */
    fixture_server_heard(f.server, "", 0);
    fd = driver_starts(f.tunnel);
    driver_says(fd, "select 1", 8);
    driver_hears(fd, "select 1", 8);
    fixture_server_heard(f.server, STARTUP "select 1", STARTUP_LEN + 8);
    service_name(f.server, name);
    assert_string_equal(name, "db-5432s.example");
    assert_int_equal(fixture_counter(f.tunnel, "connections_now"), 1);
    (void)close(fd);
    service_await_goodbyes(f.server, 2);
    fixture_await_counter(f.tunnel, "connections_now", 0);
    assert_int_equal(fixture_counter(f.tunnel, "connections_total"), 1);
    assert_int_equal(fixture_counter(f.tunnel, "connections_refused"), 0);
    assert_int_equal(fixture_counter(f.tunnel, "bytes_to_upstream"), STARTUP_LEN + 8);
    assert_int_equal(fixture_counter(f.tunnel, "bytes_from_upstream"), STARTUP_LEN + 8);
    assert_null(ratls_tunnel_last_error(f.tunnel));
    fixture_end(&f);
}

static void result_of_the_newest_handshake(void **state)
{
    ratls_result *result = NULL;
    fixture f;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    assert_int_equal(ratls_tunnel_result(&result, f.tunnel, NULL), RATLS_OK);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_KEY_BOUND), 1);
    assert_int_equal(strncmp(ratls_result_text(result, RATLS_FIELD_MR_TD), "91a0", 4), 0);
    (void)close(driver_starts(f.tunnel));
    ratls_tunnel_close(f.tunnel); /* the copy outlives the tunnel */
    f.tunnel = NULL;
    assert_non_null(ratls_result_json(result));
    ratls_result_free(result);
    fixture_end(&f);
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
    fixture_open(&f, SERVICE_ECHO);
    fd = driver_dials(f.tunnel);
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
    fixture_end(&f);
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
    fixture_open(&f, SERVICE_FLOOD);
    fd = driver_dials(f.tunnel);
    driver_says(fd, STARTUP, STARTUP_LEN);
    for (size_t total = 0; total < SERVICE_FLOOD_LEN; total += STEP) {
        assert_true(fixture_counter(f.tunnel, "bytes_from_upstream") <= (int64_t)total + HELD_MAX);
        assert_int_equal(recv(fd, rows, STEP, MSG_WAITALL), STEP);
        for (size_t i = 0; i < STEP; i += 97) {
            size_t at = (total + i) / (16 * 1024) * (16 * 1024), within = (total + i) % (16 * 1024);

            assert_int_equal(rows[i], (uint8_t)((at + within) * 31 >> 3));
        }
    }
    (void)close(fd);
    free(rows);
    fixture_end(&f);
}

/* Rows that nobody takes: the driver leaves in the middle, the server hears a goodbye or a reset, all ends. */
static void driver_leaves_in_the_middle_of_rows(void **state)
{
    uint8_t rows[TEXT_ROOM];
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_FLOOD);
    fd = driver_dials(f.tunnel);
    driver_says(fd, STARTUP, STARTUP_LEN);
    assert_int_equal(recv(fd, rows, sizeof rows, MSG_WAITALL), (ssize_t)sizeof rows);
    (void)close(fd);
    fixture_await_counter(f.tunnel, "connections_now", 0);
    service_await_idle(f.server);
    fixture_end(&f);
}

static void driver_closes_one_half(void **state)
{
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    fd = driver_dials(f.tunnel);
    driver_says(fd, STARTUP "last words", STARTUP_LEN + 10);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    driver_hears(fd, STARTUP "last words", STARTUP_LEN + 10); /* the answer still comes */
    service_await_goodbyes(f.server, 2);
    (void)close(fd);
    fixture_await_counter(f.tunnel, "connections_now", 0);
    fixture_end(&f);
}

static void driver_says_all_and_leaves(void **state)
{
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    fd = driver_dials(f.tunnel);
    driver_says(fd, STARTUP "X\0\0\0\4", STARTUP_LEN + 5);
    (void)close(fd);
    service_await_goodbyes(f.server, 2);
    fixture_server_heard(f.server, STARTUP "X\0\0\0\4", STARTUP_LEN + 5);
    fixture_end(&f);
}

static void encryption_is_declined(void **state)
{
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    fd = driver_dials(f.tunnel);
    for (int i = 0; i < 2; i++) {
        driver_says(fd, SSL_REQUEST, 8);
        driver_hears(fd, "N", 1);
    }
    driver_says(fd, STARTUP, STARTUP_LEN);
    driver_hears(fd, STARTUP, STARTUP_LEN);
    fixture_server_heard(f.server, STARTUP, STARTUP_LEN); /* and never forwarded */
    (void)close(fd);
    fixture_end(&f);
}

static void encryption_asked_for_without_end(void **state)
{
    char text[TEXT_ROOM];
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    fd = driver_dials(f.tunnel);
    driver_says(fd, SSL_REQUEST SSL_REQUEST SSL_REQUEST, 24);
    driver_hears(fd, "NN", 2);
    driver_hears_refusal(fd, 'D', text);
    assert_string_equal(text, "STARTUP_INVALID");
    fixture_end(&f);
}

static void a_second_connection_cancels(void **state)
{
    fixture f;
    int first, second;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    first = driver_starts(f.tunnel);
    second = driver_dials(f.tunnel);
    driver_says(second, CANCEL_REQUEST, 16);
    driver_hears(second, CANCEL_REQUEST, 16);
    (void)close(second);
    fixture_server_heard(f.server, STARTUP CANCEL_REQUEST, STARTUP_LEN + 16);
    service_await_handshakes(f.server, 3); /* each its own attested TLS */
    driver_says(first, "on", 2);
    driver_hears(first, "on", 2);
    (void)close(first);
    fixture_end(&f);
}

static void first_packet_in_pieces(void **state)
{
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    fd = driver_dials(f.tunnel);
    for (size_t i = 0; i < STARTUP_LEN; i++) {
        driver_says(fd, &STARTUP[i], 1);
    }
    driver_hears(fd, STARTUP, STARTUP_LEN);
    (void)close(fd);
    fixture_end(&f);
}

static void early_words_of_the_server_wait_for_the_verdict(void **state)
{
    char text[TEXT_ROOM];
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_EARLY);
    fd = driver_dials(f.tunnel);
    driver_says(fd, STARTUP, STARTUP_LEN);
    driver_hears(fd, SERVICE_EARLY_TEXT STARTUP, sizeof SERVICE_EARLY_TEXT - 1 + STARTUP_LEN);
    (void)close(fd);
    service_show(f.server, SERVICE_CERTIFICATE_UNBOUND);
    fd = driver_dials(f.tunnel);
    driver_says(fd, STARTUP, STARTUP_LEN);
    driver_hears_refusal(fd, 'D', text); /* nothing before it */
    assert_string_equal(text, "KEY_BINDING");
    fixture_end(&f);
}

static void socket_in_a_long_directory(void **state)
{
    char base[] = "/tmp/ratls-test-XXXXXX", path[256];
    fixture f;

    (void)state;
    assert_non_null(mkdtemp(base));
    (void)snprintf(path, sizeof path, "%s/%0150d", base, 0);
    assert_int_equal(mkdir(path, 0700), 0);
    fixture_prepare(&f, SERVICE_ECHO);
    f.options.socket_dir = path;
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    (void)close(driver_starts(f.tunnel));
    fixture_end(&f);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(base), 0);
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

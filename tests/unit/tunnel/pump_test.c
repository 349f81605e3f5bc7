#include "failure.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tunnel/tunnel_fixture.h"

#define OFFER "R\0\0\0\x2a\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"
#define OFFER_LEN 43
#define OFFER_LEFT "R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"
#define OFFER_LEFT_LEN 24
#define OFFER_PLUS "R\0\0\0\x1c\0\0\0\x0aSCRAM-SHA-256-PLUS\0\0"
#define OFFER_PLUS_LEN 29

static int driver_asks(const ratls_tunnel *tunnel, const void *bytes, size_t len)
{
    int fd = driver_dials(tunnel);

    driver_says(fd, bytes, len);
    return fd;
}

static void channel_binding_is_not_offered(void **state)
{
    fixture f;
    int fd;

    (void)state;
    fixture_prepare(&f, SERVICE_ANSWER);
    service_answer(f.server, OFFER OFFER, 2 * OFFER_LEN, false);
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    fd = driver_asks(f.tunnel, STARTUP, STARTUP_LEN);
    driver_hears(fd, OFFER_LEFT OFFER, OFFER_LEFT_LEN + OFFER_LEN);
    driver_says(fd, OFFER, OFFER_LEN);
    driver_hears(fd, OFFER, OFFER_LEN); /* later it is data */
    (void)close(fd);
    fixture_end(&f);
}

static void answer_to_a_cancel_request_is_left_alone(void **state)
{
    fixture f;
    int fd;

    (void)state;
    fixture_prepare(&f, SERVICE_ANSWER);
    service_answer(f.server, OFFER, OFFER_LEN, false);
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    fd = driver_asks(f.tunnel, CANCEL_REQUEST, 16);
    driver_hears(fd, OFFER, OFFER_LEN);
    (void)close(fd);
    fixture_end(&f);
}

static void nothing_but_channel_binding_is_refused(void **state)
{
    char text[TEXT_ROOM];
    ratls_error *error;
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_ANSWER);
    service_answer(f.server, OFFER_PLUS, OFFER_PLUS_LEN, false);
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    driver_hears_refusal(driver_asks(f.tunnel, STARTUP, STARTUP_LEN), 'M', text); /* and nothing before it */
    assert_non_null(strstr(text, "SCRAM-SHA-256-PLUS"));
    error = ratls_tunnel_last_error(f.tunnel);
    assert_int_equal(ratls_error_code(error), RATLS_ERR_CHANNEL_BINDING_ONLY);
    ratls_error_free(error);
    fixture_end(&f);
}

static void half_an_offer_comes_out_at_the_end(void **state)
{
    fixture f;
    int fd;

    (void)state;
    fixture_prepare(&f, SERVICE_ANSWER);
    service_answer(f.server, OFFER, OFFER_LEN - 1, true);
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    fd = driver_asks(f.tunnel, STARTUP, STARTUP_LEN);
    driver_hears(fd, OFFER, OFFER_LEN - 1);
    driver_hears_end(fd);
    (void)close(fd);
    fixture_end(&f);
}

static void half_an_offer_holds_up_nobody(void **state)
{
    fixture f;
    int fd;

    (void)state;
    fixture_prepare(&f, SERVICE_ANSWER);
    service_answer(f.server, OFFER, OFFER_LEN - 1, false);
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    fd = driver_asks(f.tunnel, STARTUP, STARTUP_LEN);
    fixture_await_counter(f.tunnel, "bytes_from_upstream", OFFER_LEN - 1);
    (void)close(fd);
    service_await_goodbyes(f.server, 2); /* of the opening, and of this one */
    fixture_await_counter(f.tunnel, "connections_now", 0);
    fixture_end(&f);
}

/* The server has said all; the driver has not. */
static void last_words_after_the_server_s_goodbye(void **state)
{
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_LAST_WORDS);
    fd = driver_starts(f.tunnel);
    driver_hears_end(fd);
    driver_says(fd, "X\0\0\0\4", 5);
    service_await_heard(f.server, STARTUP_LEN + 5);
    fixture_server_heard(f.server, STARTUP "X\0\0\0\4", STARTUP_LEN + 5);
    (void)close(fd);
    service_await_goodbyes(f.server, 2);
    fixture_await_counter(f.tunnel, "connections_now", 0);
    assert_null(ratls_tunnel_last_error(f.tunnel));
    fixture_end(&f);
}

/* Send as much as is taken within a while in which nothing more is; how much that was. */
static size_t send_until_stuck(int fd)
{
    enum { QUIET_MS = 500 };
    static const uint8_t block[64 * 1024];
    struct pollfd one = {.fd = fd, .events = POLLOUT};
    size_t sent = 0;

    while (poll(&one, 1, QUIET_MS) == 1) {
        ssize_t step = send(fd, block, sizeof block, MSG_NOSIGNAL | MSG_DONTWAIT);

        assert_true(step > 0);
        sent += (size_t)step;
    }
    return sent;
}

/* A server that does not read stops the driver: what is under way is in the kernel's buffers and in ours, which are small. */
static void a_deaf_server_stops_the_driver(void **state)
{
    enum { OURS_MAX = 256 * 1024, KERNEL_MAX = 64 << 20 };
    size_t sent;
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_DEAF);
    fd = driver_starts(f.tunnel);
    sent = send_until_stuck(fd);
    assert_true(sent < KERNEL_MAX);
    /* Sent, but not encrypted yet: in the pump's buffer and in the driver's own socket. */
    assert_true((int64_t)(STARTUP_LEN + sent) - fixture_counter(f.tunnel, "bytes_to_upstream") < OURS_MAX + 2 * 1024 * 1024);
    service_behave(f.server, SERVICE_ECHO);
    (void)close(fd);
    fixture_await_counter(f.tunnel, "connections_now", 0);
    fixture_end(&f);
}

/* Both are slow: neither way blocks the other. */
static void a_stuck_direction_does_not_stop_the_other(void **state)
{
    enum { STEP = 64 * 1024 };
    uint8_t *rows = malloc(STEP);
    fixture f;
    int fd;

    (void)state;
    assert_non_null(rows);
    fixture_open(&f, SERVICE_FLOOD);
    fd = driver_asks(f.tunnel, STARTUP, STARTUP_LEN);
    (void)send_until_stuck(fd); /* the server does not read while it floods, and nobody takes the flood */
    for (size_t total = 0; total < SERVICE_FLOOD_LEN; total += STEP) {
        assert_int_equal(recv(fd, rows, STEP, MSG_WAITALL), STEP);
    }
    (void)close(fd);
    fixture_await_counter(f.tunnel, "connections_now", 0);
    free(rows);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channel_binding_is_not_offered),
        cmocka_unit_test(answer_to_a_cancel_request_is_left_alone),
        cmocka_unit_test(nothing_but_channel_binding_is_refused),
        cmocka_unit_test(half_an_offer_comes_out_at_the_end),
        cmocka_unit_test(half_an_offer_holds_up_nobody),
        cmocka_unit_test(last_words_after_the_server_s_goodbye),
        cmocka_unit_test(a_deaf_server_stops_the_driver),
        cmocka_unit_test(a_stuck_direction_does_not_stop_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "failure.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tunnel/spare.h"
#include "tunnel/tunnel_fixture.h"

/* Stands still unless it is moved: how quick this machine is does not matter. */
static atomic_int_least64_t clock_ms = 1000;

static int64_t read_clock(void *user)
{
    (void)user;
    return clock_ms;
}

static int64_t read_wall_clock(void *user)
{
    (void)user;
    return INT64_C(1767225600);
}

static void prepare(fixture *f)
{
    fixture_prepare(f, SERVICE_ECHO);
    f->options.peer = RATLS_PEER_SAME_PROCESS;
}

static void open_for_this_process(fixture *f)
{
    prepare(f);
    assert_int_equal(fixture_try_open(f), RATLS_OK);
}

static void first_driver_needs_no_other_handshake(void **state)
{
    ratls_result *result = NULL;
    fixture f;
    int first, second;

    (void)state;
    open_for_this_process(&f);
    fixture_server_heard(f.server, "", 0);
    first = driver_starts(f.tunnel);
    service_await_handshakes(f.server, 1);
    assert_int_equal(ratls_tunnel_result_of(&result, f.tunnel, first, NULL), RATLS_OK);
    ratls_result_free(result);
    second = driver_starts(f.tunnel); /* each has its own */
    service_await_handshakes(f.server, 2);
    fixture_server_heard(f.server, STARTUP STARTUP, 2 * STARTUP_LEN);
    (void)close(first);
    (void)close(second);
    service_await_goodbyes(f.server, 2);
    fixture_end(&f);
}

static void unused_it_ends_with_a_goodbye(void **state)
{
    fixture f;

    (void)state;
    open_for_this_process(&f);
    clock_ms += RATLS_SPARE_MS;
    service_await_goodbyes(f.server, 1);
    service_await_idle(f.server);
    fixture_server_heard(f.server, "", 0);
    (void)close(driver_starts(f.tunnel));
    service_await_handshakes(f.server, 2);
    fixture_end(&f);
}

/* Nobody has looked since its time was up: the driver does. */
static void too_old_it_is_not_given_to_a_driver(void **state)
{
    fixture f;

    (void)state;
    open_for_this_process(&f);
    clock_ms += RATLS_SPARE_MS;
    (void)close(driver_starts(f.tunnel));
    service_await_handshakes(f.server, 2);
    fixture_end(&f);
}

static void closing_the_tunnel_ends_it(void **state)
{
    fixture f;

    (void)state;
    open_for_this_process(&f);
    ratls_tunnel_close(f.tunnel);
    f.tunnel = NULL;
    service_await_goodbyes(f.server, 1);
    fixture_end(&f);
}

static void hung_up_by_the_server_it_is_replaced(void **state)
{
    fixture f;

    (void)state;
    open_for_this_process(&f);
    service_await_handshakes(f.server, 1);
    service_hang_up(f.server);
    service_await_idle(f.server);
    (void)close(driver_starts(f.tunnel));
    service_await_handshakes(f.server, 2);
    assert_null(ratls_tunnel_last_error(f.tunnel));
    fixture_end(&f);
}

static void early_words_of_its_server_reach_the_driver(void **state)
{
    fixture f;
    int fd;

    (void)state;
    prepare(&f);
    service_behave(f.server, SERVICE_EARLY);
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    fd = driver_dials(f.tunnel);
    driver_says(fd, STARTUP, STARTUP_LEN);
    driver_hears(fd, SERVICE_EARLY_TEXT STARTUP, sizeof SERVICE_EARLY_TEXT - 1 + STARTUP_LEN);
    service_await_handshakes(f.server, 1);
    (void)close(fd);
    fixture_end(&f);
}

static void a_silent_driver_does_not_take_it(void **state)
{
    fixture f;
    int silent, fd;

    (void)state;
    open_for_this_process(&f);
    silent = driver_dials(f.tunnel);
    fixture_await_counter(f.tunnel, "connections_now", 1);
    fd = driver_starts(f.tunnel);
    service_await_handshakes(f.server, 1);
    (void)close(silent);
    (void)close(fd);
    fixture_end(&f);
}

/* The first verdict is good, all others are not. */
static void accept_once(void *user, ratls_custom_request *request)
{
    static const char claims[] = "{\"tcb_status\":\"OK\"}";
    atomic_int *asked = user;

    if (atomic_fetch_add(asked, 1) == 0) {
        ratls_custom_accept(request, claims, sizeof claims - 1);
    } else {
        ratls_custom_reject(request, RATLS_CLASS_REFUSED, "no longer");
    }
}

static void it_is_judged_again(void **state)
{
    char text[TEXT_ROOM];
    atomic_int asked = 0;
    fixture f;
    int fd;

    (void)state;
    prepare(&f);
    ratls_verifier_free(f.verifier);
    assert_int_equal(ratls_verifier_new_custom(&f.verifier, accept_once, &asked, NULL, NULL, NULL), RATLS_OK);
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    fd = driver_dials(f.tunnel);
    driver_says(fd, STARTUP, STARTUP_LEN);
    driver_hears_refusal(fd, 'M', text);
    assert_non_null(strstr(text, "no longer"));
    assert_int_equal(atomic_load(&asked), 3); /* the opening's, its connection's again, and that of a new one */
    service_await_idle(f.server);
    fixture_server_heard(f.server, "", 0);
    fixture_end(&f);
}

int main(void)
{
    static const ratls_clock standing = {read_wall_clock, read_clock, NULL};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_driver_needs_no_other_handshake),
        cmocka_unit_test(unused_it_ends_with_a_goodbye),
        cmocka_unit_test(too_old_it_is_not_given_to_a_driver),
        cmocka_unit_test(closing_the_tunnel_ends_it),
        cmocka_unit_test(hung_up_by_the_server_it_is_replaced),
        cmocka_unit_test(early_words_of_its_server_reach_the_driver),
        cmocka_unit_test(a_silent_driver_does_not_take_it),
        cmocka_unit_test(it_is_judged_again),
    };

    ratls_clock_replace(&standing);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "failure.h"

#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "tunnel/tunnel_fixture.h"

static void assert_open_fails(fixture *f, ratls_status expected)
{
    assert_int_equal(fixture_try_open(f), expected);
    assert_null(f->tunnel);
    assert_int_equal(ratls_error_code(f->error), expected);
    fixture_end(f);
}

static void assert_driver_is_refused(fixture *f, const char *code, const char *sqlstate, const char *message)
{
    uint8_t heard[SERVICE_HEARD_MAX];
    size_t before = service_heard(f->server, heard);
    const char letters[] = {'D', 'C', 'M', 'S'};
    const char *expected[] = {code, sqlstate, message, "FATAL"};
    ratls_error *error;

    for (size_t i = 0; i < 4; i++) {
        char text[TEXT_ROOM];
        int fd = driver_dials(f->tunnel);

        driver_says(fd, STARTUP, STARTUP_LEN);
        driver_hears_refusal(fd, letters[i], text);
        assert_string_equal(text, expected[i]);
    }
    assert_int_equal(service_heard(f->server, heard), before); /* not one byte */
    error = ratls_tunnel_last_error(f->tunnel);
    assert_string_equal(ratls_status_name(ratls_error_code(error)), code);
    ratls_error_free(error);
    fixture_await_counter(f->tunnel, "connections_refused", 4);
}

static void driver_is_told_of_a_missing_quote(void **state)
{
    fixture f;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    service_show(f.server, SERVICE_CERTIFICATE_PLAIN);
    assert_driver_is_refused(&f, "QUOTE_MISSING", "08004",
                             "upstream cert has no TDX attestation extension; set allow_simulator=True for non-TEE targets");
    service_show(f.server, SERVICE_CERTIFICATE_BOUND); /* what is right again is accepted again */
    (void)close(driver_starts(f.tunnel));
    fixture_end(&f);
}

static void driver_is_told_of_an_unbound_key(void **state)
{
    fixture f;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    service_show(f.server, SERVICE_CERTIFICATE_UNBOUND);
    assert_driver_is_refused(&f, "KEY_BINDING", "08004", "quote report_data does not bind the TLS certificate's public key");
    fixture_end(&f);
}

static void driver_is_told_of_a_closed_handshake(void **state)
{
    fixture f;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    service_behave(f.server, SERVICE_CLOSE_HANDSHAKE);
    assert_driver_is_refused(&f, "HANDSHAKE_CLOSED", "08001", "upstream closed the connection during the TLS handshake; a PostgreSQL server that ends TLS itself may need start_tls=True");
    fixture_end(&f);
}

static void who_cancels_is_not_answered_when_refused(void **state)
{
    uint8_t heard[SERVICE_HEARD_MAX];
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    service_show(f.server, SERVICE_CERTIFICATE_PLAIN);
    fd = driver_dials(f.tunnel);
    driver_says(fd, CANCEL_REQUEST, 16);
    driver_hears_end(fd);
    (void)close(fd);
    assert_int_equal(service_heard(f.server, heard), 0);
    fixture_end(&f);
}

static void first_packet_is_none(void **state)
{
    char text[TEXT_ROOM];
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    service_await_handshakes(f.server, 1);
    fd = driver_dials(f.tunnel);
    driver_says(fd, "GET / HTTP/1.1\r\n\r\n", 18);
    driver_hears_refusal(fd, 'D', text);
    assert_string_equal(text, "STARTUP_INVALID");
    assert_int_equal(service_handshakes(f.server), 1); /* the server was not even dialled */
    fixture_end(&f);
}

static void opening_without_a_quote(void **state)
{
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_ECHO);
    service_show(f.server, SERVICE_CERTIFICATE_PLAIN);
    assert_open_fails(&f, RATLS_ERR_QUOTE_MISSING);
}

static void opening_at_a_gateway_gives_a_hint(void **state)
{
    static const char *const names[] = {"app-5432.example", "app-5432g.example", "app-5432s.example", "app.example", "5432.example"};
    fixture f;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        fixture_prepare(&f, SERVICE_ECHO);
        service_show(f.server, SERVICE_CERTIFICATE_PLAIN);
        f.options.server_name = names[i];
        assert_int_equal(fixture_try_open(&f), RATLS_ERR_QUOTE_MISSING);
        assert_int_equal(ratls_error_detail(f.error, "hint") != NULL, i < 2);
        fixture_end(&f);
    }
}

static void opening_with_an_unbound_key(void **state)
{
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_ECHO);
    service_show(f.server, SERVICE_CERTIFICATE_UNBOUND);
    assert_open_fails(&f, RATLS_ERR_KEY_BINDING);
}

static void opening_with_another_mr_td(void **state)
{
    static const char *const other[] = {"000000000000000000000000000000000000000000000000"
                                        "000000000000000000000000000000000000000000000000"};
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_ECHO);
    f.policy.allowed_mr_td = other;
    f.policy.allowed_mr_td_len = 1;
    assert_open_fails(&f, RATLS_ERR_MRTD_NOT_ALLOWED);
}

static void server_closes_in_the_handshake(void **state)
{
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_CLOSE_HANDSHAKE);
    assert_open_fails(&f, RATLS_ERR_HANDSHAKE_CLOSED);
}

static void server_speaks_no_tls(void **state)
{
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_GARBAGE);
    assert_open_fails(&f, RATLS_ERR_HANDSHAKE_FAILED);
}

static void server_is_silent(void **state)
{
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_SILENT);
    f.options.handshake_timeout_ms = 50;
    assert_int_equal(fixture_try_open(&f), RATLS_ERR_HANDSHAKE_TIMEOUT);
    assert_string_equal(ratls_error_message(f.error, RATLS_SPELLING_C), "upstream TLS handshake timed out after 50ms");
    fixture_end(&f);
}

static int64_t standing_clock(void *user)
{
    (void)user;
    return 1767225600;
}

static int64_t striding_clock(void *user)
{
    atomic_int_least64_t *now = user;

    return atomic_fetch_add(now, 6000); /* at each look more than a handshake may take */
}

static void server_is_silent_by_default(void **state)
{
    atomic_int_least64_t now = 0;
    ratls_clock clock = {standing_clock, striding_clock, &now};
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_SILENT);
    f.options.handshake_timeout_ms = 0;
    ratls_clock_replace(&clock);
    assert_int_equal(fixture_try_open(&f), RATLS_ERR_HANDSHAKE_TIMEOUT);
    ratls_clock_replace(NULL);
    assert_string_equal(ratls_error_message(f.error, RATLS_SPELLING_C), "upstream TLS handshake timed out after 5000ms");
    fixture_end(&f);
}

static void all_together_takes_too_long(void **state)
{
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_SILENT);
    f.options.connect_timeout_ms = 50;
    assert_int_equal(fixture_try_open(&f), RATLS_ERR_CONNECT_TIMEOUT);
    assert_string_equal(ratls_error_detail(f.error, "expected"), "50");
    fixture_end(&f);
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
    fixture_prepare(&f, SERVICE_ECHO);
    assert_int_equal(ratls_verifier_new_custom(&slow, never_answer, &request, NULL, NULL, NULL), RATLS_OK);
    f.options.connect_timeout_ms = 2000;
    assert_int_equal(ratls_tunnel_open(&f.tunnel, slow, &f.options, NULL, &f.error), RATLS_ERR_TIMEOUT);
    assert_null(f.tunnel);
    if (request != NULL) {
        ratls_custom_reject(request, RATLS_CLASS_UNAVAILABLE, "too late");
    }
    ratls_verifier_free(slow);
    fixture_end(&f);
}

static void nobody_listens(void **state)
{
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_ECHO);
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
    fixture_prepare(&f, SERVICE_SILENT);
    assert_int_equal(ratls_cancel_new(&cancel, NULL), RATLS_OK);
    ratls_cancel_trigger(cancel);
    assert_int_equal(ratls_tunnel_open(&f.tunnel, f.verifier, &f.options, cancel, &f.error), RATLS_ERR_CANCELLED);
    assert_null(f.tunnel);
    ratls_cancel_free(cancel);
    fixture_end(&f);
}

static void opening_in_a_wrong_directory(void **state)
{
    char path[] = "/tmp/ratls-test-XXXXXX";
    fixture f;

    (void)state;
    assert_non_null(mkdtemp(path));
    assert_int_equal(chmod(path, 0755), 0);
    fixture_prepare(&f, SERVICE_ECHO);
    f.options.socket_dir = path;
    assert_int_equal(fixture_try_open(&f), RATLS_ERR_SOCKET_DIRECTORY);
    assert_int_equal(service_handshakes(f.server), 0);
    fixture_end(&f);
    assert_int_equal(rmdir(path), 0);
}

static void arguments_missing(void **state)
{
    ratls_result *result = NULL;
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_ECHO);
    assert_int_equal(ratls_tunnel_open(NULL, f.verifier, &f.options, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_tunnel_open(&f.tunnel, NULL, &f.options, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_tunnel_open(&f.tunnel, f.verifier, NULL, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_tunnel_result(&result, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_null(ratls_tunnel_directory(NULL));
    assert_null(ratls_tunnel_stats(NULL));
    ratls_tunnel_close(NULL);
    fixture_end(&f);
}

static void certificate_is_fetched_unjudged(void **state)
{
    uint8_t heard[SERVICE_HEARD_MAX], *certificate = NULL;
    size_t len = 0;
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_ECHO);
    service_show(f.server, SERVICE_CERTIFICATE_UNBOUND);
    assert_int_equal(ratls_tunnel_fetch_certificate(&certificate, &len, &f.options, NULL, NULL), RATLS_OK);
    assert_true(len > 0);
    assert_int_equal(certificate[0], 0x30);
    ratls_bytes_free(certificate);
    service_await_goodbyes(f.server, 1);
    assert_int_equal(service_heard(f.server, heard), 0);
    fixture_end(&f);
}

static void certificate_is_not_to_be_had(void **state)
{
    uint8_t *certificate = (uint8_t *)&certificate;
    size_t len = 1;
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_CLOSE_HANDSHAKE);
    assert_int_equal(ratls_tunnel_fetch_certificate(&certificate, &len, &f.options, NULL, &f.error), RATLS_ERR_HANDSHAKE_CLOSED);
    assert_null(certificate);
    assert_int_equal(len, 0);
    assert_int_equal(ratls_tunnel_fetch_certificate(NULL, &len, &f.options, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_tunnel_fetch_certificate(&certificate, NULL, &f.options, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_tunnel_fetch_certificate(&certificate, &len, NULL, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(certificate_is_fetched_unjudged),
        cmocka_unit_test(certificate_is_not_to_be_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

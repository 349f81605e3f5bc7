#include "failure.h"

#include <unistd.h>

#include "tunnel/tunnel_fixture.h"

static void prepare(fixture *f, const char *answer)
{
    fixture_prepare(f, SERVICE_ECHO);
    f->options.start_tls = 1;
    service_start_tls(f->server, answer);
}

static void tls_begins_after_the_request(void **state)
{
    uint8_t *certificate = NULL;
    size_t certificate_len = 0;
    fixture f;

    (void)state;
    prepare(&f, "S");
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    (void)close(driver_starts(f.tunnel));
    fixture_server_heard(f.server, STARTUP, STARTUP_LEN);
    assert_int_equal(ratls_tunnel_fetch_certificate(&certificate, &certificate_len, &f.options, NULL, NULL), RATLS_OK);
    ratls_bytes_free(certificate);
    fixture_end(&f);
}

static void assert_refused(const char *answer, const char *what)
{
    fixture f;

    prepare(&f, answer);
    assert_int_equal(fixture_try_open(&f), RATLS_ERR_START_TLS_REFUSED);
    assert_string_equal(ratls_error_detail(f.error, "what"), what);
    assert_int_equal(ratls_error_class(f.error), RATLS_CLASS_UNAVAILABLE);
    assert_int_equal(service_handshakes(f.server), 0);
    fixture_end(&f);
}

static void declined(void **state)
{
    (void)state;
    assert_refused("N", "it has no TLS");
}

static void answered_with_an_error(void **state)
{
    (void)state;
    assert_refused("E\1\1\1\x20too many clients", "it answers with an error");
}

static void answered_by_something_else(void **state)
{
    (void)state;
    assert_refused("HTTP/1.1 400 Bad Request\r\n", "its answer is not PostgreSQL's");
}

static void plain_text_behind_the_answer(void **state)
{
    (void)state;
    assert_refused("SE", "there is plain text behind its answer");
}

static void closed_without_an_answer(void **state)
{
    (void)state;
    assert_refused("", "it closes the connection");
}

/* The handshake's deadline covers the request. */
static void never_answered(void **state)
{
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_SILENT);
    f.options.start_tls = 1;
    f.options.handshake_timeout_ms = 30;
    assert_int_equal(fixture_try_open(&f), RATLS_ERR_HANDSHAKE_TIMEOUT);
    fixture_end(&f);
}

static void without_it_tls_comes_first(void **state)
{
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_CLOSE_HANDSHAKE);
    assert_int_equal(fixture_try_open(&f), RATLS_ERR_HANDSHAKE_CLOSED);
    assert_non_null(strstr(ratls_error_message(f.error, RATLS_SPELLING_PYTHON), "start_tls=True"));
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_begins_after_the_request),
        cmocka_unit_test(declined),
        cmocka_unit_test(answered_with_an_error),
        cmocka_unit_test(answered_by_something_else),
        cmocka_unit_test(plain_text_behind_the_answer),
        cmocka_unit_test(closed_without_an_answer),
        cmocka_unit_test(never_answered),
        cmocka_unit_test(without_it_tls_comes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "endpoint.h"

static void assert_endpoint(const char *text, const char *host, int port)
{
    cli_failure failure = {0};
    cli_endpoint endpoint;

    assert_true(cli_endpoint_parse(&endpoint, text, &failure));
    assert_string_equal(endpoint.host, host);
    assert_int_equal(endpoint.port, port);
    cli_endpoint_clear(&endpoint);
}

static void assert_refused(const char *text)
{
    cli_failure failure = {0};
    cli_endpoint endpoint;

    assert_false(cli_endpoint_parse(&endpoint, text, &failure));
    assert_int_equal(cli_failure_code(&failure), RATLS_ERR_UPSTREAM_INVALID);
    assert_int_equal(cli_failure_exit(&failure), 2);
    assert_null(endpoint.host);
    cli_failure_clear(&failure);
}

static void names_and_addresses(void **state)
{
    (void)state;
    assert_endpoint("db.example.com:5432", "db.example.com", 5432);
    assert_endpoint("127.0.0.1:1", "127.0.0.1", 1);
    assert_endpoint("[::1]:65535", "::1", 65535);
}

static void host_missing(void **state)
{
    (void)state;
    assert_refused("");
    assert_refused(":5432");
    assert_refused("[]:5432");
}

static void port_missing(void **state)
{
    (void)state;
    assert_refused("db.example.com");
    assert_refused("db.example.com:");
    assert_refused("[::1]");
    assert_refused("[::1]5432");
}

static void port_out_of_range(void **state)
{
    (void)state;
    assert_refused("db:0");
    assert_refused("db:65536");
    assert_refused("db:99999999999999999999");
    assert_refused("db:-1");
    assert_refused("db: 5432");
    assert_refused("db:5432x");
}

static void ipv6_without_brackets(void **state)
{
    (void)state;
    assert_refused("::1:5432");
}

static void bracket_not_closed(void **state)
{
    (void)state;
    assert_refused("[::1:5432");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_addresses), cmocka_unit_test(host_missing), cmocka_unit_test(port_missing),
        cmocka_unit_test(port_out_of_range), cmocka_unit_test(ipv6_without_brackets), cmocka_unit_test(bracket_not_closed)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

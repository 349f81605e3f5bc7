#include "support/unit.h"

#include <arpa/inet.h>

#include "leader/dns_server.h"

static void assert_server(const char *text, int family, const char *address, uint16_t port)
{
    char shown[INET6_ADDRSTRLEN];
    ratls_dns_server server;

    assert_int_equal(ratls_dns_server_read(&server, text, NULL), RATLS_OK);
    assert_int_equal(server.family, family);
    assert_int_equal(server.port, port);
    assert_non_null(inet_ntop(family, &server.address, shown, sizeof shown));
    assert_string_equal(shown, address);
}

static void as_they_may_be_written(void **state)
{
    (void)state;
    assert_server("127.0.0.1", AF_INET, "127.0.0.1", 53);
    assert_server("127.0.0.1:5353", AF_INET, "127.0.0.1", 5353);
    assert_server("::1", AF_INET6, "::1", 53);
    assert_server("[::1]", AF_INET6, "::1", 53);
    assert_server("[2001:db8::1]:65535", AF_INET6, "2001:db8::1", 65535);
}

static void not_usable(void **state)
{
    static const char *const texts[] = {
        NULL, "", "ns.example", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:53x", "127.0.0.1: 53", "[127.0.0.1]", "[::1", "[::1]53",
        "[::1]:", "::1:53:", "1.2.3", "fe80::1%eth0", "0123456789012345678901234567890123456789012345678901234567890123456789"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ratls_error *error = NULL;
        ratls_dns_server server;

        assert_int_equal(ratls_dns_server_read(&server, texts[i], &error), RATLS_ERR_OPTION_VALUE);
        assert_string_equal(ratls_error_detail(error, "option"), "dns_servers");
        ratls_error_free(error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_they_may_be_written), cmocka_unit_test(not_usable)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

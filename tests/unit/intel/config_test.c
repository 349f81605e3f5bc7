#include "failure.h"

#include "intel/config.h"

static ratls_intel_options options;
static ratls_intel_config config;
static ratls_error *err;

static int begin(void **state)
{
    (void)state;
    ratls_intel_options_init(&options, sizeof options);
    options.api_key = "secret-key";
    return 0;
}

static int end(void **state)
{
    (void)state;
    ratls_intel_config_clear(&config);
    ratls_error_free(err);
    err = NULL;
    return 0;
}

static ratls_status read_config(void)
{
    ratls_intel_config_clear(&config);
    ratls_error_free(err);
    err = NULL;
    return ratls_intel_config_read(&config, &options, &err);
}

static void defaults(void **state)
{
    (void)state;
    assert_int_equal(read_config(), RATLS_OK);
    assert_string_equal(config.key_header, "x-api-key: secret-key");
    assert_string_equal(ratls_intel_config_key(&config), "secret-key");
    assert_string_equal(config.base_url, "https://api.trustauthority.intel.com");
    assert_string_equal(config.portal_url, "https://portal.trustauthority.intel.com");
    assert_string_equal(config.crl_hosts[0], "portal.trustauthority.intel.com");
    assert_int_equal(config.api_version, 2);
    assert_int_equal(config.attempts, 3);
    assert_int_equal(config.requests_per_second, 2);
    assert_int_equal(config.allowed_algorithms, RATLS_INTEL_PS384);
    assert_int_equal(config.min_rsa_bits, 3072);
    assert_int_equal(config.attest_timeout_ms, 15000);
    assert_int_equal(config.fetch_timeout_ms, 10000);
}

static void european_region(void **state)
{
    (void)state;
    options.region = "eu";
    assert_int_equal(read_config(), RATLS_OK);
    assert_string_equal(config.base_url, "https://api.eu.trustauthority.intel.com");
    assert_string_equal(config.portal_url, "https://portal.eu.trustauthority.intel.com");
}

static void official_base_url_knows_its_portal(void **state)
{
    (void)state;
    options.base_url = "https://api.eu.trustauthority.intel.com/";
    assert_int_equal(read_config(), RATLS_OK);
    assert_string_equal(config.portal_url, "https://portal.eu.trustauthority.intel.com");
}

static void other_service_is_not_throttled(void **state)
{
    (void)state;
    options.base_url = "https://[::1]:8443/";
    options.portal_url = "https://localhost:9443";
    assert_int_equal(read_config(), RATLS_OK);
    assert_string_equal(config.base_url, "https://[::1]:8443");
    assert_string_equal(config.crl_hosts[0], "localhost");
    assert_int_equal(config.requests_per_second, 0);
}

static void key_missing(void **state)
{
    (void)state;
    options.api_key = NULL;
    ASSERT_FAILS(read_config(), INTEL_API_KEY_MISSING);
    assert_string_equal(ratls_error_message(err, RATLS_SPELLING_PYTHON),
                        "Intel Trust Authority API key required. Pass api_key or set INTEL_TRUST_AUTHORITY_API_KEY. Register at "
                        "https://portal.trustauthority.intel.com");
}

static void keys_that_are_none(void **state)
{
    char longest[5001];
    const char *const wrong[] = {"", "with space", "cr\r", "lf\nX: y", "tab\t", "\xc3\xa9", longest};

    (void)state;
    memset(longest, 'k', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        options.api_key = wrong[i];
        ASSERT_FAILS(read_config(), OPTION_VALUE);
        ASSERT_DETAIL("option", "api_key");
        ASSERT_DETAIL("found", "(not shown)");
    }
}

static void urls_that_are_refused(void **state)
{
    static const char *const wrong[] = {"http://api.test", "https://", "https://user@api.test", "https://api.test/appraisal/v2", "https://api.test?x",
                                        "https://api.test#x", "HTTPS://api.test", "api.test", "https://api.test:", "https://api.test:123456",
                                        "https://api .test", "", "https://api.test//", "ftp://api.test", "https:api.test"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        options.base_url = wrong[i];
        options.portal_url = "https://portal.test";
        ASSERT_FAILS(read_config(), OPTION_VALUE);
        ASSERT_DETAIL("option", "intel_base_url");
        options.base_url = "https://api.test";
        options.portal_url = wrong[i];
        ASSERT_FAILS(read_config(), OPTION_VALUE);
        ASSERT_DETAIL("option", "intel_portal_url");
    }
}

static void portal_missing(void **state)
{
    (void)state;
    options.base_url = "https://api.test";
    ASSERT_FAILS(read_config(), OPTION_VALUE);
    ASSERT_DETAIL("option", "intel_portal_url");
}

static void region_unknown(void **state)
{
    (void)state;
    options.region = "US";
    ASSERT_FAILS(read_config(), OPTION_VALUE);
    ASSERT_DETAIL("option", "region");
}

static void region_and_url(void **state)
{
    (void)state;
    options.region = "eu";
    options.base_url = "https://api.trustauthority.intel.com";
    ASSERT_FAILS(read_config(), OPTION_VALUE);
    ASSERT_DETAIL("option", "region");
}

static void policy_ids_that_are_none(void **state)
{
    static const char *const wrong[] = {"", "e48dabc5", "e48dabc5-9608-4ff3-aaed-f25909ab9de", "e48dabc5-9608-4ff3-aaed-f25909ab9de1x",
                                        "e48dabc5x9608-4ff3-aaed-f25909ab9de1", "g48dabc5-9608-4ff3-aaed-f25909ab9de1"};

    (void)state;
    options.policy_ids_len = 1;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        options.policy_ids = &wrong[i];
        ASSERT_FAILS(read_config(), OPTION_VALUE);
        ASSERT_DETAIL("option", "intel_policy_ids");
    }
}

static void empty_lists(void **state)
{
    static const char *const none[] = {NULL};

    (void)state;
    options.policy_ids = none;
    ASSERT_FAILS(read_config(), OPTION_EMPTY_LIST);
    options.policy_ids = NULL;
    options.allowed_algorithms = none;
    ASSERT_FAILS(read_config(), OPTION_EMPTY_LIST);
    options.allowed_algorithms = NULL;
    options.crl_hosts = none;
    ASSERT_FAILS(read_config(), OPTION_EMPTY_LIST);
    options.crl_hosts = NULL;
    options.policy_ids_len = 1;
    ASSERT_FAILS(read_config(), ARGUMENT_INVALID);
}

static void algorithm_unknown(void **state)
{
    static const char *const wrong[] = {"none", "HS256", "PS256", "ps384", ""};

    (void)state;
    options.allowed_algorithms_len = 1;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        options.allowed_algorithms = &wrong[i];
        ASSERT_FAILS(read_config(), OPTION_VALUE);
        ASSERT_DETAIL("option", "intel_allowed_algorithms");
    }
}

static void first_algorithm_is_asked_for(void **state)
{
    static const char *const both[] = {"RS256", "PS384"};

    (void)state;
    options.allowed_algorithms = both;
    options.allowed_algorithms_len = 2;
    assert_int_equal(read_config(), RATLS_OK);
    assert_int_equal(config.requested_algorithm, RATLS_INTEL_RS256);
    assert_int_equal(config.allowed_algorithms, RATLS_INTEL_PS384 | RATLS_INTEL_RS256);
}

static void roots_that_cannot_be_read(void **state)
{
    (void)state;
    options.pinned_roots = (const uint8_t *)"no certificate";
    options.pinned_roots_len = 14;
    ASSERT_FAILS(read_config(), OPTION_VALUE);
    ASSERT_DETAIL("option", "intel_pinned_roots");
    options.pinned_roots_len = 0;
    ASSERT_FAILS(read_config(), OPTION_VALUE);
}

static void authorities_that_cannot_be_read(void **state)
{
    (void)state;
    options.ca = (const uint8_t *)"no certificate";
    options.ca_len = 14;
    ASSERT_FAILS(read_config(), OPTION_VALUE);
    ASSERT_DETAIL("option", "ca_file");
    options.ca_len = 0;
    ASSERT_FAILS(read_config(), OPTION_VALUE);
}

static void numbers_out_of_range(void **state)
{
    (void)state;
    options.api_version = 3;
    ASSERT_FAILS(read_config(), OPTION_VALUE);
    options.api_version = 0;
    options.attempts = 11;
    ASSERT_FAILS(read_config(), OPTION_VALUE);
    options.attempts = -1;
    ASSERT_FAILS(read_config(), OPTION_VALUE);
    options.attempts = 0;
    options.min_rsa_bits = 1024;
    ASSERT_FAILS(read_config(), OPTION_VALUE);
    options.min_rsa_bits = 0;
    options.crl_policy = 3;
    ASSERT_FAILS(read_config(), OPTION_VALUE);
    options.crl_policy = 0;
    options.attempt_timeout_ms = -1;
    ASSERT_FAILS(read_config(), OPTION_VALUE);
    options.attempt_timeout_ms = 0;
    options.http_connect_timeout_ms = -1;
    ASSERT_FAILS(read_config(), OPTION_VALUE);
    options.http_connect_timeout_ms = 0;
    options.relaxed_chain = 2;
    ASSERT_FAILS(read_config(), OPTION_VALUE);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(defaults), CASE(european_region), CASE(official_base_url_knows_its_portal), CASE(other_service_is_not_throttled), CASE(key_missing),
        CASE(keys_that_are_none), CASE(urls_that_are_refused), CASE(portal_missing), CASE(region_unknown), CASE(region_and_url),
        CASE(policy_ids_that_are_none), CASE(empty_lists), CASE(algorithm_unknown), CASE(first_algorithm_is_asked_for),
        CASE(roots_that_cannot_be_read), CASE(authorities_that_cannot_be_read), CASE(numbers_out_of_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

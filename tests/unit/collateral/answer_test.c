/* What services are asked, and what their answers mean (DCAP rules 2.1, 2.2, 2.6). */
#include "failure.h"

#include "collateral/answer.h"
#include "collateral/service.h"

static void assert_url(ratls_part_kind kind, bool intel, bool early, bool tdx, bool processor, const char *expected)
{
    ratls_platform_id platform = {.tdx = tdx, .processor = processor, .fmspc = {0x90, 0xc0, 0x6f}};
    ratls_part_id id = ratls_part_id_of(kind, &platform, early);
    char *url = ratls_answer_url(intel ? "https://api.trustedservices.intel.com" : SERVICE_URL, intel, &id);

    assert_string_equal(url, expected);
    free(url);
}

static void urls_of_intel(void **state)
{
    (void)state;
    assert_url(RATLS_PART_ROOT_CRL, true, false, true, false, "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der");
    assert_url(RATLS_PART_PCK_CRL, true, false, true, false,
               "https://api.trustedservices.intel.com/sgx/certification/v4/pckcrl?ca=platform&encoding=der");
    assert_url(RATLS_PART_TCB_INFO, true, false, true, false, "https://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=90C06F000000");
    assert_url(RATLS_PART_QE_IDENTITY, true, false, true, false, "https://api.trustedservices.intel.com/tdx/certification/v4/qe/identity");
}

static void urls_of_a_pccs(void **state)
{
    (void)state;
    assert_url(RATLS_PART_ROOT_CRL, false, false, true, false, SERVICE_URL "/sgx/certification/v4/rootcacrl");
    assert_url(RATLS_PART_PCK_CRL, false, true, false, true, SERVICE_URL "/sgx/certification/v4/pckcrl?ca=processor&encoding=der");
    assert_url(RATLS_PART_TCB_INFO, false, true, false, true, SERVICE_URL "/sgx/certification/v4/tcb?fmspc=90C06F000000&update=early");
    assert_url(RATLS_PART_QE_IDENTITY, false, true, false, true, SERVICE_URL "/sgx/certification/v4/qe/identity?update=early");
}

static void assert_unescaped(const char *text, const char *expected)
{
    char *plain = NULL;

    assert_int_equal(ratls_answer_unescape(&plain, text), expected != NULL);
    if (expected != NULL) {
        assert_string_equal(plain, expected);
    }
    free(plain);
}

/* Nothing but %XX: a '+' of base64 stays one. */
static void percent_encoding(void **state)
{
    (void)state;
    assert_unescaped("", "");
    assert_unescaped("-----BEGIN%20CERTIFICATE-----%0AMII+%2b%2B/%3D%3d", "-----BEGIN CERTIFICATE-----\nMII+++/==");
    assert_unescaped("%", NULL);
    assert_unescaped("%4", NULL);
    assert_unescaped("%4g", NULL);
    assert_unescaped("a%00b", NULL);
}

static void assert_max_age(const char *control, const char *age, int64_t expected)
{
    char headers[256];
    ratls_http_response response = {.headers = headers};

    response.headers_len = control == NULL ? 0 : (size_t)snprintf(headers, sizeof headers, "cache-control: %s", control) + 1;
    if (age != NULL) {
        response.headers_len += (size_t)snprintf(headers + response.headers_len, sizeof headers - response.headers_len, "Age: %s", age) + 1;
    }
    assert_int_equal(ratls_answer_max_age(&response), expected);
}

static void freshness(void **state)
{
    (void)state;
    assert_max_age(NULL, NULL, -1);
    assert_max_age("max-age=3600", NULL, 3600);
    assert_max_age("public, MAX-AGE=60", NULL, 60);
    assert_max_age("max-age=3600", "600", 3000);
    assert_max_age("max-age=3600", "4000", 0);
    assert_max_age("max-age=3600", "soon", 3600);
    assert_max_age("no-store", NULL, 0);
    assert_max_age("no-cache, max-age=60", NULL, 0);
    assert_max_age("max-age=99999999999999999999", NULL, RATLS_COLLATERAL_MAX_AGE_S);
    assert_max_age("max-age=", NULL, -1);
    assert_max_age("max-age=-1", NULL, -1);
    assert_max_age("private", NULL, -1);
    assert_max_age("", NULL, -1);
}

static ratls_status fail_as(ratls_http_outcome outcome, int status, ratls_error **err)
{
    ratls_platform_id platform = service_platform();
    ratls_part_id id = ratls_part_id_of(RATLS_PART_TCB_INFO, &platform, false);
    ratls_http_response response = {.outcome = outcome, .status = status, .retry_after_s = -1, .what = "so it is"};
    ratls_http_request request = {.url = "https://a/tcb", .timeout_ms = 15000, .body_max = 7};
    ratls_collateral_time time = {.timeout_ms = 30000};

    return ratls_answer_fail(&response, &request, &id, &time, err);
}

static void assert_meaning(ratls_http_outcome outcome, int status, ratls_status code, const char *message)
{
    ratls_error *err = NULL;

    assert_string_equal(ratls_status_name(fail_as(outcome, status, &err)), ratls_status_name(code));
    assert_string_equal(ratls_error_message(err, RATLS_SPELLING_C), message);
    assert_string_equal(ratls_error_stage(err), code == RATLS_ERR_TIMEOUT || code == RATLS_ERR_CANCELLED ? "options" : "collateral");
    assert_int_equal(ratls_error_class(err), RATLS_CLASS_UNAVAILABLE);
    ratls_error_free(err);
}

static void statuses(void **state)
{
    (void)state;
    assert_meaning(RATLS_HTTP_ANSWERED, 404, RATLS_ERR_COLLATERAL_NOT_FOUND, "https://a/tcb answered 404: it has no TCB info for FMSPC b0c06f000000 (TDX)");
    assert_meaning(RATLS_HTTP_ANSWERED, 410, RATLS_ERR_COLLATERAL_GONE,
                   "https://a/tcb answered 410: it no longer has this TCB info for FMSPC b0c06f000000 (TDX)");
    assert_meaning(RATLS_HTTP_ANSWERED, 429, RATLS_ERR_COLLATERAL_RATE_LIMITED,
                   "https://a/tcb answered 429: too many requests; it does not say when to come back");
    assert_meaning(RATLS_HTTP_ANSWERED, 500, RATLS_ERR_COLLATERAL_SERVER, "https://a/tcb answered 500: the service is out of order");
    assert_meaning(RATLS_HTTP_ANSWERED, 503, RATLS_ERR_COLLATERAL_SERVER, "https://a/tcb answered 503: the service is out of order");
    assert_meaning(RATLS_HTTP_ANSWERED, 400, RATLS_ERR_COLLATERAL_HTTP_STATUS, "https://a/tcb answered 400: expected 200");
    assert_meaning(RATLS_HTTP_ANSWERED, 302, RATLS_ERR_COLLATERAL_HTTP_STATUS, "https://a/tcb answered 302: expected 200");
}

static void no_answer(void **state)
{
    (void)state;
    assert_meaning(RATLS_HTTP_UNREACHABLE, 0, RATLS_ERR_COLLATERAL_NETWORK, "https://a/tcb cannot be reached: so it is");
    assert_meaning(RATLS_HTTP_TLS, 0, RATLS_ERR_COLLATERAL_TLS,
                   "https://a/tcb: TLS failed: so it is. pccs_cas and ca_file say which authorities are trusted");
    assert_meaning(RATLS_HTTP_TIMEOUT, 0, RATLS_ERR_COLLATERAL_TIMEOUT, "https://a/tcb did not answer within 15000ms (attempt_timeout_ms)");
    assert_meaning(RATLS_HTTP_TOO_LARGE, 0, RATLS_ERR_COLLATERAL_RESPONSE_TOO_LARGE, "https://a/tcb answered with more than the limit of 7 bytes");
    assert_meaning(RATLS_HTTP_GARBLED, 0, RATLS_ERR_COLLATERAL_RESPONSE,
                   "https://a/tcb answered with something that is not a TCB info for FMSPC b0c06f000000 (TDX): so it is");
    assert_meaning(RATLS_HTTP_DEADLINE, 0, RATLS_ERR_TIMEOUT, "fetching collateral did not finish within 30000ms");
    assert_meaning(RATLS_HTTP_CANCELLED, 0, RATLS_ERR_CANCELLED, "cancelled while fetching collateral");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_of_intel), cmocka_unit_test(urls_of_a_pccs), cmocka_unit_test(percent_encoding), cmocka_unit_test(freshness),
        cmocka_unit_test(statuses), cmocka_unit_test(no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

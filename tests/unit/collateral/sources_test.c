/* Asking services in order, again and again where that helps, inside one deadline. */
#include "failure.h"

#include "collateral/service.h"

static ratls_sources *sources;
static ratls_trust *trust;
static ratls_part *part;
static ratls_provenance provenance;
static ratls_error *err;
static ratls_collateral_time when;

static const char *const two[] = {SERVICE_URL "/sgx/certification/v4/", SERVICE_BACKUP};

static int start(void **state)
{
    ratls_sources_settings settings = {.urls = two, .urls_len = 2, .log = service_log};

    (void)service_reset(state);
    trust = service_trust();
    assert_int_equal(ratls_sources_new(&sources, &settings, NULL), RATLS_OK);
    when = service_time();
    return 0;
}

static void let_go(void)
{
    ratls_part_free(part);
    part = NULL;
    ratls_provenance_clear(&provenance);
    ratls_error_free(err);
    err = NULL;
}

static int stop(void **state)
{
    (void)state;
    let_go();
    ratls_sources_free(sources);
    ratls_trust_free(trust);
    return 0;
}

static ratls_status fetch(ratls_part_kind kind)
{
    ratls_platform_id platform = service_platform();
    ratls_part_id id = ratls_part_id_of(kind, &platform, false);

    let_go();
    return ratls_sources_fetch(&part, &provenance, sources, &id, NULL, NULL, trust, &when, &err);
}

static void each_part(void **state)
{
    (void)state;
    for (ratls_part_kind kind = 0; kind < RATLS_PARTS; kind++) {
        assert_int_equal(fetch(kind), RATLS_OK);
        assert_int_equal(part->from, PKI_ISSUED);
        assert_int_equal(part->until, PKI_ENDS);
        assert_int_equal(provenance.fetched_at, service_now());
        assert_non_null(provenance.etag);
    }
    assert_int_equal(service.requests, 4);
    assert_int_equal(service_count(SERVICE_URL "/sgx/certification/v4/rootcacrl"), 1);
}

static void next_source_after_any_failure(void **state)
{
    static const service_rule failures[] = {
        {SERVICE_URL, -1, .outcome = RATLS_HTTP_UNREACHABLE}, {SERVICE_URL, -1, .outcome = RATLS_HTTP_TLS}, {SERVICE_URL, -1, .outcome = RATLS_HTTP_TIMEOUT},
        {SERVICE_URL, -1, .status = 404}, {SERVICE_URL, -1, .status = 410}, {SERVICE_URL, -1, .status = 429}, {SERVICE_URL, -1, .status = 500},
        {SERVICE_URL, -1, .status = 302}, {SERVICE_URL, -1, .status = 304}, {SERVICE_URL, -1, .body = "<html>"},
        {SERVICE_URL, -1, .without = "TCB-Info-Issuer-Chain"}};

    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        (void)stop(state);
        (void)start(state);
        service_rule_add(failures[i]);
        assert_int_equal(fetch(RATLS_PART_TCB_INFO), RATLS_OK);
        assert_int_equal(service.requests, 2);
        assert_int_equal(service_count(SERVICE_BACKUP "/tdx/certification/v4/tcb"), 1);
        assert_int_equal(service.waits_len, 0);
        assert_true(service_logged("another attempt is made"));
    }
}

/* What a source has that does not hold is as good as nothing. */
static void next_source_after_stale_collateral(void **state)
{
    (void)state;
    service_advance_s(31 * SERVICE_DAY);
    when = service_time();
    ASSERT_FAILS(fetch(RATLS_PART_PCK_CRL), COLLATERAL_CRL_EXPIRED);
    assert_non_null(strstr(ratls_error_detail(err, "url"), SERVICE_BACKUP));
    assert_int_equal(service.requests, 2);
    ASSERT_FAILS(fetch(RATLS_PART_TCB_INFO), COLLATERAL_TCB_INFO_EXPIRED);
    ASSERT_FAILS(fetch(RATLS_PART_QE_IDENTITY), COLLATERAL_QE_IDENTITY_EXPIRED);
}

static void not_yet_valid(void **state)
{
    (void)state;
    when.now = PKI_ISSUED - 1;
    ASSERT_FAILS(fetch(RATLS_PART_ROOT_CRL), COLLATERAL_CRL_NOT_YET_VALID);
    ASSERT_FAILS(fetch(RATLS_PART_TCB_INFO), COLLATERAL_TCB_INFO_NOT_YET_VALID);
    ASSERT_FAILS(fetch(RATLS_PART_QE_IDENTITY), COLLATERAL_QE_IDENTITY_NOT_YET_VALID);
}

static void repeated_with_growing_waits(void **state)
{
    (void)state;
    service.random = UINT64_MAX;
    service_rule_add((service_rule){"/", -1, .status = 500});
    ASSERT_FAILS(fetch(RATLS_PART_TCB_INFO), COLLATERAL_SERVER);
    assert_int_equal(service.requests, 6);
    assert_int_equal(service.waits_len, 2);
    assert_true(service.waits[0] <= 500 && service.waits[1] <= 1000);
    ASSERT_DETAIL("http_status", "500");
}

static void not_repeated_where_it_does_not_help(void **state)
{
    (void)state;
    service_rule_add((service_rule){"/", -1, .status = 404});
    ASSERT_FAILS(fetch(RATLS_PART_TCB_INFO), COLLATERAL_NOT_FOUND);
    assert_int_equal(service.requests, 2);
    assert_int_equal(service.waits_len, 0);
}

static void succeeds_in_a_later_round(void **state)
{
    (void)state;
    service_rule_add((service_rule){"/", 3, .outcome = RATLS_HTTP_UNREACHABLE});
    assert_int_equal(fetch(RATLS_PART_TCB_INFO), RATLS_OK);
    assert_int_equal(service.requests, 4);
}

/* A source that did not answer is not the first that is asked for the next part. */
static void a_silent_source_is_asked_last(void **state)
{
    (void)state;
    service_rule_add((service_rule){SERVICE_URL, 1, .outcome = RATLS_HTTP_UNREACHABLE});
    assert_int_equal(fetch(RATLS_PART_TCB_INFO), RATLS_OK);
    assert_int_equal(fetch(RATLS_PART_QE_IDENTITY), RATLS_OK);
    assert_int_equal(service_count(SERVICE_URL), 1);
    service_advance_s(31);
    when = service_time();
    assert_int_equal(fetch(RATLS_PART_QE_IDENTITY), RATLS_OK);
    assert_int_equal(service_count(SERVICE_URL), 2);
}

static void retry_after_is_waited_for(void **state)
{
    (void)state;
    service_rule_add((service_rule){"/", 2, .status = 429, .header = "Retry-After: 7"});
    assert_int_equal(fetch(RATLS_PART_TCB_INFO), RATLS_OK);
    assert_int_equal(service.waits_len, 1);
    assert_int_equal(service.waits[0], 7000);
}

/* Longer than there is time for: told at once, and nobody is asked until it is over. */
static void retry_after_beyond_the_deadline(void **state)
{
    (void)state;
    service_rule_add((service_rule){"/", 2, .status = 429, .header = "Retry-After: 3600"});
    ASSERT_FAILS(fetch(RATLS_PART_TCB_INFO), COLLATERAL_RATE_LIMITED);
    ASSERT_DETAIL("retry_after_s", "3600");
    assert_int_equal(service.requests, 2);
    service_advance_s(600);
    when = service_time();
    ASSERT_FAILS(fetch(RATLS_PART_TCB_INFO), COLLATERAL_RATE_LIMITED);
    ASSERT_DETAIL("retry_after_s", "3000");
    assert_int_equal(service.requests, 2);
    service_advance_s(3000);
    when = service_time();
    assert_int_equal(fetch(RATLS_PART_TCB_INFO), RATLS_OK);
}

static void the_deadline_ends_it(void **state)
{
    (void)state;
    service_rule_add((service_rule){"/", -1, .outcome = RATLS_HTTP_TIMEOUT, .takes_ms = 16000});
    ASSERT_FAILS(fetch(RATLS_PART_TCB_INFO), COLLATERAL_TIMEOUT);
    assert_int_equal(service.requests, 2);
    assert_int_equal(service.waits_len, 0);
    when.deadline_ms = when.now = 0;
    ASSERT_FAILS(fetch(RATLS_PART_TCB_INFO), TIMEOUT);
}

static void cancelled(void **state)
{
    ratls_cancel *cancel = NULL;

    (void)state;
    assert_int_equal(ratls_cancel_new(&cancel, NULL), RATLS_OK);
    when.cancel = cancel;
    service.cancel_at_request = cancel;
    service_rule_add((service_rule){"/", -1, .status = 500});
    ASSERT_FAILS(fetch(RATLS_PART_TCB_INFO), CANCELLED);
    assert_int_equal(service.requests, 1);
    ratls_cancel_free(cancel);
}

static void unchanged(void **state)
{
    ratls_platform_id platform = service_platform();
    ratls_part_id id = ratls_part_id_of(RATLS_PART_TCB_INFO, &platform, false);
    ratls_provenance known_from;
    ratls_part *known;

    (void)state;
    assert_int_equal(fetch(RATLS_PART_TCB_INFO), RATLS_OK);
    known = ratls_part_hold(part);
    assert_true(ratls_provenance_copy(&known_from, &provenance));
    service_advance_s(3600);
    when = service_time();
    let_go();
    assert_int_equal(ratls_sources_fetch(&part, &provenance, sources, &id, known, &known_from, trust, &when, &err), RATLS_OK);
    assert_ptr_equal(part, known);
    assert_int_equal(service.not_modified, 1);
    assert_int_equal(provenance.fetched_at, service_now());
    assert_non_null(provenance.etag);
    /* What came from elsewhere, or does not hold, is asked for whole. */
    known_from.url[8] = 'x';
    let_go();
    assert_int_equal(ratls_sources_fetch(&part, &provenance, sources, &id, known, &known_from, trust, &when, &err), RATLS_OK);
    assert_int_equal(service.conditional, 1);
    ratls_part_free(known);
    ratls_provenance_clear(&known_from);
}

static void intels_own_unless_told(void **state)
{
    ratls_sources_settings settings = {0};

    (void)state;
    ratls_sources_free(sources);
    assert_int_equal(ratls_sources_new(&sources, &settings, NULL), RATLS_OK);
    assert_int_equal(fetch(RATLS_PART_ROOT_CRL), RATLS_OK);
    assert_int_equal(fetch(RATLS_PART_TCB_INFO), RATLS_OK);
    assert_string_equal(service.seen[0], "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der");
    assert_string_equal(service.seen[1], "https://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=B0C06F000000");
}

static void urls_that_are_none(void **state)
{
    static const char *const wrong[] = {"", "pccs.example", "ftp://a", "https://", "https:///a", "https://u:p@a", "https://a?b", "https://a#b",
                                        "https://a b", "https://a\n"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ratls_sources_settings settings = {.urls = &wrong[i], .urls_len = 1};
        ratls_sources *made = NULL;

        ASSERT_FAILS(ratls_sources_new(&made, &settings, &err), OPTION_VALUE);
        assert_null(made);
        assert_null(strstr(ratls_error_message(err, RATLS_SPELLING_C), "u:p"));
        ratls_error_free(err);
        err = NULL;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_part), TEST(next_source_after_any_failure), TEST(next_source_after_stale_collateral), TEST(not_yet_valid),
        TEST(repeated_with_growing_waits), TEST(not_repeated_where_it_does_not_help), TEST(succeeds_in_a_later_round),
        TEST(a_silent_source_is_asked_last), TEST(retry_after_is_waited_for), TEST(retry_after_beyond_the_deadline), TEST(the_deadline_ends_it),
        TEST(cancelled), TEST(unchanged), TEST(intels_own_unless_told), TEST(urls_that_are_none),
    };

    return cmocka_run_group_tests(tests, service_set_up, service_tear_down);
}

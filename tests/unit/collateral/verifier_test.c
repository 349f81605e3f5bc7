/* A verifier that fetches: verdicts rest on the newest collateral, and nothing is asked for strangers. */
#include "failure.h"

#include <sys/wait.h>
#include <unistd.h>

#include "collateral/service.h"

static const char *const urls[] = {SERVICE_URL};

static ratls_verifier *verifier;
static ratls_result *result;
static ratls_error *err;

static int start(void **state)
{
    ratls_dcap_options options;

    (void)service_reset(state);
    service_advance_s(14 * SERVICE_DAY);
    ratls_dcap_options_init(&options, sizeof options);
    options.pccs_urls = urls;
    options.pccs_urls_len = 1;
    options.trust_anchor = service.world.anchor_der.data;
    options.trust_anchor_len = service.world.anchor_der.len;
    options.log = service_log;
    assert_int_equal(ratls_verifier_new_dcap(&verifier, &options, NULL), RATLS_OK);
    return 0;
}

static void let_go(void)
{
    ratls_result_free(result);
    result = NULL;
    ratls_error_free(err);
    err = NULL;
}

static int stop(void **state)
{
    (void)state;
    let_go();
    ratls_verifier_free(verifier);
    return 0;
}

static ratls_status verify(void)
{
    let_go();
    return ratls_verify(&result, verifier, service.world.quote.data, service.world.quote.len, NULL, NULL, &err);
}

static void verified_with_what_is_fetched(void **state)
{
    (void)state;
    assert_int_equal(service.requests, 0);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(ratls_status_name(verify()), "OK");
    }
    assert_int_equal(service.requests, 4);
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_COLLATERAL_EXPIRES_AT), "2025-01-31T00:00:00Z");
}

/* A quote under another root: no request, or anybody could have them made. */
static void nothing_is_fetched_for_strangers(void **state)
{
    pki stranger;

    (void)state;
    pki_init(&stranger, PKI_TDX_V4);
    stranger.root.key = stranger.root.issuer_key = stranger.ca.issuer_key = stranger.signer.issuer_key = stranger.other_key;
    pki_build(&stranger);
    ASSERT_FAILS(ratls_verify(&result, verifier, stranger.quote.data, stranger.quote.len, NULL, NULL, &err), DCAP_CERT_ROOT_UNTRUSTED);
    assert_int_equal(service.requests, 0);
    pki_clear(&stranger);
}

static void could_not_check(void **state)
{
    (void)state;
    service_rule_add((service_rule){"/tcb?", -1, .status = 404});
    ASSERT_FAILS(verify(), COLLATERAL_NOT_FOUND);
    assert_int_equal(ratls_error_class(err), RATLS_CLASS_UNAVAILABLE);
    assert_null(result);
}

/* A CRL that comes later revokes what was accepted. */
static void revocation_that_comes_later(void **state)
{
    (void)state;
    assert_int_equal(verify(), RATLS_OK);
    service.world.pck_crl.listed[0] = &service.world.leaf;
    service.world.pck_crl.listed_len = 1;
    service_advance_s(16 * SERVICE_DAY);
    service_publish(service_now(), service_now() + 30 * SERVICE_DAY);
    service_advance_s(2 * SERVICE_DAY);
    ASSERT_FAILS(verify(), DCAP_PCK_REVOKED);
}

static ratls_collateral_options whose(void)
{
    ratls_collateral_options options;

    ratls_collateral_options_init(&options, sizeof options);
    options.quote = service.world.quote.data;
    options.quote_len = service.world.quote.len;
    return options;
}

static void warm(void **state)
{
    ratls_collateral_options options = whose();

    (void)state;
    assert_int_equal(ratls_verifier_warm(verifier, &options, NULL, &err), RATLS_OK);
    assert_int_equal(service.requests, 4);
    assert_int_equal(verify(), RATLS_OK);
    options.quote = NULL;
    options.fmspc = "b0C06f000000";
    assert_int_equal(ratls_verifier_warm(verifier, &options, NULL, &err), RATLS_OK);
    assert_int_equal(service.requests, 4);
}

static void warm_through_a_combination(void **state)
{
    ratls_collateral_options options = whose();
    ratls_verifier *all = NULL;

    (void)state;
    assert_int_equal(ratls_verifier_new_all(&all, &verifier, 1, NULL, &err), RATLS_OK);
    assert_int_equal(ratls_verifier_warm(all, &options, NULL, &err), RATLS_OK);
    assert_int_equal(service.requests, 4);
    ASSERT_FAILS(ratls_collateral_fetch(&(char *){NULL}, all, &options, NULL, &err), ARGUMENT_INVALID);
    ratls_verifier_free(all);
}

static void a_bundle_that_is_a_bundle(void **state)
{
    ratls_collateral_options options = whose();
    ratls_collateral parsed = {0};
    char *bundle = NULL;

    (void)state;
    assert_int_equal(ratls_collateral_fetch(&bundle, verifier, &options, NULL, &err), RATLS_OK);
    assert_int_equal(ratls_collateral_parse(&parsed, (ratls_bytes){(const uint8_t *)bundle, strlen(bundle)}, NULL), RATLS_OK);
    assert_true(ratls_bytes_equal(parsed.tcb_info, service.edition.tcb_info));
    assert_true(ratls_bytes_equal(parsed.pck_crl, service.edition.pck_crl));
    assert_true(parsed.pck_crl_issuer_chain.len > 0);
    ratls_collateral_clear(&parsed);
    ratls_bytes_free(bundle);
}

static void assert_report_says(const char *piece, bool said)
{
    ratls_collateral_options options = whose();
    char *json = NULL;

    options.warn_days = 3;
    assert_int_equal(ratls_collateral_check(&json, verifier, &options, NULL, &err), RATLS_OK);
    assert_int_equal(strstr(json, piece) != NULL, said);
    ratls_bytes_free(json);
}

static void foresight(void **state)
{
    (void)state;
    assert_report_says("{\"attention\":false,\"fmspc\":\"b0c06f000000\",\"ca\":\"platform\",\"tee\":\"tdx\",\"checked_at\":\"2025-01-15T00:00:00Z\"", true);
    assert_int_equal(service.requests, 6); /* what the two sets share is asked for once */
    service_advance_s(13 * SERVICE_DAY);
    assert_report_says("EXPIRES_SOON", false);
    service_advance_s(1);
    assert_report_says("{\"code\":\"EXPIRES_SOON\",\"message\":\"TCB info for FMSPC b0c06f000000 (TDX) expires at 2025-01-31T00:00:00Z, in less than 3 days: "
                       "its source has nothing newer\"}", true);
}

static void wishes_that_are_none(void **state)
{
    ratls_collateral_options options = whose();
    char *json = NULL;

    (void)state;
    ASSERT_FAILS(ratls_verifier_warm(verifier, NULL, NULL, &err), ARGUMENT_INVALID);
    let_go();
    options.fmspc = "b0c06f000000";
    ASSERT_FAILS(ratls_verifier_warm(verifier, &options, NULL, &err), ARGUMENT_INVALID);
    let_go();
    options.quote = NULL;
    ASSERT_FAILS(ratls_collateral_check(&json, verifier, &options, NULL, &err), ARGUMENT_INVALID);
    let_go();
    options.fmspc = "b0c06f00000";
    ASSERT_FAILS(ratls_verifier_warm(verifier, &options, NULL, &err), ARGUMENT_INVALID);
    let_go();
    options.fmspc = NULL;
    ASSERT_FAILS(ratls_verifier_warm(verifier, &options, NULL, &err), ARGUMENT_INVALID);
    let_go();
    options = whose();
    options.ca = "platform";
    ASSERT_FAILS(ratls_verifier_warm(verifier, &options, NULL, &err), ARGUMENT_INVALID);
    let_go();
    options = whose();
    options.timeout_ms = -1;
    ASSERT_FAILS(ratls_verifier_warm(verifier, &options, NULL, &err), OPTION_VALUE);
    let_go();
    ASSERT_FAILS(ratls_collateral_fetch(NULL, verifier, &options, NULL, &err), ARGUMENT_INVALID);
    let_go();
    ASSERT_FAILS(ratls_collateral_check(NULL, verifier, &options, NULL, &err), ARGUMENT_INVALID);
    let_go();
    ASSERT_FAILS(ratls_verifier_warm(NULL, &options, NULL, &err), ARGUMENT_INVALID);
    assert_int_equal(service.requests, 0);
}

/* A child has its parent's verifier, and a cache of its own. */
static void after_a_fork(void **state)
{
    int status = -1;
    pid_t child;

    (void)state;
    assert_int_equal(verify(), RATLS_OK);
    child = fork();
    if (child == 0) {
        /* Not freed: what is its parent's would be out of reach, and is never freed by a child. */
        _exit(verify() == RATLS_OK && service.requests == 8 && verify() == RATLS_OK && service.requests == 8 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(service.requests, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(verified_with_what_is_fetched), TEST(nothing_is_fetched_for_strangers), TEST(could_not_check), TEST(revocation_that_comes_later),
        TEST(warm), TEST(warm_through_a_combination), TEST(a_bundle_that_is_a_bundle), TEST(foresight), TEST(wishes_that_are_none),
        TEST(after_a_fork),
    };

    return cmocka_run_group_tests(tests, service_set_up, service_tear_down);
}

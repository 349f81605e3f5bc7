/* The Intel verifier as a whole, with time, chance and the web in the test's hands. */
#include "failure.h"

#include <stdio.h>

#include "base/clock.h"
#include "intel/authority.h"
#include "verifier/evidence_builder.h"

static built_quote quote;
static ratls_parsed_quote appraised;
static ratls_intel_options options;
static ratls_verify_options policy;
static ratls_verifier *verifier;
static ratls_result *result;
static ratls_error *err;
static char log_line[512];

static void note_log(void *user, const char *message)
{
    (void)user;
    if (strstr(message, "MRTD") == NULL && strstr(message, "key id") == NULL) {
        snprintf(log_line, sizeof log_line, "%s", message);
    }
}

static int begin(void **state)
{
    (void)authority_reset(state);
    build_td10(&quote);
    appraised = parsed(&quote);
    authority_appraises(&appraised);
    options = authority_options();
    options.log = note_log;
    ratls_verify_options_init(&policy, sizeof policy);
    log_line[0] = '\0';
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_false(authority.key_elsewhere);
    ratls_result_free(result);
    ratls_error_free(err);
    ratls_verifier_free(verifier);
    result = NULL;
    err = NULL;
    verifier = NULL;
    return 0;
}

static void open_verifier(void)
{
    assert_int_equal(ratls_verifier_new_intel(&verifier, &options, &err), RATLS_OK);
}

static ratls_status verify_with(ratls_cancel *cancel)
{
    ratls_result_free(result);
    ratls_error_free(err);
    err = NULL;
    return ratls_verify(&result, verifier, quote.bytes, quote.len, &policy, cancel, &err);
}

static ratls_status verify(void)
{
    return verify_with(NULL);
}

static void script(int status, const char *headers, const char *body)
{
    authority.script[authority.script_len++] = (scripted_answer){RATLS_HTTP_ANSWERED, status, headers, body, 0};
}

static void script_outcome(ratls_http_outcome outcome, int64_t takes_ms)
{
    authority.script[authority.script_len++] = (scripted_answer){outcome, 0, NULL, NULL, takes_ms};
}

static void accepted(void **state)
{
    (void)state;
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_VERIFIER), "intel");
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TCB_STATUS), "OK");
    assert_string_equal(ratls_result_text(result, RATLS_FIELD_TCB_STATUS_DCAP), "UpToDate");
    assert_null(ratls_result_text(result, RATLS_FIELD_QE_TCB_STATUS));
    assert_int_equal(strlen(ratls_result_text(result, RATLS_FIELD_TRUST_ANCHOR)), 64);
    assert_int_equal(ratls_result_flag(result, RATLS_FIELD_VERIFIED), 1);
    assert_non_null(strstr(authority.body, "{\"tdx\":{\"quote\":\""));
    assert_non_null(strstr(authority.body, "\"},\"token_signing_alg\":\"PS384\",\"policy_must_match\":false}"));
}

static void keys_and_lists_are_fetched_once(void **state)
{
    (void)state;
    open_verifier();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(verify(), RATLS_OK);
    }
    assert_int_equal(authority.attests, 3);
    assert_int_equal(authority.key_sets, 1);
    assert_int_equal(authority.lists, 2);
}

static void keys_are_fetched_again_after_an_hour(void **state)
{
    (void)state;
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    authority_advance_ms(3599 * 1000);
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(authority.key_sets, 1);
    authority_advance_ms(1000);
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(authority.key_sets, 2);
}

static void keys_are_fetched_again_when_the_portal_says(void **state)
{
    (void)state;
    authority.portal_headers = "Cache-Control: public, max-age=600";
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    authority_advance_ms(600 * 1000);
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(authority.key_sets, 2);
}

static void keys_are_not_fetched_every_second_whatever_the_portal_says(void **state)
{
    (void)state;
    authority.portal_headers = "Cache-Control: max-age=0";
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    authority_advance_ms(299 * 1000);
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(authority.key_sets, 1);
}

static void keys_outlive_a_portal_that_is_down_by_a_day(void **state)
{
    (void)state;
    options.attempts = 1;
    options.crl_policy = RATLS_CRL_OFF;
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    authority.portal_down = true;
    authority_advance_ms(INT64_C(23) * 3600 * 1000);
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(authority.key_sets, 2); /* not again within a minute */
    authority_advance_ms(60 * 1000);
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(authority.key_sets, 3);
    authority_advance_ms(3600 * 1000);
    ASSERT_FAILS(verify(), INTEL_NETWORK);
}

static void unknown_key_is_asked_for_once_a_minute(void **state)
{
    (void)state;
    authority.publish_first_only = true;
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    authority.signer = 1;
    for (int i = 0; i < 50; i++) {
        ASSERT_FAILS(verify(), INTEL_TOKEN_KEY_ID);
    }
    assert_int_equal(authority.key_sets, 2);
    authority_advance_ms(60 * 1000);
    authority.publish_first_only = false;
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(authority.key_sets, 3);
}

static void lists_are_fetched_again_after_a_day(void **state)
{
    (void)state;
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    authority_advance_ms(INT64_C(24) * 3600 * 1000);
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(authority.lists, 4);
}

static void kept_lists_serve_while_the_portal_is_down(void **state)
{
    (void)state;
    options.attempts = 1;
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    authority.lists_down = true;
    authority_advance_ms(INT64_C(25) * 3600 * 1000);
    assert_int_equal(verify(), RATLS_OK);
    authority_advance_ms(INT64_C(7) * 24 * 3600 * 1000);
    ASSERT_FAILS(verify(), INTEL_CRL);
}

static void chain_is_checked_again_when_a_list_expires(void **state)
{
    (void)state;
    authority.list_lives_s = 600;
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    authority_advance_ms(601 * 1000);
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(authority.lists, 4);
}

static void soft_policy_accepts_and_says_so(void **state)
{
    (void)state;
    authority.lists_down = true;
    options.attempts = 1;
    options.crl_policy = RATLS_CRL_SOFT;
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(ratls_result_list_len(result, RATLS_FIELD_WAIVED), 1);
    assert_string_equal(ratls_result_list_item(result, RATLS_FIELD_WAIVED, 0), "intel_crl");
    assert_non_null(strstr(log_line, "revoked"));
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(authority.lists, 4); /* tried again each time */
}

static void pinned_root(void **state)
{
    (void)state;
    options.pinned_roots = (const uint8_t *)authority_root_pem();
    options.pinned_roots_len = strlen(authority_root_pem());
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
}

static void other_root_pinned(void **state)
{
    (void)state;
    options.pinned_roots = (const uint8_t *)authority_strange_root_pem();
    options.pinned_roots_len = strlen(authority_strange_root_pem());
    open_verifier();
    ASSERT_FAILS(verify(), INTEL_CHAIN);
}

/* Jitter is any wait up to 500 ms, 1 s, 2 s …; the greatest random number that divides evenly gives the most. */
static void waits_grow_up_to_their_limits(void **state)
{
    static const int64_t limits[] = {500, 1000, 2000, 4000, 5000, 5000};

    (void)state;
    options.attempts = 7;
    policy.timeout_ms = 60000;
    for (int i = 0; i < 6; i++) {
        script(503, NULL, "busy");
    }
    authority.random = 499;
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(authority.waits_len, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(authority.waits[i], 499 % (limits[i] + 1));
    }
}

static void wait_is_never_longer_than_its_limit(void **state)
{
    (void)state;
    options.attempts = 2;
    script(500, NULL, "");
    authority.random = 501 * 7 + 500;
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(authority.waits[0], 500);
}

static void retry_after_is_waited_for(void **state)
{
    (void)state;
    script(429, "Retry-After: 7", "slow down");
    authority.random = 3;
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(authority.waits_len, 1);
    assert_int_equal(authority.waits[0], 7000);
}

static void retry_after_as_a_date_is_waited_for(void **state)
{
    (void)state;
    script(503, "Retry-After: Thu, 01 Jan 2026 00:00:13 GMT", "");
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(authority.waits[0], 12000); /* the clock shows one second past midnight */
}

static void retry_after_beyond_patience_is_told(void **state)
{
    (void)state;
    script(429, "Retry-After: 3600", "later");
    open_verifier();
    ASSERT_FAILS(verify(), INTEL_HTTP_STATUS);
    ASSERT_DETAIL("retry_after_s", "3600");
    ASSERT_DETAIL("http_status", "429");
    assert_int_equal(authority.attests, 1);
    assert_int_equal(authority.waits_len, 0);
}

static void retry_after_that_says_nothing_is_not_heeded(void **state)
{
    static const char *const headers[] = {"Retry-After: -5", "Retry-After: soon", "Retry-After: Thu, 01 Jan 2015 00:00:00 GMT", "Retry-After:"};

    (void)state;
    open_verifier();
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        authority.script_at = authority.script_len = 0;
        script(429, headers[i], "");
        assert_int_equal(verify(), RATLS_OK);
        assert_int_equal(authority.waits[i], 0);
    }
}

static void attempts_end(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        script(502, NULL, "gateway");
    }
    open_verifier();
    ASSERT_FAILS(verify(), INTEL_HTTP_STATUS);
    assert_int_equal(authority.attests, 3);
    assert_string_equal(ratls_error_message(err, RATLS_SPELLING_PYTHON), "Intel Trust Authority returned 502: gateway");
}

static void what_another_attempt_would_not_change_is_not_repeated(void **state)
{
    static const struct {
        ratls_http_outcome outcome;
        const char *code;
    } rows[] = {{RATLS_HTTP_TLS, "INTEL_TLS"}, {RATLS_HTTP_TOO_LARGE, "INTEL_TOO_LARGE"}, {RATLS_HTTP_GARBLED, "INTEL_PROTOCOL"},
                {RATLS_HTTP_FAILED, "INTERNAL"}};

    (void)state;
    open_verifier();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        authority.script_at = authority.script_len = 0;
        authority.attests = 0;
        script_outcome(rows[i].outcome, 0);
        assert_string_equal(ratls_status_name(verify()), rows[i].code);
        assert_int_equal(authority.attests, 1);
    }
}

static void broken_connections_are_tried_again(void **state)
{
    (void)state;
    script_outcome(RATLS_HTTP_UNREACHABLE, 0);
    script_outcome(RATLS_HTTP_TIMEOUT, 0);
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    assert_int_equal(authority.attests, 3);
}

static void attempts_that_time_out(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        script_outcome(RATLS_HTTP_TIMEOUT, 1000);
    }
    options.attempt_timeout_ms = 1000;
    open_verifier();
    ASSERT_FAILS(verify(), INTEL_TIMEOUT);
    ASSERT_DETAIL("expected", "1000");
}

/* A wait that the deadline would cut short is not begun. */
static void deadline_inside_a_wait(void **state)
{
    int64_t began = authority_clock_ms();

    (void)state;
    policy.timeout_ms = 2000;
    authority.random = 400;
    authority.script[authority.script_len++] = (scripted_answer){RATLS_HTTP_ANSWERED, 503, NULL, "busy", 1700};
    open_verifier();
    ASSERT_FAILS(verify(), TIMEOUT);
    ASSERT_DETAIL("http_status", "503");
    assert_int_equal(authority.waits_len, 0);
    assert_true(authority_clock_ms() - began <= 2000);
}

static void no_request_after_the_deadline(void **state)
{
    (void)state;
    policy.timeout_ms = 1000;
    script_outcome(RATLS_HTTP_UNREACHABLE, 1000);
    open_verifier();
    ASSERT_FAILS(verify(), TIMEOUT);
    assert_int_equal(authority.attests, 1);
}

static void cancelled_while_waiting(void **state)
{
    ratls_cancel *cancel = NULL;

    (void)state;
    assert_int_equal(ratls_cancel_new(&cancel, NULL), RATLS_OK);
    authority.cancel_in_wait = cancel;
    script(503, NULL, "");
    open_verifier();
    ASSERT_FAILS(verify_with(cancel), CANCELLED);
    assert_int_equal(authority.attests, 1);
    ratls_cancel_free(cancel);
}

static void requests_are_spaced(void **state)
{
    (void)state;
    options.requests_per_second = 2;
    open_verifier();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(verify(), RATLS_OK);
    }
    assert_int_equal(authority.waits_len, 2);
    assert_int_equal(authority.waits[0], 500);
    assert_int_equal(authority.waits[1], 500);
}

static void turn_after_the_deadline(void **state)
{
    (void)state;
    options.requests_per_second = 1;
    policy.timeout_ms = 900;
    open_verifier();
    assert_int_equal(verify(), RATLS_OK);
    ASSERT_FAILS(verify(), TIMEOUT);
    assert_int_equal(authority.attests, 1);
}

static void body_is_cleaned_and_cut(void **state)
{
    static const char expected[] = "Intel Trust Authority returned 400: a b?xxxx";
    char body[1024];

    (void)state;
    memset(body, 'x', sizeof body);
    memcpy(body, "\r\n\t a\x1b \n b\xff", 11);
    body[sizeof body - 1] = '\0';
    script(400, NULL, body);
    open_verifier();
    ASSERT_FAILS(verify(), INTEL_HTTP_STATUS);
    assert_int_equal(strncmp(ratls_error_message(err, RATLS_SPELLING_C), expected, strlen(expected)), 0);
    assert_int_equal(strlen(ratls_error_message(err, RATLS_SPELLING_C)), strlen("Intel Trust Authority returned 400: ") + 200);
}

static void key_is_never_told(void **state)
{
    (void)state;
    script(401, "Trace-Id: " AUTHORITY_KEY, "{\"error\":\"no such key: " AUTHORITY_KEY "\"}");
    open_verifier();
    ASSERT_FAILS(verify(), INTEL_HTTP_STATUS);
    assert_null(strstr(ratls_error_json(err, RATLS_SPELLING_C), AUTHORITY_KEY));
    assert_non_null(strstr(ratls_error_detail(err, "hint"), "attestation key"));
}

static void ids_are_told(void **state)
{
    (void)state;
    script(400, "Trace-Id: abc=", "");
    open_verifier();
    ASSERT_FAILS(verify(), INTEL_HTTP_STATUS);
    ASSERT_DETAIL("trace_id", "abc=");
    ASSERT_DETAIL("request_id", "00000000-0000-4000-8000-000000000000");
    ASSERT_DETAIL("body", "(no body)");
}

static void sgx_quote_is_not_sent(void **state)
{
    (void)state;
    build_sgx(&quote);
    open_verifier();
    ASSERT_FAILS(verify(), EVIDENCE_QUOTE_NOT_TDX);
    assert_int_equal(authority.attests, 0);
}

static void sibling_is_refused(void **state)
{
    (void)state;
    built_field(&quote, RATLS_FIELD_REPORT_DATA)[63] ^= 1;
    open_verifier();
    authority_appraises(&appraised);
    {
        static built_quote other;

        build_td10(&other);
        appraised = parsed(&other);
        authority_appraises(&appraised);
        ASSERT_FAILS(verify(), INTEL_TOKEN_BINDING);
        ASSERT_DETAIL("claim", "tdx_report_data");
    }
}

static void duplicate_member_is_refused(void **state)
{
    (void)state;
    authority.payload_extra = ",\"ver\":\"2.0.0\"";
    open_verifier();
    ASSERT_FAILS(verify(), INTEL_TOKEN_FORMAT);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(accepted), CASE(keys_and_lists_are_fetched_once), CASE(keys_are_fetched_again_after_an_hour),
        CASE(keys_are_fetched_again_when_the_portal_says), CASE(keys_are_not_fetched_every_second_whatever_the_portal_says),
        CASE(keys_outlive_a_portal_that_is_down_by_a_day), CASE(unknown_key_is_asked_for_once_a_minute),
        CASE(lists_are_fetched_again_after_a_day), CASE(kept_lists_serve_while_the_portal_is_down),
        CASE(chain_is_checked_again_when_a_list_expires), CASE(soft_policy_accepts_and_says_so), CASE(pinned_root), CASE(other_root_pinned),
        CASE(waits_grow_up_to_their_limits), CASE(wait_is_never_longer_than_its_limit), CASE(retry_after_is_waited_for),
        CASE(retry_after_as_a_date_is_waited_for), CASE(retry_after_beyond_patience_is_told),
        CASE(retry_after_that_says_nothing_is_not_heeded), CASE(attempts_end), CASE(what_another_attempt_would_not_change_is_not_repeated),
        CASE(broken_connections_are_tried_again), CASE(attempts_that_time_out), CASE(deadline_inside_a_wait),
        CASE(no_request_after_the_deadline), CASE(cancelled_while_waiting), CASE(requests_are_spaced), CASE(turn_after_the_deadline),
        CASE(body_is_cleaned_and_cut), CASE(key_is_never_told), CASE(ids_are_told), CASE(sgx_quote_is_not_sent), CASE(sibling_is_refused),
        CASE(duplicate_member_is_refused),
    };

    return cmocka_run_group_tests(tests, authority_set_up, authority_tear_down);
}

/* Fetching a report, on a web of the test's. */
#include "support/unit.h"

#include "base/http.h"
#include "report/report.h"

typedef struct {
    ratls_http_outcome outcome;
    int status;
    const char *body;
    size_t body_len;
    int requests;
    ratls_http_request asked;
} web;

static web there;

static void perform(void *user, ratls_http_response *out, const ratls_http_request *request)
{
    web *w = user;

    w->requests++;
    w->asked = *request;
    *out = (ratls_http_response){.outcome = w->outcome, .status = w->status, .what = "as the test says", .retry_after_s = -1};
    if (w->outcome == RATLS_HTTP_ANSWERED) {
        out->body = malloc(w->body_len + 1);
        assert_non_null(out->body);
        memcpy(out->body, w->body, w->body_len);
        out->body[w->body_len] = '\0';
        out->body_len = w->body_len;
    }
}

static int set_up(void **state)
{
    static const ratls_http_fake fake = {perform, &there};

    (void)state;
    there = (web){.outcome = RATLS_HTTP_ANSWERED, .status = 200, .body = "{}", .body_len = 2};
    ratls_http_replace(&fake);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ratls_http_replace(NULL);
    return 0;
}

static void fails(const char *url, const ratls_report_fetch_options *options, ratls_status code)
{
    char *json = (char *)1;
    ratls_error *err = NULL;

    ASSERT_FAILS(ratls_report_fetch(&json, url, options, NULL, &err), err, code);
    assert_null(json);
}

static void an_answer_is_handed_out(void **state)
{
    char *json = NULL;

    (void)state;
    assert_int_equal(ratls_report_fetch(&json, "http://127.0.0.1:8080/attestation", NULL, NULL, NULL), RATLS_OK);
    assert_string_equal(json, "{}");
    assert_true(there.asked.allow_http && !there.asked.post);
    assert_int_equal(there.asked.timeout_ms, RATLS_TIMEOUT_MS_DEFAULT);
    assert_int_equal(there.asked.body_max, RATLS_REPORT_SIZE_MAX);
    ratls_bytes_free(json);
}

/* libcurl speaks many more protocols than these two. */
static void schemes_that_are_refused(void **state)
{
    static const char *const urls[] = {"", "file:///etc/passwd", "ftp://a/", "gopher://a/", "a", "//a", "http:/a", "http://", "https://", "http:///x",
                                       "http://#x", "HTTP://a/", " http://a/", "http://a b/", "http://a/\n", "http://\xc3\xbc/", "http://u@a/", "http://u:p@a/"};
    char longer[RATLS_HTTP_URL_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) { /* a message shows '?' for what cannot be printed */
        char *json = NULL;

        assert_int_equal(ratls_report_fetch(&json, urls[i], NULL, NULL, NULL), RATLS_ERR_REPORT_URL);
        assert_null(json);
    }
    memset(longer, 'a', sizeof longer);
    memcpy(longer, "http://", 7);
    longer[RATLS_HTTP_URL_MAX + 1] = '\0';
    fails(longer, NULL, RATLS_ERR_REPORT_URL);
    assert_int_equal(there.requests, 0);
}

static void a_password_is_not_told(void **state)
{
    char *json = NULL;
    ratls_error *err = NULL;

    (void)state;
    assert_int_equal(ratls_report_fetch(&json, "http://me:secret@a/", NULL, NULL, &err), RATLS_ERR_REPORT_URL);
    assert_null(strstr(ratls_error_json(err, RATLS_SPELLING_C), "secret"));
    ratls_error_free(err);
}

static void answers_that_are_none(void **state)
{
    static const struct {
        ratls_http_outcome outcome;
        ratls_status code;
    } outcomes[] = {
        {RATLS_HTTP_FAILED, RATLS_ERR_REPORT_UNREACHABLE}, {RATLS_HTTP_UNREACHABLE, RATLS_ERR_REPORT_UNREACHABLE},
        {RATLS_HTTP_TLS, RATLS_ERR_REPORT_UNREACHABLE},    {RATLS_HTTP_GARBLED, RATLS_ERR_REPORT_UNREACHABLE},
        {RATLS_HTTP_TIMEOUT, RATLS_ERR_TIMEOUT},           {RATLS_HTTP_DEADLINE, RATLS_ERR_TIMEOUT},
        {RATLS_HTTP_CANCELLED, RATLS_ERR_CANCELLED},       {RATLS_HTTP_TOO_LARGE, RATLS_ERR_REPORT_TOO_LARGE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        there.outcome = outcomes[i].outcome;
        fails("http://a/", NULL, outcomes[i].code);
    }
}

static void any_other_status(void **state)
{
    static const int statuses[] = {100, 199, 201, 204, 206, 301, 302, 307, 308, 400, 401, 404, 500, 503};

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        there.status = statuses[i];
        fails("http://a/", NULL, RATLS_ERR_REPORT_HTTP_STATUS);
    }
}

static void a_nul_in_the_answer(void **state)
{
    (void)state;
    there.body = "{}\0{}";
    there.body_len = 5;
    fails("http://a/", NULL, RATLS_ERR_REPORT_FORMAT);
}

static void options_that_are_wrong(void **state)
{
    ratls_report_fetch_options options;
    char *json = NULL;
    ratls_error *err = NULL;

    (void)state;
    ratls_report_fetch_options_init(&options, sizeof options);
    options.timeout_ms = -1;
    fails("http://a/", &options, RATLS_ERR_OPTION_VALUE);
    ratls_report_fetch_options_init(&options, sizeof options);
    options.ca_len = 1;
    fails("http://a/", &options, RATLS_ERR_ARGUMENT_INVALID);
    options = (ratls_report_fetch_options){.size = 1};
    fails("http://a/", &options, RATLS_ERR_OPTIONS_SIZE);
    fails(NULL, NULL, RATLS_ERR_ARGUMENT_INVALID);
    ASSERT_FAILS(ratls_report_fetch(NULL, "http://a/", NULL, NULL, &err), err, RATLS_ERR_ARGUMENT_INVALID);
    ratls_report_fetch_options_init(&options, sizeof options);
    options.timeout_ms = 5;
    assert_int_equal(ratls_report_fetch(&json, "https://a", &options, NULL, NULL), RATLS_OK);
    assert_int_equal(there.asked.timeout_ms, 5);
    ratls_bytes_free(json);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_is_handed_out), TEST(schemes_that_are_refused), TEST(a_password_is_not_told), TEST(answers_that_are_none),
        TEST(any_other_status), TEST(a_nul_in_the_answer), TEST(options_that_are_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

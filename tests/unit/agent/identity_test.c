#include "failure.h"

#include "agent/agent_answer.h"
#include "base/clock.h"

static ratls_status parse(ratls_identity **out, const agent_answer *wanted, ratls_error **err)
{
    test_buffer answer = {0};
    ratls_status status;

    agent_answer_add(&answer, wanted);
    status = ratls_identity_parse(out, buffer_bytes(&answer), ratls_clock_wall_s(), err);
    buffer_free(&answer);
    return status;
}

static void assert_refused(const agent_answer *wanted, const char *what)
{
    ratls_identity *identity = (ratls_identity *)(uintptr_t)1;
    ratls_error *err = NULL;

    ASSERT_FAILS(parse(&identity, wanted, &err), DSTACK_ANSWER);
    assert_null(identity);
    ASSERT_DETAIL("what", what);
    ratls_error_free(err);
}

static void assert_accepted(const agent_answer *wanted)
{
    ratls_identity *identity = NULL;
    ratls_error *err = NULL;

    assert_int_equal(parse(&identity, wanted, &err), RATLS_OK);
    assert_null(err);
    assert_non_null(identity);
    assert_true(ratls_identity_not_after(identity) > ratls_clock_wall_s());
    assert_ptr_equal(ratls_identity_hold(identity), identity);
    ratls_identity_free(identity);
    ratls_identity_free(identity);
}

static void answers_that_are_right(void **state)
{
    (void)state;
    assert_accepted(&(agent_answer){0});
    assert_accepted(&(agent_answer){.old_cert = true});
    assert_accepted(&(agent_answer){.escaped = true});
    assert_accepted(&(agent_answer){.issuers_given = true, .issuers = 0});
    assert_accepted(&(agent_answer){.issuers_given = true, .issuers = RATLS_IDENTITY_CERTIFICATES_MAX - 1});
    assert_accepted(&(agent_answer){.padding = 100000});
}

static void key_wrong(void **state)
{
    static const char *const not_pem[] = {"null", "17", "\"\"", "\"x\"", "[\"a\"]", "\"\\b\"", "\"\\u0100\"", "\"\\u00e9\"",
                                          "\"-----BEGIN CERTIFICATE-----\\nMAA=\\n-----END CERTIFICATE-----\\n\""};
    (void)state;
    for (size_t i = 0; i < sizeof not_pem / sizeof not_pem[0]; i++) {
        assert_refused(&(agent_answer){.key = not_pem[i]}, "its key is not one PKCS#8 key in PEM");
    }
    assert_refused(&(agent_answer){.old_key_format = true}, "its key is not one PKCS#8 key in PEM");
    assert_refused(&(agent_answer){.key = "\"-----BEGIN PRIVATE KEY-----\\nMAA=\\n-----END PRIVATE KEY-----\\n\""},
                   "its key is not one on P-256 in PKCS#8");
    assert_refused(&(agent_answer){.rsa = true}, "its key is not one on P-256 in PKCS#8");
    assert_refused(&(agent_answer){.other_key = true}, "its key is not the certificate's");
}

static void key_longer_than_the_limit(void **state)
{
    char *key = malloc(3 + RATLS_IDENTITY_KEY_PEM_MAX + 1);

    (void)state;
    assert_non_null(key);
    memset(key, 'a', 3 + RATLS_IDENTITY_KEY_PEM_MAX);
    key[0] = key[2 + RATLS_IDENTITY_KEY_PEM_MAX] = '"';
    key[3 + RATLS_IDENTITY_KEY_PEM_MAX] = '\0';
    assert_refused(&(agent_answer){.key = key}, "its key is not one PKCS#8 key in PEM");
    free(key);
}

static void chain_wrong(void **state)
{
    (void)state;
    assert_refused(&(agent_answer){.chain = "[]"}, "its certificate chain is empty");
    assert_refused(&(agent_answer){.chain = "null"}, "its certificate chain is not certificates in PEM");
    assert_refused(&(agent_answer){.chain = "{\"a\":\"b\"}"}, "its certificate chain is not certificates in PEM");
    assert_refused(&(agent_answer){.chain = "[17]"}, "its certificate chain is not certificates in PEM");
    assert_refused(&(agent_answer){.chain = "[\"-----BEGIN CERTIFICATE-----\\nMAA=\\n-----END CERTIFICATE-----\\n\"]"},
                   "its certificate chain is malformed");
    assert_refused(&(agent_answer){.issuers_given = true, .issuers = RATLS_IDENTITY_CERTIFICATES_MAX},
                   "its certificate chain is longer than 8 certificates");
}

static void time_wrong(void **state)
{
    (void)state;
    assert_refused(&(agent_answer){.lifetime_s = -1}, "its certificate has expired");
    assert_refused(&(agent_answer){.not_before_s = 100, .lifetime_s = 200}, "its certificate is not valid yet");
}

static void not_an_answer(void **state)
{
    static const char *const texts[] = {"", "null", "[]", "{}", "{\"key\":\"x\",\"key\":\"y\"}", "{\"certificate_chain\":[]}", "{\"key\""};
    static const char *const whats[] = {"it is not JSON", "it has no key", "it has no key", "it has no key", "it is not JSON", "it has no key",
                                        "it is not JSON"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ratls_identity *identity = NULL;
        ratls_error *err = NULL;

        ASSERT_FAILS(ratls_identity_parse(&identity, (ratls_bytes){(const uint8_t *)texts[i], strlen(texts[i])}, 0, &err), DSTACK_ANSWER);
        ASSERT_DETAIL("what", whats[i]);
        ratls_error_free(err);
    }
}

static void nothing_is_accepted(void **state)
{
    (void)state;
    assert_null(ratls_identity_hold(NULL));
    ratls_identity_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_that_are_right), cmocka_unit_test(key_wrong),     cmocka_unit_test(key_longer_than_the_limit),
        cmocka_unit_test(chain_wrong),            cmocka_unit_test(time_wrong),    cmocka_unit_test(not_an_answer),
        cmocka_unit_test(nothing_is_accepted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

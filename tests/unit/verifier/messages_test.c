/* The documented sentences, to the letter, in every spelling, from the refusals themselves. */
#include "failure.h"

#include "verifier/evidence_builder.h"
#include "verifier/test_verifier.h"

enum { SPELLINGS = 5 };

static test_judge judge;
static ratls_verifier *verifier;
static ratls_verify_options options;
static built_quote quote;
static built_certificate certificate;

static int set_up(void **state)
{
    (void)state;
    test_clock_start();
    test_judge_init(&judge);
    verifier = test_verifier(&judge);
    ratls_verify_options_init(&options, sizeof options);
    build_td10(&quote);
    build_bound_certificate(&certificate, &quote);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ratls_verifier_free(verifier);
    return 0;
}

static void assert_says(ratls_status code, const char *const sentences[SPELLINGS])
{
    ratls_result *result = NULL;
    ratls_error *err = NULL;

    assert_string_equal(
        ratls_status_name(ratls_verify_certificate(&result, verifier, certificate.der, certificate.len, &options, NULL, &err)),
        ratls_status_name(code));
    for (int32_t spelling = 0; spelling < SPELLINGS; spelling++) {
        assert_string_equal(ratls_error_message(err, spelling), sentences[spelling]);
    }
    ratls_error_free(err);
}

static void quote_missing(void **state)
{
    static const char *const sentences[SPELLINGS] = {
        "upstream cert has no TDX attestation extension; set allow_simulator=1 for non-TEE targets",
        "upstream cert has no TDX attestation extension; set allow_simulator=True for non-TEE targets",
        "upstream cert has no TDX attestation extension; set allowSimulator: true for non-TEE targets",
        "upstream cert has no TDX attestation extension; set allow_simulator: true for non-TEE targets",
        "upstream cert has no TDX attestation extension; set --allow-simulator for non-TEE targets",
    };

    (void)state;
    build_certificate(&certificate, NULL, 0);
    assert_says(RATLS_ERR_QUOTE_MISSING, sentences);
}

#define DEBUG_SENTENCE(option)                                                                                              \
    "TDX TD is in debug mode — connection refused. Debug TDs have no confidentiality guarantees. Set " option              \
    " to override (not recommended for production)."

static void debug_mode(void **state)
{
    static const char *const sentences[SPELLINGS] = {
        DEBUG_SENTENCE("allow_debug_mode=1"), DEBUG_SENTENCE("allow_debug_mode=True"), DEBUG_SENTENCE("allowDebugMode: true"),
        DEBUG_SENTENCE("allow_debug_mode: true"), DEBUG_SENTENCE("--allow-debug"),
    };

    (void)state;
    built_field(&quote, RATLS_FIELD_TD_ATTRIBUTES)[0] = 1;
    build_bound_certificate(&certificate, &quote);
    assert_says(RATLS_ERR_DEBUG_MODE, sentences);
}

static void tcb_status(void **state)
{
    static const char sentence[] = "Unacceptable TCB status: \"OutOfDate\". Acceptable statuses: OK, SWHardeningNeeded. "
                                   "Update the platform firmware/microcode or check Intel's advisory.";
    static const char *const sentences[SPELLINGS] = {sentence, sentence, sentence, sentence, sentence};

    (void)state;
    judge.claims.tcb_status = RATLS_TCB_OUT_OF_DATE;
    assert_says(RATLS_ERR_TCB_STATUS, sentences);
}

#define MRTD_SENTENCE(option) \
    "MRTD \"91a0563f0c…c3d2\" is not in the allowlist. Update " option " if you intentionally upgraded the CVM image."

static void mr_td_not_allowed(void **state)
{
    static const char *const other[] = {"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"};
    static const char *const sentences[SPELLINGS] = {
        MRTD_SENTENCE("allowed_mr_td"), MRTD_SENTENCE("allowed_mr_td"), MRTD_SENTENCE("allowedMrTd"), MRTD_SENTENCE("allowed_mrtds"),
        MRTD_SENTENCE("--mrtd"),
    };

    (void)state;
    options.allowed_mr_td = other;
    options.allowed_mr_td_len = 1;
    assert_says(RATLS_ERR_MRTD_NOT_ALLOWED, sentences);
}

static void key_binding(void **state)
{
    static const char sentence[] = "quote report_data does not bind the TLS certificate's public key";
    static const char *const sentences[SPELLINGS] = {sentence, sentence, sentence, sentence, sentence};

    (void)state;
    built_field(&quote, RATLS_FIELD_REPORT_DATA)[5] ^= 1;
    build_certificate(&certificate, quote.bytes, quote.len);
    assert_says(RATLS_ERR_KEY_BINDING, sentences);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(quote_missing), TEST(debug_mode), TEST(tcb_status), TEST(mr_td_not_allowed), TEST(key_binding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

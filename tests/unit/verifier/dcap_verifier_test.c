#include "failure.h"

#include "verifier/evidence_builder.h"
#include "verifier/test_verifier.h"

static ratls_status make(ratls_verifier **verifier, const char *collateral, const char *anchor, ratls_error **err)
{
    ratls_dcap_options options;

    ratls_dcap_options_init(&options, sizeof options);
    options.collateral = (const uint8_t *)collateral;
    options.collateral_len = collateral == NULL ? 0 : strlen(collateral);
    options.trust_anchor = (const uint8_t *)anchor;
    options.trust_anchor_len = anchor == NULL ? 0 : strlen(anchor);
    return ratls_verifier_new_dcap(verifier, &options, err);
}

static void bundle_unusable(void **state)
{
    static const char *const bundles[] = {"", "{", "[]", "{}", "{\"tcb_info\":1}"};

    (void)state;
    for (size_t i = 0; i < sizeof bundles / sizeof bundles[0]; i++) {
        ratls_verifier *verifier = (ratls_verifier *)(uintptr_t)1;
        ratls_error *err = NULL;

        assert_int_not_equal(make(&verifier, bundles[i], NULL, &err), RATLS_OK);
        assert_null(verifier);
        assert_string_equal(ratls_error_stage(err), "collateral");
        ratls_error_free(err);
    }
}

/* A root that cannot be read is an error, never Intel's instead. */
static void trust_anchor_unusable(void **state)
{
    ratls_verifier *verifier = NULL;
    ratls_error *err = NULL;

    (void)state;
    ASSERT_FAILS(make(&verifier, NULL, "no certificate", &err), TRUST_ANCHOR_INVALID);
    assert_null(verifier);
    ratls_error_free(err);
    ASSERT_FAILS(make(&verifier, NULL, "", &err), TRUST_ANCHOR_INVALID);
    ratls_error_free(err);
}

static void null_arguments(void **state)
{
    ratls_verifier *verifier = NULL;
    ratls_dcap_options options;
    ratls_error *err = NULL;

    (void)state;
    ASSERT_FAILS(ratls_verifier_new_dcap(NULL, NULL, &err), ARGUMENT_INVALID);
    ratls_error_free(err);
    ratls_dcap_options_init(&options, sizeof options);
    options.collateral_len = 1;
    ASSERT_FAILS(ratls_verifier_new_dcap(&verifier, &options, &err), ARGUMENT_INVALID);
    ASSERT_DETAIL("argument", "collateral");
    ratls_error_free(err);
    ratls_dcap_options_init(&options, sizeof options);
    options.trust_anchor_len = 1;
    ASSERT_FAILS(ratls_verifier_new_dcap(&verifier, &options, &err), ARGUMENT_INVALID);
    ASSERT_DETAIL("argument", "trust_anchor");
    ratls_error_free(err);
    ratls_dcap_options_init(&options, sizeof options);
    options.pccs_urls_len = 1;
    ASSERT_FAILS(ratls_verifier_new_dcap(&verifier, &options, &err), ARGUMENT_INVALID);
    ASSERT_DETAIL("argument", "pccs_urls");
    ratls_error_free(err);
    ratls_dcap_options_init(&options, sizeof options);
    options.pccs_cas_len = 1;
    ASSERT_FAILS(ratls_verifier_new_dcap(&verifier, &options, &err), ARGUMENT_INVALID);
    ASSERT_DETAIL("argument", "pccs_cas");
    ratls_error_free(err);
    ratls_dcap_options_init(&options, sizeof options);
    options.ca_len = 1;
    ASSERT_FAILS(ratls_verifier_new_dcap(&verifier, &options, &err), ARGUMENT_INVALID);
    ASSERT_DETAIL("argument", "ca");
    ratls_error_free(err);
    ratls_dcap_options_init(&options, 8);
    ASSERT_FAILS(ratls_verifier_new_dcap(&verifier, &options, &err), OPTIONS_SIZE);
    ratls_error_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bundle_unusable),
        cmocka_unit_test(trust_anchor_unusable),
        cmocka_unit_test(null_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a verdict claims: DCAP rules 3.9 to 3.11; and what is checked again when it is used again. */
#include "base/time.h"
#include "dcap/cases.h"

static int64_t date(const char *text)
{
    int64_t seconds;

    assert_true(ratls_time_parse(&seconds, (ratls_bytes){(const uint8_t *)text, strlen(text)}));
    return seconds;
}

/* The claims of a world in which everything verifies. */
static void claim(ratls_claims *claims, pki *world)
{
    ratls_error *err = NULL;

    pki_build(world);
    assert_int_equal(pki_verify(claims, world, PKI_NOW, &err), RATLS_OK);
    assert_null(err);
}

static void assert_advisories(const ratls_claims *claims, const char *const *ids, size_t len)
{
    assert_int_equal(claims->advisories.len, len);
    for (size_t i = 0; i < len; i++) {
        assert_string_equal(claims->advisories.ids[i], ids[i]);
    }
}

static void platform_of_the_certificate(void **state)
{
    static const uint8_t fmspc[] = {0xb0, 0xc0, 0x6f, 0, 0, 0}, ppid[16] = {0xa5, 0x01}, instance[16] = {0x15, 0x02};
    ratls_claims claims;
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V4);
    claim(&claims, &world);
    assert_true(claims.hardware_verified);
    assert_true(claims.has_fmspc && claims.has_ppid && claims.has_platform_instance_id);
    assert_memory_equal(claims.fmspc, fmspc, sizeof fmspc);
    assert_memory_equal(claims.ppid, ppid, sizeof ppid);
    assert_memory_equal(claims.platform_instance_id, instance, sizeof instance);
    assert_int_equal(strlen(claims.trust_anchor), 64);
    assert_false(claims.advisories_unknown);
    ratls_claims_clear(&claims);
    pki_clear(&world);
}

static void no_instance_from_the_processor_ca(void **state)
{
    ratls_claims claims;
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V4);
    world.platform.platform = false;
    world.ca.subject = world.leaf.issuer = world.pck_crl.issuer = "Intel SGX PCK Processor CA";
    claim(&claims, &world);
    assert_false(claims.has_platform_instance_id);
    ratls_claims_clear(&claims);
    pki_clear(&world);
}

static void lower_evaluation_number(void **state)
{
    ratls_claims claims;
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V4);
    claim(&claims, &world);
    assert_true(claims.has_tcb_evaluation_data_number);
    assert_int_equal(claims.tcb_evaluation_data_number, 17);
    ratls_claims_clear(&claims);
    pki_clear(&world);
}

static void lower_evaluation_number_of_the_qe(void **state)
{
    ratls_claims claims;
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V4);
    pki_edit_add(world.qe_identity.edits, "\"tcbEvaluationDataNumber\":18", "\"tcbEvaluationDataNumber\":4294967295");
    pki_edit_add(world.tcb_info.edits, "\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":4294967294");
    claim(&claims, &world);
    assert_int_equal(claims.tcb_evaluation_data_number, UINT32_C(4294967294));
    ratls_claims_clear(&claims);
    pki_clear(&world);
}

static void statuses_advisories_and_date_of_current_levels(void **state)
{
    static const char *const ids[] = {"INTEL-SA-00003"};
    ratls_claims claims;
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V4);
    claim(&claims, &world);
    assert_int_equal(claims.platform_tcb_status, RATLS_TCB_UP_TO_DATE);
    assert_int_equal(claims.tdx_module_tcb_status, RATLS_TCB_UP_TO_DATE);
    assert_int_equal(claims.qe_tcb_status, RATLS_TCB_UP_TO_DATE);
    assert_advisories(&claims, ids, 1);
    assert_true(claims.has_tcb_date);
    assert_int_equal(claims.tcb_date, date("2024-02-05T00:00:00Z")); /* the module's is the oldest */
    ratls_claims_clear(&claims);
    pki_clear(&world);
}

static void statuses_advisories_and_date_united(void **state)
{
    static const char *const ids[] = {"INTEL-SA-00001", "INTEL-SA-00002", "INTEL-SA-00004"};
    ratls_claims claims;
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V4);
    world.platform.components[0] = world.platform.cpu_svn[0] = 4;
    world.body[0] = 4;
    world.qe_report[258] = 4;
    claim(&claims, &world);
    assert_int_equal(claims.tcb_status, RATLS_TCB_OUT_OF_DATE);
    assert_int_equal(claims.platform_tcb_status, RATLS_TCB_OUT_OF_DATE);
    assert_int_equal(claims.tdx_module_tcb_status, RATLS_TCB_OUT_OF_DATE);
    assert_int_equal(claims.qe_tcb_status, RATLS_TCB_OUT_OF_DATE);
    assert_advisories(&claims, ids, 3);
    assert_int_equal(claims.tcb_date, date("2022-02-02T00:00:00Z"));
    ratls_claims_clear(&claims);
    pki_clear(&world);
}

static void no_module_status_for_sgx(void **state)
{
    ratls_claims claims;
    pki world;

    (void)state;
    pki_init(&world, PKI_SGX_V3);
    claim(&claims, &world);
    assert_int_equal(claims.tdx_module_tcb_status, RATLS_TCB_NONE);
    assert_int_equal(claims.tcb_date, date("2024-02-06T00:00:00Z"));
    ratls_claims_clear(&claims);
    pki_clear(&world);
}

static void relaunch_tells_of_the_launch(void **state)
{
    static const char *const ids[] = {"INTEL-SA-00002", "INTEL-SA-00003"};
    ratls_claims claims;
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V5_TD15);
    world.body[0] = 4;
    claim(&claims, &world);
    assert_int_equal(claims.tcb_status, RATLS_TCB_TD_RELAUNCH_ADVISED);
    assert_int_equal(claims.platform_tcb_status, RATLS_TCB_UP_TO_DATE);
    assert_int_equal(claims.tdx_module_tcb_status, RATLS_TCB_OUT_OF_DATE);
    assert_advisories(&claims, ids, 2);
    ratls_claims_clear(&claims);
    pki_clear(&world);
}

static void worse_current_module_is_told_of(void **state)
{
    ratls_claims claims;
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V5_TD15);
    world.body[RATLS_TD_REPORT_10_LEN] = 4;
    claim(&claims, &world);
    assert_int_equal(claims.tcb_status, RATLS_TCB_OUT_OF_DATE);
    assert_int_equal(claims.tdx_module_tcb_status, RATLS_TCB_OUT_OF_DATE);
    assert_int_equal(claims.tcb_date, date("2022-02-02T00:00:00Z"));
    ratls_claims_clear(&claims);
    pki_clear(&world);
}

/* Verify, and compare the span of the verdict. */
static void assert_span(pki *world, int64_t from, int64_t until)
{
    ratls_claims claims;

    claim(&claims, world);
    assert_true(claims.has_collateral_dates);
    assert_int_equal(claims.valid_from, from);
    assert_int_equal(claims.expires_at, until);
    ratls_claims_clear(&claims);
    pki_clear(world);
}

static void span_of_everything(void **state)
{
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V4);
    assert_span(&world, PKI_ISSUED, PKI_ENDS);
}

/* One part at a time is what ends first and begins last. */
static void span_of_each_part(void **state)
{
    enum { PARTS = 9 };

    (void)state;
    for (int part = 0; part < PARTS; part++) {
        const int64_t begin = PKI_NOW - 10, end = PKI_NOW + 10;
        pki world;

        pki_init(&world, PKI_TDX_V4);
        world.own_qe_signer = true;
        pki_certificate *certificates[] = {&world.leaf, &world.ca, &world.root, &world.signer, &world.qe_signer};
        pki_crl *crls[] = {&world.root_crl, &world.pck_crl};
        pki_document *documents[] = {&world.tcb_info, &world.qe_identity};

        if (part < 5) {
            certificates[part]->not_before = begin;
            certificates[part]->not_after = end;
        } else if (part < 7) {
            crls[part - 5]->this_update = begin;
            crls[part - 5]->next_update = end;
        } else {
            pki_edit_add(documents[part - 7]->edits, "2025-01-01T00:00:00Z", "2025-01-14T23:59:50Z");
            pki_edit_add(documents[part - 7]->edits, "2025-01-31T00:00:00Z", "2025-01-15T00:00:10Z");
        }
        assert_span(&world, begin, end);
    }
}

/* Prepared once, used at any time: dates and revocation are looked at on each use. */
static void prepared_is_checked_on_each_use(void **state)
{
    ratls_trust_anchor anchor;
    ratls_trust *trust;
    ratls_collateral collateral;
    ratls_prepared *prepared;
    ratls_parsed_quote quote;
    ratls_claims claims;
    ratls_error *err = NULL;
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V4);
    pki_build(&world);
    assert_int_equal(ratls_trust_anchor_parse(&anchor, buffer_bytes(&world.anchor_der), NULL), RATLS_OK);
    assert_int_equal(ratls_collateral_parse(&collateral, buffer_bytes(&world.bundle), NULL), RATLS_OK);
    assert_int_equal(ratls_trust_new(&trust, &anchor, NULL), RATLS_OK);
    assert_int_equal(ratls_prepare(&prepared, &collateral, trust, NULL), RATLS_OK);
    assert_int_equal(ratls_quote_parse(&quote, buffer_bytes(&world.quote), NULL), RATLS_OK);
    assert_int_equal(ratls_dcap_verify(&claims, &quote, prepared, PKI_ENDS, NULL), RATLS_OK);
    ratls_claims_clear(&claims);
    ASSERT_FAILS(ratls_dcap_verify(&claims, &quote, prepared, PKI_ENDS + 1, &err), err, RATLS_ERR_COLLATERAL_CRL_EXPIRED);
    ASSERT_FAILS(ratls_dcap_verify(&claims, &quote, prepared, PKI_ISSUED - 1, &err), err, RATLS_ERR_COLLATERAL_CRL_NOT_YET_VALID);
    assert_int_equal(ratls_dcap_recheck(&quote, prepared, PKI_ENDS, NULL), RATLS_OK);
    ASSERT_FAILS(ratls_dcap_recheck(&quote, prepared, PKI_ENDS + 1, &err), err, RATLS_ERR_COLLATERAL_CRL_EXPIRED);
    ratls_prepared_free(prepared);
    ratls_trust_free(trust);
    ratls_collateral_clear(&collateral);
    ratls_trust_anchor_clear(&anchor);
    pki_clear(&world);
}

/* The CRL of another time, under which the same quote's certificate is revoked. */
static void recheck_sees_a_revocation(void **state)
{
    ratls_trust_anchor anchor;
    ratls_trust *trust;
    ratls_collateral collateral;
    ratls_prepared *prepared;
    ratls_parsed_quote quote;
    ratls_error *err = NULL;
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V4);
    world.pck_crl.listed[world.pck_crl.listed_len++] = &world.leaf;
    pki_build(&world);
    assert_int_equal(ratls_trust_anchor_parse(&anchor, buffer_bytes(&world.anchor_der), NULL), RATLS_OK);
    assert_int_equal(ratls_collateral_parse(&collateral, buffer_bytes(&world.bundle), NULL), RATLS_OK);
    assert_int_equal(ratls_trust_new(&trust, &anchor, NULL), RATLS_OK);
    assert_int_equal(ratls_prepare(&prepared, &collateral, trust, NULL), RATLS_OK);
    assert_int_equal(ratls_quote_parse(&quote, buffer_bytes(&world.quote), NULL), RATLS_OK);
    ASSERT_FAILS(ratls_dcap_recheck(&quote, prepared, PKI_NOW, &err), err, RATLS_ERR_DCAP_PCK_REVOKED);
    ratls_prepared_free(prepared);
    ratls_trust_free(trust);
    ratls_collateral_clear(&collateral);
    ratls_trust_anchor_clear(&anchor);
    pki_clear(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(platform_of_the_certificate),
        cmocka_unit_test(no_instance_from_the_processor_ca),
        cmocka_unit_test(lower_evaluation_number),
        cmocka_unit_test(lower_evaluation_number_of_the_qe),
        cmocka_unit_test(statuses_advisories_and_date_of_current_levels),
        cmocka_unit_test(statuses_advisories_and_date_united),
        cmocka_unit_test(no_module_status_for_sgx),
        cmocka_unit_test(relaunch_tells_of_the_launch),
        cmocka_unit_test(worse_current_module_is_told_of),
        cmocka_unit_test(span_of_everything),
        cmocka_unit_test(span_of_each_part),
        cmocka_unit_test(prepared_is_checked_on_each_use),
        cmocka_unit_test(recheck_sees_a_revocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

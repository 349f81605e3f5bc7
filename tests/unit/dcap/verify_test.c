/* The quote itself, its PCK chain from elsewhere, relaunched TDs and what is claimed in the end: DCAP rules 1.6, 3.6,
 * 3.9 to 3.11 and their cases, 7.1, 7.6 to 7.8. */
#include <openssl/bn.h>

#include "dcap/cases.h"

enum { SIGNATURE_AT = 48 + RATLS_TD_REPORT_10_LEN + 4 }; /* of a v4 quote */

static void quote_signature_flipped(pki *world)
{
    world->bad_quote_signature = true;
}

static void signed_by_another_key(pki *world)
{
    /* The QE vouches for the attestation key, but the quote is another's. */
    uint8_t signature[64];
    ratls_bytes message = {world->quote.data, SIGNATURE_AT - 4};

    pki_sign_raw(signature, world->other_key, message);
    memcpy(world->quote.data + SIGNATURE_AT, signature, sizeof signature);
}

static void body_only_signed(pki *world)
{
    world->sign_body_only = true;
}

static void body_changed(pki *world)
{
    world->quote.data[48 + 136] ^= 0x01;
}

static void header_user_data_changed(pki *world)
{
    world->quote.data[28] ^= 0x01;
}

static void descriptor_changed_to_the_other_td(pki *world)
{
    world->quote.data[0] = 5; /* v4 as v5: what was not signed so is not read so */
}

static const char order_digits[] = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";

static void write_order(uint8_t out[32])
{
    assert_true(ratls_hex_read(out, 32, order_digits, 64));
}

static void signature_r_zero(pki *world)
{
    memset(world->quote.data + SIGNATURE_AT, 0, 32);
}

static void signature_s_zero(pki *world)
{
    memset(world->quote.data + SIGNATURE_AT + 32, 0, 32);
}

static void signature_r_order(pki *world)
{
    write_order(world->quote.data + SIGNATURE_AT);
}

static void signature_all_ones(pki *world)
{
    memset(world->quote.data + SIGNATURE_AT, 0xff, 64);
}

/* n - s is as good as s. */
static void signature_high_s(pki *world)
{
    uint8_t order[32];
    uint8_t *s = world->quote.data + SIGNATURE_AT + 32;
    BIGNUM *n, *value = BN_bin2bn(s, 32, NULL);

    write_order(order);
    n = BN_bin2bn(order, sizeof order, NULL);
    assert_int_equal(BN_sub(value, n, value), 1);
    assert_int_equal(BN_bn2binpad(value, s, 32), 32);
    BN_free(n);
    BN_free(value);
}

static void trailing_bytes(pki *world)
{
    buffer_fill(&world->quote, 0xa5, 39);
}

static void td_debug_is_for_the_policy(pki *world)
{
    world->body[120] = 1;
}

/* Chains from elsewhere. */

static void certification_data_3(pki *world)
{
    world->certification_type = 3;
}

static void certification_data_1_and_chain(pki *world)
{
    world->certification_type = 1;
    world->bundle_has_pck_chain = true;
}

static void certification_data_2_and_chain(pki *world)
{
    world->certification_type = 2;
    world->bundle_has_pck_chain = true;
}

static void certification_data_3_and_chain(pki *world)
{
    world->certification_type = 3;
    world->bundle_has_pck_chain = true;
}

static void certification_data_5_and_chain(pki *world)
{
    world->bundle_has_pck_chain = true;
}

static void certification_data_too_long(pki *world)
{
    certification_data_3_and_chain(world);
    world->certification_trailing = 1;
}

static void certification_data_of_another_tcb(pki *world)
{
    certification_data_3_and_chain(world);
    world->certification_cpu_svn_first = 6;
}

static void certification_data_of_another_platform(pki *world)
{
    certification_data_1_and_chain(world);
    world->certification_ppid_first = 1;
}

/* The bundle's chain is a good one of another platform. */
static void chain_of_another_platform(pki *world)
{
    world->bundle_has_pck_chain = true;
    world->leaf.key = world->other_key;
}

static void chain_in_the_bundle_unsigned(pki *world)
{
    world->bundle_has_pck_chain = true;
    world->leaf.bad_signature = true;
}

static void crl_of_the_bundle_s_chain_unsigned(pki *world)
{
    world->bundle_has_pck_chain = true;
    world->pck_crl.bad_signature = true;
}

static void chain_in_the_bundle_null(pki *world)
{
    pki_edit_add(world->bundle_edits, "{\"pck_crl_issuer_chain\"", "{\"pck_certificate_chain\":null,\"pck_crl_issuer_chain\"");
}

/* TD 1.5: launched under one module, running under another. */

static void launched_on(pki *world, uint8_t svn)
{
    world->body[0] = svn;
}

static void running_on(pki *world, uint8_t svn)
{
    world->body[RATLS_TD_REPORT_10_LEN] = svn;
}

static void launched_out_of_date(pki *world)
{
    launched_on(world, 4);
}

static void running_out_of_date(pki *world)
{
    running_on(world, 4);
}

static void both_out_of_date(pki *world)
{
    launched_on(world, 4);
    running_on(world, 4);
}

static void launched_out_of_date_configuration(pki *world)
{
    launched_out_of_date(world);
    world->tcb_info.status = "ConfigurationNeeded";
}

static void launched_out_of_date_hardening(pki *world)
{
    launched_out_of_date(world);
    world->tcb_info.status = "SWHardeningNeeded";
}

static void launched_revoked(pki *world)
{
    launched_out_of_date(world);
    world->module_second_status = "Revoked";
}

static void running_revoked(pki *world)
{
    running_out_of_date(world);
    world->module_second_status = "Revoked";
}

static void launched_out_of_date_running_revoked(pki *world)
{
    launched_on(world, 5);
    running_on(world, 3);
    world->module_status = "OutOfDate";
    world->module_second_status = "Revoked";
}

static void qe_out_of_date_too(pki *world)
{
    launched_out_of_date(world);
    world->qe_identity.status = "OutOfDate";
}

static void running_below_every_level(pki *world)
{
    running_on(world, 2);
}

static void running_module_unknown(pki *world)
{
    world->body[RATLS_TD_REPORT_10_LEN + 1] = 9;
}

static void running_module_of_another_signer(pki *world)
{
    world->body[RATLS_TD_REPORT_10_LEN + 1] = 3;
    pki_edit_add(world->tcb_info.edits, "TDX_03\",\"mrsigner\":\"00", "TDX_03\",\"mrsigner\":\"01");
}

static void running_svn_of_zeros(pki *world)
{
    memset(world->body + RATLS_TD_REPORT_10_LEN, 0, 16);
}

/* What would be relaunched is not told of in a TD 1.0 report. */
static void td_1_0_with_the_same_bytes(pki *world)
{
    running_out_of_date(world);
}

static const dcap_case cases[] = {
    FAILS(quote_signature_flipped, DCAP_QUOTE_SIGNATURE),
    DAMAGED(signed_by_another_key, DCAP_QUOTE_SIGNATURE),
    FAILS(body_only_signed, DCAP_QUOTE_SIGNATURE),
    FAILS_ON(PKI_TDX_V5_TD15, body_only_signed, DCAP_QUOTE_SIGNATURE),
    DAMAGED(body_changed, DCAP_QUOTE_SIGNATURE),
    DAMAGED(header_user_data_changed, DCAP_QUOTE_SIGNATURE),
    DAMAGED(descriptor_changed_to_the_other_td, EVIDENCE_QUOTE_BODY_TYPE),
    DAMAGED(signature_r_zero, DCAP_QUOTE_SIGNATURE),
    DAMAGED(signature_s_zero, DCAP_QUOTE_SIGNATURE),
    DAMAGED(signature_r_order, DCAP_QUOTE_SIGNATURE),
    DAMAGED(signature_all_ones, DCAP_QUOTE_SIGNATURE),
    {"signature_high_s", PKI_TDX_V4, NULL, signature_high_s, RATLS_OK, RATLS_TCB_UP_TO_DATE, 0},
    {"trailing_bytes", PKI_TDX_V4, NULL, trailing_bytes, RATLS_OK, RATLS_TCB_UP_TO_DATE, 0},
    PASSES(td_debug_is_for_the_policy),
    FAILS(certification_data_3, DCAP_PCK_CHAIN_MISSING),
    PASSES(certification_data_1_and_chain),
    PASSES(certification_data_2_and_chain),
    PASSES(certification_data_3_and_chain),
    PASSES_ON(PKI_SGX_V3, certification_data_3_and_chain),
    PASSES(certification_data_5_and_chain),
    FAILS(certification_data_too_long, EVIDENCE_QUOTE_CERT_SIZE),
    FAILS(certification_data_of_another_tcb, DCAP_PCK_CERT_MISMATCH),
    FAILS(certification_data_of_another_platform, DCAP_PCK_CERT_MISMATCH),
    FAILS(chain_of_another_platform, DCAP_QE_REPORT_SIGNATURE),
    FAILS(chain_in_the_bundle_unsigned, COLLATERAL_PCK_CHAIN),
    FAILS(crl_of_the_bundle_s_chain_unsigned, COLLATERAL_CRL_SIGNATURE),
    PASSES(chain_in_the_bundle_null),
    GIVES(PKI_TDX_V5_TD15, launched_out_of_date, TD_RELAUNCH_ADVISED),
    GIVES(PKI_TDX_V5_TD15, running_out_of_date, OUT_OF_DATE),
    GIVES(PKI_TDX_V5_TD15, both_out_of_date, OUT_OF_DATE),
    GIVES(PKI_TDX_V5_TD15, launched_out_of_date_configuration, TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED),
    GIVES(PKI_TDX_V5_TD15, launched_out_of_date_hardening, TD_RELAUNCH_ADVISED),
    GIVES(PKI_TDX_V5_TD15, launched_revoked, REVOKED),
    GIVES(PKI_TDX_V5_TD15, running_revoked, REVOKED),
    GIVES(PKI_TDX_V5_TD15, launched_out_of_date_running_revoked, REVOKED),
    GIVES(PKI_TDX_V5_TD15, qe_out_of_date_too, OUT_OF_DATE),
    FAILS_ON(PKI_TDX_V5_TD15, running_below_every_level, DCAP_TDX_MODULE_SVN_UNSUPPORTED),
    FAILS_ON(PKI_TDX_V5_TD15, running_module_unknown, DCAP_TDX_MODULE_UNKNOWN),
    FAILS_ON(PKI_TDX_V5_TD15, running_module_of_another_signer, DCAP_TDX_MRSIGNERSEAM),
    FAILS_ON(PKI_TDX_V5_TD15, running_svn_of_zeros, DCAP_TCB_NOT_SUPPORTED),
    PASSES_ON(PKI_TDX_V5_TD10, td_1_0_with_the_same_bytes),
};

int main(void)
{
    return DCAP_CASES_RUN("verify", cases);
}

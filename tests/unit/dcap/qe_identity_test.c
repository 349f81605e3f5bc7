/* Rules for the QE identity and the QE report: DCAP rules 3.5, 3.6 and their cases, 7.5. */
#include "dcap/cases.h"

/* A change by one edit of the document before it is signed. */
#define EDIT(name, from, to)                                  \
    static void name(pki *world)                              \
    {                                                         \
        pki_edit_add(world->qe_identity.edits, (from), (to)); \
    }

EDIT(expired, "2025-01-31T00:00:00Z", "2025-01-14T23:59:59Z")
EDIT(last_second, "2025-01-31T00:00:00Z", "2025-01-15T00:00:00Z")
EDIT(not_yet_issued, "2025-01-01T00:00:00Z", "2025-01-15T00:00:01Z")
EDIT(issued_after_next_update, "2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z")
EDIT(not_json, "{\"id\"", "not valid json {{{\"id\"")
EDIT(key_twice, "\"isvprodid\":2", "\"isvprodid\":2,\"isvprodid\":2")
EDIT(version_1, "\"version\":2", "\"version\":1")
EDIT(version_3, "\"version\":2", "\"version\":3")
EDIT(id_of_another_enclave, "\"TD_QE\"", "\"QVE\"")
EDIT(id_lower_case, "\"TD_QE\"", "\"td_qe\"")
EDIT(id_missing, "\"id\":\"TD_QE\",", "")
EDIT(mrsigner_short, "\"mrsigner\":\"DC", "\"mrsigner\":\"")
EDIT(mrsigner_of_another, "\"mrsigner\":\"DC", "\"mrsigner\":\"DD")
EDIT(isvprodid_of_another, "\"isvprodid\":2", "\"isvprodid\":1")
EDIT(isvprodid_65536, "\"isvprodid\":2", "\"isvprodid\":65536")
EDIT(miscselect_long, "\"miscselect\":\"00", "\"miscselect\":\"0000")
EDIT(miscselect_wanted, "\"miscselect\":\"00", "\"miscselect\":\"01")
EDIT(miscselect_outside_mask, "\"miscselect\":\"00000000\",\"miscselectMask\":\"FF", "\"miscselect\":\"01000000\",\"miscselectMask\":\"FE")
EDIT(attributes_wanted, "\"attributes\":\"11", "\"attributes\":\"31")
EDIT(attributes_outside_mask, "\"attributes\":\"11", "\"attributes\":\"15")
EDIT(mask_missing, "\"attributesMask\"", "\"attributesmask\"")
EDIT(debug_masked_out, "\"attributesMask\":\"FB", "\"attributesMask\":\"F9")
EDIT(levels_empty, "\"tcbLevels\":[", "\"tcbLevels\":[],\"other\":[")
EDIT(levels_missing, "\"tcbLevels\"", "\"levels\"")
EDIT(level_twice, "\"isvsvn\":4", "\"isvsvn\":6")
EDIT(level_65536, "\"isvsvn\":6", "\"isvsvn\":65536")
EDIT(level_above, "\"isvsvn\":6", "\"isvsvn\":7")
EDIT(level_without_tcb, "\"tcb\":{\"isvsvn\":6}", "\"tcb\":6")
EDIT(evaluation_number_missing, "\"tcbEvaluationDataNumber\":18,", "")

/* A level below all others first: the highest that is reached still counts. */
EDIT(levels_ascending, "\"tcbLevels\":[", "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":1},\"tcbDate\":\"2020-01-01T00:00:00Z\",\"tcbStatus\":\"Revoked\"},")

static void of_the_other_tee(pki *world)
{
    world->other_tee_qe_identity = true;
}

static void signature_flipped(pki *world)
{
    world->qe_identity.bad_signature = true;
}

static void signed_by_another(pki *world)
{
    world->qe_identity.key = world->other_key;
}

static void space_added(pki *world)
{
    world->qe_identity.late = (pki_edit){"\"version\":2", "\"version\": 2"};
}

static void signature_short(pki *world)
{
    pki_edit_add(world->bundle_edits, "\"qe_identity_signature\":\"", "\"qe_identity_signature\":\"00\",\"other\":\"");
}

static void status_unknown(pki *world)
{
    world->qe_identity.status = "SWHardeningNeeded"; /* of a platform, never of an enclave */
}

static void level_revoked(pki *world)
{
    world->qe_identity.status = "Revoked";
}

static void level_out_of_date(pki *world)
{
    world->qe_identity.status = "OutOfDate";
}

static void level_out_of_date_under(pki *world, const char *platform)
{
    level_out_of_date(world);
    world->tcb_info.status = platform;
}

static void out_of_date_under_hardening(pki *world)
{
    level_out_of_date_under(world, "SWHardeningNeeded");
}

static void out_of_date_under_configuration(pki *world)
{
    level_out_of_date_under(world, "ConfigurationNeeded");
}

static void out_of_date_under_configuration_and_hardening(pki *world)
{
    level_out_of_date_under(world, "ConfigurationAndSWHardeningNeeded");
}

static void out_of_date_under_out_of_date(pki *world)
{
    level_out_of_date_under(world, "OutOfDate");
}

static void out_of_date_under_out_of_date_configuration(pki *world)
{
    level_out_of_date_under(world, "OutOfDateConfigurationNeeded");
}

static void out_of_date_under_revoked(pki *world)
{
    level_out_of_date_under(world, "Revoked");
}

/* The report. */

static void report_svn_below_every_level(pki *world)
{
    world->qe_report[258] = 3;
}

static void report_svn_on_the_second_level(pki *world)
{
    world->qe_report[258] = 5;
}

static void report_svn_of_two_bytes(pki *world)
{
    world->qe_report[258] = 0;
    world->qe_report[259] = 1;
}

static void report_mrsigner(pki *world)
{
    world->qe_report[128] ^= 1;
}

static void report_isvprodid(pki *world)
{
    world->qe_report[257] = 1;
}

static void report_miscselect(pki *world)
{
    world->qe_report[19] = 0x80;
}

static void report_attributes(pki *world)
{
    world->qe_report[48] |= 0x20;
}

static void report_attributes_outside_the_mask(pki *world)
{
    world->qe_report[48] ^= 0x04; /* MODE64 */
    world->qe_report[56] = 0xe7;  /* XFRM */
}

static void report_debug(pki *world)
{
    world->qe_report[48] |= 0x02;
}

static void report_debug_masked_out(pki *world)
{
    report_debug(world);
    debug_masked_out(world);
}

static void report_signature_flipped(pki *world)
{
    world->bad_qe_signature = true;
}

static void report_data_of_another_key(pki *world)
{
    world->keep_report_data = true;
    memset(world->qe_report + 320, 0x5a, 32);
}

static void report_data_with_a_tail(pki *world)
{
    world->qe_report[320 + 32] = 1;
}

static void authentication_data_of(pki *world, size_t len)
{
    world->authentication_len = len;
}

static void authentication_data_of_0(pki *world)
{
    authentication_data_of(world, 0);
}

static void authentication_data_of_31(pki *world)
{
    authentication_data_of(world, 31);
}

static void authentication_data_of_64(pki *world)
{
    authentication_data_of(world, 64);
}

static void attestation_key_off_curve(pki *world)
{
    world->attestation_key_off_curve = true;
}

/* Byte `at` from the end of the QE report's signature, in a v4 quote. */
static uint8_t *after_qe_report_signature(pki *world, size_t at)
{
    size_t start = 48 + RATLS_TD_REPORT_10_LEN + 4 + 128 + 6 + RATLS_ENCLAVE_REPORT_LEN + 64;

    return world->quote.data + start + at;
}

static void authentication_data_changed(pki *world)
{
    *after_qe_report_signature(world, 2) ^= 1;
}

static void attestation_key_replaced(pki *world)
{
    uint8_t point[64];

    pki_point(point, world->other_key);
    memcpy(world->quote.data + 48 + RATLS_TD_REPORT_10_LEN + 4 + 64, point, sizeof point);
}

static void attestation_key_of_zeros(pki *world)
{
    memset(world->quote.data + 48 + RATLS_TD_REPORT_10_LEN + 4 + 64, 0, 64);
}

static void report_signature_of_ones(pki *world)
{
    uint8_t *signature = after_qe_report_signature(world, 0) - 64;

    memset(signature, 0, 64);
    signature[31] = signature[63] = 1;
}

static const dcap_case cases[] = {
    FAILS(expired, COLLATERAL_QE_IDENTITY_EXPIRED),
    PASSES(last_second),
    FAILS(not_yet_issued, COLLATERAL_QE_IDENTITY_NOT_YET_VALID),
    FAILS(issued_after_next_update, COLLATERAL_QE_IDENTITY_FORMAT),
    FAILS(not_json, COLLATERAL_QE_IDENTITY_FORMAT),
    FAILS(key_twice, COLLATERAL_DUPLICATE_KEY),
    FAILS(version_1, COLLATERAL_QE_IDENTITY_VERSION),
    FAILS(version_3, COLLATERAL_QE_IDENTITY_VERSION),
    FAILS(of_the_other_tee, COLLATERAL_QE_IDENTITY_TEE),
    FAILS_ON(PKI_SGX_V3, of_the_other_tee, COLLATERAL_QE_IDENTITY_TEE),
    FAILS(id_of_another_enclave, COLLATERAL_QE_IDENTITY_TEE),
    FAILS(id_lower_case, COLLATERAL_QE_IDENTITY_TEE),
    FAILS(id_missing, COLLATERAL_QE_IDENTITY_FORMAT),
    FAILS(mrsigner_short, COLLATERAL_QE_IDENTITY_FORMAT),
    FAILS(mrsigner_of_another, DCAP_QE_MRSIGNER),
    FAILS(isvprodid_of_another, DCAP_QE_ISVPRODID),
    FAILS(isvprodid_65536, COLLATERAL_QE_IDENTITY_FORMAT),
    FAILS(miscselect_long, COLLATERAL_QE_IDENTITY_FORMAT),
    FAILS(miscselect_wanted, DCAP_QE_MISCSELECT),
    FAILS(miscselect_outside_mask, COLLATERAL_QE_IDENTITY_FORMAT),
    FAILS(attributes_wanted, DCAP_QE_ATTRIBUTES),
    FAILS(attributes_outside_mask, COLLATERAL_QE_IDENTITY_FORMAT),
    FAILS(mask_missing, COLLATERAL_QE_IDENTITY_FORMAT),
    FAILS(levels_empty, COLLATERAL_QE_IDENTITY_FORMAT),
    FAILS(levels_missing, COLLATERAL_QE_IDENTITY_FORMAT),
    FAILS(level_twice, COLLATERAL_QE_IDENTITY_FORMAT),
    FAILS(level_65536, COLLATERAL_QE_IDENTITY_FORMAT),
    GIVES(PKI_TDX_V4, level_above, OUT_OF_DATE),
    FAILS(level_without_tcb, COLLATERAL_QE_IDENTITY_FORMAT),
    FAILS(evaluation_number_missing, COLLATERAL_QE_IDENTITY_FORMAT),
    PASSES(levels_ascending),
    FAILS(signature_flipped, COLLATERAL_QE_IDENTITY_SIGNATURE),
    FAILS(signed_by_another, COLLATERAL_QE_IDENTITY_SIGNATURE),
    FAILS(space_added, COLLATERAL_QE_IDENTITY_SIGNATURE),
    FAILS(signature_short, COLLATERAL_QE_IDENTITY_FORMAT),
    FAILS(status_unknown, COLLATERAL_TCB_STATUS_UNKNOWN),
    GIVES(PKI_TDX_V4, level_revoked, REVOKED),
    GIVES(PKI_SGX_V3, level_revoked, REVOKED),
    GIVES(PKI_TDX_V4, level_out_of_date, OUT_OF_DATE),
    GIVES(PKI_TDX_V4, out_of_date_under_hardening, OUT_OF_DATE),
    GIVES(PKI_TDX_V4, out_of_date_under_configuration, OUT_OF_DATE_CONFIGURATION_NEEDED),
    GIVES(PKI_TDX_V4, out_of_date_under_configuration_and_hardening, OUT_OF_DATE_CONFIGURATION_NEEDED),
    GIVES(PKI_TDX_V4, out_of_date_under_out_of_date, OUT_OF_DATE),
    GIVES(PKI_TDX_V4, out_of_date_under_out_of_date_configuration, OUT_OF_DATE_CONFIGURATION_NEEDED),
    GIVES(PKI_TDX_V4, out_of_date_under_revoked, REVOKED),
    FAILS(report_svn_below_every_level, DCAP_QE_SVN_UNSUPPORTED),
    GIVES(PKI_TDX_V4, report_svn_on_the_second_level, OUT_OF_DATE),
    PASSES(report_svn_of_two_bytes),
    FAILS(report_mrsigner, DCAP_QE_MRSIGNER),
    FAILS(report_isvprodid, DCAP_QE_ISVPRODID),
    FAILS(report_miscselect, DCAP_QE_MISCSELECT),
    FAILS(report_attributes, DCAP_QE_ATTRIBUTES),
    PASSES(report_attributes_outside_the_mask),
    FAILS(report_debug, DCAP_QE_DEBUG),
    FAILS(report_debug_masked_out, DCAP_QE_DEBUG),
    FAILS(report_signature_flipped, DCAP_QE_REPORT_SIGNATURE),
    FAILS(report_data_of_another_key, DCAP_QE_REPORT_DATA),
    FAILS(report_data_with_a_tail, DCAP_QE_REPORT_DATA),
    PASSES(authentication_data_of_0),
    PASSES(authentication_data_of_31),
    PASSES(authentication_data_of_64),
    FAILS(attestation_key_off_curve, DCAP_ATTESTATION_KEY),
    DAMAGED(authentication_data_changed, DCAP_QE_REPORT_DATA),
    DAMAGED(attestation_key_replaced, DCAP_QE_REPORT_DATA),
    DAMAGED(attestation_key_of_zeros, DCAP_QE_REPORT_DATA),
    DAMAGED(report_signature_of_ones, DCAP_QE_REPORT_SIGNATURE),
};

int main(void)
{
    return DCAP_CASES_RUN("qe_identity", cases);
}

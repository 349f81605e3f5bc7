/* Rules for TCB info and the levels in it: DCAP rules 3.4, 3.7, 3.8 and their cases, 7.4. */
#include "dcap/cases.h"

/* A change by one edit of the document before it is signed. */
#define EDIT(name, from, to)                               \
    static void name(pki *world)                           \
    {                                                      \
        pki_edit_add(world->tcb_info.edits, (from), (to)); \
    }

EDIT(expired, "2025-01-31T00:00:00Z", "2025-01-14T23:59:59Z")
EDIT(last_second, "2025-01-31T00:00:00Z", "2025-01-15T00:00:00Z")
EDIT(not_yet_issued, "2025-01-01T00:00:00Z", "2025-01-15T00:00:01Z")
EDIT(issued_after_next_update, "2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z")
EDIT(next_update_february_30, "2025-01-31T00:00:00Z", "2025-02-30T00:00:00Z")
EDIT(next_update_offset, "2025-01-31T00:00:00Z", "2025-01-31T00:00:00+00:00")
EDIT(next_update_lower_case, "2025-01-31T00:00:00Z", "2025-01-31t00:00:00z")
EDIT(next_update_hour_24, "2025-01-31T00:00:00Z", "2025-01-31T24:00:00Z")
EDIT(next_update_missing, "\"nextUpdate\"", "\"nextupdate\"")
EDIT(id_sgx_for_tdx, "\"id\":\"TDX\"", "\"id\":\"SGX\"")
EDIT(id_unknown, "\"id\":\"TDX\"", "\"id\":\"tdx\"")
EDIT(id_tdx_for_sgx, "\"id\":\"SGX\"", "\"id\":\"TDX\"")
EDIT(version_2, "\"version\":3", "\"version\":2")
EDIT(version_4, "\"version\":3", "\"version\":4")
EDIT(version_text, "\"version\":3", "\"version\":\"3\"")
EDIT(tcb_type_1, "\"tcbType\":0", "\"tcbType\":1")
EDIT(tcb_type_missing, "\"tcbType\":0,", "")
EDIT(fmspc_of_another_platform, "B0C06F000000", "B0C06F000001")
EDIT(fmspc_lower_case, "B0C06F000000", "b0c06f000000")
EDIT(fmspc_short, "B0C06F000000", "B0C06F0000")
EDIT(pce_id_of_another_platform, "\"pceId\":\"0000\"", "\"pceId\":\"0001\"")
EDIT(evaluation_number_missing, "\"tcbEvaluationDataNumber\":17,", "")
EDIT(evaluation_number_negative, "\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":-1")
EDIT(not_json, "{\"id\"", "{{\"id\"")
EDIT(not_an_object, "{\"id\":\"TDX\"", "[{\"id\":\"TDX\"")
EDIT(key_twice, "\"tcbType\":0", "\"tcbType\":0,\"tcbLevels\":[]")
EDIT(key_in_upper_case, "\"pcesvn\":11", "\"PCESVN\":11")
EDIT(svn_256, "{\"svn\":5}", "{\"svn\":256}")
EDIT(svn_257, "{\"svn\":5}", "{\"svn\":257}")
EDIT(svn_negative, "{\"svn\":5}", "{\"svn\":-1}")
EDIT(svn_fraction, "{\"svn\":5}", "{\"svn\":1.5}")
EDIT(svn_whole_fraction, "{\"svn\":5}", "{\"svn\":5.0}")
EDIT(svn_text, "{\"svn\":5}", "{\"svn\":\"5\"}")
EDIT(svn_exponent, "{\"svn\":5}", "{\"svn\":1e0}")
EDIT(svn_leading_zero, "{\"svn\":5}", "{\"svn\":05}")
EDIT(svn_bare, "{\"svn\":5}", "5")
EDIT(sgx_components_15, "\"sgxtcbcomponents\":[{\"svn\":5},", "\"sgxtcbcomponents\":[")
EDIT(sgx_components_17, "\"sgxtcbcomponents\":[", "\"sgxtcbcomponents\":[{\"svn\":5},")
EDIT(tdx_components_15, "\"tdxtcbcomponents\":[{\"svn\":5},", "\"tdxtcbcomponents\":[")
EDIT(tdx_components_17, "\"tdxtcbcomponents\":[", "\"tdxtcbcomponents\":[{\"svn\":5},")
EDIT(tdx_components_missing, "tdxtcbcomponents", "tdxcomponents")
EDIT(tdx_components_for_sgx, "\"pcesvn\":11}", "\"pcesvn\":11,\"tdxtcbcomponents\":[]}")
EDIT(pce_svn_65536, "\"pcesvn\":11", "\"pcesvn\":65536")
EDIT(levels_empty_text, "\"tcbLevels\":[{\"tcb\":{\"sgx", "\"tcbLevels\":[],\"other\":[{\"tcb\":{\"sgx")
EDIT(level_without_status, "\"tcbStatus\":\"UpToDate\",\"adv", "\"status\":\"UpToDate\",\"adv")
EDIT(level_date_malformed, "2024-03-13T00:00:00Z", "2024-03-13")
EDIT(advisories_not_a_list, "[\"INTEL-SA-00003\"]", "\"INTEL-SA-00003\"")
EDIT(advisory_with_a_space, "INTEL-SA-00003", "INTEL SA")
EDIT(advisory_empty, "INTEL-SA-00003", "")
EDIT(advisory_document, "INTEL-SA-00003", "INTEL-DOC-00003")
EDIT(advisory_too_long, "INTEL-SA-00003", "INTEL-SA-0000000000000000000000000000000000000000000000000000000000")
EDIT(level_sgx_above_platform, "\"sgxtcbcomponents\":[{\"svn\":5}", "\"sgxtcbcomponents\":[{\"svn\":6}")
EDIT(level_tdx_0_above_platform, "\"tdxtcbcomponents\":[{\"svn\":5}", "\"tdxtcbcomponents\":[{\"svn\":6}")
EDIT(level_pce_svn_above_platform, "\"pcesvn\":11", "\"pcesvn\":12")
EDIT(tdx_module_missing, "\"tdxModule\":", "\"module\":")
EDIT(tdx_module_for_sgx, "\"tcbLevels\"", "\"tdxModule\":{},\"tcbLevels\"")
EDIT(tdx_identities_for_sgx, "\"tcbLevels\"", "\"tdxModuleIdentities\":[],\"tcbLevels\"")
EDIT(identities_missing, "\"tdxModuleIdentities\"", "\"moduleIdentities\"")
EDIT(identities_empty, "\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":[],\"others\":[")
EDIT(identities_not_a_list, "\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":{},\"others\":[")
EDIT(identity_of_module_unknown, "TDX_01", "TDX_02")
EDIT(identity_lower_case, "TDX_01", "tdx_01")
EDIT(identity_twice, "TDX_03", "tdx_01")
EDIT(identity_malformed, "TDX_03", "TDX_3")
EDIT(identity_not_hex, "TDX_03", "TDX_0g")
EDIT(identity_levels_empty, "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":5}", "\"tcbLevels\":[],\"other\":[{\"tcb\":{\"isvsvn\":5}")
EDIT(identity_level_twice, "\"isvsvn\":3", "\"isvsvn\":5")
EDIT(identity_level_256, "\"isvsvn\":5", "\"isvsvn\":256")
EDIT(module_level_above, "\"isvsvn\":5", "\"isvsvn\":6")
EDIT(attributes_masked_out, "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"},\"tdxModuleIdentities\"", "\"attributesMask\":\"00\"},\"tdxModuleIdentities\"")

static void of_the_other_tee(pki *world)
{
    world->other_tee_tcb_info = true;
}

static void signature_flipped(pki *world)
{
    world->tcb_info.bad_signature = true;
}

static void signed_by_another(pki *world)
{
    world->tcb_info.key = world->other_key;
}

static void space_added(pki *world)
{
    world->tcb_info.late = (pki_edit){"\"version\":3", "\"version\": 3"};
}

static void signature_of_127_digits(pki *world)
{
    pki_edit_add(world->bundle_edits, "\",\"qe_identity_issuer_chain\"", "0\",\"qe_identity_issuer_chain\"");
}

static void signature_not_hex(pki *world)
{
    pki_edit_add(world->bundle_edits, "\"tcb_info_signature\":\"", "\"tcb_info_signature\":\"zz");
}

static void signature_of_zeros(pki *world)
{
    pki_edit_add(world->bundle_edits, "\"tcb_info_signature\":\"",
                 "\"tcb_info_signature\":\"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
                 "000000000000000000000000\",\"other\":\"");
}

static void status_unknown(pki *world)
{
    world->tcb_info.status = "Foo";
}

static void status_of_a_verdict(pki *world)
{
    world->tcb_info.status = "TDRelaunchAdvised";
}

static void status_in_the_product_s_words(pki *world)
{
    world->tcb_info.status = "OK";
}

static void status_unknown_below(pki *world)
{
    world->tcb_info.second_status = "outofdate";
}

static void module_status_of_a_platform(pki *world)
{
    world->module_status = "ConfigurationNeeded";
}

static void nested_33(pki *world)
{
    pki_edit_add(world->tcb_info.edits, "\"tcbType\"", "\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],\"tcbType\"");
}

static void levels_the_same(pki *world)
{
    /* The second level's numbers become the first one's: one list by one. */
    pki_edit_add(world->tcb_info.edits, "\"tcbLevels\":[{\"tcb\":{\"sgx", "\"tcbLevels\":[SECOND,{\"tcb\":{\"sgx");
    pki_edit_add(world->tcb_info.edits, "SECOND",
                 "{\"tcb\":{\"sgxtcbcomponents\":[{\"svn\":5},{\"svn\":5},{\"svn\":5},{\"svn\":5},{\"svn\":5},{\"svn\":5},{\"svn\":5},{\"svn\":5},"
                 "{\"svn\":5},{\"svn\":5},{\"svn\":5},{\"svn\":5},{\"svn\":5},{\"svn\":5},{\"svn\":5},{\"svn\":5}],\"pcesvn\":11,"
                 "\"tdxtcbcomponents\":[{\"svn\":5},{\"svn\":0},{\"svn\":2},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},"
                 "{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0}]},"
                 "\"tcbDate\":\"2020-01-01T00:00:00Z\",\"tcbStatus\":\"Revoked\"}");
}

/* A better level at the end of the list is found first all the same. */
static void levels_out_of_order(pki *world)
{
    levels_the_same(world);
    pki_edit_add(world->tcb_info.edits, "{\"svn\":5},{\"svn\":5}", "{\"svn\":5},{\"svn\":4}");
}

static void platform_above_every_level(pki *world)
{
    memset(world->platform.components, 9, sizeof world->platform.components);
    memset(world->platform.cpu_svn, 9, sizeof world->platform.cpu_svn);
    world->platform.pce_svn = 12;
}

static void platform_on_the_second_level(pki *world)
{
    world->platform.components[15] = world->platform.cpu_svn[15] = 4;
}

static void platform_below_every_level(pki *world)
{
    world->platform.components[15] = world->platform.cpu_svn[15] = 2;
}

static void platform_pce_svn_below(pki *world)
{
    world->platform.pce_svn = 10;
}

static void tdx_2_below_every_level(pki *world)
{
    world->body[2] = 1;
}

static void svn_of_a_module_before_1_5(pki *world)
{
    world->body[1] = 0;
}

static void svn_0_below_in_a_module_before_1_5(pki *world)
{
    world->body[1] = 0;
    world->body[0] = 2;
}

static void svn_0_on_the_second_level_before_1_5(pki *world)
{
    world->body[1] = 0;
    world->body[0] = 3;
}

static void module_before_1_5_needs_no_identities(pki *world)
{
    world->body[1] = 0;
    identities_missing(world);
}

static void module_3(pki *world)
{
    world->body[1] = 3;
}

static void module_10_in_upper_case(pki *world)
{
    world->body[1] = 0x0a;
    pki_edit_add(world->tcb_info.edits, "TDX_03", "tdx_0A");
}

static void module_svn_on_the_second_level(pki *world)
{
    world->body[0] = 4;
}

static void module_svn_below_every_level(pki *world)
{
    world->body[0] = 2;
}

static void identity_signer_of_another(pki *world)
{
    pki_edit_add(world->tcb_info.edits, "TDX_01\",\"mrsigner\":\"00", "TDX_01\",\"mrsigner\":\"01");
}

static void module_signer_of_another_is_not_used(pki *world)
{
    pki_edit_add(world->tcb_info.edits, "\"tdxModule\":{\"mrsigner\":\"00", "\"tdxModule\":{\"mrsigner\":\"01");
}

static void module_signer_of_another_before_1_5(pki *world)
{
    world->body[1] = 0;
    module_signer_of_another_is_not_used(world);
}

static void mr_signer_seam_set(pki *world)
{
    world->body[64] = 1;
}

static void seam_attributes_set(pki *world)
{
    world->body[112] = 1;
}

static void seam_attributes_set_outside_the_mask(pki *world)
{
    world->body[112] = 1;
    pki_edit_add(world->tcb_info.edits, "FFFFFFFFFFFFFFFF\",\"tcbLevels\"", "0000000000000000\",\"tcbLevels\"");
}

static void seam_attributes_as_the_identity_has_them(pki *world)
{
    world->body[112] = 1;
    pki_edit_add(world->tcb_info.edits, "TDX_01\",\"mrsigner\"", "TDX_01\",\"x\":0,\"mrsigner\"");
    pki_edit_add(world->tcb_info.edits, "\"x\":0", "\"attributes\":\"0100000000000000\",\"x\":0");
    pki_edit_add(world->tcb_info.edits, "000\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\",\"tcbLevels\"",
                 "000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\",\"tcbLevels\"");
}

static void platform_status(pki *world, const char *status)
{
    world->tcb_info.status = status;
}

static void platform_revoked(pki *world)
{
    platform_status(world, "Revoked");
}

static void platform_hardening(pki *world)
{
    platform_status(world, "SWHardeningNeeded");
}

static void platform_configuration(pki *world)
{
    platform_status(world, "ConfigurationNeeded");
}

static void platform_configuration_module_out_of_date(pki *world)
{
    platform_configuration(world);
    module_svn_on_the_second_level(world);
}

static void module_revoked(pki *world)
{
    world->module_status = "Revoked";
}

static const dcap_case cases[] = {
    FAILS(expired, COLLATERAL_TCB_INFO_EXPIRED),
    PASSES(last_second),
    FAILS(not_yet_issued, COLLATERAL_TCB_INFO_NOT_YET_VALID),
    FAILS(issued_after_next_update, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(next_update_february_30, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(next_update_offset, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(next_update_lower_case, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(next_update_hour_24, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(next_update_missing, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(id_sgx_for_tdx, COLLATERAL_TCB_INFO_FORMAT), /* it has TDX modules */
    FAILS(of_the_other_tee, COLLATERAL_TCB_INFO_TEE),
    FAILS_ON(PKI_SGX_V3, of_the_other_tee, COLLATERAL_TCB_INFO_TEE),
    FAILS(id_unknown, COLLATERAL_TCB_INFO_TEE),
    FAILS_ON(PKI_SGX_V3, id_tdx_for_sgx, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(version_2, COLLATERAL_TCB_INFO_VERSION),
    FAILS(version_4, COLLATERAL_TCB_INFO_VERSION),
    FAILS(version_text, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(tcb_type_1, COLLATERAL_TCB_INFO_TYPE),
    FAILS(tcb_type_missing, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(fmspc_of_another_platform, COLLATERAL_TCB_INFO_FMSPC),
    PASSES(fmspc_lower_case),
    FAILS(fmspc_short, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(pce_id_of_another_platform, COLLATERAL_TCB_INFO_PCEID),
    FAILS(evaluation_number_missing, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(evaluation_number_negative, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(not_json, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(not_an_object, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(key_twice, COLLATERAL_DUPLICATE_KEY),
    FAILS(key_in_upper_case, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(svn_256, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(svn_257, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(svn_negative, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(svn_fraction, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(svn_whole_fraction, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(svn_text, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(svn_exponent, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(svn_leading_zero, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(svn_bare, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(sgx_components_15, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(sgx_components_17, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(tdx_components_15, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(tdx_components_17, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(tdx_components_missing, COLLATERAL_TCB_INFO_FORMAT),
    FAILS_ON(PKI_SGX_V3, tdx_components_for_sgx, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(pce_svn_65536, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(levels_empty_text, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(level_without_status, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(level_date_malformed, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(advisories_not_a_list, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(advisory_with_a_space, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(advisory_empty, COLLATERAL_TCB_INFO_FORMAT),
    PASSES(advisory_document),
    FAILS(advisory_too_long, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(levels_the_same, COLLATERAL_TCB_INFO_DUPLICATE_LEVEL),
    PASSES(levels_out_of_order),
    FAILS(status_unknown, COLLATERAL_TCB_STATUS_UNKNOWN),
    FAILS(status_of_a_verdict, COLLATERAL_TCB_STATUS_UNKNOWN),
    FAILS(status_in_the_product_s_words, COLLATERAL_TCB_STATUS_UNKNOWN),
    FAILS(status_unknown_below, COLLATERAL_TCB_STATUS_UNKNOWN),
    FAILS(module_status_of_a_platform, COLLATERAL_TCB_STATUS_UNKNOWN),
    FAILS(nested_33, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(signature_flipped, COLLATERAL_TCB_INFO_SIGNATURE),
    FAILS(signed_by_another, COLLATERAL_TCB_INFO_SIGNATURE),
    FAILS(space_added, COLLATERAL_TCB_INFO_SIGNATURE),
    FAILS(signature_of_127_digits, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(signature_not_hex, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(signature_of_zeros, COLLATERAL_TCB_INFO_SIGNATURE),
    FAILS(tdx_module_missing, COLLATERAL_TCB_INFO_FORMAT),
    FAILS_ON(PKI_SGX_V3, tdx_module_for_sgx, COLLATERAL_TCB_INFO_FORMAT),
    FAILS_ON(PKI_SGX_V3, tdx_identities_for_sgx, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(identities_missing, DCAP_TDX_MODULE_IDENTITY_MISSING),
    FAILS(identities_empty, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(identities_not_a_list, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(identity_of_module_unknown, DCAP_TDX_MODULE_UNKNOWN),
    PASSES(identity_lower_case),
    FAILS(identity_twice, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(identity_malformed, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(identity_not_hex, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(identity_levels_empty, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(identity_level_twice, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(identity_level_256, COLLATERAL_TCB_INFO_FORMAT),
    FAILS(attributes_masked_out, COLLATERAL_TCB_INFO_FORMAT),
    GIVES(PKI_TDX_V4, level_sgx_above_platform, OUT_OF_DATE),
    PASSES(level_tdx_0_above_platform),
    GIVES(PKI_TDX_V4, level_pce_svn_above_platform, OUT_OF_DATE),
    GIVES(PKI_TDX_V4, module_level_above, OUT_OF_DATE),
    PASSES(platform_above_every_level),
    GIVES(PKI_TDX_V4, platform_on_the_second_level, OUT_OF_DATE),
    GIVES(PKI_SGX_V3, platform_on_the_second_level, OUT_OF_DATE),
    FAILS(platform_below_every_level, DCAP_TCB_NOT_SUPPORTED),
    FAILS_ON(PKI_SGX_V3, platform_below_every_level, DCAP_TCB_NOT_SUPPORTED),
    FAILS(platform_pce_svn_below, DCAP_TCB_NOT_SUPPORTED),
    FAILS(tdx_2_below_every_level, DCAP_TCB_NOT_SUPPORTED),
    PASSES(svn_of_a_module_before_1_5),
    FAILS(svn_0_below_in_a_module_before_1_5, DCAP_TCB_NOT_SUPPORTED),
    GIVES(PKI_TDX_V4, svn_0_on_the_second_level_before_1_5, OUT_OF_DATE),
    PASSES(module_before_1_5_needs_no_identities),
    PASSES(module_3),
    PASSES(module_10_in_upper_case),
    GIVES(PKI_TDX_V4, module_svn_on_the_second_level, OUT_OF_DATE),
    FAILS(module_svn_below_every_level, DCAP_TDX_MODULE_SVN_UNSUPPORTED),
    FAILS(identity_signer_of_another, DCAP_TDX_MRSIGNERSEAM),
    PASSES(module_signer_of_another_is_not_used),
    FAILS(module_signer_of_another_before_1_5, DCAP_TDX_MRSIGNERSEAM),
    FAILS(mr_signer_seam_set, DCAP_TDX_MRSIGNERSEAM),
    FAILS(seam_attributes_set, DCAP_TDX_SEAMATTRIBUTES),
    FAILS(seam_attributes_set_outside_the_mask, DCAP_TDX_SEAMATTRIBUTES),
    FAILS(seam_attributes_as_the_identity_has_them, DCAP_TDX_SEAMATTRIBUTES),
    GIVES(PKI_TDX_V4, platform_revoked, REVOKED),
    GIVES(PKI_TDX_V4, platform_hardening, SW_HARDENING_NEEDED),
    GIVES(PKI_TDX_V4, platform_configuration, CONFIGURATION_NEEDED),
    GIVES(PKI_TDX_V4, platform_configuration_module_out_of_date, OUT_OF_DATE_CONFIGURATION_NEEDED),
    GIVES(PKI_TDX_V4, module_revoked, REVOKED),
};

int main(void)
{
    return DCAP_CASES_RUN("tcb_info", cases);
}

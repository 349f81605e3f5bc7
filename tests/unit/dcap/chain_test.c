/* Rules for certificates: DCAP rules 3.2 and their cases, 7.2 and the end of 7.1. */
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "dcap/cases.h"

static void valid(pki *world)
{
    (void)world;
}

/* What every certificate is held to, on the leaf. */

static void leaf_trailing_byte(pki *world)
{
    world->leaf.trailing = true;
}

static void leaf_version_1(pki *world)
{
    world->leaf.version = 1; /* as encoded: version 2, which has no extensions */
}

static void leaf_serial_zero(pki *world)
{
    world->leaf.serial_len = 1;
    world->leaf.serial[0] = 0;
}

static void leaf_serial_negative(pki *world)
{
    memmove(world->leaf.serial, world->leaf.serial + 1, PKI_SERIAL_LEN);
    world->leaf.serial_len = PKI_SERIAL_LEN;
}

static void leaf_serial_21_bytes(pki *world)
{
    world->leaf.serial[0] = 0x01;
}

static void leaf_sha384(pki *world)
{
    world->leaf.sha384 = true;
}

static void ca_sha384(pki *world)
{
    world->ca.sha384 = true;
}

/* A certificate's key becomes this one, which the world then owns. */
static void set_key(pki *world, pki_certificate *certificate, EVP_PKEY *key)
{
    assert_non_null(key);
    EVP_PKEY_free(world->other_key);
    world->other_key = key;
    certificate->key = key;
}

static void leaf_key_p384(pki *world)
{
    set_key(world, &world->leaf, EVP_EC_gen("P-384"));
}

static void leaf_key_rsa(pki *world)
{
    set_key(world, &world->leaf, EVP_RSA_gen(1024));
}

static void ca_key_explicit_curve(pki *world)
{
    set_key(world, &world->ca, pki_key_new());
    world->ca.explicit_curve = true;
}

static void root_key_explicit_curve(pki *world)
{
    set_key(world, &world->root, pki_key_new());
    world->root.explicit_curve = true;
    world->root.issuer_key = world->other_key;
}

static void leaf_expired(pki *world)
{
    world->leaf.not_after = PKI_NOW - 1;
}

static void leaf_not_yet_valid(pki *world)
{
    world->leaf.not_before = PKI_NOW + 1;
}

static void leaf_first_second(pki *world)
{
    world->leaf.not_before = PKI_NOW;
}

static void leaf_last_second(pki *world)
{
    world->leaf.not_after = PKI_NOW;
}

static void ca_expired(pki *world)
{
    world->ca.not_after = PKI_NOW - 1;
}

static void ca_not_yet_valid(pki *world)
{
    world->ca.not_before = PKI_NOW + 1;
}

static void root_expired(pki *world)
{
    world->root.not_after = PKI_NOW - 1;
}

static void leaf_unknown_critical_extension(pki *world)
{
    world->leaf.unknown_critical = true;
}

static void leaf_extension_twice(pki *world)
{
    world->leaf.twice_subject_key_id = true;
}

static void leaf_without_subject_key_id(pki *world)
{
    world->leaf.no_subject_key_id = true;
}

static void leaf_without_authority_key_id(pki *world)
{
    world->leaf.no_authority_key_id = true;
}

static void leaf_without_distribution_points(pki *world)
{
    world->leaf.no_distribution_points = true;
}

static void leaf_without_key_usage(pki *world)
{
    world->leaf.usage = PKI_ABSENT;
}

static void leaf_without_basic_constraints(pki *world)
{
    world->leaf.ca = PKI_ABSENT;
}

static void leaf_is_ca(pki *world)
{
    world->leaf.ca = 1;
}

static void leaf_may_sign_certificates(pki *world)
{
    world->leaf.usage |= 0x04;
}

static void leaf_may_not_sign(pki *world)
{
    world->leaf.usage = 0x40;
}

static void ca_is_no_ca(pki *world)
{
    world->ca.ca = 0;
    world->ca.path_length = PKI_ABSENT;
}

static void ca_constraints_not_critical(pki *world)
{
    world->ca.not_critical = true;
}

static void ca_path_length_1(pki *world)
{
    world->ca.path_length = 1;
}

static void ca_without_path_length(pki *world)
{
    world->ca.path_length = PKI_ABSENT;
}

static void ca_may_not_sign_certificates(pki *world)
{
    world->ca.usage = 0x02;
}

static void ca_may_not_sign_crls(pki *world)
{
    world->ca.usage = 0x04;
}

static void root_path_length_0(pki *world)
{
    world->root.path_length = 0;
}

static void leaf_names_another_authority(pki *world)
{
    world->leaf.authority = world->other_key;
}

static void ca_names_another_authority(pki *world)
{
    world->ca.authority = world->other_key;
}

static void leaf_of_another_issuer(pki *world)
{
    world->leaf.issuer = "Intel SGX PCK Processor CA";
}

static void leaf_signed_by_root(pki *world)
{
    world->leaf.issuer = world->root.subject;
    world->leaf.issuer_key = world->root_key;
}

static void leaf_signature_flipped(pki *world)
{
    world->leaf.bad_signature = true;
}

static void ca_signature_flipped(pki *world)
{
    world->ca.bad_signature = true;
}

static void root_signature_flipped(pki *world)
{
    world->root.bad_signature = true;
}

/* Roots. */

static void rogue_root(pki *world)
{
    /* Everything under a root that only looks like the anchor, its CRLs too. */
    world->root.key = world->root.issuer_key = world->other_key;
    world->ca.issuer_key = world->signer.issuer_key = world->root_crl.issuer_key = world->other_key;
}

static void rogue_root_of_pck_chain_only(pki *world)
{
    static pki_certificate rogue;

    rogue = world->root;
    rogue.key = rogue.issuer_key = world->other_key;
    world->ca.issuer_key = world->other_key;
    world->pck_chain[2] = &rogue;
}

static void root_named_otherwise(pki *world)
{
    world->root.subject = world->root.issuer = "Intel SGX Root CB";
    world->ca.issuer = world->signer.issuer = world->root_crl.issuer = world->root.subject;
}

static void root_of_pck_chain_named_otherwise(pki *world)
{
    static pki_certificate renamed;

    renamed = world->root;
    renamed.subject = renamed.issuer = "Intel SGX Root CB";
    world->ca.issuer = renamed.subject;
    world->pck_chain[2] = &renamed;
}

static void root_issued_by_another_name(pki *world)
{
    world->root.issuer = "Intel SGX Root CB";
}

static void another_certificate_of_the_same_root(pki *world)
{
    world->root.not_after = PKI_NOW + 1000;
    world->root.serial[5] = 0x77;
}

static void names_as_printable_strings(pki *world)
{
    world->root.printable = world->ca.printable = true;
    world->anchor.printable = false;
    world->leaf.printable = world->signer.printable = true;
    /* The CRLs' issuers stay UTF8String: their names are compared byte by byte. */
}

/* PCK chain. */

static void pck_chain_of_2(pki *world)
{
    world->pck_chain[1] = &world->root;
    world->pck_chain[2] = NULL;
}

static void pck_chain_of_4(pki *world)
{
    world->pck_chain[3] = &world->root;
}

static void pck_leaf_twice(pki *world)
{
    world->pck_chain[1] = &world->leaf;
    world->pck_chain[2] = &world->ca;
    world->pck_chain[3] = &world->root;
}

static void pck_chain_reversed(pki *world)
{
    world->pck_chain[0] = &world->root;
    world->pck_chain[2] = &world->leaf;
}

static void pck_chain_root_in_the_middle(pki *world)
{
    world->pck_chain[0] = &world->ca;
    world->pck_chain[1] = &world->root;
    world->pck_chain[2] = &world->leaf;
}

static void pck_chain_garbage(pki *world)
{
    world->pck_chain_text = "-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n";
}

static void pck_chain_empty(pki *world)
{
    world->pck_chain_text = "";
}

static void pck_name_with_suffix(pki *world)
{
    world->leaf.subject = "Intel SGX PCK Certificate X";
}

static void pck_name_with_prefix(pki *world)
{
    world->leaf.subject = "x Intel SGX PCK Certificate";
}

static void pck_name_cut_by_nul(pki *world)
{
    world->leaf.subject = "Intel SGX PCK Certificate\0.example";
    world->leaf.subject_len = sizeof "Intel SGX PCK Certificate\0.example" - 1;
}

static void pck_ca_name(pki *world)
{
    world->ca.subject = world->leaf.issuer = world->pck_crl.issuer = "Intel SGX PCK Other CA";
}

static void signer_as_pck_leaf(pki *world)
{
    world->leaf.subject = "Intel SGX TCB Signing";
}

static void sgx_extension_missing(pki *world)
{
    world->platform.absent = true;
}

static void sgx_extension_twice(pki *world)
{
    world->platform.twice = true;
}

static void fmspc_of_5_bytes(pki *world)
{
    world->platform.fmspc_len = 5;
}

static void platform_ca_with_5_elements(pki *world)
{
    world->platform.platform = false;
}

static void processor_ca_with_7_elements(pki *world)
{
    world->ca.subject = world->leaf.issuer = world->pck_crl.issuer = "Intel SGX PCK Processor CA";
}

static void processor_ca_with_tdx(pki *world)
{
    processor_ca_with_7_elements(world);
    world->platform.platform = false;
}

static void cpu_svn_differs_from_components(pki *world)
{
    world->platform.cpu_svn[3]++;
}

/* Signer chains. */

static void signer_chain_of_1(pki *world)
{
    world->signer_chain[1] = NULL;
}

static void signer_chain_of_3(pki *world)
{
    world->signer_chain[1] = &world->ca;
    world->signer_chain[2] = &world->root;
}

static void signer_chain_blank(pki *world)
{
    world->tcb_info_chain_text = "\n";
}

static void signer_chain_no_pem(pki *world)
{
    world->tcb_info_chain_text = "nothing of the kind";
}

static void signer_chain_broken_pem(pki *world)
{
    world->tcb_info_chain_text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\njunk\n";
}

static void signer_name(pki *world)
{
    world->signer.subject = "Intel SGX TCB Signing 2";
}

static void ca_as_signer(pki *world)
{
    world->signer.ca = 1;
    world->signer.usage = 0x86;
}

static void pck_ca_as_signer(pki *world)
{
    world->signer_chain[0] = &world->ca;
    world->tcb_info.key = world->qe_identity.key = world->ca_key;
}

static void pck_leaf_as_signer(pki *world)
{
    world->signer_chain[0] = &world->leaf;
    world->tcb_info.key = world->qe_identity.key = world->leaf_key;
}

static void pck_leaf_as_signer_with_its_chain(pki *world)
{
    pck_leaf_as_signer(world);
    world->signer_chain[1] = &world->ca;
    world->signer_chain[2] = &world->root;
}

static void signer_trailing_byte(pki *world)
{
    world->signer.trailing = true;
}

static void signer_sha384(pki *world)
{
    world->signer.sha384 = true;
}

static void signer_key_p384(pki *world)
{
    set_key(world, &world->signer, EVP_EC_gen("P-384"));
    world->tcb_info.key = world->qe_identity.key = world->signer_key;
}

static void signer_expired(pki *world)
{
    world->signer.not_after = PKI_NOW - 1;
}

static void signer_not_yet_valid(pki *world)
{
    world->signer.not_before = PKI_NOW + 1;
}

static void signer_unknown_critical_extension(pki *world)
{
    world->signer.unknown_critical = true;
}

static void signer_names_another_authority(pki *world)
{
    world->signer.authority = world->other_key;
}

static void signer_of_another_issuer(pki *world)
{
    world->signer.issuer = "Intel SGX Root CB";
}

static void signer_signature_flipped(pki *world)
{
    world->signer.bad_signature = true;
}

static void signer_root_no_ca(pki *world)
{
    world->root.usage = 0x02;
}

static void qe_signer_of_its_own(pki *world)
{
    world->own_qe_signer = true;
}

static void qe_signer_of_its_own_expired(pki *world)
{
    world->own_qe_signer = true;
    world->qe_signer.not_after = PKI_NOW - 1;
}

static void qe_signer_of_its_own_unsigned(pki *world)
{
    world->own_qe_signer = true;
    world->qe_signer.bad_signature = true;
}

static const dcap_case cases[] = {
    PASSES(valid),
    PASSES_ON(PKI_TDX_V5_TD10, valid),
    PASSES_ON(PKI_TDX_V5_TD15, valid),
    PASSES_ON(PKI_SGX_V3, valid),
    PASSES_ON(PKI_SGX_V4, valid),
    PASSES_ON(PKI_SGX_V5, valid),
    FAILS(leaf_trailing_byte, DCAP_CERT_FORMAT),
    FAILS(leaf_version_1, DCAP_CERT_FORMAT),
    FAILS(leaf_serial_zero, DCAP_CERT_FORMAT),
    FAILS(leaf_serial_negative, DCAP_CERT_FORMAT),
    FAILS(leaf_serial_21_bytes, DCAP_CERT_FORMAT),
    FAILS(leaf_sha384, DCAP_CERT_SIGALG),
    FAILS(ca_sha384, DCAP_CERT_SIGALG),
    FAILS(leaf_key_p384, DCAP_CERT_KEY),
    FAILS(leaf_key_rsa, DCAP_CERT_KEY),
    FAILS(ca_key_explicit_curve, DCAP_CERT_KEY),
    FAILS(root_key_explicit_curve, COLLATERAL_CERT_KEY),
    FAILS(leaf_expired, DCAP_CERT_EXPIRED),
    FAILS(leaf_not_yet_valid, DCAP_CERT_NOT_YET_VALID),
    PASSES(leaf_first_second),
    PASSES(leaf_last_second),
    FAILS(ca_expired, DCAP_CERT_EXPIRED),
    FAILS(ca_not_yet_valid, DCAP_CERT_NOT_YET_VALID),
    FAILS(root_expired, DCAP_CERT_EXPIRED),
    FAILS(leaf_unknown_critical_extension, DCAP_CERT_EXT),
    FAILS(leaf_extension_twice, DCAP_CERT_EXT),
    FAILS(leaf_without_subject_key_id, DCAP_CERT_EXT),
    FAILS(leaf_without_authority_key_id, DCAP_CERT_EXT),
    FAILS(leaf_without_distribution_points, DCAP_CERT_EXT),
    FAILS(leaf_without_key_usage, DCAP_CERT_EXT),
    FAILS(leaf_without_basic_constraints, DCAP_CERT_EXT),
    FAILS(leaf_is_ca, DCAP_CERT_ROLE),
    FAILS(leaf_may_sign_certificates, DCAP_CERT_ROLE),
    FAILS(leaf_may_not_sign, DCAP_CERT_ROLE),
    FAILS(ca_is_no_ca, DCAP_CERT_CA),
    FAILS(ca_constraints_not_critical, DCAP_CERT_CA),
    FAILS(ca_path_length_1, DCAP_CERT_CA),
    PASSES(ca_without_path_length),
    FAILS(ca_may_not_sign_certificates, DCAP_CERT_CA),
    FAILS(ca_may_not_sign_crls, DCAP_CERT_CA),
    FAILS(root_path_length_0, COLLATERAL_CERT_CA),
    FAILS(leaf_names_another_authority, DCAP_CERT_AKI),
    FAILS(ca_names_another_authority, DCAP_CERT_AKI),
    FAILS(leaf_of_another_issuer, DCAP_CERT_ISSUER),
    FAILS(leaf_signed_by_root, DCAP_CERT_ISSUER),
    FAILS(leaf_signature_flipped, DCAP_CERT_SIGNATURE),
    FAILS(ca_signature_flipped, DCAP_CERT_SIGNATURE),
    FAILS(root_signature_flipped, COLLATERAL_CERT_SIGNATURE),
    FAILS(rogue_root, COLLATERAL_CERT_ROOT_UNTRUSTED),
    FAILS(rogue_root_of_pck_chain_only, DCAP_CERT_ROOT_UNTRUSTED),
    FAILS(root_named_otherwise, COLLATERAL_CERT_ROOT_NAME),
    FAILS(root_of_pck_chain_named_otherwise, DCAP_CERT_ROOT_NAME),
    FAILS(root_issued_by_another_name, COLLATERAL_CERT_ROOT_NAME),
    PASSES(another_certificate_of_the_same_root),
    FAILS(names_as_printable_strings, COLLATERAL_CRL_ISSUER),
    FAILS(pck_chain_of_2, DCAP_PCK_CHAIN_LENGTH),
    FAILS(pck_chain_of_4, DCAP_PCK_CHAIN_LENGTH),
    FAILS(pck_leaf_twice, DCAP_PCK_CHAIN_LENGTH),
    PASSES(pck_chain_reversed),
    PASSES(pck_chain_root_in_the_middle),
    FAILS(pck_chain_garbage, DCAP_PCK_CHAIN_PEM),
    FAILS(pck_chain_empty, DCAP_PCK_CHAIN_LENGTH),
    FAILS(pck_name_with_suffix, DCAP_PCK_NAME),
    FAILS(pck_name_with_prefix, DCAP_PCK_NAME),
    FAILS(pck_name_cut_by_nul, DCAP_PCK_NAME),
    FAILS(pck_ca_name, DCAP_PCK_CA_NAME),
    FAILS(signer_as_pck_leaf, DCAP_PCK_NAME),
    FAILS(sgx_extension_missing, DCAP_PCK_SGX_EXT_MISSING),
    FAILS(sgx_extension_twice, DCAP_PCK_SGX_EXT_FORMAT),
    FAILS(fmspc_of_5_bytes, DCAP_PCK_SGX_EXT_FORMAT),
    FAILS(platform_ca_with_5_elements, DCAP_PCK_SGX_EXT_FORMAT),
    FAILS(processor_ca_with_7_elements, DCAP_PCK_SGX_EXT_FORMAT),
    PASSES(processor_ca_with_tdx),
    FAILS(cpu_svn_differs_from_components, DCAP_PCK_CPUSVN_INCONSISTENT),
    FAILS(signer_chain_of_1, COLLATERAL_SIGNER_CHAIN_LENGTH),
    FAILS(signer_chain_of_3, COLLATERAL_SIGNER_CHAIN_LENGTH),
    FAILS(signer_chain_blank, COLLATERAL_SIGNER_CHAIN_LENGTH),
    FAILS(signer_chain_no_pem, COLLATERAL_SIGNER_CHAIN_LENGTH),
    FAILS(signer_chain_broken_pem, COLLATERAL_PEM),
    FAILS(signer_name, COLLATERAL_SIGNER_NAME),
    FAILS(ca_as_signer, COLLATERAL_CERT_ROLE),
    FAILS(pck_ca_as_signer, COLLATERAL_SIGNER_NAME),
    FAILS(pck_leaf_as_signer, COLLATERAL_SIGNER_NAME),
    FAILS(pck_leaf_as_signer_with_its_chain, COLLATERAL_SIGNER_CHAIN_LENGTH),
    FAILS(signer_trailing_byte, COLLATERAL_CERT_FORMAT),
    FAILS(signer_sha384, COLLATERAL_CERT_SIGALG),
    FAILS(signer_key_p384, COLLATERAL_CERT_KEY),
    FAILS(signer_expired, COLLATERAL_CERT_EXPIRED),
    FAILS(signer_not_yet_valid, COLLATERAL_CERT_NOT_YET_VALID),
    FAILS(signer_unknown_critical_extension, COLLATERAL_CERT_EXT),
    FAILS(signer_names_another_authority, COLLATERAL_CERT_AKI),
    FAILS(signer_of_another_issuer, COLLATERAL_CERT_ISSUER),
    FAILS(signer_signature_flipped, COLLATERAL_CERT_SIGNATURE),
    FAILS(signer_root_no_ca, COLLATERAL_CERT_CA),
    PASSES(qe_signer_of_its_own),
    FAILS(qe_signer_of_its_own_expired, COLLATERAL_CERT_EXPIRED),
    FAILS(qe_signer_of_its_own_unsigned, COLLATERAL_CERT_SIGNATURE),
};

int main(void)
{
    return DCAP_CASES_RUN("chain", cases);
}

/* Rules for CRLs and revocation: DCAP rules 3.3 and their cases, 7.3. */
#include "dcap/cases.h"

static void list(pki_crl *crl, const pki_certificate *certificate)
{
    crl->listed[crl->listed_len++] = certificate;
}

static void leaf_in_pck_crl(pki *world)
{
    list(&world->pck_crl, &world->leaf);
}

static void ca_in_root_crl(pki *world)
{
    list(&world->root_crl, &world->ca);
}

static void signer_in_root_crl(pki *world)
{
    list(&world->root_crl, &world->signer);
}

static void qe_signer_in_root_crl(pki *world)
{
    world->own_qe_signer = true;
    list(&world->root_crl, &world->qe_signer);
}

static void root_in_root_crl(pki *world)
{
    list(&world->root_crl, &world->root);
}

/* Two certificates of the root are in use, one of them listed. */
static pki_certificate *second_root(pki *world)
{
    static pki_certificate second;

    second = world->root;
    second.serial[7] = 0x55;
    return &second;
}

static void root_of_pck_chain_in_root_crl(pki *world)
{
    world->pck_chain[2] = second_root(world);
    list(&world->root_crl, world->pck_chain[2]);
}

static void root_of_signer_chain_in_root_crl(pki *world)
{
    world->signer_chain[1] = second_root(world);
    list(&world->root_crl, world->signer_chain[1]);
}

static void leaf_in_root_crl(pki *world)
{
    list(&world->root_crl, &world->leaf);
}

static void ca_in_pck_crl(pki *world)
{
    list(&world->pck_crl, &world->ca);
}

static void leaf_removed_from_crl(pki *world)
{
    leaf_in_pck_crl(world);
    world->pck_crl.reason = 8;
}

static void leaf_on_hold(pki *world)
{
    leaf_in_pck_crl(world);
    world->pck_crl.reason = 6;
}

static void leaf_without_top_bit_in_pck_crl(pki *world)
{
    world->leaf.serial[0] = 0x12;
    world->leaf.serial_len = 3;
    leaf_in_pck_crl(world);
}

static void others_in_pck_crl(pki *world)
{
    world->pck_crl.padding = 90;
    world->pck_crl.reason = 1;
}

static void leaf_among_others_in_pck_crl(pki *world)
{
    others_in_pck_crl(world);
    leaf_in_pck_crl(world);
}

/* The Processor CA's list, properly made, for a platform of the Platform CA. */
static void crl_of_the_other_ca(pki *world)
{
    world->pck_crl.issuer = "Intel SGX PCK Processor CA";
    world->pck_crl.issuer_key = world->other_key;
}

static void crls_swapped(pki *world)
{
    pki_crl moved = world->pck_crl;

    world->pck_crl = world->root_crl;
    world->root_crl = moved;
}

static void root_crl_as_pck_crl(pki *world)
{
    world->pck_crl = world->root_crl;
}

static void root_crl_signature_flipped(pki *world)
{
    world->root_crl.bad_signature = true;
}

static void pck_crl_signature_flipped(pki *world)
{
    world->pck_crl.bad_signature = true;
}

static void pck_crl_signed_by_leaf(pki *world)
{
    world->pck_crl.signing_key = world->leaf_key;
}

static void root_crl_expired(pki *world)
{
    world->root_crl.next_update = PKI_NOW - 1;
}

static void pck_crl_expired(pki *world)
{
    world->pck_crl.next_update = PKI_NOW - 1;
}

static void pck_crl_last_second(pki *world)
{
    world->pck_crl.next_update = PKI_NOW;
}

static void root_crl_not_yet_valid(pki *world)
{
    world->root_crl.this_update = PKI_NOW + 1;
}

static void pck_crl_not_yet_valid(pki *world)
{
    world->pck_crl.this_update = PKI_NOW + 1;
}

static void pck_crl_without_next_update(pki *world)
{
    world->pck_crl.no_next_update = true;
}

static void pck_crl_without_number(pki *world)
{
    world->pck_crl.no_number = true;
}

static void root_crl_without_authority(pki *world)
{
    world->root_crl.no_authority_key_id = true;
}

static void root_crl_of_another_authority(pki *world)
{
    world->root_crl.authority = world->other_key;
}

static void pck_crl_of_another_authority(pki *world)
{
    world->pck_crl.authority = world->other_key;
}

static void pck_crl_delta(pki *world)
{
    world->pck_crl.delta = true;
}

static void pck_crl_with_distribution_point(pki *world)
{
    world->pck_crl.distribution_point = true;
}

static void pck_crl_unknown_critical_extension(pki *world)
{
    world->pck_crl.unknown_critical = true;
}

static void pck_crl_entry_unknown_critical_extension(pki *world)
{
    others_in_pck_crl(world);
    world->pck_crl.entry_unknown_critical = true;
}

static void pck_crl_version_1(pki *world)
{
    world->pck_crl.version = 0;
}

static void pck_crl_sha384(pki *world)
{
    world->pck_crl.sha384 = true;
}

static void pck_crl_trailing_byte(pki *world)
{
    world->pck_crl.trailing = true;
}

static void crls_as_pem(pki *world)
{
    world->crls_as_pem = true;
}

static void crls_upper_case(pki *world)
{
    world->crls_upper_case = true;
}

static void crl_hex_odd(pki *world)
{
    pki_edit_add(world->bundle_edits, "\"pck_crl\":\"3", "\"pck_crl\":\"");
}

static void crl_not_hex(pki *world)
{
    pki_edit_add(world->bundle_edits, "\"root_ca_crl\":\"3", "\"root_ca_crl\":\"x");
}

static const dcap_case cases[] = {
    FAILS(leaf_in_pck_crl, DCAP_PCK_REVOKED),
    FAILS(ca_in_root_crl, DCAP_PCK_CA_REVOKED),
    FAILS(signer_in_root_crl, COLLATERAL_SIGNER_REVOKED),
    FAILS(qe_signer_in_root_crl, COLLATERAL_SIGNER_REVOKED),
    FAILS(root_in_root_crl, DCAP_ROOT_REVOKED),
    FAILS(root_of_pck_chain_in_root_crl, DCAP_ROOT_REVOKED),
    FAILS(root_of_signer_chain_in_root_crl, DCAP_ROOT_REVOKED),
    PASSES(leaf_in_root_crl),
    PASSES(ca_in_pck_crl),
    FAILS(leaf_removed_from_crl, DCAP_PCK_REVOKED),
    FAILS(leaf_on_hold, DCAP_PCK_REVOKED),
    FAILS(leaf_without_top_bit_in_pck_crl, DCAP_PCK_REVOKED),
    PASSES(others_in_pck_crl),
    FAILS(leaf_among_others_in_pck_crl, DCAP_PCK_REVOKED),
    FAILS(crl_of_the_other_ca, COLLATERAL_CRL_ISSUER),
    FAILS(crls_swapped, COLLATERAL_CRL_ISSUER),
    FAILS(root_crl_as_pck_crl, COLLATERAL_CRL_ISSUER),
    FAILS(root_crl_signature_flipped, COLLATERAL_CRL_SIGNATURE),
    FAILS(pck_crl_signature_flipped, COLLATERAL_CRL_SIGNATURE),
    FAILS(pck_crl_signed_by_leaf, COLLATERAL_CRL_SIGNATURE),
    FAILS(root_crl_expired, COLLATERAL_CRL_EXPIRED),
    FAILS(pck_crl_expired, COLLATERAL_CRL_EXPIRED),
    PASSES(pck_crl_last_second),
    FAILS(root_crl_not_yet_valid, COLLATERAL_CRL_NOT_YET_VALID),
    FAILS(pck_crl_not_yet_valid, COLLATERAL_CRL_NOT_YET_VALID),
    FAILS(pck_crl_without_next_update, COLLATERAL_CRL_FORMAT),
    FAILS(pck_crl_without_number, COLLATERAL_CRL_EXT),
    FAILS(root_crl_without_authority, COLLATERAL_CRL_EXT),
    FAILS(root_crl_of_another_authority, COLLATERAL_CRL_EXT),
    FAILS(pck_crl_of_another_authority, COLLATERAL_CRL_EXT),
    FAILS(pck_crl_delta, COLLATERAL_CRL_EXT),
    FAILS(pck_crl_with_distribution_point, COLLATERAL_CRL_EXT),
    FAILS(pck_crl_unknown_critical_extension, COLLATERAL_CRL_EXT),
    FAILS(pck_crl_entry_unknown_critical_extension, COLLATERAL_CRL_EXT),
    FAILS(pck_crl_version_1, COLLATERAL_CRL_FORMAT),
    FAILS(pck_crl_sha384, COLLATERAL_CRL_SIGALG),
    FAILS(pck_crl_trailing_byte, COLLATERAL_CRL_FORMAT),
    PASSES(crls_as_pem),
    PASSES(crls_upper_case),
    FAILS(crl_hex_odd, COLLATERAL_CRL_FORMAT),
    FAILS(crl_not_hex, COLLATERAL_CRL_FORMAT),
};

int main(void)
{
    return DCAP_CASES_RUN("crl_rules", cases);
}

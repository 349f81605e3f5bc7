#include <stdlib.h>

#include "dcap/prepared.h"

const ratls_chain *ratls_prepared_qe_identity_signer(const ratls_prepared *prepared)
{
    return prepared->qe_identity_signer.len > 0 ? &prepared->qe_identity_signer : &prepared->tcb_info_signer;
}

/* T1 to T4. The two chains usually are the same text, which is then verified once. */
static ratls_status verify_signers(ratls_prepared *prepared, const ratls_collateral *collateral, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_signer_chain_verify(&prepared->tcb_info_signer, collateral->tcb_info_issuer_chain, &ratls_tcb_info_signer_kind,
                                  prepared->trust, err));
    if (!ratls_bytes_equal(collateral->qe_identity_issuer_chain, collateral->tcb_info_issuer_chain)) {
        TRY(ratls_signer_chain_verify(&prepared->qe_identity_signer, collateral->qe_identity_issuer_chain,
                                      &ratls_qe_identity_signer_kind, prepared->trust, err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* L1 to L6 on the root's list; on the PCK CA's what needs no issuer. */
static ratls_status verify_crls(ratls_prepared *prepared, const ratls_collateral *collateral, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_chain_link *root = &prepared->tcb_info_signer.links[RATLS_SIGNER_ROOT];
    ratls_signer signer = ratls_trust_root(prepared->trust);

    TRY(ratls_dcap_crl_read(&prepared->root_crl, collateral->root_ca_crl, "root CA CRL", err));
    TRY(ratls_dcap_crl_verify(&prepared->root_crl, root, &signer, prepared->trust, err));
    TRY(ratls_dcap_crl_read(&prepared->pck_crl, collateral->pck_crl, "PCK CRL", err));
    status = RATLS_OK;
out:
    return status;
}

/* B1, E1: before anything of a document is read, and over exactly the bytes that are read then. */
static bool document_signed(
    ratls_prepared *prepared, const ratls_chain *chain, ratls_bytes text, const uint8_t signature[RATLS_P256_SIGNATURE_LEN])
{
    ratls_signer signer = ratls_chain_signer(&chain->links[RATLS_SIGNER_LEAF]);
    uint8_t digest[RATLS_SHA256_LEN];

    return ratls_sha256(digest, text, (ratls_bytes){0}, NULL) == RATLS_OK &&
           ratls_trust_verify(prepared->trust, &signer, digest, signature);
}

/* B1 to B5, B11 to B13. */
static ratls_status verify_tcb_info(ratls_prepared *prepared, const ratls_collateral *collateral, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(document_signed(prepared, &prepared->tcb_info_signer, collateral->tcb_info, collateral->tcb_info_signature),
          RATLS_ERR_COLLATERAL_TCB_INFO_SIGNATURE);
    TRY(ratls_tcb_info_read(&prepared->tcb_info, collateral->tcb_info, err));
    status = RATLS_OK;
out:
    return status;
}

/* E1 to E6. */
static ratls_status verify_qe_identity(ratls_prepared *prepared, const ratls_collateral *collateral, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_chain *signer = ratls_prepared_qe_identity_signer(prepared);

    CHECK(document_signed(prepared, signer, collateral->qe_identity, collateral->qe_identity_signature),
          RATLS_ERR_COLLATERAL_QE_IDENTITY_SIGNATURE);
    TRY(ratls_qe_identity_read(&prepared->qe_identity, collateral->qe_identity, err));
    status = RATLS_OK;
out:
    return status;
}

/* The bundle's own chain is collateral: that it is unusable says nothing about anybody's evidence. */
static ratls_status read_pck_chain(ratls_prepared *prepared, const ratls_collateral *collateral, ratls_error **err)
{
    ratls_error *failure = NULL;
    ratls_status status = ratls_pck_chain_read(prepared->pck, collateral->pck_certificate_chain, &failure);

    if (status == RATLS_OK) {
        status = ratls_pck_chain_verify(prepared->pck, prepared->trust, &failure);
    }
    if (status != RATLS_OK) {
        status = ratls_status_class(status) == RATLS_CLASS_REFUSED
                     ? RAISE(err, RATLS_ERR_COLLATERAL_PCK_CHAIN, WHAT(ratls_error_message(failure, RATLS_SPELLING_C)))
                     : RAISE(err, status, WHAT("reading the PCK chain"));
    }
    ratls_error_free(failure);
    return status;
}

/* The bundle's own PCK chain, and with it the PCK CRL. */
static ratls_status verify_pck_chain(ratls_prepared *prepared, const ratls_collateral *collateral, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_chain_link *ca;
    ratls_signer signer;

    if (collateral->pck_certificate_chain.len == 0) {
        return RATLS_OK;
    }
    prepared->pck = calloc(1, sizeof *prepared->pck);
    CHECK(prepared->pck != NULL, RATLS_ERR_OUT_OF_MEMORY);
    TRY(read_pck_chain(prepared, collateral, err));
    ca = &prepared->pck->chain.links[RATLS_PCK_CA];
    signer = ratls_chain_signer(ca);
    TRY(ratls_dcap_crl_verify(&prepared->pck_crl, ca, &signer, prepared->trust, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_prepare(ratls_prepared **out, const ratls_collateral *collateral, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_prepared *prepared = NULL;

    *out = NULL;
    TRY(ratls_collateral_check_parts(collateral, err));
    prepared = calloc(1, sizeof *prepared);
    CHECK(prepared != NULL, RATLS_ERR_OUT_OF_MEMORY);
    prepared->trust = ratls_trust_hold(trust);
    TRY(verify_signers(prepared, collateral, err));
    TRY(verify_crls(prepared, collateral, err));
    TRY(verify_pck_chain(prepared, collateral, err));
    TRY(verify_tcb_info(prepared, collateral, err));
    TRY(verify_qe_identity(prepared, collateral, err));
    *out = prepared;
    prepared = NULL;
    status = RATLS_OK;
out:
    ratls_prepared_free(prepared);
    return status;
}

void ratls_prepared_free(ratls_prepared *prepared)
{
    if (prepared == NULL) {
        return;
    }
    if (prepared->pck != NULL) {
        ratls_pck_chain_clear(prepared->pck);
        free(prepared->pck);
    }
    ratls_qe_identity_clear(&prepared->qe_identity);
    ratls_tcb_info_clear(&prepared->tcb_info);
    ratls_dcap_crl_clear(&prepared->pck_crl);
    ratls_dcap_crl_clear(&prepared->root_crl);
    ratls_chain_clear(&prepared->qe_identity_signer);
    ratls_chain_clear(&prepared->tcb_info_signer);
    ratls_trust_free(prepared->trust);
    free(prepared);
}

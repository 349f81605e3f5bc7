#include "dcap/signer_chain.h"

#include "dcap/name.h"

static const char signer_name[] = "Intel SGX TCB Signing";

const ratls_chain_kind ratls_tcb_info_signer_kind = {
    .name = "TCB info issuer chain",
    .block = RATLS_ERR_COLLATERAL_CERT_FORMAT,
    .pem_code = RATLS_ERR_COLLATERAL_PEM,
    .length_code = RATLS_ERR_COLLATERAL_SIGNER_CHAIN_LENGTH,
    .len = RATLS_SIGNER_CHAIN_LEN,
    .subjects = {"certificate that signs TCB info", "root certificate over TCB info"},
};

const ratls_chain_kind ratls_qe_identity_signer_kind = {
    .name = "QE identity issuer chain",
    .block = RATLS_ERR_COLLATERAL_CERT_FORMAT,
    .pem_code = RATLS_ERR_COLLATERAL_PEM,
    .length_code = RATLS_ERR_COLLATERAL_SIGNER_CHAIN_LENGTH,
    .len = RATLS_SIGNER_CHAIN_LEN,
    .subjects = {"certificate that signs the QE identity", "root certificate over the QE identity"},
};

/* T2: without it any certificate under the root, a platform's own for one, could sign collateral. */
static ratls_status check_name(const ratls_chain *chain, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes signer = chain->links[RATLS_SIGNER_LEAF].parsed.subject;

    CHECK(ratls_name_is(signer, signer_name), RATLS_ERR_COLLATERAL_SIGNER_NAME, ratls_detail_text("subject", chain->kind->name),
          ratls_detail_chars("found", ratls_name_label(signer)), EXPECTED(signer_name));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_signer_chain_verify(
    ratls_chain *out, ratls_bytes text, const ratls_chain_kind *kind, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_chain_read(out, text, kind, err));
    TRY(check_name(out, err));
    TRY(ratls_chain_verify(out, trust, err));
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_chain_clear(out);
    }
    return status;
}

/* Whether a part is what it should be: verified before it is used or kept, wherever it came from. */
#include <stdlib.h>
#include <string.h>

#include "base/crl.h"
#include "base/pem.h"
#include "collateral/part.h"
#include "dcap/certificate_rules.h"
#include "dcap/name.h"
#include "dcap/qe_identity.h"
#include "dcap/signer_chain.h"
#include "dcap/tcb_info.h"

enum { ISSUER_CHAIN_LEN = 2 };

/* The certificate that issued a PCK CRL, under the root. */
typedef struct {
    ratls_pem pem; /* what the link borrows */
    ratls_chain_link link;
    ratls_p256_key *key;
} pck_ca;

static void clear_pck_ca(pck_ca *ca)
{
    ratls_p256_key_free(ca->key);
    ratls_pem_clear(&ca->pem);
}

/* DCAP rules 3.2 on a CA certificate that came beside the CRL. That it is also the issuer of the quote's PCK certificate
 * is looked at with each quote. */
static ratls_status check_pck_ca(pck_ca *ca, const ratls_part_id *id, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_detail subject = ratls_detail_text("subject", "PCK CRL issuer chain");
    const char *expected = id->platform.processor ? "Intel SGX PCK Processor CA" : "Intel SGX PCK Platform CA";
    const char *fault = ratls_certificate_read(&ca->link, ca->pem.blocks[0]);

    CHECK(fault == NULL, RATLS_ERR_COLLATERAL_CERT_FORMAT, subject, WHAT(fault));
    CHECK(ratls_name_is(ca->link.parsed.subject, expected), RATLS_ERR_COLLATERAL_CRL_ISSUER, subject,
          ratls_detail_chars("found", ratls_name_label(ca->link.parsed.subject)), EXPECTED(expected));
    CHECK(ratls_name_same(ca->link.parsed.issuer, trust->anchor.subject), RATLS_ERR_COLLATERAL_CERT_ISSUER, subject);
    CHECK(ratls_is_ecdsa_sha256(ca->link.parsed.signature_algorithm), RATLS_ERR_COLLATERAL_CERT_SIGALG, subject);
    fault = ratls_certificate_judge_role(&ca->link, RATLS_ROLE_INTERMEDIATE);
    CHECK(fault == NULL, RATLS_ERR_COLLATERAL_CERT_CA, subject, WHAT(fault));
    CHECK(ratls_p256_verify_der(trust->root_key, ca->link.parsed.tbs, ca->link.parsed.signature), RATLS_ERR_COLLATERAL_CERT_SIGNATURE, subject);
    ca->key = ratls_p256_key_from_spki(trust->curve, ca->link.parsed.spki);
    CHECK(ca->key != NULL, RATLS_ERR_COLLATERAL_CERT_KEY, subject);
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_pck_ca(pck_ca *ca, const ratls_part_id *id, ratls_bytes chain, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_detail subject = ratls_detail_text("subject", "PCK CRL issuer chain");
    const char *fault = NULL;

    CHECK(ratls_pem_parse(&ca->pem, chain, "CERTIFICATE", RATLS_PEM_CERTIFICATE_MAX, &fault), RATLS_ERR_COLLATERAL_PEM, subject, WHAT(fault));
    CHECK(ca->pem.len == ISSUER_CHAIN_LEN, RATLS_ERR_COLLATERAL_SIGNER_CHAIN_LENGTH, subject, FOUND_NUMBER(ca->pem.len));
    TRY(check_pck_ca(ca, id, trust, err));
    status = RATLS_OK;
out:
    return status;
}

/* L1 to L3 and L6; the rest of the rules for lists is applied when a set is prepared. */
static ratls_status check_crl(
    ratls_part *out, const char *name, ratls_bytes der, ratls_bytes issuer, const ratls_p256_key *key, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_detail subject = ratls_detail_text("subject", name);
    const char *fault = NULL;
    ratls_crl crl = {0};

    CHECK(ratls_crl_parse(&crl, der, &fault), RATLS_ERR_COLLATERAL_CRL_FORMAT, subject, WHAT(fault));
    CHECK(ratls_is_ecdsa_sha256(crl.signature_algorithm), RATLS_ERR_COLLATERAL_CRL_SIGALG, subject);
    CHECK(ratls_name_same(crl.issuer, issuer), RATLS_ERR_COLLATERAL_CRL_ISSUER, subject,
          ratls_detail_chars("found", ratls_name_label(crl.issuer)), ratls_detail_chars("expected", ratls_name_label(issuer)));
    CHECK(ratls_p256_verify_der(key, crl.tbs, crl.signature), RATLS_ERR_COLLATERAL_CRL_SIGNATURE, subject);
    out->from = crl.this_update;
    out->until = crl.next_update;
    status = RATLS_OK;
out:
    ratls_crl_clear(&crl);
    return status;
}

static ratls_status check_root_crl(ratls_part *out, ratls_trust *trust, ratls_error **err)
{
    return check_crl(out, "root CA CRL", out->content, trust->anchor.subject, trust->root_key, err);
}

static ratls_status check_pck_crl(ratls_part *out, const ratls_part_id *id, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    pck_ca ca = {0};

    TRY(read_pck_ca(&ca, id, out->chain, trust, err));
    TRY(check_crl(out, "PCK CRL", out->content, ca.link.parsed.subject, ca.key, err));
    status = RATLS_OK;
out:
    clear_pck_ca(&ca);
    return status;
}

/* A document is worth as long as the certificates that it is signed under. */
static void set_dates(ratls_part *out, int64_t issue_date, int64_t next_update, const ratls_chain *signers)
{
    out->from = issue_date > signers->not_before ? issue_date : signers->not_before;
    out->until = next_update < signers->not_after ? next_update : signers->not_after;
}

static ratls_status check_tcb_info_subject(const ratls_tcb_info *info, const ratls_platform_id *platform, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(info->tdx == platform->tdx, RATLS_ERR_COLLATERAL_TCB_INFO_TEE, FOUND(info->tdx ? "TDX" : "SGX"), EXPECTED(platform->tdx ? "TDX" : "SGX"));
    CHECK(memcmp(info->fmspc, platform->fmspc, sizeof info->fmspc) == 0, RATLS_ERR_COLLATERAL_TCB_INFO_FMSPC,
          FOUND_HEX(info->fmspc, sizeof info->fmspc), EXPECTED_HEX(platform->fmspc, sizeof platform->fmspc));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status check_tcb_info(ratls_part *out, const ratls_part_id *id, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_chain signers = {0};
    ratls_tcb_info info = {0};

    TRY(ratls_signer_chain_verify(&signers, out->chain, &ratls_tcb_info_signer_kind, trust, err));
    CHECK(ratls_p256_verify_raw(signers.links[RATLS_SIGNER_LEAF].key, out->content, out->signature), RATLS_ERR_COLLATERAL_TCB_INFO_SIGNATURE);
    TRY(ratls_tcb_info_read(&info, out->content, err));
    TRY(check_tcb_info_subject(&info, &id->platform, err));
    set_dates(out, info.issue_date, info.next_update, &signers);
    status = RATLS_OK;
out:
    ratls_tcb_info_clear(&info);
    ratls_chain_clear(&signers);
    return status;
}

static ratls_status check_qe_identity(ratls_part *out, const ratls_part_id *id, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_chain signers = {0};
    ratls_qe_identity identity = {0};

    TRY(ratls_signer_chain_verify(&signers, out->chain, &ratls_qe_identity_signer_kind, trust, err));
    CHECK(ratls_p256_verify_raw(signers.links[RATLS_SIGNER_LEAF].key, out->content, out->signature), RATLS_ERR_COLLATERAL_QE_IDENTITY_SIGNATURE);
    TRY(ratls_qe_identity_read(&identity, out->content, err));
    CHECK(identity.tdx == id->platform.tdx, RATLS_ERR_COLLATERAL_QE_IDENTITY_TEE, FOUND(identity.tdx ? "TD_QE" : "QE"),
          EXPECTED(id->platform.tdx ? "TD_QE" : "QE"));
    set_dates(out, identity.issue_date, identity.next_update, &signers);
    status = RATLS_OK;
out:
    ratls_qe_identity_clear(&identity);
    ratls_chain_clear(&signers);
    return status;
}

static ratls_status check_part(ratls_part *part, const ratls_part_id *id, ratls_trust *trust, ratls_error **err)
{
    switch (id->kind) {
    case RATLS_PART_ROOT_CRL:
        return check_root_crl(part, trust, err);
    case RATLS_PART_PCK_CRL:
        return check_pck_crl(part, id, trust, err);
    case RATLS_PART_TCB_INFO:
        return check_tcb_info(part, id, trust, err);
    case RATLS_PART_QE_IDENTITY:
        return check_qe_identity(part, id, trust, err);
    case RATLS_PARTS:
    default:
        return RAISE(err, RATLS_ERR_INTERNAL, WHAT("a part of collateral that is none"));
    }
}

/* Sizes first, since the parsers may be slow on what is huge (DCAP rules 3.0, I3). */
static ratls_status check_sizes(const ratls_part_id *id, const ratls_part_source *source, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    bool crl = id->kind == RATLS_PART_ROOT_CRL || id->kind == RATLS_PART_PCK_CRL;
    size_t most = crl ? (size_t)RATLS_COLLATERAL_CRL_MAX : (size_t)RATLS_COLLATERAL_JSON_MAX;

    CHECK(source->content.len > 0 && (crl || source->signature != NULL), RATLS_ERR_COLLATERAL_MISSING, WHAT(ratls_part_member(id->kind)));
    CHECK(source->content.len <= most, RATLS_ERR_COLLATERAL_TOO_LARGE, WHAT(ratls_part_member(id->kind)), FOUND_NUMBER(source->content.len),
          EXPECTED_NUMBER(most));
    CHECK(source->chain.len <= RATLS_COLLATERAL_CHAIN_MAX, RATLS_ERR_COLLATERAL_TOO_LARGE, WHAT("its issuer chain"),
          FOUND_NUMBER(source->chain.len), EXPECTED_NUMBER(RATLS_COLLATERAL_CHAIN_MAX));
    status = RATLS_OK;
out:
    return status;
}

static ratls_part *copy_source(const ratls_part_source *source)
{
    ratls_part *part = calloc(1, sizeof *part + source->content.len + source->chain.len);

    if (part == NULL) {
        return NULL;
    }
    atomic_init(&part->holds, 1);
    memcpy(part->storage, source->content.data, source->content.len);
    part->content = (ratls_bytes){part->storage, source->content.len};
    part->chain = (ratls_bytes){part->storage + source->content.len, source->chain.len};
    if (source->chain.len > 0) {
        memcpy(part->storage + source->content.len, source->chain.data, source->chain.len);
    }
    if (source->signature != NULL) {
        memcpy(part->signature, source->signature, sizeof part->signature);
    }
    return part;
}

ratls_status ratls_part_make(
    ratls_part **out, const ratls_part_id *id, const ratls_part_source *source, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_part *part = NULL;

    *out = NULL;
    TRY(check_sizes(id, source, err));
    part = copy_source(source);
    CHECK(part != NULL, RATLS_ERR_OUT_OF_MEMORY);
    TRY(check_part(part, id, trust, err));
    *out = part;
    part = NULL;
    status = RATLS_OK;
out:
    ratls_part_free(part);
    return status;
}

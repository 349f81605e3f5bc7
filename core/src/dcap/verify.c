#include <string.h>

#include "dcap/convergence.h"
#include "dcap/pck_use.h"
#include "dcap/qe_report.h"
#include "dcap/tcb_level.h"

enum {
    SGX_VERSION = 3,
    QE_AUTHENTICATION_LEN = 32,
    CERTIFICATION_PCK_CHAIN = 5
};

/* The levels that decided, of the module that launched the TD and of the one that runs it now. */
typedef struct {
    const ratls_tcb_verdict *qe;
    ratls_tcb_position launch;
    ratls_tcb_position current; /* empty unless the report tells of a current module */
    bool by_current;            /* the current module decided */
    ratls_tcb_status launch_status;  /* converged; of a report that tells of both modules */
    ratls_tcb_status current_status;
    ratls_tcb_status status;
} tcb_evaluation;

static ratls_status check_dates(const ratls_prepared *prepared, const ratls_pck_chain *pck, int64_t now, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_chain_check_dates(&pck->chain, now, err));
    TRY(ratls_chain_check_dates(&prepared->tcb_info_signer, now, err));
    TRY(ratls_chain_check_dates(ratls_prepared_qe_identity_signer(prepared), now, err));
    TRY(ratls_dcap_crl_check_dates(&prepared->root_crl, now, err));
    TRY(ratls_dcap_crl_check_dates(&prepared->pck_crl, now, err));
    TRY(ratls_tcb_info_check_dates(&prepared->tcb_info, now, err));
    TRY(ratls_qe_identity_check_dates(&prepared->qe_identity, now, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status check_listed(
    const ratls_dcap_crl *crl, const ratls_chain *chain, size_t link, ratls_status revoked, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes serial = chain->links[link].parsed.serial;

    CHECK(!ratls_crl_lists(&crl->crl, serial), revoked, ratls_detail_text("subject", chain->kind->name), FOUND_HEX(serial.data, serial.len));
    status = RATLS_OK;
out:
    return status;
}

/* L8 to L12: each certificate in the list of its own issuer. */
static ratls_status check_revocation(const ratls_prepared *prepared, const ratls_pck_chain *pck, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_dcap_crl *root_crl = &prepared->root_crl;
    const ratls_chain *signers[] = {&prepared->tcb_info_signer, ratls_prepared_qe_identity_signer(prepared)};

    TRY(check_listed(root_crl, &pck->chain, RATLS_PCK_CA, RATLS_ERR_DCAP_PCK_CA_REVOKED, err));
    for (size_t i = 0; i < sizeof signers / sizeof signers[0]; i++) {
        TRY(check_listed(root_crl, signers[i], RATLS_SIGNER_LEAF, RATLS_ERR_COLLATERAL_SIGNER_REVOKED, err));
        TRY(check_listed(root_crl, signers[i], RATLS_SIGNER_ROOT, RATLS_ERR_DCAP_ROOT_REVOKED, err));
    }
    TRY(check_listed(root_crl, &pck->chain, RATLS_PCK_ROOT, RATLS_ERR_DCAP_ROOT_REVOKED, err));
    TRY(check_listed(&prepared->pck_crl, &pck->chain, RATLS_PCK_LEAF, RATLS_ERR_DCAP_PCK_REVOKED, err));
    status = RATLS_OK;
out:
    return status;
}

/* B4, B8, B9, E3: the collateral is about this TEE and this platform. */
static ratls_status check_subject(
    const ratls_parsed_quote *quote, const ratls_prepared *prepared, const ratls_sgx_extension *platform, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_tcb_info *info = &prepared->tcb_info;
    bool tdx = quote->tee_type == RATLS_TEE_TDX;

    CHECK(info->tdx == tdx, RATLS_ERR_COLLATERAL_TCB_INFO_TEE, FOUND(info->tdx ? "TDX" : "SGX"), EXPECTED(tdx ? "TDX" : "SGX"));
    CHECK(memcmp(info->fmspc, platform->fmspc, sizeof info->fmspc) == 0, RATLS_ERR_COLLATERAL_TCB_INFO_FMSPC,
          FOUND_HEX(info->fmspc, sizeof info->fmspc), EXPECTED_HEX(platform->fmspc, sizeof platform->fmspc));
    CHECK(memcmp(info->pce_id, platform->pce_id, sizeof info->pce_id) == 0, RATLS_ERR_COLLATERAL_TCB_INFO_PCEID,
          FOUND_HEX(info->pce_id, sizeof info->pce_id), EXPECTED_HEX(platform->pce_id, sizeof platform->pce_id));
    CHECK(prepared->qe_identity.tdx == tdx, RATLS_ERR_COLLATERAL_QE_IDENTITY_TEE, FOUND(tdx ? "QE" : "TD_QE"), EXPECTED(tdx ? "TD_QE" : "QE"));
    status = RATLS_OK;
out:
    return status;
}

/* 3.6, but for the QE's level. */
static ratls_status verify_quote(
    const ratls_parsed_quote *quote, const ratls_prepared *prepared, const ratls_pck_chain *pck, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_signer signer = ratls_chain_signer(&pck->chain.links[RATLS_PCK_LEAF]);

    TRY(ratls_certification_data_match(quote, &pck->platform, err));
    TRY(ratls_qe_report_verify(quote, &signer, prepared->trust, err));
    TRY(ratls_qe_report_match(quote, &prepared->qe_identity, err));
    TRY(ratls_quote_verify_signature(quote, prepared->trust->curve, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_tcb_status converge(const ratls_tcb_position *position, const ratls_tcb_verdict *qe)
{
    return ratls_tcb_converge(position->platform->status, position->module == NULL ? RATLS_TCB_NONE : position->module->status, qe->status);
}

/* 3.10: the module that runs the TD now may be another than the one that launched it. */
static ratls_status evaluate_current(
    tcb_evaluation *out, const ratls_tcb_info *info, const ratls_tcb_subject *launched, ratls_bytes svn, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_tcb_subject running = *launched;

    running.tee_tcb_svn = svn.data;
    TRY(ratls_tcb_position_find(&out->current, info, &running, err));
    out->launch_status = out->status;
    out->current_status = converge(&out->current, out->qe);
    out->status = ratls_tcb_relaunch(out->launch_status, out->current_status, &out->by_current);
    status = RATLS_OK;
out:
    return status;
}

/* G11, 3.7 to 3.10. */
static ratls_status evaluate_tcb(
    tcb_evaluation *out, const ratls_parsed_quote *quote, const ratls_prepared *prepared, const ratls_sgx_extension *platform,
    ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes launch_svn = ratls_quote_body_field(quote, RATLS_FIELD_TEE_TCB_SVN);
    ratls_bytes current_svn = ratls_quote_body_field(quote, RATLS_FIELD_TEE_TCB_SVN_2);
    ratls_tcb_subject subject = {platform, quote, launch_svn.len == 0 ? NULL : launch_svn.data};

    *out = (tcb_evaluation){0};
    TRY(ratls_qe_report_level(&out->qe, quote, &prepared->qe_identity, err));
    TRY(ratls_tcb_position_find(&out->launch, &prepared->tcb_info, &subject, err));
    out->status = converge(&out->launch, out->qe);
    if (current_svn.len > 0) {
        TRY(evaluate_current(out, &prepared->tcb_info, &subject, current_svn, err));
    }
    CHECK(out->status != RATLS_TCB_NONE, RATLS_ERR_INTERNAL, WHAT("TCB levels with statuses that do not converge"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status add_verdict(ratls_claims *claims, const ratls_tcb_verdict *verdict, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (verdict == NULL) {
        return RATLS_OK;
    }
    TRY(ratls_tcb_verdict_advisories(&claims->advisories, verdict, err));
    if (!claims->has_tcb_date || verdict->date < claims->tcb_date) {
        claims->tcb_date = verdict->date;
        claims->has_tcb_date = true;
    }
    status = RATLS_OK;
out:
    return status;
}

/* Statuses of the levels that decided; advisories and the oldest date of all that were looked at (3.9). */
static ratls_status claim_tcb(ratls_claims *claims, const tcb_evaluation *tcb, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_tcb_verdict *verdicts[] = {tcb->launch.platform, tcb->launch.module, tcb->current.platform, tcb->current.module, tcb->qe};
    const ratls_tcb_position *decisive = tcb->by_current ? &tcb->current : &tcb->launch;

    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        TRY(add_verdict(claims, verdicts[i], err));
    }
    claims->tcb_status = tcb->status;
    claims->platform_tcb_status = decisive->platform->status;
    claims->tdx_module_tcb_status = decisive->module == NULL ? RATLS_TCB_NONE : decisive->module->status;
    claims->qe_tcb_status = tcb->qe->status;
    claims->launch_tcb_status = tcb->launch_status;
    claims->current_tcb_status = tcb->current_status;
    status = RATLS_OK;
out:
    return status;
}

/* 3.11: from the latest of the beginnings to the earliest of the ends. The PCK CRL's issuer chain is a part of the
 * PCK chain. */
static void claim_dates(ratls_claims *claims, const ratls_prepared *prepared, const ratls_pck_chain *pck)
{
    const ratls_chain *qe_signer = ratls_prepared_qe_identity_signer(prepared);
    const int64_t spans[][2] = {
        {pck->chain.not_before, pck->chain.not_after},
        {prepared->tcb_info_signer.not_before, prepared->tcb_info_signer.not_after},
        {qe_signer->not_before, qe_signer->not_after},
        {prepared->root_crl.crl.this_update, prepared->root_crl.crl.next_update},
        {prepared->pck_crl.crl.this_update, prepared->pck_crl.crl.next_update},
        {prepared->tcb_info.issue_date, prepared->tcb_info.next_update},
        {prepared->qe_identity.issue_date, prepared->qe_identity.next_update},
    };

    claims->valid_from = INT64_MIN;
    claims->expires_at = INT64_MAX;
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        claims->valid_from = spans[i][0] > claims->valid_from ? spans[i][0] : claims->valid_from;
        claims->expires_at = spans[i][1] < claims->expires_at ? spans[i][1] : claims->expires_at;
    }
    claims->has_collateral_dates = true;
}

static void claim_platform(ratls_claims *claims, const ratls_prepared *prepared, const ratls_sgx_extension *platform)
{
    uint32_t of_tcb_info = prepared->tcb_info.evaluation_data_number;
    uint32_t of_qe_identity = prepared->qe_identity.evaluation_data_number;

    claims->hardware_verified = true;
    memcpy(claims->trust_anchor, prepared->trust->anchor.name, sizeof claims->trust_anchor);
    memcpy(claims->fmspc, platform->fmspc, sizeof claims->fmspc);
    claims->has_fmspc = true;
    memcpy(claims->ppid, platform->ppid, sizeof claims->ppid);
    claims->has_ppid = true;
    memcpy(claims->platform_instance_id, platform->platform_instance_id, sizeof claims->platform_instance_id);
    claims->has_platform_instance_id = platform->platform;
    /* The two need not be equal while Intel publishes; the lower one bounds how old they are (DCAP rules 2.7). */
    claims->tcb_evaluation_data_number = of_tcb_info < of_qe_identity ? of_tcb_info : of_qe_identity;
    claims->has_tcb_evaluation_data_number = true;
}

/* Why another verifier refuses what was found to be good (DCAP rules 4, the list at its end); NULL when none does. That the
 * last second of the collateral does not count is looked at with the time. */
static const char *find_outside(
    const ratls_parsed_quote *quote, const ratls_prepared *prepared, const ratls_pck_chain *pck, const tcb_evaluation *tcb)
{
    if (quote->tee_type == RATLS_TEE_SGX && quote->version != SGX_VERSION) {
        return "an SGX quote of another version than 3";
    }
    if (quote->qe_authentication_data.len != QE_AUTHENTICATION_LEN) {
        return "QE authentication data of another length than 32";
    }
    if (!prepared->tcb_info.in_order || !prepared->qe_identity.levels.in_order || !tcb->launch.in_order) {
        return "levels that are not in descending order";
    }
    if (!tcb->launch.every_component) {
        return "a TDX component below its level that the module's own identity judges";
    }
    if (quote->certification_data_type != CERTIFICATION_PCK_CHAIN) {
        return "a PCK chain that is not the quote's own";
    }
    if (!pck->chain.root_is_anchor || !prepared->tcb_info_signer.root_is_anchor ||
        !ratls_prepared_qe_identity_signer(prepared)->root_is_anchor) {
        return "a chain that ends in another certificate of the trusted root";
    }
    return NULL;
}

/* What must hold at every use, however much was verified before. */
static ratls_status check_now(const ratls_prepared *prepared, const ratls_pck_chain *pck, int64_t now, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(check_dates(prepared, pck, now, err));
    TRY(check_revocation(prepared, pck, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_dcap_verify(ratls_claims *out, const ratls_parsed_quote *quote, const ratls_prepared *prepared, int64_t now, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_claims claims = {0};
    ratls_pck_use use;
    tcb_evaluation tcb;

    memset(out, 0, sizeof *out);
    TRY(ratls_pck_use_begin(&use, quote, prepared, err));
    TRY(check_now(prepared, use.pck, now, err));
    TRY(check_subject(quote, prepared, &use.pck->platform, err));
    TRY(verify_quote(quote, prepared, use.pck, err));
    TRY(evaluate_tcb(&tcb, quote, prepared, &use.pck->platform, err));
    TRY(claim_tcb(&claims, &tcb, err));
    claim_dates(&claims, prepared, use.pck);
    claim_platform(&claims, prepared, &use.pck->platform);
    claims.intersection_known = true;
    claims.outside_intersection = find_outside(quote, prepared, use.pck, &tcb);
    *out = claims;
    claims = (ratls_claims){0};
    status = RATLS_OK;
out:
    ratls_claims_clear(&claims);
    ratls_pck_use_end(&use, status == RATLS_OK);
    return status;
}

ratls_status ratls_dcap_recheck(const ratls_parsed_quote *quote, const ratls_prepared *prepared, int64_t now, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_pck_use use;

    TRY(ratls_pck_use_begin(&use, quote, prepared, err));
    TRY(check_now(prepared, use.pck, now, err));
    status = RATLS_OK;
out:
    ratls_pck_use_end(&use, status == RATLS_OK);
    return status;
}

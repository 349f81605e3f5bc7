#include "collateral/part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dcap/dates.h"

ratls_part_id ratls_part_id_of(ratls_part_kind kind, const ratls_platform_id *platform, bool early)
{
    ratls_part_id id = {.kind = kind};

    switch (kind) {
    case RATLS_PART_PCK_CRL:
        id.platform.processor = platform->processor;
        break;
    case RATLS_PART_TCB_INFO:
        memcpy(id.platform.fmspc, platform->fmspc, sizeof id.platform.fmspc);
        id.platform.tdx = platform->tdx;
        id.early = early;
        break;
    case RATLS_PART_QE_IDENTITY:
        id.platform.tdx = platform->tdx;
        id.early = early;
        break;
    case RATLS_PART_ROOT_CRL:
    case RATLS_PARTS:
    default:
        break;
    }
    return id;
}

bool ratls_part_id_equal(const ratls_part_id *a, const ratls_part_id *b)
{
    return a->kind == b->kind && a->early == b->early && ratls_platform_id_equal(&a->platform, &b->platform);
}

const char *ratls_part_member(ratls_part_kind kind)
{
    static const char *const members[RATLS_PARTS] = {
        [RATLS_PART_ROOT_CRL] = "root_ca_crl",
        [RATLS_PART_PCK_CRL] = "pck_crl",
        [RATLS_PART_TCB_INFO] = "tcb_info",
        [RATLS_PART_QE_IDENTITY] = "qe_identity",
    };

    return members[kind];
}

void ratls_part_name(char out[RATLS_PART_NAME_MAX], const ratls_part_id *id)
{
    const char *tee = id->platform.tdx ? "tdx" : "sgx", *set = id->early ? "-early" : "";
    char fmspc[2 * RATLS_FMSPC_LEN + 1];

    ratls_hex_write(fmspc, id->platform.fmspc, sizeof id->platform.fmspc);
    switch (id->kind) {
    case RATLS_PART_PCK_CRL:
        (void)snprintf(out, RATLS_PART_NAME_MAX, "pck-crl-%s", id->platform.processor ? "processor" : "platform");
        break;
    case RATLS_PART_TCB_INFO:
        (void)snprintf(out, RATLS_PART_NAME_MAX, "tcb-info-%s-%s%s", tee, fmspc, set);
        break;
    case RATLS_PART_QE_IDENTITY:
        (void)snprintf(out, RATLS_PART_NAME_MAX, "qe-identity-%s%s", tee, set);
        break;
    case RATLS_PART_ROOT_CRL:
    case RATLS_PARTS:
    default:
        (void)snprintf(out, RATLS_PART_NAME_MAX, "root-crl");
        break;
    }
}

void ratls_part_subject(char out[RATLS_PART_SUBJECT_MAX], const ratls_part_id *id)
{
    const char *tee = id->platform.tdx ? "TDX" : "SGX", *set = id->early ? ", early" : "";
    char fmspc[2 * RATLS_FMSPC_LEN + 1];

    ratls_hex_write(fmspc, id->platform.fmspc, sizeof id->platform.fmspc);
    switch (id->kind) {
    case RATLS_PART_PCK_CRL:
        (void)snprintf(out, RATLS_PART_SUBJECT_MAX, "PCK CRL of the %s CA", id->platform.processor ? "processor" : "platform");
        break;
    case RATLS_PART_TCB_INFO:
        (void)snprintf(out, RATLS_PART_SUBJECT_MAX, "TCB info for FMSPC %s (%s%s)", fmspc, tee, set);
        break;
    case RATLS_PART_QE_IDENTITY:
        (void)snprintf(out, RATLS_PART_SUBJECT_MAX, "QE identity (%s%s)", tee, set);
        break;
    case RATLS_PART_ROOT_CRL:
    case RATLS_PARTS:
    default:
        (void)snprintf(out, RATLS_PART_SUBJECT_MAX, "root CA CRL");
        break;
    }
}

ratls_status ratls_part_check_dates(const ratls_part *part, const ratls_part_id *id, int64_t now, ratls_error **err)
{
    ratls_date_codes codes = {RATLS_ERR_COLLATERAL_CRL_NOT_YET_VALID, RATLS_ERR_COLLATERAL_CRL_EXPIRED, NULL};
    char subject[RATLS_PART_SUBJECT_MAX];

    ratls_part_subject(subject, id);
    codes.subject = subject;
    if (id->kind == RATLS_PART_TCB_INFO) {
        codes.not_yet_valid = RATLS_ERR_COLLATERAL_TCB_INFO_NOT_YET_VALID;
        codes.expired = RATLS_ERR_COLLATERAL_TCB_INFO_EXPIRED;
    } else if (id->kind == RATLS_PART_QE_IDENTITY) {
        codes.not_yet_valid = RATLS_ERR_COLLATERAL_QE_IDENTITY_NOT_YET_VALID;
        codes.expired = RATLS_ERR_COLLATERAL_QE_IDENTITY_EXPIRED;
    }
    return ratls_dates_check(part->from, part->until, now, codes, err);
}

bool ratls_part_holds(const ratls_part *part, int64_t now)
{
    return part != NULL && part->from <= now && now <= part->until;
}

bool ratls_part_same(const ratls_part *a, const ratls_part *b)
{
    return ratls_bytes_equal(a->content, b->content) && memcmp(a->signature, b->signature, sizeof a->signature) == 0 &&
           ratls_bytes_equal(a->chain, b->chain);
}

ratls_part *ratls_part_hold(ratls_part *part)
{
    if (part != NULL) {
        (void)atomic_fetch_add(&part->holds, 1);
    }
    return part;
}

void ratls_part_free(ratls_part *part)
{
    if (part != NULL && atomic_fetch_sub(&part->holds, 1) == 1) {
        free(part);
    }
}

#include "collateral/set.h"

#include <stdlib.h>
#include <string.h>

ratls_collateral ratls_collateral_set_view(const ratls_collateral_set *set)
{
    const ratls_part *tcb_info = set->parts[RATLS_PART_TCB_INFO], *qe_identity = set->parts[RATLS_PART_QE_IDENTITY];
    ratls_collateral view = {
        .root_ca_crl = set->parts[RATLS_PART_ROOT_CRL]->content,
        .pck_crl = set->parts[RATLS_PART_PCK_CRL]->content,
        .pck_crl_issuer_chain = set->parts[RATLS_PART_PCK_CRL]->chain,
        .tcb_info = tcb_info->content,
        .tcb_info_issuer_chain = tcb_info->chain,
        .qe_identity = qe_identity->content,
        .qe_identity_issuer_chain = qe_identity->chain,
    };

    memcpy(view.tcb_info_signature, tcb_info->signature, sizeof view.tcb_info_signature);
    memcpy(view.qe_identity_signature, qe_identity->signature, sizeof view.qe_identity_signature);
    return view;
}

static void take_parts(ratls_collateral_set *set, ratls_part *const parts[RATLS_PARTS])
{
    set->from = INT64_MIN;
    set->until = INT64_MAX;
    for (size_t i = 0; i < RATLS_PARTS; i++) {
        set->parts[i] = ratls_part_hold(parts[i]);
        set->from = parts[i]->from > set->from ? parts[i]->from : set->from;
        set->until = parts[i]->until < set->until ? parts[i]->until : set->until;
    }
}

ratls_status ratls_collateral_set_new(
    ratls_collateral_set **out, const ratls_platform_id *platform, bool early, uint64_t generation, ratls_part *const parts[RATLS_PARTS],
    ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_collateral_set *set = NULL;
    ratls_collateral view;

    *out = NULL;
    set = calloc(1, sizeof *set);
    CHECK(set != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&set->holds, 1);
    set->platform = *platform;
    set->early = early;
    set->generation = generation;
    take_parts(set, parts);
    view = ratls_collateral_set_view(set);
    TRY(ratls_prepare(&set->prepared, &view, trust, err));
    *out = set;
    set = NULL;
    status = RATLS_OK;
out:
    ratls_collateral_set_free(set);
    return status;
}

ratls_collateral_set *ratls_collateral_set_hold(ratls_collateral_set *set)
{
    if (set != NULL) {
        (void)atomic_fetch_add(&set->holds, 1);
    }
    return set;
}

void ratls_collateral_set_free(ratls_collateral_set *set)
{
    if (set == NULL || atomic_fetch_sub(&set->holds, 1) != 1) {
        return;
    }
    ratls_prepared_free(set->prepared);
    for (size_t i = 0; i < RATLS_PARTS; i++) {
        ratls_part_free(set->parts[i]);
    }
    free(set);
}

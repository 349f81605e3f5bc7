/* Verifiers made of others: all of them must accept, or the first that can check decides. */
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/options.h"
#include "base/text.h"
#include "verifier/kind.h"

typedef struct {
    ratls_verifier *parts[RATLS_COMBINED_MAX]; /* held */
    size_t len;
    ratls_log_callback log;
    void *log_user;
} combined_state;

/* How bad a status is, for the worst of several. What is out of date may hide a known hole; what needs configuring or
 * relaunching only may. */
static int badness(ratls_tcb_status status)
{
    static const int order[RATLS_TCB_COUNT] = {
        [RATLS_TCB_UP_TO_DATE] = 1,
        [RATLS_TCB_SW_HARDENING_NEEDED] = 2,
        [RATLS_TCB_CONFIGURATION_NEEDED] = 3,
        [RATLS_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] = 4,
        [RATLS_TCB_TD_RELAUNCH_ADVISED] = 5,
        [RATLS_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] = 6,
        [RATLS_TCB_OUT_OF_DATE] = 7,
        [RATLS_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = 8,
        [RATLS_TCB_REVOKED] = 9,
    };

    return order[status];
}

static void take_worse(ratls_tcb_status *status, ratls_tcb_status other)
{
    *status = badness(other) > badness(*status) ? other : *status;
}

/* What one verifier may know and another not: the first that knows it is believed. */
static void join_identity(ratls_claims *whole, const ratls_claims *part)
{
    if (whole->trust_anchor[0] == '\0') {
        memcpy(whole->trust_anchor, part->trust_anchor, sizeof whole->trust_anchor);
    }
    if (!whole->has_fmspc && part->has_fmspc) {
        whole->has_fmspc = true;
        memcpy(whole->fmspc, part->fmspc, sizeof whole->fmspc);
    }
    if (!whole->has_ppid && part->has_ppid) {
        whole->has_ppid = true;
        memcpy(whole->ppid, part->ppid, sizeof whole->ppid);
    }
    if (!whole->has_platform_instance_id && part->has_platform_instance_id) {
        whole->has_platform_instance_id = true;
        memcpy(whole->platform_instance_id, part->platform_instance_id, sizeof whole->platform_instance_id);
    }
}

/* Dates and numbers: the strictest. */
static void join_limits(ratls_claims *whole, const ratls_claims *part)
{
    if (part->has_tcb_date && (!whole->has_tcb_date || part->tcb_date < whole->tcb_date)) {
        whole->has_tcb_date = true;
        whole->tcb_date = part->tcb_date;
    }
    if (part->has_tcb_evaluation_data_number &&
        (!whole->has_tcb_evaluation_data_number || part->tcb_evaluation_data_number < whole->tcb_evaluation_data_number)) {
        whole->has_tcb_evaluation_data_number = true;
        whole->tcb_evaluation_data_number = part->tcb_evaluation_data_number;
    }
    if (part->has_collateral_dates) {
        whole->valid_from = !whole->has_collateral_dates || part->valid_from > whole->valid_from ? part->valid_from : whole->valid_from;
        whole->expires_at = !whole->has_collateral_dates || part->expires_at < whole->expires_at ? part->expires_at : whole->expires_at;
        whole->has_collateral_dates = true;
    }
}

/* One number for several: another one as soon as one of them is. */
static uint64_t fold(uint64_t whole, uint64_t part)
{
    return (whole ^ part) * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static uint64_t generation_of(const ratls_verifier *verifier, const ratls_parsed_quote *quote, int64_t now)
{
    const ratls_verifier_kind *kind = ratls_verifier_kind_of(verifier);

    return kind->generation == NULL ? 0 : kind->generation(ratls_verifier_state(verifier), quote, now);
}

static uint64_t combined_generation(void *state, const ratls_parsed_quote *quote, int64_t now)
{
    const combined_state *combined = state;
    uint64_t whole = 0;

    for (size_t i = 0; i < combined->len; i++) {
        whole = fold(whole, generation_of(combined->parts[i], quote, now));
    }
    return whole;
}

/* Add what one more verifier proved. The status of each stays known to the policy: one that is not acceptable is not
 * made so by a worse one that is. */
static ratls_status join(ratls_claims *whole, const ratls_claims *part, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    for (size_t i = 0; i < part->advisories.len; i++) {
        TRY(ratls_advisories_add(&whole->advisories, part->advisories.ids[i], err));
    }
    whole->further_tcb_statuses |= part->further_tcb_statuses | UINT32_C(1) << part->tcb_status;
    take_worse(&whole->tcb_status, part->tcb_status);
    take_worse(&whole->platform_tcb_status, part->platform_tcb_status);
    take_worse(&whole->tdx_module_tcb_status, part->tdx_module_tcb_status);
    take_worse(&whole->qe_tcb_status, part->qe_tcb_status);
    whole->collateral_generation = fold(whole->collateral_generation, part->collateral_generation);
    take_worse(&whole->launch_tcb_status, part->launch_tcb_status);
    take_worse(&whole->current_tcb_status, part->current_tcb_status);
    whole->intersection_known = whole->intersection_known || part->intersection_known;
    whole->outside_intersection = whole->outside_intersection == NULL ? part->outside_intersection : whole->outside_intersection;
    whole->hardware_verified = whole->hardware_verified && part->hardware_verified;
    whole->advisories_unknown = whole->advisories_unknown || part->advisories_unknown;
    whole->signer_revocation_unchecked = whole->signer_revocation_unchecked || part->signer_revocation_unchecked;
    join_identity(whole, part);
    join_limits(whole, part);
    status = RATLS_OK;
out:
    return status;
}

static ratls_status ask(
    ratls_claims *out, ratls_verifier *verifier, const ratls_parsed_quote *quote, const ratls_judging *judging, ratls_error **err)
{
    return ratls_verifier_kind_of(verifier)->judge(out, ratls_verifier_state(verifier), quote, judging, err);
}

static ratls_status judge_all(
    ratls_claims *out, void *state, const ratls_parsed_quote *quote, const ratls_judging *judging, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const combined_state *combined = state;
    ratls_claims part = {0};

    out->hardware_verified = true;
    for (size_t i = 0; i < combined->len; i++) {
        TRY(ask(&part, combined->parts[i], quote, judging, err));
        TRY(join(out, &part, err));
        ratls_claims_clear(&part);
    }
    status = RATLS_OK;
out:
    ratls_claims_clear(&part);
    return status;
}

static ratls_status recheck_part(
    bool *stale, const combined_state *combined, size_t i, const ratls_parsed_quote *quote, int64_t now, ratls_error **err)
{
    const ratls_verifier_kind *kind = ratls_verifier_kind_of(combined->parts[i]);

    return kind->recheck == NULL ? RATLS_OK : kind->recheck(stale, ratls_verifier_state(combined->parts[i]), quote, now, err);
}

static ratls_status recheck_all(bool *stale, void *state, const ratls_parsed_quote *quote, int64_t now, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const combined_state *combined = state;

    for (size_t i = 0; i < combined->len; i++) {
        TRY(recheck_part(stale, combined, i, quote, now, err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* A verifier could not check, and the next one is asked. */
static void tell_next(const combined_state *combined, size_t i, const ratls_error *failure)
{
    ratls_text line = {0};

    ratls_text_add(&line, "the verifier ");
    ratls_text_add(&line, ratls_verifier_kind_of(combined->parts[i])->name);
    ratls_text_add(&line, " could not check, the next one is asked: ");
    ratls_text_add(&line, ratls_error_message(failure, RATLS_SPELLING_C));
    if (combined->log != NULL) {
        combined->log(combined->log_user, line.failed ? "a verifier could not check, the next one is asked" : line.data);
    }
    ratls_text_clear(&line);
}

/* Only "could not check" lets the next one decide: a refusal is final, and so is the end of the caller's patience. */
static bool is_passed_on(const combined_state *combined, size_t i, ratls_status failed, const ratls_judging *judging)
{
    return i + 1 < combined->len && ratls_status_class(failed) == RATLS_CLASS_UNAVAILABLE && !ratls_cancel_triggered(judging->cancel) &&
           ratls_clock_monotonic_ms() < judging->deadline_ms;
}

static void hand_on(ratls_error *failure, ratls_error **err)
{
    if (err != NULL && *err == NULL) {
        *err = failure;
    } else {
        ratls_error_free(failure);
    }
}

/* Of all parts, as they are now; of the one that judged, as it was then. */
static uint64_t generation_with(const combined_state *combined, size_t judge, uint64_t its, const ratls_parsed_quote *quote, int64_t now)
{
    uint64_t whole = 0;

    for (size_t i = 0; i < combined->len; i++) {
        whole = fold(whole, i == judge ? its : generation_of(combined->parts[i], quote, now));
    }
    return whole;
}

static ratls_status judge_first(
    ratls_claims *out, void *state, const ratls_parsed_quote *quote, const ratls_judging *judging, ratls_error **err)
{
    const combined_state *combined = state;
    ratls_status status = RATLS_ERR_INTERNAL;

    for (size_t i = 0; i < combined->len; i++) {
        ratls_error *failure = NULL;

        status = ask(out, combined->parts[i], quote, judging, &failure);
        if (status == RATLS_OK) {
            out->collateral_generation = generation_with(combined, i, out->collateral_generation, quote, judging->now);
            return RATLS_OK;
        }
        if (!is_passed_on(combined, i, status, judging)) {
            hand_on(failure, err);
            return status;
        }
        tell_next(combined, i, failure);
        ratls_error_free(failure);
        ratls_claims_clear(out);
    }
    return status;
}

/* Which verifier reached a verdict is not kept with it: they are asked as for a new one, and the first that can look
 * decides. */
static ratls_status recheck_first(bool *stale, void *state, const ratls_parsed_quote *quote, int64_t now, ratls_error **err)
{
    const combined_state *combined = state;
    ratls_status status = RATLS_ERR_INTERNAL;

    for (size_t i = 0; i < combined->len; i++) {
        ratls_error *failure = NULL;

        status = recheck_part(stale, combined, i, quote, now, &failure);
        if (status == RATLS_OK) {
            return RATLS_OK;
        }
        if (i + 1 == combined->len || ratls_status_class(status) != RATLS_CLASS_UNAVAILABLE) {
            hand_on(failure, err);
            return status;
        }
        ratls_error_free(failure);
    }
    return status;
}

/* Each of them; the first failure is told, the others are warmed all the same. */
static ratls_status warm_combined(void *state, const ratls_collateral_wish *wish, ratls_error **err)
{
    const combined_state *combined = state;
    ratls_status status = RATLS_OK;

    for (size_t i = 0; i < combined->len; i++) {
        const ratls_verifier_kind *kind = ratls_verifier_kind_of(combined->parts[i]);
        ratls_status warmed = kind->warm == NULL ? RATLS_OK : kind->warm(ratls_verifier_state(combined->parts[i]), wish, err);

        status = status == RATLS_OK ? warmed : status;
    }
    return status;
}

static void destroy_combined(void *state)
{
    combined_state *combined = state;

    if (combined == NULL) {
        return;
    }
    for (size_t i = 0; i < combined->len; i++) {
        ratls_verifier_free(combined->parts[i]);
    }
    free(combined);
}

/* Of the first part that uses collateral: that one can be repeated. */
static ratls_status combined_sources(char **collateral, char **anchor, void *state, const ratls_parsed_quote *quote, ratls_error **err)
{
    const combined_state *combined = state;

    *collateral = NULL;
    *anchor = NULL;
    for (size_t i = 0; i < combined->len; i++) {
        const ratls_verifier_kind *kind = ratls_verifier_kind_of(combined->parts[i]);

        if (kind->sources != NULL) {
            return kind->sources(collateral, anchor, ratls_verifier_state(combined->parts[i]), quote, err);
        }
    }
    return RATLS_OK;
}

static const ratls_verifier_kind all_kind = {
    .name = "all",
    .judge = judge_all,
    .generation = combined_generation,
    .recheck = recheck_all,
    .warm = warm_combined,
    .sources = combined_sources,
    .destroy = destroy_combined,
};

static const ratls_verifier_kind first_kind = {
    .name = "first",
    .judge = judge_first,
    .generation = combined_generation,
    .recheck = recheck_first,
    .warm = warm_combined,
    .sources = combined_sources,
    .destroy = destroy_combined,
};

static ratls_status hold_parts(combined_state *combined, ratls_verifier *const *verifiers, size_t len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_detail argument = ratls_detail_text("argument", "verifiers");

    CHECK(verifiers != NULL && len > 0, RATLS_ERR_ARGUMENT_INVALID, argument, WHAT("there are none"));
    CHECK(len <= RATLS_COMBINED_MAX, RATLS_ERR_ARGUMENT_INVALID, argument, WHAT("there are more than 8"));
    for (size_t i = 0; i < len; i++) {
        CHECK(verifiers[i] != NULL, RATLS_ERR_ARGUMENT_INVALID, argument, WHAT("one of them is NULL"));
        CHECK(!ratls_verifier_kind_of(verifiers[i])->waives_evidence, RATLS_ERR_ARGUMENT_INVALID, argument,
              WHAT("a verifier that checks no signature cannot be one of several"));
        combined->parts[combined->len++] = ratls_verifier_hold(verifiers[i]);
    }
    status = RATLS_OK;
out:
    return status;
}

static ratls_status new_combined(ratls_verifier **out, const ratls_verifier_kind *kind, ratls_verifier *const *verifiers, size_t len,
                                 const ratls_verifier_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verifier_options copy;
    combined_state *combined = NULL;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    TRY(ratls_options_copy(&copy, sizeof copy, options, sizeof copy, err));
    combined = calloc(1, sizeof *combined);
    CHECK(combined != NULL, RATLS_ERR_OUT_OF_MEMORY);
    combined->log = copy.log;
    combined->log_user = copy.log_user;
    TRY(hold_parts(combined, verifiers, len, err));
    TRY(ratls_verifier_create(out, kind, combined, copy.log, copy.log_user, err));
    combined = NULL;
    status = RATLS_OK;
out:
    destroy_combined(combined);
    return status;
}

ratls_status ratls_verifier_new_all(
    ratls_verifier **out, ratls_verifier *const *verifiers, size_t verifiers_len, const ratls_verifier_options *options, ratls_error **err)
{
    return new_combined(out, &all_kind, verifiers, verifiers_len, options, err);
}

ratls_status ratls_verifier_new_first(
    ratls_verifier **out, ratls_verifier *const *verifiers, size_t verifiers_len, const ratls_verifier_options *options, ratls_error **err)
{
    return new_combined(out, &first_kind, verifiers, verifiers_len, options, err);
}

#include "policy/claims.h"

#include <stdlib.h>
#include <string.h>

/* Intel's words, in the order of the enumeration. */
static const char *const status_words[RATLS_TCB_COUNT] = {
    [RATLS_TCB_UP_TO_DATE] = "UpToDate",
    [RATLS_TCB_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
    [RATLS_TCB_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
    [RATLS_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] = "ConfigurationAndSWHardeningNeeded",
    [RATLS_TCB_OUT_OF_DATE] = "OutOfDate",
    [RATLS_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = "OutOfDateConfigurationNeeded",
    [RATLS_TCB_TD_RELAUNCH_ADVISED] = "TDRelaunchAdvised",
    [RATLS_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] = "TDRelaunchAdvisedConfigurationNeeded",
    [RATLS_TCB_REVOKED] = "Revoked",
};

static const char product_up_to_date[] = "OK";

const char *ratls_tcb_status_intel(ratls_tcb_status status)
{
    return status > RATLS_TCB_NONE && status < RATLS_TCB_COUNT ? status_words[status] : NULL;
}

const char *ratls_tcb_status_word(ratls_tcb_status status)
{
    return status == RATLS_TCB_UP_TO_DATE ? product_up_to_date : ratls_tcb_status_intel(status);
}

ratls_tcb_status ratls_tcb_status_parse(const char *word)
{
    if (strcmp(word, product_up_to_date) == 0) {
        return RATLS_TCB_UP_TO_DATE;
    }
    for (int status = RATLS_TCB_NONE + 1; status < RATLS_TCB_COUNT; status++) {
        if (strcmp(word, status_words[status]) == 0) {
            return (ratls_tcb_status)status;
        }
    }
    return RATLS_TCB_NONE;
}

/* Where the id is or belongs; *present tells which. */
static size_t find_advisory(const ratls_advisories *set, const char *id, bool *present)
{
    size_t at = 0;

    while (at < set->len && strcmp(set->ids[at], id) < 0) {
        at++;
    }
    *present = at < set->len && strcmp(set->ids[at], id) == 0;
    return at;
}

ratls_status ratls_advisories_add(ratls_advisories *set, const char *id, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    bool present = false;
    size_t at = find_advisory(set, id, &present);
    char *copy = NULL;
    char **grown;

    if (present) {
        return RATLS_OK;
    }
    CHECK(set->len < RATLS_ADVISORIES_MAX, RATLS_ERR_INTERNAL, WHAT("more advisories than the limit for one verdict"));
    CHECK(strlen(id) <= RATLS_ADVISORY_LEN_MAX, RATLS_ERR_INTERNAL, WHAT("an advisory id longer than the limit"));
    copy = strdup(id);
    CHECK(copy != NULL, RATLS_ERR_OUT_OF_MEMORY);
    grown = realloc(set->ids, (set->len + 1) * sizeof *grown);
    CHECK(grown != NULL, RATLS_ERR_OUT_OF_MEMORY);
    memmove(grown + at + 1, grown + at, (set->len - at) * sizeof *grown);
    grown[at] = copy;
    copy = NULL;
    set->ids = grown;
    set->len++;
    status = RATLS_OK;
out:
    free(copy);
    return status;
}

ratls_status ratls_advisories_copy(ratls_advisories *out, const ratls_advisories *in, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_advisories copy = {0};

    *out = (ratls_advisories){0};
    for (size_t i = 0; i < in->len; i++) {
        TRY(ratls_advisories_add(&copy, in->ids[i], err));
    }
    *out = copy;
    copy = (ratls_advisories){0};
    status = RATLS_OK;
out:
    ratls_advisories_clear(&copy);
    return status;
}

void ratls_advisories_clear(ratls_advisories *set)
{
    for (size_t i = 0; i < set->len; i++) {
        free(set->ids[i]);
    }
    free(set->ids);
    *set = (ratls_advisories){0};
}

ratls_status ratls_claims_copy(ratls_claims *out, const ratls_claims *in, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_claims copy = *in;

    *out = (ratls_claims){0};
    TRY(ratls_advisories_copy(&copy.advisories, &in->advisories, err));
    *out = copy;
    status = RATLS_OK;
out:
    return status;
}

void ratls_claims_clear(ratls_claims *claims)
{
    ratls_advisories_clear(&claims->advisories);
    *claims = (ratls_claims){0};
}

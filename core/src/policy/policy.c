/* Options → a compiled policy. */
#include "policy/policy.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "base/tables.h"
#include "base/text.h"
#include "policy/compiled.h"

enum {
    EVALUATION_NUMBER_MAX = INT32_MAX,
    /* Up to this size the struct was in the first release; later fields are appended. */
    VERIFY_OPTIONS_FIRST_SIZE = offsetof(ratls_verify_options, min_tcb_date)
};

/* 9999-12-31T23:59:59Z: the last time that RFC 3339 can write. */
static const int64_t time_max = INT64_C(253402300799);

void ratls_verify_options_init(ratls_verify_options *options, size_t size)
{
    ratls_options_init(options, size);
}

ratls_status ratls_policy_check_list(const char *option, const void *list, size_t len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (list == NULL && len == 0) {
        return RATLS_OK;
    }
    CHECK(list != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", option), WHAT("it is NULL but has a length"));
    CHECK(len > 0, RATLS_ERR_OPTION_EMPTY_LIST, ratls_detail_text("option", option));
    CHECK(len <= RATLS_POLICY_LIST_MAX, RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", option), FOUND_NUMBER(len),
          EXPECTED("at most 512 entries"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status compile_flag(bool *out, const char *option, int32_t value, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(value == 0 || value == 1, RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", option), FOUND_NUMBER(value), EXPECTED("0 or 1"));
    *out = value == 1;
    status = RATLS_OK;
out:
    return status;
}

static ratls_status compile_flags(ratls_compiled_policy *policy, const ratls_verify_options *options, ratls_error **err)
{
    const struct {
        bool *out;
        const char *option;
        int32_t value;
    } flags[] = {
        {&policy->allow_debug_mode, "allow_debug_mode", options->allow_debug_mode},
        {&policy->allow_sept_ve, "allow_sept_ve", options->allow_sept_ve},
        {&policy->allow_simulator, "allow_simulator", options->allow_simulator},
        {&policy->allow_partial_pins, "allow_partial_pins", options->allow_partial_pins},
        {&policy->strict_intersection, "strict_intersection", options->strict_intersection},
        {&policy->strict_trailing, "strict_trailing", options->strict_trailing},
        {&policy->sgx_v3_only, "sgx_v3_only", options->sgx_v3_only},
        {&policy->allow_perfmon, "allow_perfmon", options->allow_perfmon},
        {&policy->allow_lass, "allow_lass", options->allow_lass},
        {&policy->allow_icssd, "allow_icssd", options->allow_icssd},
        {&policy->allow_migratable, "allow_migratable", options->allow_migratable},
        {&policy->allow_service_td, "allow_service_td", options->allow_service_td},
    };
    ratls_status status = RATLS_ERR_INTERNAL;

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        TRY(compile_flag(flags[i].out, flags[i].option, flags[i].value, err));
    }
    status = RATLS_OK;
out:
    return status;
}

static ratls_status check_range(const char *option, int64_t value, int64_t maximum, const char *expected, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(value >= 0 && value <= maximum, RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", option), FOUND_NUMBER(value), EXPECTED(expected));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status compile_numbers(ratls_compiled_policy *policy, const ratls_verify_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(check_range("min_tcb_evaluation_data_number", options->min_tcb_evaluation_data_number, EVALUATION_NUMBER_MAX,
                    "a number from 0 to 2147483647", err));
    TRY(check_range("min_tcb_date", options->min_tcb_date, time_max, "a time from 1970 to 9999", err));
    TRY(check_range("now", options->now, time_max, "a time from 1970 to 9999", err));
    TRY(check_range("timeout_ms", options->timeout_ms, INT32_MAX, "milliseconds from 0 to 2147483647", err));
    TRY(check_range("max_age_s", options->max_age_s, INT32_MAX, "seconds from 0 to 2147483647", err));
    policy->min_tcb_evaluation_data_number = options->min_tcb_evaluation_data_number;
    policy->min_tcb_date = options->min_tcb_date;
    policy->now = options->now;
    policy->timeout_ms = options->timeout_ms == 0 ? RATLS_TIMEOUT_MS_DEFAULT : options->timeout_ms;
    policy->max_age_s = options->max_age_s == 0 ? RATLS_MAX_AGE_S_DEFAULT : options->max_age_s;
    policy->cache_ttl_s = options->cache_ttl_s == 0 ? RATLS_CACHE_TTL_S_DEFAULT : options->cache_ttl_s;
    if (policy->cache_ttl_s < 0) {
        policy->cache_ttl_s = 0;
    }
    status = RATLS_OK;
out:
    return status;
}

/* Every word of the statuses that an option may list. */
static char *acceptable_words(uint32_t set)
{
    ratls_text text = {0};

    for (int known = RATLS_TCB_NONE + 1; known < RATLS_TCB_COUNT; known++) {
        if ((set & (UINT32_C(1) << known)) != 0) {
            ratls_text_add(&text, text.len == 0 ? "" : ", ");
            ratls_text_add(&text, ratls_tcb_status_word((ratls_tcb_status)known));
        }
    }
    return ratls_text_take(&text);
}

char *ratls_policy_acceptable_text(const ratls_compiled_policy *policy)
{
    return acceptable_words(policy->acceptable_tcb_statuses);
}

/* DCAP rules 3.13: Revoked is never acceptable, so that listing it is an error, not a choice. */
static ratls_status compile_statuses(ratls_compiled_policy *policy, const ratls_verify_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *const *words = options->acceptable_tcb_statuses;
    char *choice = NULL;
    uint32_t set = 0;

    policy->acceptable_tcb_statuses = UINT32_C(1) << RATLS_TCB_UP_TO_DATE | UINT32_C(1) << RATLS_TCB_SW_HARDENING_NEEDED;
    if (words == NULL && options->acceptable_tcb_statuses_len == 0) {
        return RATLS_OK;
    }
    TRY(ratls_policy_check_list("acceptable_tcb_statuses", words, options->acceptable_tcb_statuses_len, err));
    choice = acceptable_words(~(UINT32_C(1) << RATLS_TCB_REVOKED));
    CHECK(choice != NULL, RATLS_ERR_OUT_OF_MEMORY);
    for (size_t i = 0; i < options->acceptable_tcb_statuses_len; i++) {
        const char *word = words[i] == NULL ? "" : words[i];
        ratls_tcb_status known = ratls_tcb_status_parse(word);

        CHECK(known != RATLS_TCB_NONE && known != RATLS_TCB_REVOKED, RATLS_ERR_OPTION_VALUE,
              ratls_detail_text("option", "acceptable_tcb_statuses"), FOUND(word), EXPECTED(choice));
        set |= UINT32_C(1) << known;
    }
    policy->acceptable_tcb_statuses = set;
    status = RATLS_OK;
out:
    free(choice);
    return status;
}

static ratls_status compile_advisories(ratls_compiled_policy *policy, const ratls_verify_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *const *ids = options->allowed_advisory_ids;

    TRY(ratls_policy_check_list("allowed_advisory_ids", ids, options->allowed_advisory_ids_len, err));
    for (size_t i = 0; i < options->allowed_advisory_ids_len; i++) {
        const char *id = ids[i] == NULL ? "" : ids[i];
        size_t len = strnlen(id, RATLS_ADVISORY_LEN_MAX + 1);

        CHECK(len > 0 && len <= RATLS_ADVISORY_LEN_MAX, RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", "allowed_advisory_ids"),
              FOUND(id), EXPECTED("an advisory id such as INTEL-SA-00615"));
        TRY(ratls_advisories_add(&policy->allowed_advisories, id, err));
    }
    policy->advisories_limited = ids != NULL;
    status = RATLS_OK;
out:
    return status;
}

static ratls_status compile_svn(ratls_compiled_policy *policy, const ratls_verify_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (options->min_tee_tcb_svn == NULL) {
        return RATLS_OK;
    }
    TRY(ratls_policy_read_hex(policy->min_tee_tcb_svn, sizeof policy->min_tee_tcb_svn, "min_tee_tcb_svn", NULL, options->min_tee_tcb_svn, err));
    policy->has_min_tee_tcb_svn = true;
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_policy_compile(ratls_compiled_policy **out, const ratls_verify_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_compiled_policy *policy = NULL;
    ratls_verify_options copy;

    *out = NULL;
    TRY(ratls_options_copy(&copy, sizeof copy, options, VERIFY_OPTIONS_FIRST_SIZE, err));
    policy = calloc(1, sizeof *policy);
    CHECK(policy != NULL, RATLS_ERR_OUT_OF_MEMORY);
    TRY(compile_flags(policy, &copy, err));
    TRY(compile_numbers(policy, &copy, err));
    TRY(compile_statuses(policy, &copy, err));
    TRY(compile_advisories(policy, &copy, err));
    TRY(compile_svn(policy, &copy, err));
    TRY(ratls_policy_compile_pins(policy, &copy, err));
    *out = policy;
    policy = NULL;
    status = RATLS_OK;
out:
    ratls_compiled_policy_free(policy);
    return status;
}

void ratls_compiled_policy_free(ratls_compiled_policy *policy)
{
    if (policy == NULL) {
        return;
    }
    for (size_t field = 0; field < RATLS_FIELD_COUNT; field++) {
        ratls_allowed_values_clear(&policy->pins[field]);
    }
    ratls_advisories_clear(&policy->allowed_advisories);
    free(policy);
}

int64_t ratls_policy_now(const ratls_compiled_policy *policy)
{
    return policy->now;
}

int64_t ratls_policy_cache_ttl_s(const ratls_compiled_policy *policy)
{
    return policy->cache_ttl_s;
}

int64_t ratls_policy_timeout_ms(const ratls_compiled_policy *policy)
{
    return policy->timeout_ms;
}

int64_t ratls_policy_max_age_s(const ratls_compiled_policy *policy)
{
    return policy->max_age_s;
}

bool ratls_policy_allow_debug_mode(const ratls_compiled_policy *policy)
{
    return policy->allow_debug_mode;
}

bool ratls_policy_strict_intersection(const ratls_compiled_policy *policy)
{
    return policy->strict_intersection;
}

bool ratls_policy_allow_simulator(const ratls_compiled_policy *policy)
{
    return policy->allow_simulator;
}

bool ratls_policy_demands_anything(const ratls_compiled_policy *policy)
{
    if (policy->has_min_tee_tcb_svn || policy->min_tcb_evaluation_data_number > 0 || policy->min_tcb_date > 0 ||
        policy->advisories_limited || policy->strict_intersection) {
        return true;
    }
    for (size_t field = 0; field < RATLS_FIELD_COUNT; field++) {
        if (policy->pins[field].values_len > 0) {
            return true;
        }
    }
    return false;
}

bool ratls_policy_pins_mr_td(const ratls_compiled_policy *policy)
{
    return policy->pins[RATLS_FIELD_MR_TD].values_len > 0;
}

/* RTMR3 holds the application's events; MRCONFIGID may hold its compose hash. */
bool ratls_policy_pins_application(const ratls_compiled_policy *policy)
{
    for (size_t field = 0; field < RATLS_FIELD_COUNT; field++) {
        if (ratls_field_rows[field].pin == RATLS_PIN_APPLICATION && policy->pins[field].values_len > 0) {
            return true;
        }
    }
    return policy->pins[RATLS_FIELD_RTMR3].values_len > 0 || policy->pins[RATLS_FIELD_MR_CONFIG_ID].values_len > 0;
}

bool ratls_policy_pins_identity(const ratls_compiled_policy *policy)
{
    return policy->pins[RATLS_FIELD_MR_TD].values_len > 0 && policy->pins[RATLS_FIELD_RTMR0].values_len > 0 &&
           policy->pins[RATLS_FIELD_RTMR1].values_len > 0 && policy->pins[RATLS_FIELD_RTMR2].values_len > 0;
}

#include "tunnel/verify_options_copy.h"

#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "policy/policy.h"

/* Memory that a copy owns is reached through the caller's const types. */
static void free_const(const void *memory)
{
    free((void *)(uintptr_t)memory);
}

static void free_list(const char *const *list, size_t len)
{
    for (size_t i = 0; list != NULL && i < len; i++) {
        free_const(list[i]);
    }
    free_const(list);
}

static void free_pins(const ratls_pin *pins, size_t len)
{
    for (size_t i = 0; pins != NULL && i < len; i++) {
        free_const(pins[i].field);
        free_list(pins[i].values, pins[i].values_len);
    }
    free_const(pins);
}

/* *out as `in`: NULL for NULL, which means "not given". */
static bool copy_text(const char **out, const char *in)
{
    *out = in == NULL ? NULL : strdup(in);
    return in == NULL || *out != NULL;
}

static bool copy_list(const char *const **out, const char *const *in, size_t len)
{
    const char **copy;

    *out = NULL;
    if (in == NULL) {
        return true;
    }
    copy = calloc(len + 1, sizeof *copy);
    if (copy == NULL) {
        return false;
    }
    *out = copy;
    for (size_t i = 0; i < len; i++) {
        if (!copy_text(&copy[i], in[i])) {
            return false;
        }
    }
    return true;
}

static bool copy_pins(const ratls_pin **out, const ratls_pin *in, size_t len)
{
    ratls_pin *copy;

    *out = NULL;
    if (in == NULL) {
        return true;
    }
    copy = calloc(len + 1, sizeof *copy);
    if (copy == NULL) {
        return false;
    }
    *out = copy;
    for (size_t i = 0; i < len; i++) {
        if (!copy_text(&copy[i].field, in[i].field) || !copy_list(&copy[i].values, in[i].values, in[i].values_len)) {
            return false;
        }
        copy[i].values_len = in[i].values_len;
    }
    return true;
}

ratls_status ratls_verify_options_copy(ratls_verify_options *out, const ratls_verify_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_compiled_policy *checked = NULL;
    ratls_verify_options given, copy;
    bool complete;

    memset(out, 0, sizeof *out);
    /* Compiling looks at every length and text, so that what is copied is known to be sound. */
    TRY(ratls_policy_compile(&checked, options, err));
    TRY(ratls_options_copy(&given, sizeof given, options, sizeof given.size, err));
    copy = given;
    copy.allowed_mr_td = NULL;
    copy.pins = NULL;
    copy.acceptable_tcb_statuses = NULL;
    copy.allowed_advisory_ids = NULL;
    copy.min_tee_tcb_svn = NULL;
    complete = copy_list(&copy.allowed_mr_td, given.allowed_mr_td, given.allowed_mr_td_len) &&
               copy_pins(&copy.pins, given.pins, given.pins_len) &&
               copy_list(&copy.acceptable_tcb_statuses, given.acceptable_tcb_statuses, given.acceptable_tcb_statuses_len) &&
               copy_list(&copy.allowed_advisory_ids, given.allowed_advisory_ids, given.allowed_advisory_ids_len) &&
               copy_text(&copy.min_tee_tcb_svn, given.min_tee_tcb_svn);
    *out = copy;
    CHECK(complete, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_verify_options_clear(out);
    }
    ratls_compiled_policy_free(checked);
    return status;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_list(const char *const *a, size_t a_len, const char *const *b, size_t b_len)
{
    if (a == NULL || b == NULL || a_len != b_len) {
        return a == NULL && b == NULL;
    }
    for (size_t i = 0; i < a_len; i++) {
        if (!same_text(a[i], b[i])) {
            return false;
        }
    }
    return true;
}

static bool same_pins(const ratls_verify_options *a, const ratls_verify_options *b)
{
    if (a->pins == NULL || b->pins == NULL || a->pins_len != b->pins_len) {
        return a->pins == NULL && b->pins == NULL;
    }
    for (size_t i = 0; i < a->pins_len; i++) {
        if (!same_text(a->pins[i].field, b->pins[i].field) ||
            !same_list(a->pins[i].values, a->pins[i].values_len, b->pins[i].values, b->pins[i].values_len)) {
            return false;
        }
    }
    return true;
}

static bool same_lists(const ratls_verify_options *a, const ratls_verify_options *b)
{
    return same_list(a->allowed_mr_td, a->allowed_mr_td_len, b->allowed_mr_td, b->allowed_mr_td_len) && same_pins(a, b) &&
           same_list(a->acceptable_tcb_statuses, a->acceptable_tcb_statuses_len, b->acceptable_tcb_statuses, b->acceptable_tcb_statuses_len) &&
           same_list(a->allowed_advisory_ids, a->allowed_advisory_ids_len, b->allowed_advisory_ids, b->allowed_advisory_ids_len) &&
           same_text(a->min_tee_tcb_svn, b->min_tee_tcb_svn);
}

bool ratls_verify_options_equal(const ratls_verify_options *a, const ratls_verify_options *b)
{
    ratls_verify_options scalars[2] = {*a, *b};

    for (size_t i = 0; i < 2; i++) {
        scalars[i].allowed_mr_td = NULL;
        scalars[i].pins = NULL;
        scalars[i].acceptable_tcb_statuses = NULL;
        scalars[i].allowed_advisory_ids = NULL;
        scalars[i].min_tee_tcb_svn = NULL;
    }
    /* The struct has no hidden padding, and so a member that is added later is compared from its first day. */
    return same_lists(a, b) && memcmp(&scalars[0], &scalars[1], sizeof scalars[0]) == 0;
}

void ratls_verify_options_clear(ratls_verify_options *copy)
{
    free_list(copy->allowed_mr_td, copy->allowed_mr_td_len);
    free_pins(copy->pins, copy->pins_len);
    free_list(copy->acceptable_tcb_statuses, copy->acceptable_tcb_statuses_len);
    free_list(copy->allowed_advisory_ids, copy->allowed_advisory_ids_len);
    free_const(copy->min_tee_tcb_svn);
    memset(copy, 0, sizeof *copy);
}

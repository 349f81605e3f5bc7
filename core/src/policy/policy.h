/** What the caller accepts, compiled once from its options, and applied to claims: one path for every verifier. */
#ifndef RATLS_POLICY_POLICY_H
#define RATLS_POLICY_POLICY_H

#include "evidence/identity.h"
#include "policy/claims.h"

/** Options, read and checked: lists decoded to bytes, statuses to a set. Owns everything. */
typedef struct ratls_compiled_policy ratls_compiled_policy;

/** Copy and check the options (NULL: the defaults): sizes by `size`, hexadecimal, lists, names, PINS_INCOMPLETE. */
ratls_status ratls_policy_compile(ratls_compiled_policy **out, const ratls_verify_options *options, ratls_error **err);

void ratls_compiled_policy_free(ratls_compiled_policy *policy);

/* What others need of a policy. */
int64_t ratls_policy_now(const ratls_compiled_policy *policy);          /* 0: the clock */
int64_t ratls_policy_cache_ttl_s(const ratls_compiled_policy *policy);  /* 0: off */
int64_t ratls_policy_timeout_ms(const ratls_compiled_policy *policy);
bool ratls_policy_allow_debug_mode(const ratls_compiled_policy *policy);
bool ratls_policy_strict_intersection(const ratls_compiled_policy *policy);
bool ratls_policy_allow_simulator(const ratls_compiled_policy *policy);
/* MRTD, any pin, or a least version or a list of advisories: something that only evidence can meet. */
bool ratls_policy_demands_anything(const ratls_compiled_policy *policy);
int64_t ratls_policy_max_age_s(const ratls_compiled_policy *policy);
bool ratls_policy_pins_mr_td(const ratls_compiled_policy *policy);
bool ratls_policy_pins_application(const ratls_compiled_policy *policy); /* by whatever field */
bool ratls_policy_pins_identity(const ratls_compiled_policy *policy);   /* MRTD and RTMR0 to RTMR2 */

/** Where MRCONFIGID is a hash and no log told what it is of: find the pinned values that it is the hash of, and add them to what
 *  is known of the application (evidence format 4.7). */
ratls_status ratls_policy_confirm_application(
    const ratls_compiled_policy *policy, const ratls_parsed_quote *quote, ratls_identity *identity, ratls_error **err);

/** Accept, or the first refusal, in a fixed order: debug and attributes, TCB status, advisories, numbers,
 *  MRTD, pins. What is demanded and not known is a refusal; only a TCB status that nobody gave (claims without a
 *  hardware signature) is passed over. Adds to `waived` (may be NULL) what an option waived ("debug_mode",
 *  "sept_ve"). */
ratls_status ratls_policy_apply(
    const ratls_compiled_policy *policy, const ratls_parsed_quote *quote, const ratls_claims *claims, const ratls_identity *identity,
    ratls_advisories *waived, ratls_error **err);

#endif

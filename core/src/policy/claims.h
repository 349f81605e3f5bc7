/** What a verifier proved: the one type that every verifier hands to the policy. */
#ifndef RATLS_POLICY_CLAIMS_H
#define RATLS_POLICY_CLAIMS_H

#include "base/error.h"
#include "evidence/quote.h"

/** TCB statuses, in the order of no judgement; NONE: not known. */
typedef enum {
    RATLS_TCB_NONE = 0,
    RATLS_TCB_UP_TO_DATE,
    RATLS_TCB_SW_HARDENING_NEEDED,
    RATLS_TCB_CONFIGURATION_NEEDED,
    RATLS_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
    RATLS_TCB_OUT_OF_DATE,
    RATLS_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
    RATLS_TCB_TD_RELAUNCH_ADVISED,
    RATLS_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
    RATLS_TCB_REVOKED,
    RATLS_TCB_COUNT
} ratls_tcb_status;

/** Intel's word ("UpToDate", …); NULL for NONE. */
const char *ratls_tcb_status_intel(ratls_tcb_status status);

/** The product's word: "OK" for UpToDate, else Intel's; NULL for NONE. */
const char *ratls_tcb_status_word(ratls_tcb_status status);

/** Either spelling, case-sensitively; NONE for anything else. */
ratls_tcb_status ratls_tcb_status_parse(const char *word);

enum {
    RATLS_ADVISORIES_MAX = 512,   /* of one verdict */
    RATLS_ADVISORY_LEN_MAX = 64
};

/** A sorted set of advisory ids; owns its strings. */
typedef struct {
    char **ids;
    size_t len;
} ratls_advisories;

/** Add a copy, keeping order and uniqueness. */
ratls_status ratls_advisories_add(ratls_advisories *set, const char *id, ratls_error **err);
ratls_status ratls_advisories_copy(ratls_advisories *out, const ratls_advisories *in, ratls_error **err);
void ratls_advisories_clear(ratls_advisories *set);

/** The TCB part of a verdict; zero is "nothing known". Measurements are not here: they come from the quote. */
typedef struct {
    bool hardware_verified; /* a hardware signature was checked: the result is `verified` */
    char trust_anchor[65];  /* "intel", or SHA-256 of another root in hex; "" when nothing was checked */
    ratls_tcb_status tcb_status;
    uint32_t further_tcb_statuses; /* of several verifiers, bit by number: each must be acceptable beside tcb_status */
    ratls_tcb_status platform_tcb_status;
    ratls_tcb_status tdx_module_tcb_status;
    ratls_tcb_status qe_tcb_status;
    ratls_tcb_status launch_tcb_status;  /* TD 1.5: converged, under the module that launched the TD … */
    ratls_tcb_status current_tcb_status; /* … and the one that runs it now */
    ratls_advisories advisories;
    bool advisories_unknown; /* nobody said which apply: an empty set then means nothing */
    bool intersection_known;          /* the verifier knows what other verifiers would say of it … */
    const char *outside_intersection; /* … and why one of them refuses it (a literal); NULL: none does */
    bool has_tcb_date;
    int64_t tcb_date;
    bool has_fmspc;
    uint8_t fmspc[6];
    bool has_ppid;
    uint8_t ppid[16];
    bool has_platform_instance_id;
    uint8_t platform_instance_id[16];
    bool has_tcb_evaluation_data_number;
    uint32_t tcb_evaluation_data_number;
    bool has_collateral_dates; /* the verdict holds from valid_from to expires_at */
    int64_t valid_from;
    int64_t expires_at;
    uint64_t collateral_generation; /* of what it rests on, to be compared with what there is; 0: nothing that changes */
    bool signer_revocation_unchecked; /* accepted although nobody knows whether who signed the verdict was revoked */
} ratls_claims;

/** Attach the verdict on the TCB, if there was one, to the failure *err, if there is one. */
void ratls_claims_tell(const ratls_claims *claims, ratls_error **err);

/** The verdict on the TCB as a JSON object, by the result's names, null where not known; the caller's to
 *  free(). NULL when out of memory. */
char *ratls_claims_tcb_json(const ratls_claims *claims);

ratls_status ratls_claims_copy(ratls_claims *out, const ratls_claims *in, ratls_error **err);
void ratls_claims_clear(ratls_claims *claims);

#endif

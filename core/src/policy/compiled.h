/** Inside of a compiled policy, for the files that make it and apply it. */
#ifndef RATLS_POLICY_COMPILED_H
#define RATLS_POLICY_COMPILED_H

#include "policy/policy.h"

enum {
    RATLS_POLICY_LIST_MAX = 512,       /* entries of one list of the options */
    RATLS_POLICY_VALUE_MAX = 1024      /* bytes of one value */
};

/** The values that one field may have; values_len 0: any. Owns them. */
typedef struct {
    size_t value_len; /* bytes of each value; 0: the values are texts */
    uint8_t *bytes;   /* values_len of value_len bytes */
    char **texts;
    size_t values_len;
} ratls_allowed_values;

struct ratls_compiled_policy {
    ratls_allowed_values pins[RATLS_FIELD_COUNT]; /* MRTDs under RATLS_FIELD_MR_TD, whichever option gave them */
    uint32_t acceptable_tcb_statuses;             /* bit 1 << ratls_tcb_status */
    bool advisories_limited;
    ratls_advisories allowed_advisories;
    bool has_min_tee_tcb_svn;
    uint8_t min_tee_tcb_svn[16];
    int64_t min_tcb_evaluation_data_number;
    int64_t min_tcb_date;
    int64_t now;
    int64_t cache_ttl_s;
    int64_t timeout_ms;
    int64_t max_age_s;
    bool allow_debug_mode;
    bool allow_sept_ve;
    bool allow_simulator;
    bool allow_partial_pins;
    bool strict_intersection;
    bool strict_trailing;
    bool sgx_v3_only;
    bool allow_perfmon;
    bool allow_lass;
    bool allow_icssd;
    bool allow_migratable;
    bool allow_service_td;
};

/** Lists of the options: a pointer with no entries is an error, and so are entries without a pointer. */
ratls_status ratls_policy_check_list(const char *option, const void *list, size_t len, ratls_error **err);

/** Read the pins of the options, and PINS_INCOMPLETE. */
ratls_status ratls_policy_compile_pins(ratls_compiled_policy *policy, const ratls_verify_options *options, ratls_error **err);

/** Read exactly `len` bytes of hexadecimal text with or without 0x. `what` (may be NULL) names them in the message. */
ratls_status ratls_policy_read_hex(uint8_t *out, size_t len, const char *option, const char *what, const char *text, ratls_error **err);

/** The acceptable statuses in the product's words, joined by commas; the caller's to free(). NULL when out of memory. */
char *ratls_policy_acceptable_text(const ratls_compiled_policy *policy);

void ratls_allowed_values_clear(ratls_allowed_values *values);

/** The values for a message, joined by commas; the caller's to free(). NULL when out of memory. */
char *ratls_allowed_values_text(const ratls_allowed_values *values);

/** Debug mode and the other attributes of a TD or an enclave. */
ratls_status ratls_policy_check_attributes(
    const ratls_compiled_policy *policy, const ratls_parsed_quote *quote, ratls_advisories *waived, ratls_error **err);

#endif

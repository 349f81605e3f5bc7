/** One verification under way: the steps that are the same wherever the evidence came from. */
#ifndef RATLS_VERIFIER_VERIFICATION_H
#define RATLS_VERIFIER_VERIFICATION_H

#include "evidence/ratls_certificate.h"
#include "policy/policy.h"
#include "report/report.h"
#include "verifier/kind.h"

/** Zero, but for `certificate` and what ratls_verification_begin() sets; end with ratls_verification_end(). */
typedef struct {
    ratls_verifier *verifier; /* held */
    ratls_compiled_policy *policy;
    ratls_judging judging;
    ratls_bytes certificate; /* empty: there is none */
    ratls_report report;
    bool has_report;
    ratls_evidence evidence;
    ratls_parsed_quote quote;
    bool has_quote;
    ratls_verdict_cache *cache; /* NULL: none is used */
    uint8_t cache_key[RATLS_SHA256_LEN];
    bool recalled;             /* claims and evidence came from the cache; what they rest on is still to be looked at */
    ratls_kept_evidence *kept; /* held; NULL unless recalled */
    ratls_claims claims;
    ratls_identity proved;     /* which application it is, whatever is pinned … */
    ratls_identity identity;   /* … and with what the pins confirm */
    ratls_advisories waived;
    bool from_cache;
    bool key_bound;
    const char *report_encoding; /* NULL: there is no report */
} ratls_verification;

/** What the caller accepts, and until when it waits. */
ratls_status ratls_verification_begin(
    ratls_verification *v, ratls_verifier *verifier, const ratls_verify_options *options, const ratls_cancel *cancel, ratls_error **err);

void ratls_verification_end(ratls_verification *v);

/** Claims and evidence of `certificate` from the cache, if they are there: then there is nothing to read. */
ratls_status ratls_verification_recall(ratls_verification *v, ratls_error **err);

/** The evidence in `certificate`, or what waives it. */
ratls_status ratls_verification_read_certificate(ratls_verification *v, ratls_error **err);

ratls_status ratls_verification_parse_quote(ratls_verification *v, ratls_bytes quote, ratls_error **err);

/** The time to verify for. */
ratls_status ratls_verification_set_time(ratls_verification *v, ratls_error **err);

/** Everything that needs a quote; a verdict that was reached is told with a later refusal. */
ratls_status ratls_verification_judge(ratls_verification *v, ratls_error **err);

ratls_status ratls_verification_result(ratls_result **out, const ratls_verification *v, ratls_error **err);

#endif

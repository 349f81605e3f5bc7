/** A verified token's payload: dates, issuer, shape, what it says of the quote that was sent, and the verdict on the TCB
 *  (Intel rules 2.7, 2.8, 3 and 4). No I/O; the caller has checked the signature. */
#ifndef RATLS_INTEL_TOKEN_CLAIMS_H
#define RATLS_INTEL_TOKEN_CLAIMS_H

#include "evidence/quote.h"
#include "intel/config.h"
#include "policy/claims.h"

enum {
    RATLS_INTEL_CLOCK_ALLOWANCE_S = 60,  /* the service's clock against ours */
    RATLS_INTEL_LIFETIME_MOST_S = 3600,
    RATLS_INTEL_POLICY_ENTRIES_MAX = 64  /* of a list of policies in a token */
};

/** When a token is looked at. */
typedef struct {
    int64_t now;
    int64_t sent_at;          /* when its quote was sent: an older token is an answer to something else */
    bool allow_debug_mode;    /* in which words a token that contradicts the quote on debug is refused */
} ratls_intel_moment;

/** Payload → claims (the TCB part of them), or the first refusal. `out` is empty on entry; cleared by the caller. */
ratls_status ratls_intel_claims_read(
    ratls_claims *out, ratls_bytes payload, const ratls_parsed_quote *quote, const ratls_intel_config *config,
    const ratls_intel_moment *moment, ratls_error **err);

#endif

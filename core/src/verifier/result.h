/** Making a result: the one verdict, immutable once made. */
#ifndef RATLS_VERIFIER_RESULT_H
#define RATLS_VERIFIER_RESULT_H

#include "evidence/identity.h"
#include "policy/claims.h"

/** What an accepted verification knows; everything is copied. */
typedef struct {
    const char *verifier;
    const ratls_parsed_quote *quote; /* NULL: there was none, or it was waived */
    const ratls_claims *claims;
    const ratls_identity *identity; /* NULL: nothing is known of the application */
    const ratls_advisories *waived;
    int64_t verified_at;
    bool identity_pinned;
    bool from_cache;
    bool tells_key_bound; /* else key_bound is not known */
    bool key_bound;
    const char *report_encoding; /* NULL: there was no report */
} ratls_result_parts;

ratls_status ratls_result_make(ratls_result **out, const ratls_result_parts *parts, ratls_error **err);

#endif

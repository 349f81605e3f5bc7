/** Verdicts on certificates, kept for a while by the verifier that reached them. What is kept is what was proved
 *  (claims), never that it was accepted: policy, dates and revocation are applied again on every use. */
#ifndef RATLS_VERIFIER_VERDICT_CACHE_H
#define RATLS_VERIFIER_VERDICT_CACHE_H

#include "base/digest.h"
#include "policy/claims.h"
#include "verifier/kept_evidence.h"

enum { RATLS_VERDICT_CACHE_MAX = 1024 /* certificates; then the one that was used longest ago goes */ };

/** Safe for threads. */
typedef struct ratls_verdict_cache ratls_verdict_cache;

ratls_status ratls_verdict_cache_new(ratls_verdict_cache **out, ratls_error **err);
void ratls_verdict_cache_free(ratls_verdict_cache *cache);

/** Look up the certificate with this SHA-256. *hit is true, `out` a copy and `evidence` a hold of the caller's on what was kept
 *  beside it (NULL: nothing), when there are claims younger than `ttl_s` whose dates hold at `now`; others are forgotten. */
ratls_status ratls_verdict_cache_find(
    ratls_claims *out, ratls_kept_evidence **evidence, bool *hit, ratls_verdict_cache *cache, const uint8_t key[RATLS_SHA256_LEN], int64_t ttl_s, int64_t now,
    ratls_error **err);

/** Keep a copy of the claims, as of now on the monotonic clock, and a hold on the evidence (may be NULL). */
ratls_status ratls_verdict_cache_store(
    ratls_verdict_cache *cache, const uint8_t key[RATLS_SHA256_LEN], const ratls_claims *claims, ratls_kept_evidence *evidence,
    ratls_error **err);

/** Forget the certificate. */
void ratls_verdict_cache_forget(ratls_verdict_cache *cache, const uint8_t key[RATLS_SHA256_LEN]);

/** How many certificates it holds. */
size_t ratls_verdict_cache_len(ratls_verdict_cache *cache);

#endif

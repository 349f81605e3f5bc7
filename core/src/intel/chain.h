/** A token signer's certificate chain and its revocation lists, under the roots that are trusted (Intel rules 2.4; 2.6,
 *  step 6). No network here: lists are asked of a source. */
#ifndef RATLS_INTEL_CHAIN_H
#define RATLS_INTEL_CHAIN_H

#include "intel/config.h"
#include "intel/signer.h"

enum {
    RATLS_INTEL_CRL_MAX = 1 << 20, /* bytes of one list */
    RATLS_INTEL_CRL_FETCHES_MAX = 4, /* of one verification */
    RATLS_INTEL_CLOCK_SKEW_S = 60
};

/** Where revocation lists come from. */
typedef struct {
    /** The list at this URL as DER, the caller's to free(). Failing means that it cannot be had. */
    ratls_status (*get)(uint8_t **out, size_t *out_len, void *user, const char *url, ratls_error **err);
    void *user;
} ratls_intel_crl_source;

/** What a check established, and from when until when it holds. */
typedef struct {
    int64_t valid_from;
    int64_t valid_until;
    uint8_t root_sha256[RATLS_SHA256_LEN];
    bool revocation_unchecked; /* the policy is off, or it is soft and a list could not be had */
} ratls_intel_chain;

/** Verify at `now`: the chain without revocation, then the lists that its now authentic certificates name, then both. */
ratls_status ratls_intel_chain_check(
    ratls_intel_chain *out, const ratls_intel_signer *signer, const ratls_intel_config *config, const ratls_intel_crl_source *source,
    int64_t now, ratls_error **err);

#endif

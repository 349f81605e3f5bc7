/** The settings of an Intel Trust Authority client, read and checked once. */
#ifndef RATLS_INTEL_CONFIG_H
#define RATLS_INTEL_CONFIG_H

#include <openssl/x509.h>

#include "base/error.h"

enum {
    RATLS_INTEL_API_KEY_MAX = 4096,
    RATLS_INTEL_POLICIES_MAX = 10,
    RATLS_INTEL_CRL_HOSTS_MAX = 8,
    RATLS_INTEL_ROOTS_MAX = 8,
    RATLS_INTEL_URL_MAX = 512, /* bytes of a base URL */
    RATLS_INTEL_UUID_LEN = 36,
    RATLS_INTEL_ATTEMPTS_MAX = 10,
    RATLS_INTEL_ATTEMPTS_DEFAULT = 3,
    RATLS_INTEL_ATTEST_TIMEOUT_MS = 15000,
    RATLS_INTEL_FETCH_TIMEOUT_MS = 10000,
    RATLS_INTEL_REQUESTS_PER_SECOND = 2,
    RATLS_INTEL_REQUESTS_PER_SECOND_MAX = 1000,
    RATLS_INTEL_RSA_BITS_DEFAULT = 3072,
    RATLS_INTEL_RSA_BITS_LEAST = 2048,
    RATLS_INTEL_RSA_BITS_MOST = 8192
};

/** Signature algorithms of tokens, as bits of a set. */
typedef enum {
    RATLS_INTEL_PS384 = 1,
    RATLS_INTEL_RS256 = 2
} ratls_intel_algorithm;

/** Name of an algorithm ("PS384"); "PS384, RS256" for both. */
const char *ratls_intel_algorithms_text(int algorithms);

/** The algorithm of this name, exactly; 0 for any other. */
int ratls_intel_algorithm_parse(const char *name);

/** Owns everything. Immutable once made. */
typedef struct {
    char *key_header; /* "x-api-key: …": the only place of the key; wiped when cleared */
    char *base_url;   /* without a slash at its end */
    char *portal_url; /* the same */
    char *policy_ids[RATLS_INTEL_POLICIES_MAX];
    size_t policy_ids_len;
    char *crl_hosts[RATLS_INTEL_CRL_HOSTS_MAX + 1]; /* the portal's first */
    size_t crl_hosts_len;
    X509 *roots[RATLS_INTEL_ROOTS_MAX];
    size_t roots_len; /* 0: the root that the portal sends */
    int requested_algorithm;
    int allowed_algorithms; /* set */
    int api_version;        /* 1 or 2 */
    int attempts;
    int requests_per_second; /* 0: no limit */
    int crl_policy;
    int min_rsa_bits;
    int64_t attest_timeout_ms;
    int64_t fetch_timeout_ms;
    bool policy_must_match;
    bool allow_unmatched_policies;
    bool relaxed_chain;
} ratls_intel_config;

/** Read the options (of full size). On failure `out` is empty. */
ratls_status ratls_intel_config_read(ratls_intel_config *out, const ratls_intel_options *options, ratls_error **err);

void ratls_intel_config_clear(ratls_intel_config *config);

/** The API key itself, inside key_header. */
const char *ratls_intel_config_key(const ratls_intel_config *config);

#endif

/** A token (compact JWS) taken apart: form and header, nothing verified (Intel rules 2.6, steps 1 to 3). */
#ifndef RATLS_INTEL_TOKEN_H
#define RATLS_INTEL_TOKEN_H

#include "base/error.h"

enum {
    RATLS_INTEL_TOKEN_MAX = 49152,
    RATLS_INTEL_TOKEN_HEADER_MAX = 2048,  /* of its parts, as they are encoded */
    RATLS_INTEL_TOKEN_SIGNATURE_MAX = 1024,
    RATLS_INTEL_KEY_ID_MAX = 256
};

/** What a token must say of itself. */
typedef struct {
    int allowed_algorithms;   /* set of ratls_intel_algorithm */
    const char *key_set_url;  /* where its keys are: a jku that says otherwise is refused, none is ever fetched */
} ratls_intel_token_rules;

/** `signed_part` borrows the token; everything else is owned. */
typedef struct {
    int algorithm; /* one ratls_intel_algorithm */
    char key_id[RATLS_INTEL_KEY_ID_MAX + 1];
    ratls_bytes signed_part; /* header.payload as they came */
    uint8_t *payload;
    size_t payload_len;
    uint8_t *signature;
    size_t signature_len;
} ratls_intel_token;

/** On failure `out` is empty. */
ratls_status ratls_intel_token_parse(ratls_intel_token *out, ratls_bytes text, const ratls_intel_token_rules *rules, ratls_error **err);

void ratls_intel_token_clear(ratls_intel_token *token);

#endif

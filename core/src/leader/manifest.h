/** A leader record: what it says, who signed it, and whether it counts (evidence format 8). */
#ifndef RATLS_LEADER_MANIFEST_H
#define RATLS_LEADER_MANIFEST_H

#include "leader/secp256k1.h"

enum {
    RATLS_MANIFEST_BODY_MAX = 2048,     /* what is signed */
    RATLS_MANIFEST_MAX = RATLS_MANIFEST_BODY_MAX + 8 + 2 * RATLS_SECP256K1_SIGNATURE_LEN, /* with ";sig=0x" and the signature */
    RATLS_MANIFEST_INSTANCE_MAX = 128,  /* hexadecimal digits */
    RATLS_MANIFEST_PORT_DEFAULT = 443
};

/** One record, read. Owns its texts. */
typedef struct {
    char *body;     /* what is signed, in its one form */
    char *instance; /* lower-case hexadecimal */
    char *url;      /* as it was signed */
    char *host;     /* lower-case, an IPv6 address without brackets */
    int32_t port;
    uint64_t epoch;
    uint64_t valid_until; /* exclusive */
    uint8_t cluster[RATLS_ADDRESS_LEN];
    uint8_t signature[RATLS_SECP256K1_SIGNATURE_LEN];
} ratls_manifest;

/** Read a record strictly: every key once, none but the known ones, the signature last, numbers in their one form. Says
 *  nothing about the signature. */
ratls_status ratls_manifest_read(ratls_manifest *out, ratls_bytes text, ratls_error **err);

/** LEADER_SIGNATURE unless `signer` signed it. */
ratls_status ratls_manifest_check_signer(const ratls_manifest *manifest, const uint8_t signer[RATLS_ADDRESS_LEN], ratls_error **err);

/** LEADER_EXPIRED unless it is valid at `now`. */
ratls_status ratls_manifest_check_time(const ratls_manifest *manifest, int64_t now, ratls_error **err);

void ratls_manifest_clear(ratls_manifest *manifest);

#endif

/** Certificate chains of Intel's SGX PKI: the rules that hold for the PCK chain and for the chains of the collateral's
 *  signers alike (DCAP rules 3.2, X1 to X12 and R1 to R4). */
#ifndef RATLS_DCAP_CHAIN_H
#define RATLS_DCAP_CHAIN_H

#include "base/certificate.h"
#include "base/pem.h"
#include "dcap/trust.h"

enum { RATLS_CHAIN_MAX = 3 };

/** The rules, as offsets of their codes in a chain's block of codes. */
typedef enum {
    RATLS_CHAIN_FORMAT = 0,
    RATLS_CHAIN_SIGALG,
    RATLS_CHAIN_KEY,
    RATLS_CHAIN_EXPIRED,
    RATLS_CHAIN_NOT_YET_VALID,
    RATLS_CHAIN_EXT,
    RATLS_CHAIN_CA,
    RATLS_CHAIN_ROLE,
    RATLS_CHAIN_AKI,
    RATLS_CHAIN_ISSUER,
    RATLS_CHAIN_SIGNATURE,
    RATLS_CHAIN_ROOT_UNTRUSTED,
    RATLS_CHAIN_ROOT_NAME
} ratls_chain_rule;

/** What distinguishes one chain from another. */
typedef struct {
    const char *name;
    ratls_status block;        /* first code of its block */
    ratls_status pem_code;
    ratls_status length_code;
    size_t len;                /* certificates that it must have */
    const char *subjects[RATLS_CHAIN_MAX]; /* how messages call them, leaf first */
} ratls_chain_kind;

typedef struct {
    ratls_certificate parsed;
    ratls_bytes subject_key_id;
    ratls_bytes authority_key_id;
    ratls_p256_key *key; /* NULL: the root's, which is the anchor's, or not verified yet */
} ratls_chain_link;

/** Leaf first, root last, whatever order they came in. */
typedef struct {
    const ratls_chain_kind *kind;
    ratls_pem pem; /* what the certificates borrow */
    ratls_chain_link links[RATLS_CHAIN_MAX];
    size_t len;
    bool root_is_anchor; /* the very certificate, not another of the same key and name */
    int64_t not_before; /* the latest of the certificates' */
    int64_t not_after;  /* the earliest */
} ratls_chain;

/** Read the chain: PEM, length, X1 and X12. Nothing is believed yet. */
ratls_status ratls_chain_read(ratls_chain *out, ratls_bytes text, const ratls_chain_kind *kind, ratls_error **err);

/** Every rule that needs no time, on a chain that was read: R1, R2, R4 and X2 to X11 but for X4. */
ratls_status ratls_chain_verify(ratls_chain *chain, ratls_trust *trust, ratls_error **err);

/** Who signs with the key of a certificate that was verified and is not the root. */
ratls_signer ratls_chain_signer(const ratls_chain_link *link);

/** X4 and R3. */
ratls_status ratls_chain_check_dates(const ratls_chain *chain, int64_t now, ratls_error **err);

void ratls_chain_clear(ratls_chain *chain);

/** X2, which CRLs share (L2): AlgorithmIdentifier is ecdsa-with-SHA256 without parameters. */
bool ratls_is_ecdsa_sha256(ratls_bytes algorithm);

#endif

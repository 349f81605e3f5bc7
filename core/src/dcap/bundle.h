/** The collateral bundle: the JSON object of DCAP rules 2.8, taken apart but not judged. */
#ifndef RATLS_COLLATERAL_BUNDLE_H
#define RATLS_COLLATERAL_BUNDLE_H

#include "base/error.h"

enum {
    RATLS_COLLATERAL_CHAIN_MAX = 32 * 1024,
    RATLS_COLLATERAL_CRL_MAX = 4 << 20,
    RATLS_COLLATERAL_JSON_MAX = 1 << 20,
    RATLS_COLLATERAL_BUNDLE_MAX = 12 << 20
};

/** Owned parts; CRLs as DER, chains as PEM text, JSON as the exact signed text. */
typedef struct {
    ratls_bytes root_ca_crl;
    ratls_bytes pck_crl;
    ratls_bytes tcb_info_issuer_chain;
    ratls_bytes tcb_info;
    uint8_t tcb_info_signature[64];
    ratls_bytes qe_identity_issuer_chain;
    ratls_bytes qe_identity;
    uint8_t qe_identity_signature[64];
    ratls_bytes pck_certificate_chain; /* empty when the bundle has none */
    ratls_bytes pck_crl_issuer_chain;  /* the same; carried for others, not used */
    void *storage;                     /* what the slices borrow */
} ratls_collateral;

/** Parse a bundle. Every part but pck_crl_issuer_chain and pck_certificate_chain must be there: absence
 *  never skips a check (DCAP rules I1). */
ratls_status ratls_collateral_parse(ratls_collateral *out, ratls_bytes json, ratls_error **err);

/** Every part that must be there is, and none is larger than its limit (I1, I3). */
ratls_status ratls_collateral_check_parts(const ratls_collateral *collateral, ratls_error **err);

/** The parts as a bundle again: the caller's to free(); NULL when out of memory. */
char *ratls_collateral_print(const ratls_collateral *collateral);

void ratls_collateral_clear(ratls_collateral *collateral);

#endif

/** Certificate revocation lists (RFC 5280, section 5) as borrowed slices of their strict DER: parsed, not judged. */
#ifndef RATLS_BASE_CRL_H
#define RATLS_BASE_CRL_H

#include "base/certificate.h"

enum {
    RATLS_CRL_SIZE_MAX = 4 << 20, /* bytes of DER; more than 100,000 entries of Intel's form without a reason */
    RATLS_CRL_EXTENSIONS_MAX = 16
};

/** Slices borrow the DER that was parsed; `serials` is owned. */
typedef struct {
    ratls_bytes der;                 /* the whole list */
    ratls_bytes tbs;                 /* what is signed, with tag and length */
    ratls_bytes signature_algorithm; /* AlgorithmIdentifier, whole; the outer equals the inner, checked */
    ratls_bytes issuer;              /* Name, whole */
    int64_t this_update;
    int64_t next_update;
    ratls_bytes signature;           /* BIT STRING bytes */
    ratls_extension extensions[RATLS_CRL_EXTENSIONS_MAX];
    size_t extensions_len;
    ratls_bytes *serials;            /* magnitudes without leading zeros */
    size_t serials_len;
    const char *entry_fault;         /* NULL, or why an entry's extensions are not acceptable (a literal) */
} ratls_crl;

/** Parse a version 2 list with a nextUpdate that is all of `der`. On failure returns false, `out` is empty,
 *  and *what says what is wrong (a literal). Duplicate extension OIDs are kept: who cares rejects them. */
bool ratls_crl_parse(ratls_crl *out, ratls_bytes der, const char **what);

void ratls_crl_clear(ratls_crl *crl);

/** The list names this serial (INTEGER content octets), whatever the reason. Integers are compared, not their
 *  encodings. */
bool ratls_crl_lists(const ratls_crl *crl, ratls_bytes serial);

/** The only extension with this OID; *count (may be NULL) is how many there are. */
const ratls_extension *ratls_crl_extension(const ratls_crl *crl, ratls_bytes oid, size_t *count);

/** The DER of a list that is DER already, hexadecimal text of either case, or PEM with one "X509 CRL" block.
 *  *out is the caller's to free(). On failure returns false, and *what says what is wrong (a literal). */
bool ratls_crl_decode(uint8_t **out, size_t *out_len, ratls_bytes input, const char **what);

#endif

/** X.509 certificates (RFC 5280) as borrowed slices of their strict DER: parsed, not judged. */
#ifndef RATLS_BASE_CERTIFICATE_H
#define RATLS_BASE_CERTIFICATE_H

#include "base/der.h"
#include "base/error.h"

enum {
    RATLS_CERTIFICATE_SIZE_MAX = 1 << 20, /* bytes; an RA-TLS leaf carries evidence of up to that order */
    RATLS_CERTIFICATE_EXTENSIONS_MAX = 32
};

typedef struct {
    ratls_bytes oid; /* content octets */
    bool critical;
    ratls_bytes value; /* content of extnValue */
} ratls_extension;

/** Read what is inside the SEQUENCE of one Extension; certificates, CRLs and CRL entries have the same. */
bool ratls_extension_read(ratls_extension *out, ratls_bytes extension);

/** The first of `extensions` with this OID, NULL when there is none; *count (may be NULL) is how many there are. */
const ratls_extension *ratls_extension_find(const ratls_extension *extensions, size_t len, ratls_bytes oid, size_t *count);

/** Slices borrow the DER that was parsed. */
typedef struct {
    ratls_bytes der;                 /* the whole certificate */
    ratls_bytes tbs;                 /* what is signed, with tag and length */
    uint8_t version;                 /* 1, 2 or 3; only version 3 has extensions */
    ratls_bytes serial;              /* INTEGER content octets */
    ratls_bytes signature_algorithm; /* AlgorithmIdentifier, whole; the outer equals the inner, checked */
    ratls_bytes issuer;              /* Name, whole */
    ratls_bytes subject;             /* Name, whole */
    int64_t not_before;
    int64_t not_after;
    ratls_bytes spki;                /* SubjectPublicKeyInfo, whole */
    ratls_bytes signature;           /* BIT STRING bytes */
    ratls_extension extensions[RATLS_CERTIFICATE_EXTENSIONS_MAX];
    size_t extensions_len;
} ratls_certificate;

/** Parse a certificate that is all of `der`. On failure returns false and *what says what is wrong (a
 *  literal). Duplicate extension OIDs are kept: who cares rejects them. */
bool ratls_certificate_parse(ratls_certificate *out, ratls_bytes der, const char **what);

/** ratls_extension_find() in the certificate's. */
const ratls_extension *ratls_certificate_extension(
    const ratls_certificate *certificate, ratls_bytes oid, size_t *count);

/** Content of the only commonName of a Name; false when there is none or more than one. */
bool ratls_name_common_name(ratls_bytes name, ratls_bytes *out);

#endif

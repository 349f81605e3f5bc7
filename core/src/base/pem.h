/** PEM (RFC 7468) read strictly: blocks of one label with nothing but white space around them (DCAP rules 1.7). */
#ifndef RATLS_BASE_PEM_H
#define RATLS_BASE_PEM_H

#include "base/bytes.h"

enum {
    RATLS_PEM_BLOCKS_MAX = 8,
    RATLS_PEM_CERTIFICATE_MAX = 8 * 1024 /* bytes of DER of one certificate of a PCK or signer chain */
};

/** Decoded blocks in their order; free with ratls_pem_clear(), which wipes them: one may be a key. */
typedef struct {
    uint8_t *storage;
    size_t storage_len;
    ratls_bytes blocks[RATLS_PEM_BLOCKS_MAX];
    size_t len;
} ratls_pem;

/** Decode every block of `text`, each labelled `label` ("CERTIFICATE", "X509 CRL") and at most `block_max`
 *  bytes long decoded. A run of NUL and white space at the very end is cut off first; any other NUL, any
 *  other text, no block at all or more than RATLS_PEM_BLOCKS_MAX is an error. Line ends are LF or CRLF.
 *  On failure returns false, `out` is empty, and *what says what is wrong (a literal). */
bool ratls_pem_parse(ratls_pem *out, ratls_bytes text, const char *label, size_t block_max, const char **what);

void ratls_pem_clear(ratls_pem *pem);

/** One block of this label, as text: the caller's to free(); NULL when out of memory. */
char *ratls_pem_write(const char *label, ratls_bytes block);

#endif

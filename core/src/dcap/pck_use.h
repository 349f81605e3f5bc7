/** The PCK chain that one verification uses: the bundle's, one that was verified before, or the quote's own. */
#ifndef RATLS_DCAP_PCK_USE_H
#define RATLS_DCAP_PCK_USE_H

#include "dcap/prepared.h"

typedef struct ratls_pck_fact ratls_pck_fact;

typedef struct {
    const ratls_pck_chain *pck; /* verified, but for dates and revocation */
    const ratls_prepared *prepared;
    const ratls_fact *known;    /* found among the trust's chains; or NULL */
    ratls_pck_fact *fresh;      /* verified just now; or NULL */
} ratls_pck_use;

/** Find or verify the chain (3.2), and with it the PCK CRL, whose issuer is known now (3.3). */
ratls_status ratls_pck_use_begin(ratls_pck_use *out, const ratls_parsed_quote *quote, const ratls_prepared *prepared, ratls_error **err);

/** `keep`: the quote was found to be good, so that a chain that was verified for it is worth keeping. */
void ratls_pck_use_end(ratls_pck_use *use, bool keep);

#endif

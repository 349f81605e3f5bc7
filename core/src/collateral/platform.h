/** Whose collateral: what decides which documents a platform's quotes are held against (DCAP rules 2.3). */
#ifndef RATLS_COLLATERAL_PLATFORM_H
#define RATLS_COLLATERAL_PLATFORM_H

#include "dcap/trust.h"
#include "evidence/quote.h"
#include "evidence/sgx_extension.h"

typedef struct {
    bool tdx;                       /* else SGX */
    bool processor;                 /* the PCK CA: processor, else platform */
    uint8_t fmspc[RATLS_FMSPC_LEN]; /* the family of platforms */
} ratls_platform_id;

bool ratls_platform_id_equal(const ratls_platform_id *a, const ratls_platform_id *b);

/** The platform that made the quote. Its PCK chain is verified up to the trust anchor first: nobody can have collateral
 *  fetched but for a platform that exists. */
ratls_status ratls_platform_of_quote(ratls_platform_id *out, const ratls_parsed_quote *quote, ratls_trust *trust, ratls_error **err);

#endif

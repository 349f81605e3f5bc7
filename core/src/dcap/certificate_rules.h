/** What the DCAP rules ask of one certificate, whoever issued it (3.2, X1, X5 to X8 and X12). Each function returns
 *  what is wrong as a literal, NULL when nothing is. */
#ifndef RATLS_DCAP_CERTIFICATE_RULES_H
#define RATLS_DCAP_CERTIFICATE_RULES_H

#include "dcap/chain.h"

typedef enum {
    RATLS_ROLE_END_ENTITY,
    RATLS_ROLE_INTERMEDIATE,
    RATLS_ROLE_ROOT
} ratls_certificate_role;

/** X1 and X12: version 3, all of `der`, a positive serial of at most 20 bytes. */
const char *ratls_certificate_read(ratls_chain_link *out, ratls_bytes der);

/** X5 and X6; the key identifiers are kept for X9. */
const char *ratls_certificate_judge_extensions(ratls_chain_link *link);

/** X7 or X8. */
const char *ratls_certificate_judge_role(const ratls_chain_link *link, ratls_certificate_role role);

#endif

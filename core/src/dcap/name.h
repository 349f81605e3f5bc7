/** Names of certificates (X.501), compared as the DCAP rules compare them. */
#ifndef RATLS_DCAP_NAME_H
#define RATLS_DCAP_NAME_H

#include "base/certificate.h"

/** The same attributes with the same values in the same order, whichever of UTF8String and PrintableString each
 *  value is written as (DCAP rules 3.2, R2). */
bool ratls_name_same(ratls_bytes a, ratls_bytes b);

/** The name's only commonName is exactly this text. */
bool ratls_name_is(ratls_bytes name, const char *common_name);

/** How messages call the name: its commonName, empty when it has not exactly one. */
ratls_bytes ratls_name_label(ratls_bytes name);

#endif

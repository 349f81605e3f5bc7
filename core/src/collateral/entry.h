/** A part as the disk keeps it: one JSON object, as little believed as an answer from the network. */
#ifndef RATLS_COLLATERAL_ENTRY_H
#define RATLS_COLLATERAL_ENTRY_H

#include "collateral/sources.h"

enum {
    RATLS_ENTRY_MAX = 2 * RATLS_COLLATERAL_CRL_MAX + 2 * RATLS_COLLATERAL_CHAIN_MAX + 16 * 1024 /* bytes of one */
};

/** The text, the caller's to free(); NULL when out of memory. */
char *ratls_entry_print(const ratls_part *part, const ratls_part_id *id, const ratls_provenance *provenance);

/** Read and verify an entry. A time of fetching in the future counts as now. */
ratls_status ratls_entry_read(
    ratls_part **part, ratls_provenance *provenance, ratls_bytes text, const ratls_part_id *id, ratls_trust *trust, ratls_error **err);

#endif

/** One part, from the disk or from its sources: what one thread does while others wait for what it brings. */
#ifndef RATLS_COLLATERAL_OBTAIN_H
#define RATLS_COLLATERAL_OBTAIN_H

#include "collateral/store.h"

typedef enum {
    RATLS_OBTAIN_USABLE, /* one that holds: the disk's will do, however old */
    RATLS_OBTAIN_FRESH,  /* one that is not due: another process may have fetched it already */
    RATLS_OBTAIN_ASK     /* ask a source in any case */
} ratls_obtain_need;

typedef struct {
    ratls_part *part; /* its hold is the owner's; NULL: none */
    ratls_provenance provenance;
} ratls_obtained;

void ratls_obtained_clear(ratls_obtained *obtained);

/** When an entry is due to be fetched anew, seconds since 1970; `spread` up to RATLS_STORE_SPREAD_PERCENT of its life is added. */
int64_t ratls_obtained_due(const ratls_obtained *obtained, bool spread);

/** Out: out: the caller's; of the disk or fetched. *asked: a source was.
 *  In: known: what there is in memory, for conditional requests; may be empty. `name` of the cache's file. */
ratls_status ratls_obtain(
    ratls_obtained *out, bool *asked, ratls_store_settings *settings, const ratls_part_id *id, const char *name,
    const ratls_obtained *known, ratls_obtain_need need, const ratls_collateral_time *time, ratls_error **err);

#endif

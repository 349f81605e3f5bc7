/** The four parts for one platform, ready for verification. */
#ifndef RATLS_COLLATERAL_SET_H
#define RATLS_COLLATERAL_SET_H

#include "collateral/part.h"
#include "dcap/dcap.h"

/** Immutable and shared. */
typedef struct {
    atomic_size_t holds;
    ratls_platform_id platform;
    bool early;
    ratls_part *parts[RATLS_PARTS]; /* held */
    ratls_prepared *prepared;
    uint64_t generation; /* of no other set of the same store; never 0 */
    int64_t from;        /* it holds from … */
    int64_t until;       /* … to here */
} ratls_collateral_set;

/** Make a set of these parts, which are held. */
ratls_status ratls_collateral_set_new(
    ratls_collateral_set **out, const ratls_platform_id *platform, bool early, uint64_t generation, ratls_part *const parts[RATLS_PARTS],
    ratls_trust *trust, ratls_error **err);

/** Its parts as a bundle has them; valid as long as the set. */
ratls_collateral ratls_collateral_set_view(const ratls_collateral_set *set);

ratls_collateral_set *ratls_collateral_set_hold(ratls_collateral_set *set);

/** NULL is accepted. */
void ratls_collateral_set_free(ratls_collateral_set *set);

#endif

/** Whom a connection goes to: always the same server, or the leader of the moment. */
#ifndef RATLS_TUNNEL_DESTINATION_H
#define RATLS_TUNNEL_DESTINATION_H

#include "leader/leader.h"
#include "tunnel/upstream.h"

/** Good as long as the upstream that it was made from. All zero: none. */
typedef struct {
    ratls_upstream upstream; /* its place is ours where there is a term */
    ratls_leader_term *term; /* NULL: there is no leader to be followed */
} ratls_destination;

/** `base` itself, or, with a leader, the place where that is now, reached as `base` says. */
ratls_status ratls_destination_find(
    ratls_destination *out, const ratls_upstream *base, ratls_leader *leader, ratls_deadline deadline, const ratls_cancel *cancel,
    ratls_error **err);

/** Triggered when it is known that another one leads; NULL: never. */
const ratls_cancel *ratls_destination_over(const ratls_destination *destination);

void ratls_destination_clear(ratls_destination *destination);

#endif

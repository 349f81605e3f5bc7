/** Looking up the upstream's name: on threads, whose number is bounded, and never beyond a deadline. */
#ifndef RATLS_TUNNEL_RESOLVE_H
#define RATLS_TUNNEL_RESOLVE_H

#include <netdb.h>

#include "tunnel/upstream.h"

enum { RATLS_LOOKUPS_MAX = 16 /* names of one resolver that are being looked up; those who ask for the same one share it */ };

ratls_status ratls_resolver_new(ratls_resolver **out, ratls_error **err);

/** Let go; look-ups that have overstayed keep what they need. NULL is ignored. */
void ratls_resolver_free(ratls_resolver *resolver);

/** A look-up's outcome, shared by all who asked for it. */
typedef struct ratls_lookup ratls_lookup;

/** Addresses of the upstream. A name is looked up on a thread of its own, which is left behind when it overstays the
 *  deadline, and is joined by who asks for the same name then. */
ratls_status ratls_upstream_resolve(
    ratls_lookup **out, const ratls_upstream *upstream, ratls_deadline deadline, const ratls_cancel *cancel, ratls_error **err);

/** In the system's order. */
const struct addrinfo *ratls_lookup_addresses(const ratls_lookup *lookup);

void ratls_lookup_free(ratls_lookup *lookup);

#endif

/** Where a server is: host, port, and the name that is asked for there. */
#ifndef RATLS_TUNNEL_PLACE_H
#define RATLS_TUNNEL_PLACE_H

#include "tunnel/upstream.h"

enum { RATLS_HOST_NAME_MAX = 253 /* characters of a DNS name */ };

/** Set host, service, label and server_name, which are the upstream's own afterwards, also when this fails. server_name NULL:
 *  the host, unless that is an address. UPSTREAM_INVALID for what cannot be dialled or asked for. */
ratls_status ratls_upstream_set_place(ratls_upstream *upstream, const char *host, int32_t port, const char *server_name, ratls_error **err);

void ratls_upstream_clear_place(ratls_upstream *upstream);

#endif

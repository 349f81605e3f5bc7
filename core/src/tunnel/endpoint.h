/** A running tunnel: its socket, its threads, the verdicts of its connections. Handles share it (sharing.h). */
#ifndef RATLS_TUNNEL_ENDPOINT_H
#define RATLS_TUNNEL_ENDPOINT_H

#include "tunnel/settings.h"
#include "tunnel/verdicts.h"

typedef struct ratls_endpoint ratls_endpoint;

/** An endpoint that does not run yet. Takes the settings, also when it fails; keeps a hold on the verifier. */
ratls_status ratls_endpoint_new(
    ratls_endpoint **out, ratls_verifier *verifier, ratls_tunnel_settings *settings, ratls_error **err);

/** Make the socket, one attested handshake, and begin to accept. */
ratls_status ratls_endpoint_start(ratls_endpoint *endpoint, ratls_cancel *cancel, ratls_error **err);

/** End connections and threads, remove the socket, free all. */
void ratls_endpoint_close(ratls_endpoint *endpoint);

/** In a forked child: let go of the socket's descriptors, touch nothing else. May come again. */
void ratls_endpoint_forget(ratls_endpoint *endpoint);

const ratls_tunnel_settings *ratls_endpoint_settings(const ratls_endpoint *endpoint);
ratls_verifier *ratls_endpoint_verifier(const ratls_endpoint *endpoint);
ratls_verdicts *ratls_endpoint_verdicts(const ratls_endpoint *endpoint);

/** The driver's `host`. */
const char *ratls_endpoint_host(const ratls_endpoint *endpoint);

/** The newest failure, a copy of the caller's; NULL when there was none. */
ratls_error *ratls_endpoint_last_error(ratls_endpoint *endpoint);

/** Counters as JSON, the caller's to free(); NULL when out of memory. */
char *ratls_endpoint_stats(const ratls_endpoint *endpoint);

#endif

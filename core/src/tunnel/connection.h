/** One connection of a driver: its first packet, the attested way to the server, the relay; or the refusal. */
#ifndef RATLS_TUNNEL_CONNECTION_H
#define RATLS_TUNNEL_CONNECTION_H

#include "tunnel/attested.h"
#include "tunnel/pump.h"

enum {
    RATLS_FIRST_PACKET_TIMEOUT_MS = 60000, /* as PostgreSQL's authentication_timeout */
    RATLS_ENCRYPTION_REQUESTS_MAX = 2      /* one for TLS, one for GSSAPI, as PostgreSQL takes them */
};

/** What all connections of a tunnel share. Borrowed; the callbacks come from the connection's thread. */
typedef struct {
    const ratls_upstream *upstream;
    ratls_judge judge;
    ratls_cancel *closing; /* ends them all */
    int32_t spelling;
    ratls_pump_counters *counters;
    void *user;
    void (*accepted)(void *user, ratls_result *result);                    /* takes the result */
    void (*failed)(void *user, const ratls_error *error, bool was_open);
} ratls_service;

/** Serve the connection `driver` to its end, and close it. `refusal` (may be NULL): why it shall be refused
 *  whatever it asks. Nothing of the driver's reaches the server, and nothing of the server's the driver,
 *  before the verdict. */
void ratls_connection_serve(int driver, const ratls_service *service, const ratls_error *refusal);

#endif

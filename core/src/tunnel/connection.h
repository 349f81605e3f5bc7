/** One connection of a driver: its first packet, the attested way to the server, the relay; or the refusal. */
#ifndef RATLS_TUNNEL_CONNECTION_H
#define RATLS_TUNNEL_CONNECTION_H

#include "tunnel/attested.h"
#include "tunnel/follower.h"
#include "tunnel/pump.h"
#include "tunnel/spare.h"
#include "tunnel/verdicts.h"

enum {
    RATLS_FIRST_PACKET_TIMEOUT_MS = 60000, /* as PostgreSQL's authentication_timeout */
    RATLS_ENCRYPTION_REQUESTS_MAX = 2,     /* one for TLS, one for GSSAPI, as PostgreSQL takes them */
    RATLS_DISMISSAL_MS = 2000,             /* so long is a driver heard that was told to connect again */
    RATLS_LEADERS_TRIED_MAX = 3            /* for one connection, each time a look-up names another */
};

/** What all connections of a tunnel share. Borrowed; the callbacks come from the connection's thread. Only `warn` may
 *  end in code of the caller's, which may wait for a lock that somebody holds who waits for the driver's end of the
 *  connection (psycopg's cancel and the GIL): so it comes when that is closed. */
typedef struct {
    const ratls_upstream *upstream;
    ratls_leader *leader;     /* NULL: upstream says where to go */
    ratls_follower *follower; /* NULL without a leader */
    int64_t drain_ms;
    ratls_judge judge;
    ratls_cancel *closing; /* ends them all */
    int32_t spelling;
    ratls_pump_counters *counters;
    ratls_verdicts *verdicts;
    ratls_spare *spare; /* for the first who comes; NULL: there is none */
    void *user;
    void (*failed)(void *user, const ratls_error *error, bool was_open);
    void (*warn)(void *user, const ratls_error *error);
} ratls_service;

/** Dial, and look the leader up anew where that goes wrong. *destination: the caller's. */
ratls_status ratls_connection_reach(
    ratls_attested *attested, ratls_verdict **verdict, ratls_destination *destination, const ratls_service *service, ratls_cancel *cancel,
    ratls_error **err);

/** Serve the connection `driver` to its end, and close it. `full`: 0, or the number of connections that are
 *  served already: then it is refused whatever it asks. Nothing of the driver's reaches the server, and nothing of
 *  the server's the driver, before the verdict. */
void ratls_connection_serve(int driver, const ratls_service *service, size_t full);

#endif

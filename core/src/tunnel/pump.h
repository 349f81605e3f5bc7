/** The pump: plain text between a driver's socket and an attested stream, in bounded memory. */
#ifndef RATLS_TUNNEL_PUMP_H
#define RATLS_TUNNEL_PUMP_H

#include <stdatomic.h>

#include "tunnel/attested.h"

enum {
    RATLS_PUMP_BUFFER = 32 * 1024,      /* each of four: when one is full, its source is not read */
    RATLS_PUMP_DRAIN_TIMEOUT_MS = 30000, /* one end is gone: what is left may take so long between two steps */
    RATLS_PUMP_LINGER_MS = 2000          /* all is said: so long for the server to end its side */
};

typedef struct {
    atomic_uint_least64_t to_upstream; /* bytes of plain text */
    atomic_uint_least64_t from_upstream;
} ratls_pump_counters;

/** Who is at this end. */
typedef struct {
    int fd;
    ratls_bytes first; /* what was read from it before, at most RATLS_PUMP_BUFFER */
    bool starts_up;    /* it began with a StartupMessage: mechanisms are taken out of the answer (sasl_offer.h) */
    const ratls_cancel *over; /* triggered: nothing more of the driver's may be sent; NULL: never */
    int64_t drain_ms;         /* so long may the answers that are under way then take; 0 or less: no time at all */
    void (*server_left)(void *user); /* called once when the server ends though the driver has not; NULL: nobody wants to know */
    void *user;
} ratls_pump_driver;


/** Run until both ends are through.
 *
 *  Half-closing is passed on, both ways: when the driver has no more to say the upstream gets a goodbye, and what it
 *  still answers reaches the driver; after the upstream's goodbye the driver hears the end, and what it still says is
 *  sent, for as long as somebody takes it. Returns RATLS_OK for an orderly end, CANCELLED when told to, LEADER_SUPERSEDED after
 *  driver->over, else what broke the upstream's side. *between: what the driver has heard ends where a message does, and it
 *  listens: more may be said to it. Known only where there is driver->over. */
ratls_status ratls_pump_run(
    bool *between, ratls_attested *attested, const ratls_pump_driver *driver, ratls_pump_counters *counters, const ratls_cancel *cancel,
    ratls_error **err);

#endif

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
} ratls_pump_driver;

/** Run until both ends are through.
 *
 *  Half-closing is passed on, both ways: when the driver has no more to say the upstream gets a goodbye, and what it
 *  still answers reaches the driver; after the upstream's goodbye the driver hears the end, and what it still says is
 *  sent, for as long as somebody takes it. Returns RATLS_OK for an orderly end, CANCELLED when told to, else what broke
 *  the upstream's side. */
ratls_status ratls_pump_run(
    ratls_attested *attested, const ratls_pump_driver *driver, ratls_pump_counters *counters, const ratls_cancel *cancel,
    ratls_error **err);

#endif

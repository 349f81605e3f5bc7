/** The way to the server: its addresses and a TCP connection to one of them. */
#ifndef RATLS_TUNNEL_UPSTREAM_H
#define RATLS_TUNNEL_UPSTREAM_H

#include <openssl/types.h>

#include "agent/settings.h"
#include "base/wait.h"

typedef struct ratls_resolver ratls_resolver;
typedef struct ratls_keeper ratls_keeper;

/** Where it is and how long getting there may take. Owns its texts. */
typedef struct {
    char *host;
    char *service;              /* the port, decimal */
    char *label;                /* "host:port", for messages */
    char *server_name;          /* SNI; NULL: none */
    ratls_resolver *resolver;   /* borrowed; NULL: one for this time only */
    SSL_CTX *tls;               /* the same */
    ratls_agent_settings agent; /* who gives this client's own certificate */
    ratls_keeper *keeper;       /* keeps it; borrowed; NULL: none is presented */
    int64_t connect_timeout_ms; /* resolving, connecting, handshake and verdict together; 0: only the parts' own */
    int64_t handshake_timeout_ms;
    bool start_tls;             /* SSLRequest first */
    int user_timeout_ms;        /* negative: as the system has it */
    int keepalive_idle_s;       /* negative: no keepalive */
    int keepalive_interval_s;
    int keepalive_count;
} ratls_upstream;

enum {
    RATLS_CONNECT_TIMEOUT_MS = 10000, /* resolving and connecting, when nothing shorter was asked for */
    RATLS_CONNECT_ATTEMPTS_MAX = 16,  /* addresses tried */
    RATLS_CONNECT_STAGGER_MS = 250,   /* before the next address is tried as well (RFC 8305 5) */
    RATLS_KEEPALIVE_IDLE_S = 30, /* defaults of the options */
    RATLS_KEEPALIVE_INTERVAL_S = 10,
    RATLS_KEEPALIVE_COUNT = 3,
    RATLS_USER_TIMEOUT_MS = 60000
};

/** A connected socket: non-blocking, close-on-exec, with keepalive. Every address is tried, a slow one
 *  beside the next. */
ratls_status ratls_upstream_connect(
    int *out, const ratls_upstream *upstream, ratls_deadline deadline, const ratls_cancel *cancel, ratls_error **err);

/** CONNECT_TIMEOUT, CANCELLED or SYSTEM for a wait that ended so; `doing` completes "cancelled while". */
ratls_status ratls_upstream_wait_failed(
    ratls_wait_outcome outcome, const ratls_upstream *upstream, ratls_deadline deadline, const char *doing, ratls_error **err);

#endif

/** Threads: one that accepts, and one for each connection that it accepted. */
#ifndef RATLS_TUNNEL_ACCEPTOR_H
#define RATLS_TUNNEL_ACCEPTOR_H

#include "tunnel/connection.h"
#include "tunnel/socket_directory.h"

enum {
    RATLS_CONNECTIONS_MAX = 512,        /* served at once by a tunnel; one more is told so … */
    RATLS_CONNECTIONS_REFUSED_MAX = 32, /* … by a thread; beyond these it is just closed */
    RATLS_ACCEPT_RETRY_MS = 100         /* pause when the process has run out of descriptors */
};

typedef struct ratls_acceptor ratls_acceptor;

/** Begin to accept. `directory` and `service` are borrowed until ratls_acceptor_stop(). */
ratls_status ratls_acceptor_start(
    ratls_acceptor **out, const ratls_socket_directory *directory, const ratls_service *service, size_t connections_max,
    ratls_error **err);

/** Connections that are being served. */
size_t ratls_acceptor_serving(const ratls_acceptor *acceptor);

/** How many there ever were. */
uint64_t ratls_acceptor_total(const ratls_acceptor *acceptor);

/** Wait for all threads to end, which they do once service->closing was triggered; free the acceptor. */
void ratls_acceptor_stop(ratls_acceptor *acceptor);

#endif

/** Who is at the other end of a Unix socket, as the kernel knows it (sock_diag(7)). */
#ifndef RATLS_TUNNEL_PEER_SOCKET_H
#define RATLS_TUNNEL_PEER_SOCKET_H

#include "base/bytes.h"

typedef enum {
    RATLS_PEER_SOCKET_FOUND,
    RATLS_PEER_SOCKET_NONE,   /* no connected Unix socket */
    RATLS_PEER_SOCKET_UNKNOWN /* the kernel does not tell, as in some sandboxes */
} ratls_peer_socket_outcome;

/** Inode of the socket that the Unix socket `fd` is connected to. */
ratls_peer_socket_outcome ratls_peer_socket_inode(uint32_t *inode, int fd);

/** Inode of the socket `fd` itself; false when it has none. */
bool ratls_socket_inode(uint32_t *inode, int fd);

#endif

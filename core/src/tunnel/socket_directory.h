/** The local end: a Unix socket `.s.PGSQL.<port>` in a directory that only its owner can enter. */
#ifndef RATLS_TUNNEL_SOCKET_DIRECTORY_H
#define RATLS_TUNNEL_SOCKET_DIRECTORY_H

#include "base/error.h"

typedef struct ratls_socket_directory ratls_socket_directory;

/** Make the socket and listen. path NULL: a fresh directory of our own under /tmp, removed at the end;
 *  otherwise an existing one, which must be ours and of mode 0700. A socket there that nobody listens on
 *  any more is replaced, one that is in use is SOCKET_DIRECTORY. */
ratls_status ratls_socket_directory_open(
    ratls_socket_directory **out, const char *path, int32_t port, int32_t peer, ratls_error **err);

/** What a driver's `host` shall be: the directory, or a short name for one too long for a socket's address. */
const char *ratls_socket_directory_host(const ratls_socket_directory *directory);

/** The listening socket; non-blocking. */
int ratls_socket_directory_listener(const ratls_socket_directory *directory);

/** Take a connection whose peer may have it (RATLS_PEER_*); -1 when there is none now, also when there
 *  was one that was turned away. */
int ratls_socket_directory_accept(const ratls_socket_directory *directory, bool *exhausted);

/** Stop listening and remove what was made. */
void ratls_socket_directory_close(ratls_socket_directory *directory);

/** In a forked child: let go of the descriptors, remove nothing. */
void ratls_socket_directory_forget(ratls_socket_directory *directory);

#endif

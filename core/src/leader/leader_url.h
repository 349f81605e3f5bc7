/** The URL of a leader: https, a host, perhaps a port. */
#ifndef RATLS_LEADER_LEADER_URL_H
#define RATLS_LEADER_LEADER_URL_H

#include "base/error.h"

/** Host and port to dial; the path is of no account (evidence format 8). LEADER_URL for anything else than https://HOST
 *  or https://HOST:PORT before it. *host is the caller's to free(). */
ratls_status ratls_leader_url_read(char **host, int32_t *port, ratls_bytes url, ratls_error **err);

#endif

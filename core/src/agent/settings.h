/** Where the dstack guest agent is, and how long it may take: what the caller says of it. */
#ifndef RATLS_AGENT_SETTINGS_H
#define RATLS_AGENT_SETTINGS_H

#include "base/error.h"

enum { RATLS_AGENT_SOCKET_MAX = 107 /* bytes of a Unix socket's path (unix(7)) */ };

/** How a client attests itself. Owns its texts. */
typedef struct {
    int32_t wanted;         /* client_attestation: 1, 0 or -1 */
    char *socket;           /* dstack_socket; NULL: the first of the usual places that is there */
    char *simulator;        /* what the environment names, where that is heeded; NULL: nothing */
    bool simulator_ignored; /* it names something, and that is not heeded */
    int64_t timeout_ms;
} ratls_agent_settings;

/** Check and copy. `options` is a complete copy of the caller's. */
ratls_status ratls_agent_settings_read(ratls_agent_settings *out, const ratls_tunnel_options *options, ratls_error **err);

bool ratls_agent_settings_equal(const ratls_agent_settings *a, const ratls_agent_settings *b);

/** Whether both ask the same agent in the same way, whatever is wanted of it. */
bool ratls_agent_settings_same_agent(const ratls_agent_settings *a, const ratls_agent_settings *b);

void ratls_agent_settings_clear(ratls_agent_settings *settings);

/** Whether it is a URL rather than a path. */
bool ratls_agent_is_url(const char *endpoint);

#endif

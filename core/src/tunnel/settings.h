/** A tunnel's options, checked and copied. */
#ifndef RATLS_TUNNEL_SETTINGS_H
#define RATLS_TUNNEL_SETTINGS_H

#include "tunnel/upstream.h"

enum {
    RATLS_TUNNEL_PORT_DEFAULT = 5432
};

typedef struct {
    ratls_upstream upstream;
    ratls_verify_options policy;
    char *socket_dir; /* NULL: one of our own */
    ratls_log_callback log;
    void *log_user;
    int32_t port;
    int32_t peer;
    int32_t spelling;
    ratls_leader *leader; /* a hold; NULL: upstream says where to go */
    int64_t drain_ms;     /* negative: not at all */
} ratls_tunnel_settings;

ratls_status ratls_tunnel_settings_read(ratls_tunnel_settings *out, const ratls_tunnel_options *options, ratls_error **err);

/** Whether a tunnel of the one serves who wants the other: everything but socket_dir is compared. */
bool ratls_tunnel_settings_equal(const ratls_tunnel_settings *a, const ratls_tunnel_settings *b);

void ratls_tunnel_settings_clear(ratls_tunnel_settings *settings);

#endif

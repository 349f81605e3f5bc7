/** The address of a DNS server, as options have it. */
#ifndef RATLS_LEADER_DNS_SERVER_H
#define RATLS_LEADER_DNS_SERVER_H

#include <netinet/in.h>

#include "base/error.h"

enum {
    RATLS_DNS_PORT = 53,
    RATLS_DNS_SERVERS_MAX = 8
};

typedef struct {
    sa_family_t family;
    union {
        struct in_addr v4;
        struct in6_addr v6;
    } address;
    uint16_t port;
} ratls_dns_server;

/** ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; a name is none, since nobody could look it up. OPTION_VALUE for the rest. */
ratls_status ratls_dns_server_read(ratls_dns_server *out, const char *text, ratls_error **err);

#endif

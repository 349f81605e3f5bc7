/** As much of PostgreSQL's protocol 3 as a tunnel needs: what a driver says first, an answer it can show, and asking for TLS. */
#ifndef RATLS_TUNNEL_POSTGRES_H
#define RATLS_TUNNEL_POSTGRES_H

#include "base/error.h"

enum {
    RATLS_STARTUP_PACKET_MAX = 10000,  /* as PostgreSQL's own limit */
    RATLS_CANCEL_KEY_MIN = 4,          /* bytes of a cancel request's secret: protocol 3.0 … */
    RATLS_CANCEL_KEY_MAX = 256,        /* … and 3.2 */
    RATLS_ERROR_RESPONSE_FIELD_MAX = 3001 /* bytes of one text; libpq takes 30000 for all */
};

typedef enum {
    RATLS_PACKET_INCOMPLETE, /* more bytes are needed */
    RATLS_PACKET_STARTUP,    /* StartupMessage 3.x */
    RATLS_PACKET_CANCEL,     /* CancelRequest */
    RATLS_PACKET_ENCRYPTION  /* SSLRequest or GSSENCRequest: to be answered, not forwarded */
} ratls_packet_kind;

/** What an encryption request is answered: not here, go on in plain text. */
#define RATLS_ENCRYPTION_DECLINED "N"

/** What asks a server for TLS: the length, and the request's number. */
#define RATLS_SSL_REQUEST "\0\0\0\x08\x04\xd2\x16\x2f"

/** Look at a connection's first bytes. *len: the packet's length, 0 for INCOMPLETE. Anything that is none of
 *  these is STARTUP_INVALID, as soon as that is clear. */
ratls_status ratls_first_packet_read(ratls_packet_kind *kind, size_t *len, ratls_bytes bytes, ratls_error **err);

/** The failure as an ErrorResponse: FATAL, SQLSTATE by class, the message in this spelling, the code as the
 *  detail, the error's "hint" as the hint. *out is the caller's to free(); NULL when out of memory. */
uint8_t *ratls_error_response_make(size_t *len, const ratls_error *error, int32_t spelling);

#endif

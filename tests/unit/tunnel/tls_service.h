/** A server on loopback for tests: real TLS in front of an echo that writes down every byte it got. */
#ifndef TESTS_TUNNEL_TLS_SERVICE_H
#define TESTS_TUNNEL_TLS_SERVICE_H

#include "tunnel/tls_peer.h"

typedef enum {
    SERVICE_ECHO,
    SERVICE_HELD,            /* takes the connection and waits for another behaviour, which it then has */
    SERVICE_SILENT,          /* takes the connection and says nothing */
    SERVICE_CLOSE_HANDSHAKE, /* hears the ClientHello and closes */
    SERVICE_GARBAGE,         /* answers it with something that is not TLS */
    SERVICE_CUT,             /* echoes once, then closes without a goodbye */
    SERVICE_GOODBYE,         /* echoes once, says goodbye and closes */
    SERVICE_FLOOD,           /* answers the first bytes with SERVICE_FLOOD_LEN bytes, then echoes */
    SERVICE_ANSWER,          /* answers the first bytes with what service_answer() was given, then echoes */
    SERVICE_LAST_WORDS,      /* echoes once, says goodbye, and goes on listening */
    SERVICE_DEAF,            /* echoes once, then reads no more */
    SERVICE_EARLY            /* speaks as soon as the handshake is done */
} service_behaviour;

enum { SERVICE_FLOOD_LEN = 4 << 20, SERVICE_HEARD_MAX = 4096 };

#define SERVICE_EARLY_TEXT "early"

typedef struct service service;

/** Certificates that the service may show. */
typedef enum {
    SERVICE_CERTIFICATE_BOUND,   /* its quote binds its key */
    SERVICE_CERTIFICATE_UNBOUND, /* its quote binds another */
    SERVICE_CERTIFICATE_PLAIN    /* no quote */
} service_certificate;

service *service_start(service_behaviour behaviour);
int service_port(const service *s);
void service_behave(service *s, service_behaviour behaviour);
void service_show(service *s, service_certificate certificate);

/** What SERVICE_ANSWER says; with `then_goodbye` it says goodbye after it. Borrowed. */
void service_answer(service *s, const void *bytes, size_t len, bool then_goodbye);

/** Before all else: hear an SSLRequest, and nothing else, and answer it with this. "S" alone goes on with TLS. Borrowed. */
void service_start_tls(service *s, const char *answer);

/** Bytes of plain text that it got, of all connections together. */
size_t service_heard(service *s, uint8_t heard[SERVICE_HEARD_MAX]);
/** Connections that completed a handshake so far. */
size_t service_handshakes(service *s);
/** Wait until that many connections ended with the client's goodbye. */
void service_await_goodbyes(service *s, size_t count);
/** Wait until no connection is being served. */
void service_await_idle(service *s);
/** Wait until that many completed one: the client is through before the server is. */
void service_await_handshakes(service *s, size_t count);
/** Wait until that many connections were taken. */
void service_await_taken(service *s, size_t count);
/** Wait until it got that many bytes of plain text. */
void service_await_heard(service *s, size_t len);
/** Hang up on all connections. */
void service_hang_up(service *s);
/** The last name asked for (SNI), empty for none. */
void service_name(service *s, char name[256]);

void service_stop(service *s);

#endif

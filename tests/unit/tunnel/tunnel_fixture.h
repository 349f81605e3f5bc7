/** A server, a verifier and a tunnel between the test, which plays the driver, and the server. */
#ifndef TESTS_TUNNEL_FIXTURE_H
#define TESTS_TUNNEL_FIXTURE_H

#include "ratls/ratls.h"
#include "tunnel/tls_service.h"

enum { PATIENCE_S = 60, TEXT_ROOM = 4096, SETTLE_ROUNDS = 20000 };

#define STARTUP "\0\0\0\x12\0\3\0\0user\0bob\0\0"
#define STARTUP_LEN 18
#define SSL_REQUEST "\0\0\0\x08\x04\xd2\x16\x2f"
#define CANCEL_REQUEST "\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\1\0\0\0\2"

typedef struct {
    service *server;
    ratls_verifier *verifier;
    ratls_tunnel_options options;
    ratls_verify_options policy;
    ratls_tunnel *tunnel;
    ratls_error *error;
} fixture;

void fixture_prepare(fixture *f, service_behaviour behaviour);
ratls_status fixture_try_open(fixture *f);
void fixture_open(fixture *f, service_behaviour behaviour);
void fixture_end(fixture *f);
int driver_dials(const ratls_tunnel *tunnel);
void driver_says(int fd, const void *bytes, size_t len);
void driver_hears(int fd, const void *expected, size_t len);
void driver_hears_end(int fd);
/** A driver whose startup packet came back from the echo. */
int driver_starts(const ratls_tunnel *tunnel);

/** Everything until the end, which must be one ErrorResponse; the field's text. */
void driver_hears_refusal(int fd, char letter, char text[TEXT_ROOM]);

void fixture_server_heard(service *server, const void *expected, size_t len);
int64_t fixture_counter(const ratls_tunnel *tunnel, const char *name);
/** Wait for a counter that follows a connection's end. */
void fixture_await_counter(const ratls_tunnel *tunnel, const char *name, int64_t value);

#endif

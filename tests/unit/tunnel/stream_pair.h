/** A client stream and a server in memory; the test carries the bytes. */
#ifndef TESTS_TUNNEL_STREAM_PAIR_H
#define TESTS_TUNNEL_STREAM_PAIR_H

#include "tunnel/stream.h"
#include "tunnel/tls_peer.h"

enum { PAIR_WIRE_MAX = 32 * 1024 };

typedef struct {
    EVP_PKEY *key;
    X509 *certificate;
    ratls_bytes spki;
    SSL_CTX *context;
    SSL *server;
    ratls_stream *stream;
    ratls_error *error;
    size_t chunk;      /* bytes that the stream is fed at a time */
} pair;

/** A stream with a context of its own. */
ratls_stream *pair_stream_new(const char *server_name);
void pair_begin(pair *p, peer_settings settings);
void pair_end(pair *p);
/** Ours to the server; how many bytes moved. */
size_t pair_carry_out(pair *p);

/** Carry until nothing moves for two rounds: in the first, what was fed may have made an answer. */
ratls_status pair_carry(pair *p);

void pair_handshake(pair *p);
void pair_open(pair *p, peer_settings settings);
void pair_client_says(pair *p, const char *text);
void pair_server_hears(pair *p, const char *text);
void pair_client_hears(pair *p, const char *text);
void pair_server_says(pair *p, const char *text);
void pair_talks(pair *p);

#endif

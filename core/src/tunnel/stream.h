/** An attested stream: TLS and the verdict as a state machine. Bytes in, bytes out, plain text in, plain
 *  text out. No threads, no sockets, no clock: whoever drives it moves the bytes and keeps the time.
 *
 *  HANDSHAKE (→ CERTIFICATE_WANTED → HANDSHAKE) → VERDICT_NEEDED → OPEN → CLOSED; FAILED from anywhere. Plain text moves only in OPEN.
 */
#ifndef RATLS_TUNNEL_STREAM_H
#define RATLS_TUNNEL_STREAM_H

#include <openssl/types.h>

#include "agent/identity.h"

typedef struct ratls_stream ratls_stream;

typedef enum {
    RATLS_STREAM_HANDSHAKE,      /* feed the peer's bytes, send ours */
    RATLS_STREAM_CERTIFICATE_WANTED, /* the server asks for this client's; ratls_stream_present(), and feed on */
    RATLS_STREAM_VERDICT_NEEDED, /* handshake done; judge ratls_stream_certificate() and say so */
    RATLS_STREAM_OPEN,
    RATLS_STREAM_CLOSED,         /* the peer said goodbye (close_notify), all plain text was taken; writing goes on */
    RATLS_STREAM_FAILED
} ratls_stream_state;

/** A client stream. A failure by the server's TLS alert has it in the details (alert). context: of ratls_tls_context_new(), borrowed for the call. server_name: SNI, NULL for none. */
ratls_status ratls_stream_new(ratls_stream **out, SSL_CTX *context, const char *server_name, ratls_error **err);
void ratls_stream_free(ratls_stream *stream);

ratls_stream_state ratls_stream_state_of(const ratls_stream *stream);

/** Say what to present when the server asks for this client's certificate, before or when it does: `identity` (a hold of the
 *  stream's own), or with NULL nothing, and why not (`absence`, a sentence for CLIENT_CERTIFICATE_REQUIRED). */
ratls_status ratls_stream_present(ratls_stream *stream, ratls_identity *identity, const char *absence, ratls_error **err);

/** Whether the server has asked for a certificate of this client. */
bool ratls_stream_was_asked(const ratls_stream *stream);

/** The same, and what it thinks of the answer it tells after the handshake: TLS 1.3. */
bool ratls_stream_is_judged_later(const ratls_stream *stream);

/** Advance with bytes from the peer (len 0: just go on, as at the start). *taken: how many it took. */
ratls_status ratls_stream_feed(ratls_stream *stream, const uint8_t *bytes, size_t len, size_t *taken, ratls_error **err);

/** The peer's transport ended. Before close_notify that is a truncation: FAILED at once in the handshake,
 *  and in OPEN once what came before it was read. */
ratls_status ratls_stream_feed_end(ratls_stream *stream, ratls_error **err);

/** The peer takes nothing more: listen to its last words for an alert alone. RATLS_OK when there is none; FAILED anyway. */
ratls_status ratls_stream_hear_alert(ratls_stream *stream, ratls_error **err);

/** Take up to `capacity` bytes to send to the peer; *len may be 0. */
ratls_status ratls_stream_take(ratls_stream *stream, uint8_t *out, size_t capacity, size_t *len, ratls_error **err);

/** The peer's leaf certificate in DER, borrowed; empty before VERDICT_NEEDED. */
ratls_bytes ratls_stream_certificate(const ratls_stream *stream);

/** Open the stream, or let it stay open: the certificate was accepted and `spki` is the key that its quote binds, which must be
 *  the key that the handshake proved (KEY_NOT_HANDSHAKE otherwise, FAILED). */
ratls_status ratls_stream_accept(ratls_stream *stream, ratls_bytes spki, ratls_error **err);

/** Encrypt plain text; *taken may be less than len when the stream holds enough already. OPEN and CLOSED only. */
ratls_status ratls_stream_write(ratls_stream *stream, const uint8_t *plain, size_t len, size_t *taken, ratls_error **err);

/** Take decrypted plain text; *len may be 0. OPEN only, and in CLOSED, where nothing is left. */
ratls_status ratls_stream_read(ratls_stream *stream, uint8_t *plain, size_t capacity, size_t *len, ratls_error **err);

/** Say goodbye: close_notify joins the bytes to send; reading goes on until the peer's. Writing does not.
 *  During the handshake there is nobody to say it to: nothing happens. */
ratls_status ratls_stream_close(ratls_stream *stream, ratls_error **err);

#endif

/** An attested connection: dialled, its handshake done, its certificate judged, open for plain text. */
#ifndef RATLS_TUNNEL_ATTESTED_H
#define RATLS_TUNNEL_ATTESTED_H

#include "tunnel/stream.h"
#include "tunnel/upstream.h"
#include "tunnel/verdict.h"

typedef struct {
    int fd; /* non-blocking; -1: none */
    ratls_stream *stream;
} ratls_attested;

/** Who judges, and by what. Borrowed. */
typedef struct {
    ratls_verifier *verifier;
    const ratls_verify_options *policy;
} ratls_judge;

/** Dial, shake hands, judge, open: only then may plain text go either way. *verdict: the caller's. */
ratls_status ratls_attested_open(
    ratls_attested *out, ratls_verdict **verdict, const ratls_upstream *upstream, const ratls_judge *judge,
    ratls_cancel *cancel, ratls_error **err);

/** Judge an open connection again, as of now: who is kept waiting may have become unacceptable. */
ratls_status ratls_attested_judge(
    ratls_attested *attested, ratls_verdict **verdict, const ratls_upstream *upstream, const ratls_judge *judge, ratls_cancel *cancel,
    ratls_error **err);

/** Dial and shake hands, take the peer's leaf certificate (DER, the caller's to free()), and hang up. Nothing is
 *  judged but the peer's proof that it holds the key, and no plain text goes either way. */
ratls_status ratls_attested_fetch(
    uint8_t **der, size_t *der_len, const ratls_upstream *upstream, ratls_cancel *cancel, ratls_error **err);

/** Say goodbye, and hear whether the server had accepted our own certificate: with TLS 1.3 it tells after the handshake only.
 *  RATLS_OK at once when it has nothing to tell. */
ratls_status ratls_attested_part(ratls_attested *attested, const ratls_upstream *upstream, ratls_cancel *cancel, ratls_error **err);

/** Say goodbye as far as that needs no waiting, and let go. Also right for one that never was opened. */
void ratls_attested_close(ratls_attested *attested);

#endif

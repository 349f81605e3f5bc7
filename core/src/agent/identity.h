/** This client's own certificate with its key, as the dstack guest agent gives it (evidence format 5.3). */
#ifndef RATLS_AGENT_IDENTITY_H
#define RATLS_AGENT_IDENTITY_H

#include <openssl/types.h>

#include "base/error.h"

enum {
    RATLS_AGENT_ANSWER_MAX = 2 << 20,  /* bytes of an answer: a leaf with evidence and its issuers, in PEM */
    RATLS_IDENTITY_CERTIFICATES_MAX = 8, /* leaf and issuers */
    RATLS_IDENTITY_KEY_PEM_MAX = 4096
};

/** Immutable, shared by whoever holds it. Between handshakes the key is in memory of ratls_secret_new() only. */
typedef struct ratls_identity ratls_identity;

/** Read GetTlsKey's answer: a P-256 key in PKCS#8, its leaf, its issuers; the leaf must be that key's and valid at `now_s`.
 *  DSTACK_ANSWER without its detail "path" for anything else. */
ratls_status ratls_identity_parse(ratls_identity **out, ratls_bytes answer, int64_t now_s, ratls_error **err);

/** Another hold; each is let go with ratls_identity_free(). NULL for NULL. */
ratls_identity *ratls_identity_hold(ratls_identity *identity);
void ratls_identity_free(ratls_identity *identity);

/** When the leaf's time ends, in seconds since 1970. */
int64_t ratls_identity_not_after(const ratls_identity *identity);

/** Let this connection present it: leaf, issuers and key. False when OpenSSL does not take them (its queue says why). */
bool ratls_identity_use(const ratls_identity *identity, SSL *ssl);

#endif

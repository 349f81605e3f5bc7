/** Verifiers: one interface, and the orchestration from bytes to result that is the same for all. */
#ifndef RATLS_VERIFIER_VERIFIER_H
#define RATLS_VERIFIER_VERIFIER_H

#include "base/error.h"

/** Take another hold on a verifier; each is let go with ratls_verifier_free(). */
ratls_verifier *ratls_verifier_hold(ratls_verifier *verifier);

/** An object that lives beside a verifier in one process begins with this. */
typedef struct ratls_companion {
    void (*destroy)(struct ratls_companion *companion);
} ratls_companion;

/** The one companion of the verifier in this process, made by the first who asks; NULL when out of memory. */
ratls_companion *ratls_verifier_companion(ratls_verifier *verifier, ratls_companion *(*make)(void));

/** ratls_verify_certificate(), which also hands out the SubjectPublicKeyInfo of the certificate that was
 *  judged (borrows `der`), for the tunnel to compare with the handshake's key. */
ratls_status ratls_verify_certificate_key(
    ratls_result **out, ratls_bytes *spki, ratls_verifier *verifier, ratls_bytes der,
    const ratls_verify_options *options, ratls_cancel *cancel, ratls_error **err);

/** What a verdict on this certificate was reached from, as ratls_tunnel_evidence() hands it out. */
ratls_status ratls_verifier_evidence(
    char **json, ratls_verifier *verifier, ratls_bytes certificate, const ratls_result *result, ratls_error **err);

/** A copy of a result, the caller's. */
ratls_status ratls_result_copy(ratls_result **out, const ratls_result *result, ratls_error **err);

#endif

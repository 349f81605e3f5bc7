/** What a certificate's evidence came to, kept beside the verdict on it: reading it again from the same bytes would give the
 *  same. Immutable, shared by those who hold it. */
#ifndef RATLS_VERIFIER_KEPT_EVIDENCE_H
#define RATLS_VERIFIER_KEPT_EVIDENCE_H

#include "evidence/identity.h"

typedef struct ratls_kept_evidence ratls_kept_evidence;

/** Copy a certificate's quote, whose REPORTDATA binds its key, where in the certificate that key is, and which application its
 *  event log proves, whatever is pinned. */
ratls_status ratls_kept_evidence_new(
    ratls_kept_evidence **out, ratls_bytes certificate, ratls_bytes spki, ratls_bytes quote, const ratls_identity *identity,
    ratls_error **err);

/** Another hold; each is let go with ratls_kept_evidence_free(). NULL is accepted. */
ratls_kept_evidence *ratls_kept_evidence_hold(ratls_kept_evidence *kept);
void ratls_kept_evidence_free(ratls_kept_evidence *kept);

ratls_bytes ratls_kept_evidence_quote(const ratls_kept_evidence *kept);

/** The SubjectPublicKeyInfo of `certificate`, which has the bytes that were kept. */
ratls_bytes ratls_kept_evidence_spki(const ratls_kept_evidence *kept, ratls_bytes certificate);

const ratls_identity *ratls_kept_evidence_identity(const ratls_kept_evidence *kept);

#endif

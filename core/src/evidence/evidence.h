/** What proves what runs at the other end: a quote, and what was measured, wherever they came from. */
#ifndef RATLS_EVIDENCE_EVIDENCE_H
#define RATLS_EVIDENCE_EVIDENCE_H

#include "evidence/attestation.h"
#include "evidence/identity.h"
#include "evidence/quote.h"

/** Owns everything but `spki`. */
typedef struct {
    uint8_t *quote; /* exactly the quote; NULL when a certificate has no RA-TLS extension */
    size_t quote_len;
    size_t trailing_len; /* bytes that follow the quote where it was: unsigned, left out */
    uint8_t *event_log;  /* JSON form as given (.2, GetQuote), NUL-terminated; NULL: none, or an envelope's */
    size_t event_log_len;
    ratls_event_list events;
    bool has_events; /* there is a log, and it was read; of `event_log` that is ratls_evidence_read_log() */
    uint8_t *config; /* the host's claims, NUL-terminated; NULL: none */
    size_t config_len;
    ratls_bytes spki; /* of the certificate, which it borrows; empty: there is none */
    bool present;     /* evidence is there, usable or not */
} ratls_evidence;

/** Keep the quote out of `payload`, which must be a TDX quote; *quote borrows the payload. */
ratls_status ratls_evidence_keep_quote(ratls_evidence *out, ratls_parsed_quote *quote, ratls_bytes payload, ratls_error **err);

/** Read an attestation envelope. When `other` is not empty it is the same quote from elsewhere, under the name `where`. */
ratls_status ratls_evidence_keep_envelope(
    ratls_evidence *out, ratls_bytes envelope, ratls_bytes other, const char *where, const char *other_where, ratls_error **err);

/** Read evidence that came without a certificate: an envelope V0 or V1, or the JSON of dstack's GetQuote or Attest. */
ratls_status ratls_evidence_from_bytes(ratls_evidence *out, ratls_bytes input, ratls_error **err);

/** Read `event_log`, if there is one that was not read. One that is no log at all is as good as none (evidence format 11):
 *  has_events stays false. */
ratls_status ratls_evidence_read_log(ratls_evidence *evidence, ratls_error **err);

/** What ratls_identity_establish() goes by. */
ratls_identity_sources ratls_evidence_sources(const ratls_evidence *evidence);

void ratls_evidence_clear(ratls_evidence *evidence);

#endif

/** RA-TLS leaf certificates: which quote is in it, and what binds the quote to its key (evidence format 1, 3). */
#ifndef RATLS_EVIDENCE_RATLS_CERTIFICATE_H
#define RATLS_EVIDENCE_RATLS_CERTIFICATE_H

#include "base/certificate.h"

/** Evidence taken out of a certificate; owns its quote. */
typedef struct {
    uint8_t *quote; /* exactly the quote; NULL when the certificate has no RA-TLS extension */
    size_t quote_len;
    size_t trailing_len; /* bytes that follow the quote in its extension: unsigned, left out */
    uint8_t *event_log; /* payload of .2 as given, NUL-terminated; NULL when there is none (V0/V1: NULL for now) */
    size_t event_log_len;
    ratls_bytes spki; /* borrows the certificate */
    bool present;     /* an RA-TLS evidence extension is there */
} ratls_evidence;

/** Read the certificate (strict DER) and its evidence. A certificate without one is RATLS_OK with
 *  `present` false. One that is present but unusable is an error; then `spki` and `present` are still set. */
ratls_status ratls_evidence_from_certificate(ratls_evidence *out, ratls_bytes der, ratls_error **err);

/** REPORTDATA that binds a key: SHA-512("ratls-cert:" ‖ SubjectPublicKeyInfo). */
ratls_status ratls_evidence_report_data(uint8_t out[64], ratls_bytes spki, ratls_error **err);

void ratls_evidence_clear(ratls_evidence *evidence);

#endif

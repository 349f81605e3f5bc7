/** RA-TLS leaf certificates: which quote is in it, and what binds the quote to its key (evidence format 1, 3). */
#ifndef RATLS_EVIDENCE_RATLS_CERTIFICATE_H
#define RATLS_EVIDENCE_RATLS_CERTIFICATE_H

#include "base/certificate.h"
#include "evidence/evidence.h"

/** Read the certificate (strict DER) and its evidence. A certificate without one is RATLS_OK with
 *  `present` false. One that is present but unusable is an error; then `spki` and `present` are still set. */
ratls_status ratls_evidence_from_certificate(ratls_evidence *out, ratls_bytes der, ratls_error **err);

/** REPORTDATA that binds a key: SHA-512("ratls-cert:" ‖ SubjectPublicKeyInfo). */
ratls_status ratls_evidence_report_data(uint8_t out[64], ratls_bytes spki, ratls_error **err);

#endif

/** What is sent to be appraised, and the envelope of what comes back (Intel rules 1.5, 1.6, 1.9). */
#ifndef RATLS_INTEL_REQUEST_H
#define RATLS_INTEL_REQUEST_H

#include "intel/config.h"

enum { RATLS_INTEL_REQUEST_MAX = 500000 /* bytes of a body */ };

/** The body of a request: version 2 nests the evidence, version 1 has it flat; never one for the other's address. The
 *  caller's to free(). */
ratls_status ratls_intel_request_body(char **out, const ratls_intel_config *config, ratls_bytes quote, ratls_error **err);

/** Where it goes, the caller's to free(); NULL when out of memory. */
char *ratls_intel_request_url(const ratls_intel_config *config);

/** The token out of an answer, the caller's to free(). `url` is for messages. */
ratls_status ratls_intel_envelope_token(char **out, ratls_bytes json, const char *url, ratls_error **err);

#endif

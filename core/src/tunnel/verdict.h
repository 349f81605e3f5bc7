/** A verdict with the certificate that it is on: immutable, held by whoever needs it. */
#ifndef RATLS_TUNNEL_VERDICT_H
#define RATLS_TUNNEL_VERDICT_H

#include "base/error.h"

typedef struct ratls_verdict ratls_verdict;

/** Takes the result, also when it fails; copies the certificate. */
ratls_status ratls_verdict_new(ratls_verdict **out, ratls_result *result, ratls_bytes certificate, ratls_error **err);

/** Another hold; each is let go with ratls_verdict_free(). NULL for NULL. */
ratls_verdict *ratls_verdict_hold(ratls_verdict *verdict);
void ratls_verdict_free(ratls_verdict *verdict);

const ratls_result *ratls_verdict_result(const ratls_verdict *verdict);
ratls_bytes ratls_verdict_certificate(const ratls_verdict *verdict);

#endif

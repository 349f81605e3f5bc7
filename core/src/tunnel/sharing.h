/** Sharing: one running endpoint for all who open the same, closed with its last user. */
#ifndef RATLS_TUNNEL_SHARING_H
#define RATLS_TUNNEL_SHARING_H

#include "tunnel/endpoint.h"

typedef struct ratls_share ratls_share;

/** One user's hold on an endpoint that runs: a new one, or one that was opened with this verifier in this process for
 *  equal settings. Those that name a directory are never shared. Takes the settings, also when it fails.
 *
 *  Who comes while another is opening the same waits for the outcome, whatever it is, and begins anew only when the other was
 *  cancelled. */
ratls_status ratls_share_open(
    ratls_share **out, ratls_verifier *verifier, ratls_tunnel_settings *settings, ratls_cancel *cancel, ratls_error **err);

/** Let go; the last closes the endpoint. NULL is ignored. */
void ratls_share_close(ratls_share *share);

ratls_endpoint *ratls_share_endpoint(const ratls_share *share);

#endif

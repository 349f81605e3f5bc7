/** The server's offer of SASL mechanisms without channel binding: `*-PLUS` binds to the TLS connection that a client sees, and a
 *  driver at our socket sees none (drivers 3.9). A state machine over the server's first messages, in their own buffer. */
#ifndef RATLS_TUNNEL_SASL_OFFER_H
#define RATLS_TUNNEL_SASL_OFFER_H

#include "base/error.h"

enum { RATLS_SASL_OFFER_MAX = 2000 /* bytes of a message that libpq reads; a longer one is left as it is */ };

/** Zero: at the beginning of the server's answer to a StartupMessage. */
typedef struct {
    size_t passing; /* bytes of a message whose kind is known, still to come */
    bool done;      /* the server has asked for authentication, or for none: the rest is of no interest */
} ratls_sasl_offer;

/** Look at what came from the server. `bytes`, *len of them: those that were not cleared before, and what came since. The
 *  mechanisms are taken out in place, so *len may become smaller. *clear: how many of them may go to the driver; the others
 *  are the beginning of a message that is not complete.
 *
 *  CHANNEL_BINDING_ONLY when no mechanism would be left. */
ratls_status ratls_sasl_offer_look(ratls_sasl_offer *offer, uint8_t *bytes, size_t *len, size_t *clear, ratls_error **err);

#endif

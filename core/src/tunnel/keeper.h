/** This client's certificate, kept for all connections to be made: fetched once, renewed by age, one fetch at a time. */
#ifndef RATLS_TUNNEL_KEEPER_H
#define RATLS_TUNNEL_KEEPER_H

#include "agent/agent.h"
#include "tunnel/upstream.h"

enum {
    RATLS_IDENTITY_AGE_MS = 60 * 60 * 1000, /* then a new one is fetched, while the old one serves */
    RATLS_IDENTITY_LIFE_PARTS = 2,          /* or after half of what it had left when it came, if that is sooner */
    RATLS_IDENTITY_LAST_S = 10,             /* so close to its end a new one is waited for, if there is one to be had */
    RATLS_IDENTITY_RETRY_MS = 5000          /* after a failure, or a new one that a server did not like either */
};

/** The settings are copied. Nothing is fetched yet. */
ratls_status ratls_keeper_new(ratls_keeper **out, const ratls_agent_settings *settings, const ratls_agent_places *places, ratls_error **err);

/** End a fetch that runs, wait for its thread. In a forked child it does nothing. NULL is ignored. */
void ratls_keeper_free(ratls_keeper *keeper);

const ratls_agent_settings *ratls_keeper_settings(const ratls_keeper *keeper);

/** A certificate to present now, the caller's hold. It is there at once once one was fetched; else all who come wait for the
 *  same fetch, each as long as it may. A fetch that nobody waits for any longer goes on for those who come later. */
ratls_status ratls_keeper_get(
    ratls_identity **out, ratls_keeper *keeper, ratls_deadline deadline, const ratls_cancel *cancel, ratls_error **err);

/** A server did not accept the certificate that is kept: the next who comes waits for a new one. False when it is new already. */
bool ratls_keeper_refused(ratls_keeper *keeper);

/** A server took what is kept, or was content without: others of the same keeper need not ask again. Until the next renewal. */
void ratls_keeper_prove(ratls_keeper *keeper);
bool ratls_keeper_is_proven(ratls_keeper *keeper);

/** Why the last renewal failed, the caller's; NULL when it did not, or was told already. */
ratls_error *ratls_keeper_take_failure(ratls_keeper *keeper);

#endif

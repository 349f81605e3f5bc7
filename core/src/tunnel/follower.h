/** Following a leader: a thread that looks it up again and again while connections are open, and at once when one is lost. */
#ifndef RATLS_TUNNEL_FOLLOWER_H
#define RATLS_TUNNEL_FOLLOWER_H

#include "leader/leader.h"

enum { RATLS_FOLLOWER_RENEWALS = 6 /* look-ups after a loss, further and further apart, until the usual pace will do */ };

typedef struct ratls_follower ratls_follower;

/** Begin. `leader` is kept; `closing` is borrowed until _stop(). */
ratls_status ratls_follower_start(ratls_follower **out, ratls_leader *leader, const ratls_cancel *closing, ratls_error **err);

/** A connection to the leader is open from now on. */
void ratls_follower_enter(ratls_follower *follower);

/** It has ended. */
void ratls_follower_leave(ratls_follower *follower);

/** One was lost: the server left, or broke off. */
void ratls_follower_lost(ratls_follower *follower);

/** Wait for the thread, which ends once `closing` was triggered. NULL is ignored. */
void ratls_follower_stop(ratls_follower *follower);

#endif

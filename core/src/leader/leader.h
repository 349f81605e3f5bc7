/** Who leads a cluster: looked up, checked, remembered, and told to those who follow. */
#ifndef RATLS_LEADER_LEADER_H
#define RATLS_LEADER_LEADER_H

#include "base/wait.h"
#include "leader/leader_term.h"

enum {
    RATLS_LEADER_RENEW_MS = 100 /* between look-ups that something has gone wrong for: so long, then twice as long … */
};

ratls_leader *ratls_leader_hold(ratls_leader *leader);

/** As it was given. */
const char *ratls_leader_domain(const ratls_leader *leader);

/** Whether the one knows what the other would: a tunnel to one serves who wants the other. */
bool ratls_leader_equal(const ratls_leader *a, const ratls_leader *b);

/** The leader of this moment, by a look-up that is no older than the refresh interval; by the last one that went well where a
 *  newer one fails, as long as its record is valid. *out: a hold of the caller's. Calls no log. */
ratls_status ratls_leader_current(
    ratls_leader_term **out, ratls_leader *leader, ratls_deadline deadline, const ratls_cancel *cancel, ratls_error **err);

/** Something has gone wrong: look up again, now, unless that was done a moment ago. Returns for how many milliseconds it is too
 *  early, 0 when it looked. */
int64_t ratls_leader_renew(ratls_leader *leader, ratls_deadline deadline, const ratls_cancel *cancel);

/** All went well: what goes wrong next is looked at at once. */
void ratls_leader_reached(ratls_leader *leader);

int64_t ratls_leader_refresh_ms(const ratls_leader *leader);

/** Tell the caller's log what went wrong meanwhile. */
void ratls_leader_tell(ratls_leader *leader);

#endif

/** A leader's time in office, as those who talk to it see it: where it is, and when it is over. Shared by holds. */
#ifndef RATLS_LEADER_LEADER_TERM_H
#define RATLS_LEADER_LEADER_TERM_H

#include "base/cancel.h"
#include "leader/leader_record.h"

typedef struct ratls_leader_term ratls_leader_term;

/** It begins with this record, of which it takes a hold. */
ratls_status ratls_leader_term_new(ratls_leader_term **out, ratls_leader_record *record, ratls_error **err);

ratls_leader_term *ratls_leader_term_hold(ratls_leader_term *term);
void ratls_leader_term_free(ratls_leader_term *term);

/** The record that it began with. */
const ratls_leader_record *ratls_leader_term_record(const ratls_leader_term *term);

/** It is over: another leader is known. For good. */
void ratls_leader_term_end(ratls_leader_term *term);

/** Triggered when it is over. */
const ratls_cancel *ratls_leader_term_over(const ratls_leader_term *term);

#endif

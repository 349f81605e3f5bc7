/** The newest record, kept in a directory, so that no later process takes an older one. */
#ifndef RATLS_LEADER_LEADER_STATE_H
#define RATLS_LEADER_LEADER_STATE_H

#include "base/cancel.h"
#include "leader/leader_record.h"

enum {
    RATLS_LEADER_STATE_LOCK_MS = 1000, /* others hold the lock for the moment that a small file takes */
    RATLS_LEADER_STATE_LOCK_PAUSE_MS = 10
};

/** Where one cluster's record is kept: its file is named after the domain and the signer. */
typedef struct {
    char *directory; /* NULL: nowhere */
    char *file;
} ratls_leader_state;

/** `directory` NULL: nothing is kept. */
ratls_status ratls_leader_state_begin(
    ratls_leader_state *out, const char *directory, const char *name, const uint8_t signer[RATLS_ADDRESS_LEN], ratls_error **err);

/** The record that is kept; NULL when there is none. It was read like any other, and may have expired. LEADER_STATE when the
 *  directory is of no use, or what is there is no record of this signer's. */
ratls_status ratls_leader_state_load(
    ratls_leader_record **out, const ratls_leader_state *state, const ratls_leader_expected *expected, ratls_error **err);

/** Keep this record, unless what is kept has a higher epoch. */
ratls_status ratls_leader_state_keep(
    const ratls_leader_state *state, const ratls_leader_record *record, const ratls_leader_expected *expected, const ratls_cancel *cancel,
    ratls_error **err);

void ratls_leader_state_clear(ratls_leader_state *state);

#endif

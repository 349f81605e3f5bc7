/** A record that was accepted: what a look-up gives out. Immutable, shared by holds. */
#ifndef RATLS_LEADER_LEADER_RECORD_H
#define RATLS_LEADER_LEADER_RECORD_H

#include "leader/manifest.h"

/** What a record must be. */
typedef struct {
    uint8_t signer[RATLS_ADDRESS_LEN];
    uint8_t cluster[RATLS_ADDRESS_LEN];
    bool any_cluster; /* cluster is of no account */
} ratls_leader_expected;

/** Read a record and check who signed it and of which cluster it is; not whether it is valid now. */
ratls_status ratls_leader_record_read(
    ratls_leader_record **out, ratls_bytes text, const ratls_leader_expected *expected, ratls_error **err);

/** The one that counts among all TXT records of a name: of those that hold at `now` the one with the highest epoch. When
 *  none does, the failure of the record that came furthest; LEADER_CONFLICT when two of the highest epoch name different
 *  instances. */
ratls_status ratls_leader_record_choose(
    ratls_leader_record **out, const ratls_bytes *texts, size_t texts_len, const ratls_leader_expected *expected, int64_t now,
    ratls_error **err);

/** LEADER_CONFLICT unless both name the same instance; they are of one epoch. */
ratls_status ratls_leader_record_agree(const ratls_leader_record *record, const ratls_leader_record *other, ratls_error **err);

const ratls_manifest *ratls_leader_record_manifest(const ratls_leader_record *record);

/** The record as it was read. */
ratls_bytes ratls_leader_record_text(const ratls_leader_record *record);

ratls_leader_record *ratls_leader_record_hold(ratls_leader_record *record);

#endif

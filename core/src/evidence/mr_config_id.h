/** MRCONFIGID: what the host fixed when it built the TD, a second binding that needs no log (evidence format 4.7).
 *
 *  dstack's guest compares it with what it measures, so it is worth as much as the guest is: pin MRTD and RTMR0 to RTMR2.
 */
#ifndef RATLS_EVIDENCE_MR_CONFIG_ID_H
#define RATLS_EVIDENCE_MR_CONFIG_ID_H

#include "evidence/identity.h"

/** What a hash in MRCONFIGID may be the hash of. */
typedef struct {
    ratls_bytes compose_hash;
    ratls_bytes app_id;      /* empty: left out */
    ratls_bytes instance_id; /* empty: left out */
    const char *key_provider_name;
    ratls_bytes key_provider_id; /* empty: left out */
} ratls_mr_config_candidate;

/** Compare with what is known of the application, which version 01 adds the compose hash to. EVIDENCE_MR_CONFIG_ID when they
 *  contradict each other. `config`: the host's claims, where version 03 may have its document. */
ratls_status ratls_mr_config_id_check(ratls_identity *identity, const ratls_parsed_quote *quote, ratls_bytes config, ratls_error **err);

/** It is a hash (version 02 or 03), which tells nothing but whether a guess is right. */
bool ratls_mr_config_id_is_hash(const ratls_parsed_quote *quote);

/** *confirmed: it is the hash of this candidate. */
ratls_status ratls_mr_config_id_confirm(
    bool *confirmed, const ratls_parsed_quote *quote, const ratls_mr_config_candidate *candidate, ratls_error **err);

#endif

/** Looking up TXT records, by c-ares: UDP first, TCP where the answer does not fit, one server after the other. */
#ifndef RATLS_LEADER_TXT_LOOKUP_H
#define RATLS_LEADER_TXT_LOOKUP_H

#include "base/wait.h"
#include "leader/dns_server.h"
#include "leader/txt_records.h"

enum {
    RATLS_DNS_TRY_MS = 1000, /* until the next server is asked; twice as long in each further round */
    RATLS_DNS_ROUNDS = 8,    /* more than a deadline allows */
    RATLS_DNS_UDP_MAX = 1232 /* bytes of an answer that pass every network whole (DNS flag day 2020) */
};

/** The TXT records of a name, which is taken as it is, without search domains. No servers: those of the system.
 *
 *  LEADER_LOOKUP says why there are none; LEADER_TIMEOUT, CANCELLED. */
ratls_status ratls_txt_look_up(
    ratls_txt_records *out, const char *name, const ratls_dns_server *servers, size_t servers_len, ratls_deadline deadline,
    const ratls_cancel *cancel, ratls_error **err);

#endif

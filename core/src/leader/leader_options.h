/** A leader's options, checked and copied. */
#ifndef RATLS_LEADER_LEADER_OPTIONS_H
#define RATLS_LEADER_LEADER_OPTIONS_H

#include "leader/dns_server.h"
#include "leader/leader_state.h"

typedef struct {
    char *domain; /* as it was given, for messages */
    char *name;   /* where the records are */
    ratls_leader_expected expected;
    ratls_leader_state state;
    ratls_dns_server servers[RATLS_DNS_SERVERS_MAX];
    size_t servers_len;
    ratls_log_callback log;
    void *log_user;
    int64_t timeout_ms;
    int64_t refresh_ms;
    int64_t now; /* 0: the clock */
} ratls_leader_settings;

ratls_status ratls_leader_settings_read(ratls_leader_settings *out, const ratls_leader_options *options, ratls_error **err);

/** Whether the one knows what the other would. */
bool ratls_leader_settings_equal(const ratls_leader_settings *a, const ratls_leader_settings *b);

void ratls_leader_settings_clear(ratls_leader_settings *settings);

#endif

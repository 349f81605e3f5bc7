/** A service that has collateral, without sockets: it stands in place of the web, and so do the clocks, the waiting and chance. Every
 *  part is properly signed, in editions of other dates as time goes on. */
#ifndef RATLS_TEST_COLLATERAL_SERVICE_H
#define RATLS_TEST_COLLATERAL_SERVICE_H

#include "collateral/store.h"
#include "dcap/pki.h"

enum { SERVICE_RULES_MAX = 8, SERVICE_WAITS_MAX = 64, SERVICE_URL_MAX = 256, SERVICE_SEEN_MAX = 256, SERVICE_LINES_MAX = 64 };

#define SERVICE_DAY INT64_C(86400)
#define SERVICE_URL "https://pccs.example:8081"
#define SERVICE_BACKUP "https://backup.example/pccs"

/** What becomes of requests whose URL holds `match`: the first rule with `times` left counts. */
typedef struct {
    const char *match;
    int times;                  /* -1: always */
    ratls_http_outcome outcome; /* RATLS_HTTP_FAILED: the service's own answer, changed by what follows */
    int status;                 /* 0: as it is */
    const char *header;         /* one more line */
    const char *body;           /* NULL: as it is */
    int64_t takes_ms;
    const char *without;        /* a header that is left out */
} service_rule;

/** All that tests look at or change. */
typedef struct {
    pki world;
    ratls_collateral edition; /* what is served */
    test_buffer issuer_chain; /* of the PCK CRL */
    bool etags;
    const char *cache_control;
    service_rule rules[SERVICE_RULES_MAX];
    char seen[SERVICE_SEEN_MAX][SERVICE_URL_MAX];
    size_t requests;
    size_t conditional;       /* requests that named what they had */
    size_t not_modified;
    int64_t waits[SERVICE_WAITS_MAX];
    size_t waits_len;
    uint64_t random;
    char *lines[SERVICE_LINES_MAX]; /* of the log */
    size_t lines_len;
    ratls_cancel *cancel_at_request; /* triggered by the next one */
    void (*during)(void);            /* called by the next request, once */
} test_service;

extern test_service service;

/** Setup and teardown of a group, and of one test. */
int service_set_up(void **state);
int service_tear_down(void **state);
int service_reset(void **state);

/** Serve an edition that is issued then and ends then. */
void service_publish(int64_t from, int64_t until);

int64_t service_now(void);
void service_advance_s(int64_t seconds);
void service_step_wall_s(int64_t seconds); /* of the wall clock alone */

void service_rule_add(service_rule rule);

/** How many of the requests have this in their URL. */
size_t service_count(const char *part);
bool service_logged(const char *part);
void service_log(void *user, const char *message);

/** The platform of the world's quotes. */
ratls_platform_id service_platform(void);

/** Under the world's root; the caller's. */
ratls_trust *service_trust(void);

/** Time for a call: now, and 30 s. */
ratls_collateral_time service_time(void);

#endif

/** Collateral, fetched once: in memory for this process, on disk for all processes of the user, and from its sources when
 *  neither has it. An entry serves until its own nextUpdate and never beyond; from 80 % of its life on it is fetched anew in the
 *  background. */
#ifndef RATLS_COLLATERAL_STORE_H
#define RATLS_COLLATERAL_STORE_H

#include "collateral/disk.h"
#include "collateral/set.h"
#include "collateral/sources.h"

enum {
    RATLS_STORE_LIFE_PERCENT = 80,         /* of its life, after which an entry is fetched anew … */
    RATLS_STORE_SPREAD_PERCENT = 10,       /* … or up to so much later, so that a fleet does not come all at once */
    RATLS_STORE_FRESH_LEAST_S = 300,       /* that an answer is used without asking again, whatever its max-age */
    RATLS_STORE_FAILED_KEPT_MS = 1000,     /* that a failure stands for the next who ask */
    RATLS_STORE_RETRY_FIRST_S = 60,        /* after a failed refresh, doubled each time … */
    RATLS_STORE_RETRY_MOST_S = 3600,       /* … up to here */
    RATLS_STORE_REFRESH_MS = 60000,        /* of one part in the background */
    RATLS_STORE_WAIT_MS = 50,              /* between looks at whether a waiting thread was cancelled */
    RATLS_STORE_LOCK_MS = 20000            /* most that is waited for another process; then we ask ourselves */
};

/** What is needed to obtain collateral, for every process that has the verifier. Owned by the verifier. */
typedef struct {
    ratls_sources *sources;
    ratls_disk disk;
    ratls_trust *trust;
    ratls_log_callback log;
    void *log_user;
    atomic_flag disk_warned; /* that the disk cannot be used is told once */
} ratls_store_settings;

/** Safe for threads, of one process: a child of fork() makes one of its own. */
typedef struct ratls_store ratls_store;

/** `settings` are borrowed for as long as the store lives. */
ratls_status ratls_store_new(ratls_store **out, ratls_store_settings *settings, ratls_error **err);

/** Ends a fetch in the background. */
void ratls_store_free(ratls_store *store);

typedef struct {
    ratls_platform_id platform;
    bool early;
    bool refresh;           /* what was not asked for since: */
    int64_t refresh_since_ms; /* on the monotonic clock */
} ratls_store_wish;

/** The set for a platform that holds at `time->now`, its hold the caller's: from memory, disk or sources. */
ratls_status ratls_store_get(
    ratls_collateral_set **out, ratls_store *store, const ratls_store_wish *wish, const ratls_collateral_time *time, ratls_error **err);

/** The set that is in memory and holds at `now`, its hold the caller's; NULL when there is none. Nothing is waited for, but what is
 *  due is fetched anew in the background. */
ratls_collateral_set *ratls_store_peek(ratls_store *store, const ratls_platform_id *platform, bool early, int64_t now);

/** Wait until nothing is fetched in the background (for tests and measurements). */
void ratls_store_settle(ratls_store *store);

#endif

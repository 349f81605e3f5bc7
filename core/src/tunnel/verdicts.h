/** The verdicts of a tunnel: the newest, and that of every open connection. */
#ifndef RATLS_TUNNEL_VERDICTS_H
#define RATLS_TUNNEL_VERDICTS_H

#include "tunnel/verdict.h"

typedef struct ratls_verdicts ratls_verdicts;

/** One open connection, kept by who serves it, from _enter() to _leave(). */
typedef struct ratls_verdict_entry {
    struct ratls_verdict_entry *next;
    ratls_verdict *verdict;
    uint32_t inode; /* of our end; 0: not known */
} ratls_verdict_entry;

ratls_status ratls_verdicts_new(ratls_verdicts **out, ratls_error **err);
void ratls_verdicts_free(ratls_verdicts *verdicts);

/** A verdict (taken) with no connection of a driver yet. */
void ratls_verdicts_add(ratls_verdicts *verdicts, ratls_verdict *verdict);

/** The connection that was accepted as `socket` rests on this verdict (taken). */
void ratls_verdicts_enter(ratls_verdicts *verdicts, ratls_verdict_entry *entry, int socket, ratls_verdict *verdict);

/** It has ended. An entry that never entered may leave. */
void ratls_verdicts_leave(ratls_verdicts *verdicts, ratls_verdict_entry *entry);

/** The newest verdict, a hold of the caller's; NULL before the first. */
ratls_verdict *ratls_verdicts_newest(ratls_verdicts *verdicts);

/** The verdict of the connection whose driver's end is `fd`, a hold of the caller's; the newest where the kernel does
 *  not tell which that is; CONNECTION_UNKNOWN when it is none of these. */
ratls_status ratls_verdicts_find(ratls_verdict **out, ratls_verdicts *verdicts, int fd, ratls_error **err);

#endif

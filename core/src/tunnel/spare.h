/** The connection that a tunnel was opened with, kept for a moment: the first driver need not wait for another. */
#ifndef RATLS_TUNNEL_SPARE_H
#define RATLS_TUNNEL_SPARE_H

#include <pthread.h>

#include "tunnel/attested.h"
#include "tunnel/destination.h"

enum {
    /* A driver that was to be connected comes at once; a server counts the moments of one that says nothing. */
    RATLS_SPARE_MS = 2000
};

/** Safe for threads, after _begin(). */
typedef struct {
    pthread_mutex_t lock;
    ratls_attested attested; /* fd -1: none */
    ratls_destination destination; /* whom it goes to */
    ratls_deadline until;
} ratls_spare;

ratls_status ratls_spare_begin(ratls_spare *spare, ratls_error **err);

/** Say goodbye to one that is left. */
void ratls_spare_end(ratls_spare *spare);

/** Keep a connection and whom it goes to (both taken), from now on. */
void ratls_spare_keep(ratls_spare *spare, ratls_attested *attested, ratls_destination *destination);

/** Take the connection, if there is one that is young enough, whose server has not hung up and is still the one to talk to; it
 *  is to be judged again. */
bool ratls_spare_take(ratls_spare *spare, ratls_attested *out, ratls_destination *destination);

/** Until when to wait for what on it: fd -1 and no deadline when there is none. */
void ratls_spare_watch(ratls_spare *spare, struct pollfd *fd, ratls_deadline *until);

/** Something came, or its time is up: let go of one that is of no use any more. */
void ratls_spare_tend(ratls_spare *spare);

#endif

/** What was verified before, kept by a digest of everything that it depends on: bounded, shared by threads, and read without
 *  a lock. That a fact is here says nothing about time or revocation: those are checked with every use. */
#ifndef RATLS_DCAP_KNOWN_H
#define RATLS_DCAP_KNOWN_H

#include "base/digest.h"

enum {
    RATLS_KNOWN_WAYS = 4,       /* places that a fact may take */
    RATLS_KNOWN_SIGNATURES = 32, /* sets of ways: signatures that are known to be good … */
    RATLS_KNOWN_CHAINS = 16     /* … and PCK chains */
};

/** A fact begins with this; immutable once kept. */
typedef struct ratls_fact {
    uint8_t key[RATLS_SHA256_LEN];
    void (*destroy)(struct ratls_fact *fact);
    struct ratls_fact *next; /* the store's own */
    size_t place;            /* the store's own */
} ratls_fact;

typedef struct ratls_known ratls_known;

/** A store of `sets` times RATLS_KNOWN_WAYS facts; NULL when out of memory. */
ratls_known *ratls_known_new(size_t sets);

/** Nobody may use a fact of it any more. */
void ratls_known_free(ratls_known *known);

/** The fact with this key, which stays until ratls_known_release(); NULL when it is not here. */
const ratls_fact *ratls_known_find(ratls_known *known, const uint8_t key[RATLS_SHA256_LEN]);

/** Let go of a fact that was found; NULL is ignored. */
void ratls_known_release(ratls_known *known, const ratls_fact *fact);

/** Hand a fact over. It may take another's place, or be dropped where another thread is at work: keeping is never needed. */
void ratls_known_keep(ratls_known *known, ratls_fact *fact);

#endif

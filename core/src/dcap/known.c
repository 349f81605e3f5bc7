#include "dcap/known.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Readers count themselves in before they look at the fact, so that a writer who took it out and then sees nobody knows
 * that nobody holds it. All of these operations are sequentially consistent: the argument rests on their one order. */
typedef struct {
    atomic_uint_fast64_t mark; /* the key's first bytes: which places are worth a look */
    atomic_size_t readers;
    _Atomic(ratls_fact *) fact;
} known_place;

struct ratls_known {
    pthread_mutex_t writing;
    size_t sets;
    size_t turn;         /* writing: which way of a set goes next */
    ratls_fact *retired; /* writing: taken out while somebody read */
    size_t retired_len;
    known_place places[];
};

enum { RETIRED_MAX = 64 };

ratls_known *ratls_known_new(size_t sets)
{
    ratls_known *known = calloc(1, sizeof *known + sets * RATLS_KNOWN_WAYS * sizeof known->places[0]);

    if (known == NULL || pthread_mutex_init(&known->writing, NULL) != 0) {
        free(known);
        return NULL;
    }
    known->sets = sets; /* the places are as calloc() left them: zero is their beginning */
    return known;
}

void ratls_known_free(ratls_known *known)
{
    if (known == NULL) {
        return;
    }
    for (size_t i = 0; i < known->sets * RATLS_KNOWN_WAYS; i++) {
        ratls_fact *fact = atomic_load(&known->places[i].fact);

        if (fact != NULL) {
            fact->destroy(fact);
        }
    }
    while (known->retired != NULL) {
        ratls_fact *fact = known->retired;

        known->retired = fact->next;
        fact->destroy(fact);
    }
    (void)pthread_mutex_destroy(&known->writing);
    free(known);
}

static uint64_t mark_of(const uint8_t key[RATLS_SHA256_LEN])
{
    uint64_t mark;

    memcpy(&mark, key, sizeof mark);
    return mark;
}

/* Keys are digests: any of their bytes spread evenly. */
static size_t first_place(const ratls_known *known, const uint8_t key[RATLS_SHA256_LEN])
{
    return (size_t)(mark_of(key) % known->sets) * RATLS_KNOWN_WAYS;
}

static const ratls_fact *read_place(known_place *place, const uint8_t key[RATLS_SHA256_LEN])
{
    ratls_fact *fact;

    (void)atomic_fetch_add(&place->readers, 1);
    fact = atomic_load(&place->fact);
    if (fact != NULL && memcmp(fact->key, key, sizeof fact->key) == 0) {
        return fact;
    }
    (void)atomic_fetch_sub(&place->readers, 1);
    return NULL;
}

const ratls_fact *ratls_known_find(ratls_known *known, const uint8_t key[RATLS_SHA256_LEN])
{
    size_t first = first_place(known, key);
    uint64_t mark = mark_of(key);

    for (size_t i = first; i < first + RATLS_KNOWN_WAYS; i++) {
        const ratls_fact *fact = atomic_load(&known->places[i].mark) == mark ? read_place(&known->places[i], key) : NULL;

        if (fact != NULL) {
            return fact;
        }
    }
    return NULL;
}

void ratls_known_release(ratls_known *known, const ratls_fact *fact)
{
    if (fact != NULL) {
        (void)atomic_fetch_sub(&known->places[fact->place].readers, 1);
    }
}

/* The functions below want `writing` held. */

/* Free what was taken out and nobody reads any more: whoever counts in now finds another fact. */
static void sweep_retired(ratls_known *known)
{
    ratls_fact **link = &known->retired;

    while (*link != NULL) {
        ratls_fact *fact = *link;

        if (atomic_load(&known->places[fact->place].readers) == 0) {
            *link = fact->next;
            known->retired_len--;
            fact->destroy(fact);
        } else {
            link = &fact->next;
        }
    }
}

/* Where the fact goes: an empty place of its set, or else each in turn. */
static size_t choose_place(ratls_known *known, const uint8_t key[RATLS_SHA256_LEN])
{
    size_t first = first_place(known, key);

    for (size_t i = first; i < first + RATLS_KNOWN_WAYS; i++) {
        if (atomic_load(&known->places[i].fact) == NULL) {
            return i;
        }
    }
    return first + known->turn++ % RATLS_KNOWN_WAYS;
}

static void put(ratls_known *known, ratls_fact *fact)
{
    known_place *place;
    ratls_fact *before;

    fact->place = choose_place(known, fact->key);
    place = &known->places[fact->place];
    before = atomic_exchange(&place->fact, fact);
    atomic_store(&place->mark, mark_of(fact->key));
    if (before != NULL) {
        before->next = known->retired;
        known->retired = before;
        known->retired_len++;
        sweep_retired(known);
    }
}

/* Two threads may have verified the same thing at once. */
static bool is_kept(ratls_known *known, const uint8_t key[RATLS_SHA256_LEN])
{
    const ratls_fact *fact = ratls_known_find(known, key);

    ratls_known_release(known, fact);
    return fact != NULL;
}

void ratls_known_keep(ratls_known *known, ratls_fact *fact)
{
    /* Never waits: in a forked child the lock may stay taken for ever. */
    if (pthread_mutex_trylock(&known->writing) != 0) {
        fact->destroy(fact);
        return;
    }
    sweep_retired(known);
    if (known->retired_len == RETIRED_MAX || is_kept(known, fact->key)) {
        fact->destroy(fact);
    } else {
        put(known, fact);
    }
    (void)pthread_mutex_unlock(&known->writing);
}

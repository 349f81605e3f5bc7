/** What makes a verifier: one small table of functions, and the object that every kind shares. */
#ifndef RATLS_VERIFIER_KIND_H
#define RATLS_VERIFIER_KIND_H

#include "evidence/quote.h"
#include "policy/claims.h"
#include "verifier/fetching.h"
#include "verifier/verdict_cache.h"
#include "verifier/verifier.h"

/** Under what a quote is judged. */
typedef struct {
    int64_t now;         /* seconds since 1970 */
    int64_t timeout_ms;  /* what the caller asked for, for messages */
    int64_t deadline_ms; /* on the monotonic clock */
    const ratls_cancel *cancel;
    bool allow_debug_mode; /* the policy's; what a verifier finds is the same either way, its words may differ */
} ratls_judging;

typedef struct {
    const char *name; /* as the result says it */

    /** Quote → claims, or the first failed check. Out: claims, empty on entry, cleared by the caller also on failure. */
    ratls_status (*judge)(
        ratls_claims *out, void *state, const ratls_parsed_quote *quote, const ratls_judging *judging, ratls_error **err);

    /** What verdicts on this quote would rest on now, as a number that is another one when it has changed; 0: nothing is there yet.
     *  Claims from the cache whose collateral_generation differs are not used again. NULL: nothing changes. */
    uint64_t (*generation)(void *state, const ratls_parsed_quote *quote, int64_t now);

    /** What must still hold when claims from the cache are used again; NULL: nothing but their dates. *stale is false on entry, and
     *  set when what they rested on is no longer at hand: then the quote is judged anew. */
    ratls_status (*recheck)(bool *stale, void *state, const ratls_parsed_quote *quote, int64_t now, ratls_error **err);

    /** What a verdict on this quote (NULL: there was none) rests on: the collateral as a bundle, and the root that
     *  was given, as PEM; each the caller's to free(), NULL where there is none. NULL: it never uses either. */
    ratls_status (*sources)(char **collateral, char **anchor, void *state, const ratls_parsed_quote *quote, ratls_error **err);

    /** Fetch ahead what quotes of this platform will need; NULL: nothing is ever fetched. */
    ratls_status (*warm)(void *state, const ratls_collateral_wish *wish, ratls_error **err);

    void (*destroy)(void *state);

    /** The development mode: with allow_simulator and no pins, unusable and unbound evidence is waived too. */
    bool waives_evidence;
} ratls_verifier_kind;

/** What a DCAP verifier fetches with; NULL for one that has its collateral, and for any other kind. */
ratls_fetching *ratls_verifier_fetching(const ratls_verifier *verifier);

/** Make a verifier of this kind; it owns `state` from then on (not when this fails). */
ratls_status ratls_verifier_create(
    ratls_verifier **out, const ratls_verifier_kind *kind, void *state, ratls_log_callback log, void *log_user, ratls_error **err);

const ratls_verifier_kind *ratls_verifier_kind_of(const ratls_verifier *verifier);
void *ratls_verifier_state(const ratls_verifier *verifier);

/** The cache of this process; NULL when there is no memory for one, and then nothing is cached. */
ratls_verdict_cache *ratls_verifier_cache(ratls_verifier *verifier);

/** One line to the log, if there is one. */
void ratls_verifier_warn(const ratls_verifier *verifier, const char *message);

/** Warn, once in the verifier's life, that any MRTD is accepted. */
void ratls_verifier_warn_mr_td(ratls_verifier *verifier);

/** Warn, once in the verifier's life, that any application on the pinned firmware is accepted. */
void ratls_verifier_warn_application(ratls_verifier *verifier);

#endif

/** Intel Trust Authority for tests in C: keys and certificates of its own, a web that is a table of answers, and a clock
 *  that moves when somebody waits. */
#ifndef RATLS_TESTS_AUTHORITY_H
#define RATLS_TESTS_AUTHORITY_H

#include <openssl/x509.h>

#include "base/http.h"
#include "evidence/quote.h"

enum { AUTHORITY_SCRIPT_MAX = 16, AUTHORITY_WAITS_MAX = 32 };

#define AUTHORITY_API "https://api.test"
#define AUTHORITY_PORTAL "https://portal.test"
#define AUTHORITY_KEY "an-attestation-key"
#define AUTHORITY_NOW INT64_C(1767225600) /* 2026-01-01 */

/** What the next request for a token gets instead of one. */
typedef struct {
    ratls_http_outcome outcome;
    int status;
    const char *headers; /* one line, or NULL */
    const char *body;
    int64_t takes_ms;    /* the clock moves so far */
} scripted_answer;

typedef struct {
    /* What it does. */
    scripted_answer script[AUTHORITY_SCRIPT_MAX]; /* for requests for tokens, in order; then tokens */
    size_t script_len, script_at;
    bool portal_down;
    bool lists_down;
    const char *portal_headers;
    int signer;            /* of two leaves: 0 or 1 */
    bool publish_first_only; /* the key set has the first leaf alone */
    const char *payload_extra; /* members, each after a comma */
    int64_t list_lives_s;
    /* What it saw. */
    int attests, key_sets, lists;
    bool key_elsewhere;    /* the API key came to the portal */
    char body[65536];      /* of the last request for a token */
    int64_t waits[AUTHORITY_WAITS_MAX];
    size_t waits_len;
    int64_t random;        /* what jitter is made of: the next random number */
    ratls_cancel *cancel_in_wait; /* triggered when somebody waits */
} test_authority;

extern test_authority authority;

/** Keys and certificates, once for a program. */
int authority_set_up(void **state);
int authority_tear_down(void **state);

/** Everything as in a healthy service, the clock at AUTHORITY_NOW; the web, the waiting, chance and clock replaced. */
int authority_reset(void **state);

void authority_advance_ms(int64_t ms);
int64_t authority_clock_ms(void);

/** Root certificate as PEM, and a stranger's of the same name. */
const char *authority_root_pem(void);
const char *authority_strange_root_pem(void);

/** Options for a verifier that asks it. */
ratls_intel_options authority_options(void);

/** The quote that tokens are about: set before anything is verified. */
void authority_appraises(const ratls_parsed_quote *quote);

#endif

/** The dstack guest agent: where it is, and its calls over HTTP (evidence format 5.1, 5.2). */
#ifndef RATLS_AGENT_AGENT_H
#define RATLS_AGENT_AGENT_H

#include "agent/identity.h"
#include "agent/settings.h"
#include "base/cancel.h"

enum {
    RATLS_AGENT_PLACES_MAX = 8,
    RATLS_AGENT_WORDS_MAX = 200 /* characters of its own words that a message shows */
};

/** Where its socket usually is: dstack's, then those of tappd, its predecessor. Tests have others. */
typedef struct {
    const char *paths[RATLS_AGENT_PLACES_MAX];
    size_t len;
} ratls_agent_places;

extern const ratls_agent_places ratls_agent_usual_places;

/** An endpoint that is there: a socket's path or a URL, borrowed from the settings or the places. */
typedef struct {
    const char *endpoint;
    bool legacy; /* by its name it speaks tappd's protocol: that is tried first */
} ratls_agent;

/** DSTACK_UNAVAILABLE names all that was tried. */
ratls_status ratls_agent_find(ratls_agent *out, const ratls_agent_settings *settings, const ratls_agent_places *places, ratls_error **err);

/** Whole of one fetch. */
typedef struct {
    int64_t timeout_ms;  /* for messages */
    int64_t deadline_ms; /* on the monotonic clock */
    const ratls_cancel *cancel;
} ratls_agent_time;

/** A new key and its certificate for a TLS client. */
ratls_status ratls_agent_tls_key(ratls_identity **out, const ratls_agent *agent, const ratls_agent_time *time, ratls_error **err);

#endif

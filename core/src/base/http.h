/** HTTP requests: the only place that knows libcurl.
 *
 *  No redirect is followed, no environment variable decides anything, nothing is decompressed, and every request has a
 *  deadline and a limit of size. Idle connections are kept by the client and used again by whichever thread is next.
 */
#ifndef RATLS_BASE_HTTP_H
#define RATLS_BASE_HTTP_H

#include "base/cancel.h"

enum {
    RATLS_HTTP_HEADERS_MAX = 32 * 1024,        /* bytes of one answer's header lines together */
    RATLS_HTTP_IDLE_MAX = 16,                  /* sets of open connections kept for the next requests */
    RATLS_HTTP_WHAT_MAX = 256,                 /* bytes of a sentence on why there is no answer */
    RATLS_HTTP_URL_MAX = 2048,
    /* What libcurl read last stays in its buffer, unwiped: with a small one, what follows a secret overwrites it. */
    RATLS_HTTP_SECRET_BUFFER = 1024,
    RATLS_HTTP_CONNECT_TIMEOUT_MS = 5000,      /* unless the settings say otherwise */
    RATLS_HTTP_STALLED_BYTES_PER_SECOND = 100, /* slower than that for … */
    RATLS_HTTP_STALLED_S = 5                   /* … so long is as good as silent */
};

typedef struct {
    const char *proxy;          /* URL; NULL or "": none */
    const char *no_proxy;       /* hosts that are reached without it, joined by commas; NULL: none */
    ratls_bytes ca;             /* PEM of the authorities to trust; empty: the system's */
    int64_t connect_timeout_ms; /* 0: RATLS_HTTP_CONNECT_TIMEOUT_MS */
} ratls_http_settings;

/** A client: settings and open connections. Safe for threads. */
typedef struct ratls_http ratls_http;

/** Everything in `settings` is copied. */
ratls_status ratls_http_new(ratls_http **out, const ratls_http_settings *settings, ratls_error **err);

void ratls_http_free(ratls_http *http);

/** All borrowed for the call. */
typedef struct {
    const char *url;
    bool allow_http;             /* also plain http, for what is signed by itself */
    const char *const *headers;  /* "Name: value", headers_len of them; used where they lie, never copied by us */
    size_t headers_len;
    ratls_bytes body;            /* POSTed when `post` */
    bool post;
    const char *unix_socket;     /* reach it through this socket, whatever host the URL has; NULL: by its name */
    bool secret;                 /* the answer's body is one: kept in memory of ratls_secret_new() only */
    bool may_be_silent;          /* for as long as its time lasts, before it answers */
    size_t body_max;             /* bytes of the answer's body */
    int64_t timeout_ms;          /* of this request */
    int64_t deadline_ms;         /* on the monotonic clock: of all that it belongs to */
    const ratls_cancel *cancel;  /* may be NULL */
} ratls_http_request;

typedef enum {
    RATLS_HTTP_FAILED,      /* no answer, for a reason of ours: memory, a setting that libcurl lacks */
    RATLS_HTTP_ANSWERED,    /* whatever the status */
    RATLS_HTTP_UNREACHABLE, /* no name, no connection, or one that broke */
    RATLS_HTTP_TLS,         /* the server is not who it should be, or does not speak acceptable TLS */
    RATLS_HTTP_TIMEOUT,     /* this request's time ran out, or the answer came too slowly */
    RATLS_HTTP_DEADLINE,    /* the time of all that it belongs to did */
    RATLS_HTTP_CANCELLED,
    RATLS_HTTP_TOO_LARGE,   /* body or headers */
    RATLS_HTTP_GARBLED      /* not HTTP, or an encoding that was not asked for */
} ratls_http_outcome;

typedef struct {
    ratls_http_outcome outcome;
    char what[RATLS_HTTP_WHAT_MAX]; /* why there is no answer; no URL, no header in it */
    int status;
    uint8_t *body;                  /* body_len bytes and a NUL that is not counted; never NULL when answered */
    size_t body_len;
    size_t secret_len;              /* bytes of ratls_secret_new() that the body lies in; 0: it is from malloc() */
    char *headers;                  /* "name: value" lines as they came, each with its NUL; headers_len bytes */
    size_t headers_len;
    int64_t retry_after_s;          /* of Retry-After, seconds or a date; -1: none that can be read */
} ratls_http_response;

/** One request, no repetition. `out` is filled whatever happens; clear it with ratls_http_response_clear(). */
void ratls_http_perform(ratls_http_response *out, ratls_http *http, const ratls_http_request *request);

/** Value of the first header of this name, whose case does not matter; NULL when there is none. */
const char *ratls_http_header(const ratls_http_response *response, const char *name);

/** Seconds that Retry-After asks for; -1: none, or nothing that can be read. */
int64_t ratls_http_retry_after(const ratls_http_response *response);

void ratls_http_response_clear(ratls_http_response *response);

/** The web as tests have it: called instead of libcurl. */
typedef struct {
    void (*perform)(void *user, ratls_http_response *out, const ratls_http_request *request);
    void *user;
} ratls_http_fake;

/** Replace the web (tests only, before threads start); NULL restores it. */
void ratls_http_replace(const ratls_http_fake *fake);

#endif

#include "base/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/openssl_start.h"
#include "base/secret.h"

enum {
    HTTP_REQUEST_HEADERS_MAX = 16,
    HTTP_BODY_FIRST_CAPACITY = 4096
};

/* One thread's at a time: an easy handle, and the multi handle that owns its connections. */
typedef struct {
    CURL *easy;
    CURLM *multi;
} http_channel;

struct ratls_http {
    pthread_mutex_t lock; /* guards `idle`, `idle_len` and `owner` */
    http_channel idle[RATLS_HTTP_IDLE_MAX];
    size_t idle_len;
    pid_t owner; /* connections are those of this process */
    char *proxy;
    char *no_proxy;
    uint8_t *ca;
    size_t ca_len;
    const char *ca_path; /* the system's, where `ca` is NULL */
    int64_t connect_timeout_ms;
};

/* One request under way. */
typedef struct {
    ratls_http_response *response;
    size_t body_max;
    size_t body_capacity;
    size_t headers_capacity;
    bool headers_done;
    bool too_large;
    bool out_of_memory;
} http_transfer;

/* NULL: the web. For tests, as the clocks are. */
static _Atomic(const ratls_http_fake *) replaced_web;

/* libcurl wants this once in a process, before anything else; it is never undone, since others may use it, too. */
static pthread_once_t curl_begun = PTHREAD_ONCE_INIT;
static CURLcode curl_beginning = CURLE_FAILED_INIT;

static void begin_curl(void)
{
    ratls_openssl_start(); /* libcurl would begin it as well */
    curl_beginning = curl_global_init(CURL_GLOBAL_DEFAULT);
}

void ratls_http_replace(const ratls_http_fake *fake)
{
    atomic_store(&replaced_web, fake);
}

/* Where systems keep the authorities they trust. Not left to libcurl, which knows the place of the system that it was
 * built on; the library may have been carried to another. */
static const char *find_system_ca(void)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/pki/tls/certs/ca-bundle.crt",   "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    };

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (access(places[i], R_OK) == 0) {
            return places[i];
        }
    }
    return NULL;
}

static ratls_status copy_settings(ratls_http *http, const ratls_http_settings *settings, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    http->proxy = strdup(settings->proxy == NULL ? "" : settings->proxy);
    http->no_proxy = strdup(settings->no_proxy == NULL ? "" : settings->no_proxy);
    CHECK(http->proxy != NULL && http->no_proxy != NULL, RATLS_ERR_OUT_OF_MEMORY);
    http->connect_timeout_ms = settings->connect_timeout_ms > 0 ? settings->connect_timeout_ms : RATLS_HTTP_CONNECT_TIMEOUT_MS;
    if (settings->ca.len > 0) {
        http->ca = malloc(settings->ca.len);
        CHECK(http->ca != NULL, RATLS_ERR_OUT_OF_MEMORY);
        memcpy(http->ca, settings->ca.data, settings->ca.len);
        http->ca_len = settings->ca.len;
    } else {
        http->ca_path = find_system_ca();
    }
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_http_new(ratls_http **out, const ratls_http_settings *settings, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_http *http = NULL;

    *out = NULL;
    CHECK(pthread_once(&curl_begun, begin_curl) == 0 && curl_beginning == CURLE_OK, RATLS_ERR_INTERNAL,
          WHAT("libcurl cannot be initialised"));
    http = calloc(1, sizeof *http);
    CHECK(http != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(pthread_mutex_init(&http->lock, NULL) == 0, RATLS_ERR_OUT_OF_MEMORY);
    http->owner = getpid();
    TRY(copy_settings(http, settings, err));
    *out = http;
    http = NULL;
    status = RATLS_OK;
out:
    ratls_http_free(http);
    return status;
}

static void close_channel(http_channel channel)
{
    curl_easy_cleanup(channel.easy);
    (void)curl_multi_cleanup(channel.multi);
}

/* A forked child has copies of its parent's connections: they are not its to speak on, nor to close with a goodbye. */
static void forget_parents_connections(ratls_http *http)
{
    if (http->owner != getpid()) {
        http->owner = getpid();
        http->idle_len = 0;
    }
}

void ratls_http_free(ratls_http *http)
{
    if (http == NULL) {
        return;
    }
    forget_parents_connections(http);
    while (http->idle_len > 0) {
        close_channel(http->idle[--http->idle_len]);
    }
    (void)pthread_mutex_destroy(&http->lock);
    free(http->proxy);
    free(http->no_proxy);
    free(http->ca);
    free(http);
}

/* The channel that was used last, whose connections are the likeliest to be open still; or a new one. */
static bool take_channel(http_channel *out, ratls_http *http)
{
    *out = (http_channel){0};
    (void)pthread_mutex_lock(&http->lock);
    forget_parents_connections(http);
    if (http->idle_len > 0) {
        *out = http->idle[--http->idle_len];
    }
    (void)pthread_mutex_unlock(&http->lock);
    if (out->easy != NULL) {
        return true;
    }
    *out = (http_channel){curl_easy_init(), curl_multi_init()};
    if (out->easy != NULL && out->multi != NULL) {
        return true;
    }
    close_channel(*out);
    return false;
}

/* Nothing of the request stays: its headers may hold a key. */
static void give_channel(ratls_http *http, http_channel channel)
{
    bool kept = false;

    curl_easy_reset(channel.easy);
    (void)pthread_mutex_lock(&http->lock);
    if (http->owner == getpid() && http->idle_len < RATLS_HTTP_IDLE_MAX) {
        http->idle[http->idle_len++] = channel;
        kept = true;
    }
    (void)pthread_mutex_unlock(&http->lock);
    if (!kept) {
        close_channel(channel);
    }
}

/* Make room for `more` bytes and a NUL in a buffer that may hold `max` bytes. */
static bool reserve(void **data, size_t *capacity, size_t len, size_t more, size_t max, http_transfer *transfer)
{
    size_t wanted = *capacity == 0 ? HTTP_BODY_FIRST_CAPACITY : *capacity;
    void *grown;

    if (more > max - len) {
        transfer->too_large = true;
        return false;
    }
    while (wanted < len + more + 1) {
        wanted *= 2;
    }
    if (wanted == *capacity) {
        return true;
    }
    grown = realloc(*data, wanted);
    if (grown == NULL) {
        transfer->out_of_memory = true;
        return false;
    }
    *data = grown;
    *capacity = wanted;
    return true;
}

/* All the room that the body may need, so that it never moves and leaves nothing behind. */
static bool reserve_secret(http_transfer *transfer)
{
    size_t len = transfer->body_max + 1;

    transfer->response->body = ratls_secret_new(len);
    transfer->response->secret_len = transfer->response->body == NULL ? 0 : len;
    transfer->body_capacity = transfer->response->secret_len;
    return transfer->response->body != NULL;
}

/* Anything but `len` as an answer ends the transfer. */
static size_t take_body(char *data, size_t size, size_t count, void *user)
{
    http_transfer *transfer = user;
    ratls_http_response *response = transfer->response;
    size_t len = size * count;

    transfer->headers_done = true;
    if (!reserve((void **)&response->body, &transfer->body_capacity, response->body_len, len, transfer->body_max, transfer)) {
        return len == 0 ? 1 : 0;
    }
    memcpy(response->body + response->body_len, data, len);
    response->body_len += len;
    response->body[response->body_len] = '\0';
    return len;
}

static size_t take_header(char *data, size_t size, size_t count, void *user)
{
    http_transfer *transfer = user;
    ratls_http_response *response = transfer->response;
    size_t len = size * count;
    size_t kept = len;

    /* A status line begins anew: what came before was an interim answer. */
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
        response->headers_len = 0;
        return len;
    }
    while (kept > 0 && (data[kept - 1] == '\r' || data[kept - 1] == '\n')) {
        kept--;
    }
    if (kept == 0) {
        transfer->headers_done = true;
        return len;
    }
    if (!reserve((void **)&response->headers, &transfer->headers_capacity, response->headers_len, kept + 1, RATLS_HTTP_HEADERS_MAX, transfer)) {
        return 0;
    }
    memcpy(response->headers + response->headers_len, data, kept);
    response->headers[response->headers_len + kept] = '\0';
    response->headers_len += kept + 1;
    return len;
}

#define SET(option, value) (curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

static bool set_protocols(CURL *easy, bool allow_http)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return SET(CURLOPT_PROTOCOLS_STR, allow_http ? "http,https" : "https") && SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
#else
    return SET(CURLOPT_PROTOCOLS, allow_http ? CURLPROTO_HTTP | CURLPROTO_HTTPS : CURLPROTO_HTTPS) &&
           SET(CURLOPT_REDIR_PROTOCOLS, CURLPROTO_HTTPS);
#endif
}

/* Who may be spoken to, and that nobody else is. */
static bool set_trust(CURL *easy, const ratls_http *http)
{
    struct curl_blob ca = {http->ca, http->ca_len, CURL_BLOB_NOCOPY};

    return SET(CURLOPT_FOLLOWLOCATION, 0L) && SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) && SET(CURLOPT_SSL_SESSIONID_CACHE, 0L) &&
           /* What libcurl was built to trust by itself is no part of this. */
           SET(CURLOPT_CAPATH, NULL) && SET(CURLOPT_CAINFO, http->ca == NULL ? http->ca_path : NULL) &&
           (http->ca == NULL || SET(CURLOPT_CAINFO_BLOB, &ca)) &&
           /* Given, even if empty: otherwise libcurl asks the environment. */
           SET(CURLOPT_PROXY, http->proxy) && SET(CURLOPT_NOPROXY, http->no_proxy) && SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE) &&
           SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) && SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
}

static bool set_impatience(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075700
    /* A name that does not resolve in time is not waited for: its thread ends by itself. */
    return SET(CURLOPT_QUICK_EXIT, 1L);
#else
    return easy != NULL;
#endif
}

static bool set_limits(CURL *easy, const ratls_http *http, const ratls_http_request *request, int64_t limit_ms)
{
    int64_t connect_ms = limit_ms < http->connect_timeout_ms ? limit_ms : http->connect_timeout_ms;

    return SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms) && SET(CURLOPT_TIMEOUT_MS, (long)limit_ms) &&
           SET(CURLOPT_LOW_SPEED_LIMIT, (long)RATLS_HTTP_STALLED_BYTES_PER_SECOND) &&
           SET(CURLOPT_LOW_SPEED_TIME, request->may_be_silent ? 0L : (long)RATLS_HTTP_STALLED_S) && SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->body_max) &&
           /* What is compressed is refused as it is, whatever it would become. */
           SET(CURLOPT_HTTP_CONTENT_DECODING, 0L) && SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) && set_impatience(easy);
}

static bool set_way(CURL *easy, const ratls_http_request *request)
{
    return (request->unix_socket == NULL || SET(CURLOPT_UNIX_SOCKET_PATH, request->unix_socket)) &&
           (!request->secret || SET(CURLOPT_BUFFERSIZE, (long)RATLS_HTTP_SECRET_BUFFER));
}

static bool set_method(CURL *easy, const ratls_http_request *request)
{
    if (!request->post) {
        return SET(CURLOPT_HTTPGET, 1L);
    }
    return SET(CURLOPT_POST, 1L) && SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) &&
           SET(CURLOPT_POSTFIELDS, (const char *)request->body.data);
}

static bool set_message(CURL *easy, const ratls_http_request *request, struct curl_slist *headers, http_transfer *transfer)
{
    return SET(CURLOPT_URL, request->url) && SET(CURLOPT_USERAGENT, "libratls") && SET(CURLOPT_HTTPHEADER, headers) &&
           set_way(easy, request) && set_method(easy, request) && SET(CURLOPT_HEADERFUNCTION, take_header) && SET(CURLOPT_HEADERDATA, transfer) &&
           SET(CURLOPT_WRITEFUNCTION, take_body) && SET(CURLOPT_WRITEDATA, transfer);
}

#undef SET

/* The caller's header lines as libcurl's list, where they lie, so that there is no copy of a key to wipe. */
static struct curl_slist *list_headers(struct curl_slist list[HTTP_REQUEST_HEADERS_MAX], const ratls_http_request *request)
{
    static char no_waiting[] = "Expect:";
    size_t len = 0;

    list[len++] = (struct curl_slist){no_waiting, NULL};
    for (size_t i = 0; i < request->headers_len && len < HTTP_REQUEST_HEADERS_MAX; i++) {
        list[len - 1].next = &list[len];
        list[len++] = (struct curl_slist){(char *)(uintptr_t)request->headers[i], NULL};
    }
    return list;
}

static void fail(ratls_http_response *response, ratls_http_outcome outcome, const char *what)
{
    size_t len = strnlen(what, sizeof response->what - 1);

    response->outcome = outcome;
    memcpy(response->what, what, len);
    response->what[len] = '\0';
}

/* Milliseconds that the request may take; 0 or less: none are left. */
static int64_t time_left(const ratls_http_request *request, int64_t began_ms)
{
    int64_t now_ms = ratls_clock_monotonic_ms();
    int64_t own = began_ms + request->timeout_ms - now_ms;
    int64_t whole = request->deadline_ms - now_ms;

    return own < whole ? own : whole;
}

static void fail_late(ratls_http_response *response, const ratls_http_request *request)
{
    if (ratls_clock_monotonic_ms() >= request->deadline_ms) {
        fail(response, RATLS_HTTP_DEADLINE, "no time is left");
    } else {
        fail(response, RATLS_HTTP_TIMEOUT, "no answer in time");
    }
}

/* Let the transfer run until it is done, its time is over or it is cancelled; true when it is done. */
static bool run_transfer(ratls_http_response *response, CURLM *multi, const ratls_http_request *request, int64_t began_ms)
{
    struct curl_waitfd cancel = {.fd = ratls_cancel_fd(request->cancel), .events = CURL_WAIT_POLLIN};
    unsigned int watched = request->cancel == NULL ? 0 : 1;
    int running = 1;

    for (;;) {
        int64_t left = time_left(request, began_ms);

        if (ratls_cancel_triggered(request->cancel)) {
            fail(response, RATLS_HTTP_CANCELLED, "cancelled");
            return false;
        }
        if (left <= 0) {
            fail_late(response, request);
            return false;
        }
        if (curl_multi_perform(multi, &running) != CURLM_OK) {
            fail(response, RATLS_HTTP_FAILED, "libcurl could not go on");
            return false;
        }
        if (running == 0) {
            return true;
        }
        if (curl_multi_poll(multi, &cancel, watched, left < INT32_MAX ? (int)left : INT32_MAX, NULL) != CURLM_OK) {
            fail(response, RATLS_HTTP_FAILED, "libcurl could not wait");
            return false;
        }
    }
}

static CURLcode transfer_result(CURLM *multi)
{
    int queued = 0;
    const CURLMsg *message = curl_multi_info_read(multi, &queued);

    return message != NULL && message->msg == CURLMSG_DONE ? message->data.result : CURLE_FAILED_INIT;
}

/* A connection that broke during the handshake is told with the same code as one whose handshake failed; only
 * libcurl's sentence differs. What depends on it is whether another attempt is made. */
static bool handshake_broke(const char *sentence)
{
    static const char *const signs[] = {" in connection to ", "unexpected eof", "Recv failure", "Send failure"};

    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (strstr(sentence, signs[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static ratls_http_outcome classify(CURLcode result, const http_transfer *transfer, const char *sentence)
{
    if (transfer->too_large) {
        return RATLS_HTTP_TOO_LARGE;
    }
    switch (result) {
    case CURLE_OK:
        return RATLS_HTTP_ANSWERED;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return RATLS_HTTP_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return RATLS_HTTP_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
        return handshake_broke(sentence) ? RATLS_HTTP_UNREACHABLE : RATLS_HTTP_TLS;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
        return RATLS_HTTP_TLS;
    case CURLE_FILESIZE_EXCEEDED:
        return RATLS_HTTP_TOO_LARGE;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
        return RATLS_HTTP_GARBLED;
    case CURLE_OUT_OF_MEMORY:
        /* How libcurl before version 8 tells a header line longer than it takes. */
        return transfer->headers_done || transfer->out_of_memory ? RATLS_HTTP_FAILED : RATLS_HTTP_TOO_LARGE;
    default:
        return RATLS_HTTP_FAILED;
    }
}

/* Bytes in an encoding that was not asked for are not what they seem to be. */
static bool is_encoded(const ratls_http_response *response)
{
    const char *encoding = ratls_http_header(response, "Content-Encoding");

    return encoding != NULL && strcasecmp(encoding, "identity") != 0;
}

static void conclude(ratls_http_response *response, CURL *easy, CURLcode result, http_transfer *transfer, const char *sentence,
                     const ratls_http_request *request)
{
    ratls_http_outcome outcome = classify(result, transfer, sentence);
    long code = 0;

    if (outcome == RATLS_HTTP_TIMEOUT) {
        fail_late(response, request);
        return;
    }
    if (outcome != RATLS_HTTP_ANSWERED) {
        fail(response, outcome, transfer->too_large ? "its body or headers" : sentence[0] != '\0' ? sentence : curl_easy_strerror(result));
        return;
    }
    if (is_encoded(response)) {
        fail(response, RATLS_HTTP_GARBLED, "its body is in an encoding that was not asked for");
        return;
    }
    if (!reserve((void **)&response->body, &transfer->body_capacity, response->body_len, 0, transfer->body_max, transfer) ||
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code) != CURLE_OK) {
        fail(response, RATLS_HTTP_FAILED, "out of memory");
        return;
    }
    response->body[response->body_len] = '\0';
    response->status = (int)code;
    response->outcome = RATLS_HTTP_ANSWERED;
}

static void transfer_over(http_channel channel, ratls_http_response *response, const ratls_http *http, const ratls_http_request *request)
{
    char sentence[CURL_ERROR_SIZE] = "";
    struct curl_slist headers[HTTP_REQUEST_HEADERS_MAX];
    http_transfer transfer = {.response = response, .body_max = request->body_max};
    int64_t began_ms = ratls_clock_monotonic_ms();
    int64_t limit_ms = time_left(request, began_ms);

    if (limit_ms <= 0) {
        fail_late(response, request);
        return;
    }
    if (request->secret && !reserve_secret(&transfer)) {
        fail(response, RATLS_HTTP_FAILED, "out of memory");
        return;
    }
    if (!set_protocols(channel.easy, request->allow_http) || !set_trust(channel.easy, http) ||
        !set_limits(channel.easy, http, request, limit_ms) ||
        !set_message(channel.easy, request, list_headers(headers, request), &transfer) ||
        curl_easy_setopt(channel.easy, CURLOPT_ERRORBUFFER, sentence) != CURLE_OK) {
        fail(response, RATLS_HTTP_FAILED, "libcurl lacks a setting that is needed");
        return;
    }
    if (curl_multi_add_handle(channel.multi, channel.easy) != CURLM_OK) {
        fail(response, RATLS_HTTP_FAILED, "libcurl could not begin");
        return;
    }
    if (run_transfer(response, channel.multi, request, began_ms)) {
        conclude(response, channel.easy, transfer_result(channel.multi), &transfer, sentence, request);
    }
    (void)curl_multi_remove_handle(channel.multi, channel.easy);
}

/* Older versions of libcurl write to sockets that may be gone without forbidding the signal. */
static void perform_without_sigpipe(ratls_http_response *out, ratls_http *http, const ratls_http_request *request)
{
    static const struct timespec at_once = {0, 0};
    sigset_t pipe, pending, before;
    bool was_pending;
    http_channel channel;

    if (!take_channel(&channel, http)) {
        fail(out, RATLS_HTTP_FAILED, "out of memory");
        return;
    }
    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    (void)sigemptyset(&pending);
    (void)sigpending(&pending);
    was_pending = sigismember(&pending, SIGPIPE) == 1;
    (void)pthread_sigmask(SIG_BLOCK, &pipe, &before);
    transfer_over(channel, out, http, request);
    give_channel(http, channel);
    if (!was_pending) {
        (void)sigtimedwait(&pipe, NULL, &at_once);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void ratls_http_perform(ratls_http_response *out, ratls_http *http, const ratls_http_request *request)
{
    const ratls_http_fake *fake = atomic_load(&replaced_web);

    *out = (ratls_http_response){.outcome = RATLS_HTTP_FAILED, .retry_after_s = -1};
    if (ratls_cancel_triggered(request->cancel)) {
        fail(out, RATLS_HTTP_CANCELLED, "cancelled");
    } else if (request->deadline_ms <= ratls_clock_monotonic_ms()) {
        fail(out, RATLS_HTTP_DEADLINE, "no time is left");
    } else if (strnlen(request->url, RATLS_HTTP_URL_MAX + 1) > RATLS_HTTP_URL_MAX || request->headers_len >= HTTP_REQUEST_HEADERS_MAX) {
        fail(out, RATLS_HTTP_FAILED, "the request is longer than the limit");
    } else if (fake != NULL) {
        fake->perform(fake->user, out, request);
    } else {
        perform_without_sigpipe(out, http, request);
    }
    out->retry_after_s = ratls_http_retry_after(out);
}

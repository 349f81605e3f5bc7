/* A verifier written by the caller: asked on a thread of ours, waited for no longer than the deadline. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/options.h"
#include "verifier/custom_claims.h"
#include "verifier/kind.h"

enum {
    CUSTOM_CALLS_MAX = 256,    /* callbacks that have not returned, of one verifier */
    CUSTOM_REASON_MAX = 1024   /* bytes of a reason */
};

/* Shared by the verifier and by every callback that runs: the caller's `user` is released after the last of them. */
typedef struct {
    atomic_size_t holds;
    atomic_size_t calls;
    ratls_custom_callback callback;
    void *user;
    void (*release)(void *user);
} custom_state;

typedef enum {
    ANSWER_NONE,
    ANSWER_ACCEPTED,
    ANSWER_REFUSED,
    ANSWER_UNAVAILABLE
} answer_kind;

/* Held by who waits and by who must answer; whoever lets go last frees it. */
struct ratls_custom_request {
    atomic_size_t holds;
    pthread_mutex_t lock;
    int answered_fd; /* becomes readable with the answer */
    answer_kind answer;
    char *text; /* claims or reason; NULL: none, or memory ran out */
    size_t text_len;
    uint8_t *quote;
    size_t quote_len;
};

typedef struct {
    custom_state *custom;
    ratls_custom_request *request;
} custom_call;

static void release_state(custom_state *custom)
{
    if (custom == NULL || atomic_fetch_sub(&custom->holds, 1) != 1) {
        return;
    }
    if (custom->release != NULL) {
        custom->release(custom->user);
    }
    free(custom);
}

static void release_request(ratls_custom_request *request)
{
    if (request == NULL || atomic_fetch_sub(&request->holds, 1) != 1) {
        return;
    }
    if (request->answered_fd >= 0) {
        (void)close(request->answered_fd);
    }
    (void)pthread_mutex_destroy(&request->lock);
    free(request->text);
    free(request->quote);
    free(request);
}

/* A request with one hold: who waits. */
static ratls_status make_request(ratls_custom_request **out, ratls_bytes quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_custom_request *request = NULL;

    *out = NULL;
    request = calloc(1, sizeof *request);
    CHECK(request != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&request->holds, 1);
    (void)pthread_mutex_init(&request->lock, NULL); /* does not fail for a default mutex on Linux */
    request->answered_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(request->answered_fd >= 0, RATLS_ERR_SYSTEM, WHAT("an event descriptor"), FOUND(strerror(errno)));
    request->quote = malloc(quote.len);
    CHECK(request->quote != NULL, RATLS_ERR_OUT_OF_MEMORY);
    memcpy(request->quote, quote.data, quote.len);
    request->quote_len = quote.len;
    *out = request;
    request = NULL;
    status = RATLS_OK;
out:
    release_request(request);
    return status;
}

static void *run_call(void *argument)
{
    custom_call call = *(custom_call *)argument;

    free(argument);
    /* Answers the request, now or later, and takes over its hold on it. */
    call.custom->callback(call.custom->user, call.request);
    (void)atomic_fetch_sub(&call.custom->calls, 1);
    release_state(call.custom);
    return NULL;
}

/* A detached thread with every signal blocked: signals are for the program's own threads. */
static int start_thread(custom_call *call)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int failed = pthread_attr_init(&attributes);

    if (failed != 0) {
        return failed;
    }
    (void)sigfillset(&all);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&thread, &attributes, run_call, call);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return failed;
}

static ratls_status start_call(custom_state *custom, ratls_custom_request *request, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    custom_call *call = NULL;
    int failed = 0;

    /* The thread's holds are taken before it can let go of them. */
    (void)atomic_fetch_add(&custom->holds, 1);
    (void)atomic_fetch_add(&request->holds, 1);
    CHECK(atomic_fetch_add(&custom->calls, 1) < CUSTOM_CALLS_MAX, RATLS_ERR_USER_VERIFIER, WHAT("too many of its calls have not returned"));
    call = malloc(sizeof *call);
    CHECK(call != NULL, RATLS_ERR_OUT_OF_MEMORY);
    *call = (custom_call){custom, request};
    failed = start_thread(call);
    CHECK(failed == 0, RATLS_ERR_SYSTEM, WHAT("a thread for the verifier given by the caller"), FOUND(strerror(failed)));
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        free(call);
        (void)atomic_fetch_sub(&custom->calls, 1);
        release_request(request);
        release_state(custom);
    }
    return status;
}

/* Until there is an answer, the deadline passes or the caller cancels. */
static ratls_status wait_answer(const ratls_custom_request *request, const ratls_judging *judging, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    struct pollfd events[2] = {
        {.fd = request->answered_fd, .events = POLLIN},
        {.fd = ratls_cancel_fd(judging->cancel), .events = POLLIN}, /* -1 is ignored by poll() */
    };

    while ((events[0].revents & POLLIN) == 0) {
        int64_t left = judging->deadline_ms - ratls_clock_monotonic_ms();

        CHECK(!ratls_cancel_triggered(judging->cancel), RATLS_ERR_CANCELLED, WHAT("waiting for the verifier given by the caller"));
        CHECK(left > 0, RATLS_ERR_TIMEOUT, WHAT("the verifier given by the caller"), EXPECTED_NUMBER(judging->timeout_ms));
        CHECK(poll(events, 2, left < INT32_MAX ? (int)left : INT32_MAX) >= 0 || errno == EINTR, RATLS_ERR_SYSTEM,
              WHAT("waiting for an event"), FOUND(strerror(errno)));
    }
    status = RATLS_OK;
out:
    return status;
}

/* The answer is there, and nobody else writes to the request any more. */
static ratls_status read_answer(ratls_claims *out, ratls_custom_request *request, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    answer_kind answer;

    (void)pthread_mutex_lock(&request->lock);
    answer = request->answer;
    (void)pthread_mutex_unlock(&request->lock);
    CHECK(answer != ANSWER_REFUSED, RATLS_ERR_USER_VERIFIER_REFUSED, WHAT(request->text == NULL ? "no reason was given" : request->text));
    CHECK(answer != ANSWER_UNAVAILABLE, RATLS_ERR_USER_VERIFIER, WHAT(request->text == NULL ? "no reason was given" : request->text));
    CHECK(answer == ANSWER_ACCEPTED, RATLS_ERR_INTERNAL, WHAT("an answer of no kind"));
    CHECK(request->text != NULL, RATLS_ERR_USER_VERIFIER_CLAIMS, WHAT("there are none, or too many"));
    TRY(ratls_custom_claims_parse(out, (ratls_bytes){(const uint8_t *)request->text, request->text_len}, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status judge_custom(
    ratls_claims *out, void *state, const ratls_parsed_quote *quote, const ratls_judging *judging, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_custom_request *request = NULL;

    TRY(make_request(&request, quote->whole, err));
    TRY(start_call(state, request, err));
    TRY(wait_answer(request, judging, err));
    TRY(read_answer(out, request, err));
    status = RATLS_OK;
out:
    release_request(request);
    return status;
}

const uint8_t *ratls_custom_quote(const ratls_custom_request *request, size_t *len)
{
    if (len != NULL) {
        *len = request == NULL ? 0 : request->quote_len;
    }
    return request == NULL ? NULL : request->quote;
}

static char *copy_text(const char *text, size_t len)
{
    char *copy = text == NULL ? NULL : malloc(len + 1);

    if (copy != NULL) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

/* The first answer counts. */
static void answer_request(ratls_custom_request *request, answer_kind answer, const char *text, size_t len)
{
    uint64_t one = 1;

    if (request == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&request->lock);
    if (request->answer == ANSWER_NONE) {
        request->text = copy_text(text, len);
        request->text_len = len;
        request->answer = answer;
        while (write(request->answered_fd, &one, sizeof one) < 0 && errno == EINTR) {
        }
    }
    (void)pthread_mutex_unlock(&request->lock);
    release_request(request);
}

void ratls_custom_accept(ratls_custom_request *request, const char *claims, size_t claims_len)
{
    answer_request(request, ANSWER_ACCEPTED, claims_len <= RATLS_JSON_SIZE_MAX ? claims : NULL, claims_len);
}

void ratls_custom_reject(ratls_custom_request *request, int32_t status_class, const char *reason)
{
    answer_request(request, status_class == RATLS_CLASS_REFUSED ? ANSWER_REFUSED : ANSWER_UNAVAILABLE, reason,
                   reason == NULL ? 0 : strnlen(reason, CUSTOM_REASON_MAX));
}

static void destroy_custom(void *state)
{
    release_state(state);
}

static const ratls_verifier_kind custom_kind = {
    .name = "custom",
    .judge = judge_custom,
    .destroy = destroy_custom,
};

ratls_status ratls_verifier_new_custom(
    ratls_verifier **out, ratls_custom_callback callback, void *user, void (*release)(void *user),
    const ratls_verifier_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verifier_options copy;
    custom_state *custom = NULL;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    CHECK(callback != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "callback"), WHAT("it is NULL"));
    TRY(ratls_options_copy(&copy, sizeof copy, options, sizeof copy, err));
    custom = calloc(1, sizeof *custom);
    CHECK(custom != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&custom->holds, 1);
    custom->callback = callback;
    custom->user = user;
    custom->release = release;
    TRY(ratls_verifier_create(out, &custom_kind, custom, copy.log, copy.log_user, err));
    custom = NULL;
    status = RATLS_OK;
out:
    /* On failure `user` stays the caller's: it is not released here. */
    free(custom);
    return status;
}

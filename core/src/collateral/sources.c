#include "collateral/sources.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/pause.h"
#include "base/text.h"
#include "collateral/answer.h"

static const char intel_url[] = "https://api.trustedservices.intel.com";

typedef struct {
    char *base;
    bool intel;
    ratls_http *http;
    _Atomic int64_t rests_until_ms; /* asked to be left alone (Retry-After), on the monotonic clock */
    _Atomic int64_t tired_until_ms; /* did not answer lately: asked after the others */
} source;

struct ratls_sources {
    source list[RATLS_PCCS_URLS_MAX];
    size_t len;
    char *identity;
    int64_t attempt_timeout_ms;
    ratls_log_callback log;
    void *log_user;
};

/* One fetch under way: what is asked for, and what became of it. */
typedef struct {
    ratls_sources *sources;
    const ratls_part_id *id;
    ratls_part *known;
    const ratls_provenance *known_from;
    ratls_trust *trust;
    const ratls_collateral_time *time;
    ratls_part *part;
    ratls_provenance provenance;
    ratls_error *failure; /* the last one */
    ratls_status failed;
    bool worth_repeating; /* of any in this round */
} fetch;

bool ratls_provenance_copy(ratls_provenance *out, const ratls_provenance *in)
{
    *out = (ratls_provenance){.fetched_at = in->fetched_at, .max_age_s = in->max_age_s};
    out->url = in->url == NULL ? NULL : strdup(in->url);
    out->etag = in->etag == NULL ? NULL : strdup(in->etag);
    if ((in->url != NULL && out->url == NULL) || (in->etag != NULL && out->etag == NULL)) {
        ratls_provenance_clear(out);
        return false;
    }
    return true;
}

void ratls_provenance_clear(ratls_provenance *provenance)
{
    free(provenance->url);
    free(provenance->etag);
    *provenance = (ratls_provenance){0};
}

/* ---- settings */

static ratls_status raise_url(const char *url, const char *expected, ratls_error **err)
{
    return RAISE(err, RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", "pccs_urls"), FOUND(url), EXPECTED(expected));
}

/* What people paste may have the whole of a PCCS's path at its end. */
static size_t base_length(const char *url)
{
    static const char tail[] = "/sgx/certification/v4";
    size_t len = strlen(url), tail_len = sizeof tail - 1;

    while (len > 0 && url[len - 1] == '/') {
        len--;
    }
    if (len >= tail_len && memcmp(url + len - tail_len, tail, tail_len) == 0) {
        len -= tail_len;
    }
    return len;
}

static ratls_status check_url(const char *url, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *host;

    CHECK(url != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "pccs_urls"), WHAT("one of them is NULL"));
    if (strlen(url) >= RATLS_HTTP_URL_MAX / 2) {
        return raise_url("(a long text)", "a shorter URL", err);
    }
    host = strncmp(url, "https://", 8) == 0 ? url + 8 : strncmp(url, "http://", 7) == 0 ? url + 7 : NULL;
    if (host == NULL || host[0] == '\0' || host[0] == '/') {
        return raise_url(strchr(url, '@') == NULL ? url : "(not shown)", "http(s)://HOST[:PORT][/PATH]", err);
    }
    /* Keys have no place in a URL, and what follows the path would be cut into ours. */
    if (strpbrk(host, "@?# \t\r\n\"<>\\^`{|}") != NULL) {
        return raise_url("(not shown)", "a URL without user, query, fragment and white space", err);
    }
    status = RATLS_OK;
out:
    return status;
}

static ratls_status add_source(ratls_sources *sources, const ratls_sources_settings *settings, const char *url, const char *ca, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    source *added = &sources->list[sources->len];
    ratls_http_settings http = {
        .proxy = settings->proxy, .no_proxy = settings->no_proxy, .ca = settings->ca, .connect_timeout_ms = settings->connect_timeout_ms};

    TRY(check_url(url, err));
    if (ca != NULL && ca[0] != '\0') {
        http.ca = (ratls_bytes){(const uint8_t *)ca, strlen(ca)};
    }
    added->base = strndup(url, base_length(url));
    CHECK(added->base != NULL, RATLS_ERR_OUT_OF_MEMORY);
    added->intel = strcmp(added->base, intel_url) == 0;
    sources->len++;
    TRY(ratls_http_new(&added->http, &http, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status add_sources(ratls_sources *sources, const ratls_sources_settings *settings, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text identity = {0};

    CHECK(settings->urls_len <= RATLS_PCCS_URLS_MAX, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "pccs_urls"),
          WHAT("there are more than 8"));
    CHECK(settings->cas_len == 0 || settings->cas_len == settings->urls_len, RATLS_ERR_ARGUMENT_INVALID,
          ratls_detail_text("argument", "pccs_cas"), WHAT("there must be one for each of pccs_urls, or none at all"));
    if (settings->urls == NULL) {
        TRY(add_source(sources, settings, intel_url, NULL, err));
    }
    for (size_t i = 0; i < settings->urls_len; i++) {
        TRY(add_source(sources, settings, settings->urls[i], settings->cas_len == 0 ? NULL : settings->cas[i], err));
    }
    for (size_t i = 0; i < sources->len; i++) {
        ratls_text_add(&identity, i == 0 ? "" : "\n");
        ratls_text_add(&identity, sources->list[i].base);
    }
    sources->identity = ratls_text_take(&identity);
    CHECK(sources->identity != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    ratls_text_clear(&identity);
    return status;
}

ratls_status ratls_sources_new(ratls_sources **out, const ratls_sources_settings *settings, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_sources *sources = NULL;

    *out = NULL;
    CHECK(settings->attempt_timeout_ms >= 0, RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", "attempt_timeout_ms"),
          FOUND_NUMBER(settings->attempt_timeout_ms), EXPECTED("milliseconds"));
    CHECK(settings->connect_timeout_ms >= 0, RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", "http_connect_timeout_ms"),
          FOUND_NUMBER(settings->connect_timeout_ms), EXPECTED("milliseconds"));
    sources = calloc(1, sizeof *sources);
    CHECK(sources != NULL, RATLS_ERR_OUT_OF_MEMORY);
    sources->attempt_timeout_ms = settings->attempt_timeout_ms == 0 ? RATLS_COLLATERAL_ATTEMPT_MS : settings->attempt_timeout_ms;
    sources->log = settings->log;
    sources->log_user = settings->log_user;
    TRY(add_sources(sources, settings, err));
    *out = sources;
    sources = NULL;
    status = RATLS_OK;
out:
    ratls_sources_free(sources);
    return status;
}

void ratls_sources_free(ratls_sources *sources)
{
    if (sources == NULL) {
        return;
    }
    for (size_t i = 0; i < sources->len; i++) {
        ratls_http_free(sources->list[i].http);
        free(sources->list[i].base);
    }
    free(sources->identity);
    free(sources);
}

const char *ratls_sources_identity(const ratls_sources *sources)
{
    return sources->identity;
}

/* ---- one request */

/* What is there and still holds need not come again; what does not would have to, whatever the source says. */
static bool is_conditional(const fetch *f, const char *url)
{
    return f->known != NULL && ratls_part_holds(f->known, f->time->now) && f->known_from->etag != NULL && f->known_from->url != NULL &&
           strcmp(f->known_from->url, url) == 0;
}

/* An opaque validator: kept only if it can be sent back as it came. */
static char *copy_etag(const ratls_http_response *response)
{
    const char *etag = ratls_http_header(response, "ETag");
    size_t len = etag == NULL ? 0 : strlen(etag);

    if (len == 0 || len > RATLS_COLLATERAL_ETAG_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        if (etag[i] < 0x21 || etag[i] > 0x7e) {
            return NULL;
        }
    }
    return strdup(etag);
}

static ratls_status keep_provenance(fetch *f, const ratls_http_response *response, const char *url, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_provenance provenance = {.fetched_at = ratls_clock_wall_s(), .max_age_s = ratls_answer_max_age(response)};

    provenance.url = strdup(url);
    CHECK(provenance.url != NULL, RATLS_ERR_OUT_OF_MEMORY);
    provenance.etag = copy_etag(response);
    if (response->status == 304 && provenance.etag == NULL && f->known_from->etag != NULL) {
        provenance.etag = strdup(f->known_from->etag);
    }
    f->provenance = provenance;
    status = RATLS_OK;
out:
    return status;
}

static ratls_status take_answer(
    fetch *f, const ratls_http_response *response, const ratls_http_request *request, bool conditional, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_part *part = NULL;

    if (response->outcome == RATLS_HTTP_ANSWERED && response->status == 304 && conditional) {
        part = ratls_part_hold(f->known);
    } else if (response->outcome == RATLS_HTTP_ANSWERED && response->status == 200) {
        TRY(ratls_answer_part(&part, response, f->id, request->url, f->trust, err));
    } else {
        TRY(ratls_answer_fail(response, request, f->id, f->time, err));
    }
    TRY(ratls_part_check_dates(part, f->id, f->time->now, err));
    TRY(keep_provenance(f, response, request->url, err));
    f->part = part;
    part = NULL;
    status = RATLS_OK;
out:
    ratls_part_free(part);
    return status;
}

/* What the source should be spared, and whether asking again would help. */
static void note_failure(fetch *f, source *asked, const ratls_http_response *response)
{
    int64_t now_ms = ratls_clock_monotonic_ms(), retry_after_s = response->retry_after_s;
    bool busy = response->outcome == RATLS_HTTP_ANSWERED && (response->status == 429 || response->status >= 500);
    bool silent = response->outcome == RATLS_HTTP_UNREACHABLE || response->outcome == RATLS_HTTP_TIMEOUT;

    if (busy && retry_after_s > 0) {
        retry_after_s = retry_after_s > RATLS_COLLATERAL_RETRY_AFTER_MAX_S ? RATLS_COLLATERAL_RETRY_AFTER_MAX_S : retry_after_s;
        atomic_store(&asked->rests_until_ms, now_ms + retry_after_s * 1000);
    }
    if (busy || silent) {
        atomic_store(&asked->tired_until_ms, now_ms + RATLS_COLLATERAL_REST_MS);
        f->worth_repeating = true;
    }
}

static ratls_status ask(fetch *f, source *asked, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text condition = {0};
    const char *headers[1];
    ratls_http_request request = {.allow_http = true, /* parts are signed by themselves */
                                  .headers = headers,
                                  .body_max = ratls_answer_max(f->id->kind),
                                  .timeout_ms = f->sources->attempt_timeout_ms,
                                  .deadline_ms = f->time->deadline_ms,
                                  .cancel = f->time->cancel};
    ratls_http_response response = {0};
    char *url = ratls_answer_url(asked->base, asked->intel, f->id);
    bool conditional;

    CHECK(url != NULL, RATLS_ERR_OUT_OF_MEMORY);
    request.url = url;
    conditional = is_conditional(f, url);
    if (conditional) {
        ratls_text_add(&condition, "If-None-Match: ");
        ratls_text_add(&condition, f->known_from->etag);
        CHECK(!condition.failed, RATLS_ERR_OUT_OF_MEMORY);
        headers[request.headers_len++] = condition.data;
    }
    ratls_http_perform(&response, asked->http, &request);
    status = take_answer(f, &response, &request, conditional, err);
    if (status != RATLS_OK) {
        note_failure(f, asked, &response);
        if (err != NULL && *err != NULL && ratls_error_detail(*err, "url") == NULL) {
            ratls_error_add(*err, ratls_detail_text("url", url));
        }
    } else {
        atomic_store(&asked->tired_until_ms, 0);
    }
out:
    ratls_http_response_clear(&response);
    ratls_text_clear(&condition);
    free(url);
    return status;
}

/* ---- all sources, in rounds */

static void warn_next(const fetch *f)
{
    ratls_text line = {0};

    ratls_text_add(&line, "collateral: ");
    ratls_text_add(&line, ratls_error_message(f->failure, RATLS_SPELLING_C));
    ratls_text_add(&line, "; another attempt is made");
    if (f->sources->log != NULL) {
        f->sources->log(f->sources->log_user, line.failed ? "collateral: a source failed; another attempt is made" : line.data);
    }
    ratls_text_clear(&line);
}

/* False: go on with the next source. */
static bool ask_and_note(fetch *f, source *asked)
{
    ratls_error *failure = NULL;

    if (f->failure != NULL) {
        warn_next(f);
    }
    f->failed = ask(f, asked, &failure);
    ratls_error_free(f->failure);
    f->failure = failure;
    return f->failed == RATLS_OK || f->failed == RATLS_ERR_CANCELLED || f->failed == RATLS_ERR_TIMEOUT;
}

/* Those that answered lately first, each in the order that was given; true when there is nothing more to ask. */
static bool ask_round(fetch *f)
{
    int64_t now_ms = ratls_clock_monotonic_ms();
    bool tired[RATLS_PCCS_URLS_MAX];

    f->worth_repeating = false;
    for (size_t i = 0; i < f->sources->len; i++) {
        tired[i] = atomic_load(&f->sources->list[i].tired_until_ms) > now_ms;
    }
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < f->sources->len; i++) {
            source *next = &f->sources->list[i];

            if (tired[i] == (pass == 1) && atomic_load(&next->rests_until_ms) <= now_ms && ask_and_note(f, next)) {
                return true;
            }
        }
    }
    return false;
}

/* How long every source still wants to be left alone; 0 when one does not. */
static int64_t common_rest_ms(const ratls_sources *sources)
{
    int64_t now_ms = ratls_clock_monotonic_ms(), shortest_ms = INT64_MAX;

    for (size_t i = 0; i < sources->len; i++) {
        int64_t rest_ms = atomic_load(&sources->list[i].rests_until_ms) - now_ms;

        shortest_ms = rest_ms < shortest_ms ? rest_ms : shortest_ms;
    }
    return shortest_ms > 0 ? shortest_ms : 0;
}

/* Every source asked to be left alone for now. */
static void fail_resting(fetch *f)
{
    const char *url = f->sources->list[0].base;
    ratls_http_response answered = {.outcome = RATLS_HTTP_ANSWERED, .status = 429, .retry_after_s = (common_rest_ms(f->sources) + 999) / 1000};
    ratls_http_request request = {.url = url};

    f->failed = ratls_answer_fail(&answered, &request, f->id, f->time, &f->failure);
}

/* Whether another round shall be, after a wait. A wait that the deadline would cut short is not begun. */
static bool wait_for_round(fetch *f, int round)
{
    int64_t left_ms = f->time->deadline_ms - ratls_clock_monotonic_ms(), rest_ms = common_rest_ms(f->sources), wait_ms = 0;

    if (round + 1 == RATLS_COLLATERAL_ROUNDS || (!f->worth_repeating && rest_ms == 0) ||
        ratls_chance_up_to(&wait_ms, (int64_t)RATLS_COLLATERAL_BACKOFF_FIRST_MS << round, NULL) != RATLS_OK) {
        return false;
    }
    wait_ms = rest_ms > wait_ms ? rest_ms : wait_ms;
    if (wait_ms >= left_ms) {
        return false;
    }
    if (!ratls_pause(wait_ms, f->time->cancel)) {
        ratls_error_free(f->failure);
        f->failure = NULL;
        f->failed = RAISE(&f->failure, RATLS_ERR_CANCELLED, WHAT("waiting to ask for collateral again"));
        return false;
    }
    return true;
}

ratls_status ratls_sources_fetch(
    ratls_part **part, ratls_provenance *provenance, ratls_sources *sources, const ratls_part_id *id, ratls_part *known,
    const ratls_provenance *known_from, ratls_trust *trust, const ratls_collateral_time *time, ratls_error **err)
{
    fetch f = {.sources = sources, .id = id, .known = known, .known_from = known_from, .trust = trust, .time = time, .failed = RATLS_ERR_INTERNAL};

    *part = NULL;
    *provenance = (ratls_provenance){0};
    for (int round = 0; !ask_round(&f) && wait_for_round(&f, round); round++) {
    }
    if (f.part != NULL) {
        ratls_error_free(f.failure);
        *part = f.part;
        *provenance = f.provenance;
        return RATLS_OK;
    }
    if (f.failure == NULL) {
        fail_resting(&f);
    }
    if (err != NULL && *err == NULL) {
        *err = f.failure;
    } else {
        ratls_error_free(f.failure);
    }
    return f.failed == RATLS_OK ? RATLS_ERR_INTERNAL : f.failed;
}

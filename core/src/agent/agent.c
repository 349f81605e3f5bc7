#include "agent/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/http.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"

enum { STATUS_OK = 200, STATUS_NOT_FOUND = 404 };

/* One of the agent's calls, in the words of both protocols (evidence format 5.2, 5.3). */
typedef struct {
    const char *path;
    const char *body;
} agent_call;

/* A client's certificate carries evidence and is for a client; the agent's own defaults are false. Without random_seed the
 * older agent gives the same key to everybody who asks. */
static const agent_call tls_key_calls[] = {
    {"/GetTlsKey", "{\"subject\":\"libratls\",\"usage_ra_tls\":true,\"usage_server_auth\":false,\"usage_client_auth\":true}"},
    {"/prpc/Tappd.DeriveKey?json",
     "{\"path\":\"\",\"subject\":\"libratls\",\"usage_ra_tls\":true,\"usage_server_auth\":false,\"usage_client_auth\":true,\"random_seed\":true}"},
};

const ratls_agent_places ratls_agent_usual_places = {
    {"/var/run/dstack.sock", "/run/dstack.sock", "/var/run/dstack/dstack.sock", "/run/dstack/dstack.sock",
     "/var/run/tappd.sock", "/run/tappd.sock", "/var/run/dstack/tappd.sock", "/run/dstack/tappd.sock"},
    RATLS_AGENT_PLACES_MAX};

static bool is_socket(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 && S_ISSOCK(found.st_mode);
}

static bool named_for_tappd(const char *endpoint)
{
    const char *name = strrchr(endpoint, '/');

    return strncmp(name == NULL ? endpoint : name + 1, "tappd", 5) == 0;
}

static ratls_status refuse_none(const ratls_agent_settings *settings, const ratls_agent_places *places, ratls_error **err)
{
    ratls_text tried = {0};
    ratls_status status = RATLS_ERR_INTERNAL;
    char *taken;

    for (size_t i = 0; i < places->len; i++) {
        ratls_text_add(&tried, places->paths[i]);
        ratls_text_add(&tried, ", ");
    }
    ratls_text_add(&tried, settings->simulator_ignored ? "and DSTACK_SIMULATOR_ENDPOINT, which is set but counts only where a simulator is allowed"
                                                       : "and DSTACK_SIMULATOR_ENDPOINT");
    taken = ratls_text_take(&tried);
    CHECK(taken != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RAISE(err, RATLS_ERR_DSTACK_UNAVAILABLE, EXPECTED(taken));
out:
    free(taken);
    return status;
}

ratls_status ratls_agent_find(ratls_agent *out, const ratls_agent_settings *settings, const ratls_agent_places *places, ratls_error **err)
{
    const char *found = settings->socket != NULL ? settings->socket : settings->simulator;

    *out = (ratls_agent){0};
    for (size_t i = 0; i < places->len && found == NULL; i++) {
        found = is_socket(places->paths[i]) ? places->paths[i] : NULL;
    }
    if (found == NULL) {
        return refuse_none(settings, places, err);
    }
    *out = (ratls_agent){.endpoint = found, .legacy = named_for_tappd(found)};
    return RATLS_OK;
}

/* Why a socket does not connect, in the system's words; NULL when it does, or is none. libcurl's own are vaguer. */
static const char *diagnose(const char *endpoint)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(endpoint);
    const char *why = NULL;
    int fd;

    if (ratls_agent_is_url(endpoint) || len >= sizeof address.sun_path) {
        return NULL;
    }
    memcpy(address.sun_path, endpoint, len);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        why = strerror(errno);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return why;
}

static ratls_status refuse_unreachable(const char *endpoint, const char *what, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *why = diagnose(endpoint);
    ratls_text tried = {0};
    char *taken = NULL;

    if (why == NULL && !ratls_agent_is_url(endpoint)) {
        return RAISE(err, RATLS_ERR_DSTACK_ANSWER, WHAT(what)); /* it answers, and breaks off */
    }
    ratls_text_add(&tried, endpoint);
    ratls_text_add(&tried, " (");
    ratls_text_add(&tried, why == NULL ? what : why);
    ratls_text_add(&tried, ")");
    taken = ratls_text_take(&tried);
    CHECK(taken != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RAISE(err, RATLS_ERR_DSTACK_UNAVAILABLE, EXPECTED(taken), WHAT(why == NULL ? what : why));
out:
    free(taken);
    return status;
}

/* There is no answer. */
static ratls_status refuse_silence(
    const ratls_http_response *response, const ratls_agent *agent, const ratls_agent_time *time, ratls_error **err)
{
    switch (response->outcome) {
    case RATLS_HTTP_CANCELLED:
        return RAISE(err, RATLS_ERR_CANCELLED, WHAT("waiting for the dstack guest agent"));
    case RATLS_HTTP_TIMEOUT:
    case RATLS_HTTP_DEADLINE:
        return RAISE(err, RATLS_ERR_DSTACK_TIMEOUT, ratls_detail_text("path", agent->endpoint), EXPECTED_NUMBER(time->timeout_ms));
    case RATLS_HTTP_UNREACHABLE:
    case RATLS_HTTP_TLS:
        return refuse_unreachable(agent->endpoint, response->what, err);
    case RATLS_HTTP_TOO_LARGE:
        return RAISE(err, RATLS_ERR_DSTACK_ANSWER, WHAT("it is larger than 2 MiB"));
    case RATLS_HTTP_GARBLED:
        return RAISE(err, RATLS_ERR_DSTACK_ANSWER, WHAT(response->what));
    default:
        return RAISE(err, RATLS_ERR_INTERNAL, WHAT(response->what));
    }
}

/* On one line, not for long. */
static void add_words(ratls_text *words, const char *said)
{
    ratls_bytes left = {(const uint8_t *)said, strlen(said)};
    bool space = false;

    for (size_t shown = 0; left.len > 0 && shown < RATLS_AGENT_WORDS_MAX;) {
        size_t len = ratls_utf8_sequence(left);

        len = len == 0 ? 1 : len;
        if (left.data[0] <= ' ' || left.data[0] == 0x7f) {
            space = shown > 0;
        } else {
            ratls_text_add(words, space ? " " : "");
            ratls_text_add_bytes(words, (const char *)left.data, len);
            shown += space ? 2 : 1;
            space = false;
        }
        left = (ratls_bytes){left.data + len, left.len - len};
    }
    ratls_text_add(words, words->len == 0 ? "(it says nothing)" : "");
}

/* What it says in its own words: the text of {"error": "..."}, or whatever it sent. Nothing that may be a key is shown. */
static char *own_words(const ratls_http_response *response)
{
    ratls_bytes body = {response->body, response->body_len};
    const char *said = (const char *)response->body;
    ratls_text words = {0};
    cJSON *object = NULL;

    if (strstr(said, "PRIVATE KEY") != NULL) {
        said = "(a body with a key)";
    } else if (ratls_json_parse(&object, body, NULL) == RATLS_JSON_OK) {
        (void)ratls_json_get_text(object, "error", &said);
    }
    add_words(&words, said);
    cJSON_Delete(object);
    return ratls_text_take(&words);
}

static ratls_status refuse_status(const ratls_http_response *response, const ratls_agent *agent, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char *words = own_words(response);

    CHECK(words != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RAISE(err, RATLS_ERR_DSTACK_ERROR, ratls_detail_text("path", agent->endpoint), FOUND_NUMBER(response->status),
                   ratls_detail_number("http_status", response->status), WHAT(words));
out:
    free(words);
    return status;
}

/* POST, and whatever comes of it. */
static ratls_status send_call(
    ratls_http_response *response, ratls_http *http, const ratls_agent *agent, const agent_call *call, const ratls_agent_time *time,
    ratls_error **err)
{
    static const char *const headers[] = {"Content-Type: application/json", "Accept: application/json"};
    bool url = ratls_agent_is_url(agent->endpoint);
    ratls_status status = RATLS_ERR_INTERNAL;
    size_t len = strlen(agent->endpoint);
    ratls_text address = {0};
    char *taken = NULL;

    ratls_text_add_bytes(&address, url ? agent->endpoint : "http://localhost", url ? len - (agent->endpoint[len - 1] == '/') : 16);
    ratls_text_add(&address, call->path);
    taken = ratls_text_take(&address);
    CHECK(taken != NULL, RATLS_ERR_OUT_OF_MEMORY);
    ratls_http_perform(response, http,
                       &(ratls_http_request){.url = taken,
                                             .allow_http = true,
                                             .headers = headers,
                                             .headers_len = sizeof headers / sizeof headers[0],
                                             .body = {(const uint8_t *)call->body, strlen(call->body)},
                                             .post = true,
                                             .unix_socket = url ? NULL : agent->endpoint,
                                             .secret = true,
                                             .may_be_silent = true,
                                             .body_max = RATLS_AGENT_ANSWER_MAX,
                                             .timeout_ms = time->timeout_ms,
                                             .deadline_ms = time->deadline_ms,
                                             .cancel = time->cancel});
    if (response->outcome != RATLS_HTTP_ANSWERED) {
        status = refuse_silence(response, agent, time, err);
        goto out;
    }
    status = RATLS_OK;
out:
    free(taken);
    return status;
}

/* In the protocol that its name stands for; an agent that does not know that call is asked in the other one. */
static ratls_status call_agent(
    ratls_http_response *response, ratls_http *http, const ratls_agent *agent, const agent_call calls[2], const ratls_agent_time *time,
    ratls_error **err)
{
    ratls_status status = send_call(response, http, agent, &calls[agent->legacy ? 1 : 0], time, err);

    if (status == RATLS_OK && response->status == STATUS_NOT_FOUND) {
        ratls_http_response_clear(response);
        status = send_call(response, http, agent, &calls[agent->legacy ? 0 : 1], time, err);
    }
    if (status == RATLS_OK && response->status != STATUS_OK) {
        status = refuse_status(response, agent, err);
    }
    return status;
}

/* A client of its own for each certificate: what it has of the key goes with it. */
static ratls_status fetch_key(ratls_identity **out, const ratls_agent *agent, const ratls_agent_time *time, ratls_error **err)
{
    const ratls_http_settings settings = {0};
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_http_response response = {0};
    ratls_http *http = NULL;

    TRY(ratls_http_new(&http, &settings, err));
    TRY(call_agent(&response, http, agent, tls_key_calls, time, err));
    TRY(ratls_identity_parse(out, (ratls_bytes){response.body, response.body_len}, ratls_clock_wall_s(), err));
    status = RATLS_OK;
out:
    ratls_http_response_clear(&response);
    ratls_http_free(http);
    return status;
}

ratls_status ratls_agent_tls_key(ratls_identity **out, const ratls_agent *agent, const ratls_agent_time *time, ratls_error **err)
{
    ratls_error *failure = NULL;
    ratls_status status;

    *out = NULL;
    status = fetch_key(out, agent, time, &failure);
    if (status == RATLS_ERR_DSTACK_ANSWER && failure != NULL) {
        ratls_error_add(failure, ratls_detail_text("path", agent->endpoint));
    }
    if (err != NULL) {
        *err = failure;
    } else {
        ratls_error_free(failure);
    }
    return status;
}

/* The agent over a real Unix socket: one connection, one canned answer, byte for byte. */
#include "failure.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/agent_answer.h"
#include "base/clock.h"

enum { REQUEST_MAX = 4096, ANSWERS_MAX = 2, TIMEOUT_MS = 20000, SHORT_MS = 50 };

typedef struct {
    char directory[64];
    char path[96];
    int listener;
    pthread_t thread;
    bool silent;                      /* takes the request and never answers */
    const char *answers[ANSWERS_MAX]; /* one for each connection; NULL: closes without a word */
    size_t answers_len;
    char requests[ANSWERS_MAX][REQUEST_MAX];
} fake_agent;

static void hear_request(int fd, char request[REQUEST_MAX])
{
    size_t len = 0;
    const char *end = NULL;

    while (end == NULL || end[strlen(end) - 1] != '}') {
        ssize_t got = read(fd, request + len, REQUEST_MAX - 1 - len);

        if (got <= 0) {
            return;
        }
        len += (size_t)got;
        request[len] = '\0';
        end = strstr(request, "\r\n\r\n");
    }
}

static void *serve(void *argument)
{
    fake_agent *agent = argument;

    for (size_t i = 0; i < agent->answers_len; i++) {
        int fd = accept(agent->listener, NULL, NULL);

        if (fd < 0) {
            return NULL;
        }
        hear_request(fd, agent->requests[i]);
        if (agent->silent) {
            char byte;

            (void)!read(fd, &byte, 1); /* until the client gives up */
        } else if (agent->answers[i] != NULL) {
            (void)!write(fd, agent->answers[i], strlen(agent->answers[i]));
        }
        (void)close(fd);
    }
    return NULL;
}

static void agent_start(fake_agent *agent, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(agent->directory, sizeof agent->directory, "/tmp/ratls-agent-test-XXXXXX");
    assert_non_null(mkdtemp(agent->directory));
    (void)snprintf(agent->path, sizeof agent->path, "%s/%s", agent->directory, name);
    memcpy(address.sun_path, agent->path, strlen(agent->path));
    agent->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(agent->listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(agent->listener, 4), 0);
    assert_int_equal(pthread_create(&agent->thread, NULL, serve, agent), 0);
}

static void agent_stop(fake_agent *agent)
{
    (void)shutdown(agent->listener, SHUT_RDWR);
    (void)pthread_join(agent->thread, NULL);
    (void)close(agent->listener);
    (void)unlink(agent->path);
    (void)rmdir(agent->directory);
}

static ratls_status ask(ratls_identity **out, char *path, int64_t timeout_ms, ratls_error **err)
{
    const ratls_agent_settings settings = {.socket = path};
    const ratls_agent_time time = {timeout_ms, ratls_clock_monotonic_ms() + timeout_ms, NULL};
    ratls_agent agent;

    assert_int_equal(ratls_agent_find(&agent, &settings, &ratls_agent_usual_places, NULL), RATLS_OK);
    return ratls_agent_tls_key(out, &agent, &time, err);
}

static char *answer_with(const char *head, const agent_answer *wanted)
{
    test_buffer answer = {0};
    char *whole;
    size_t room;

    agent_answer_add(&answer, wanted);
    room = strlen(head) + answer.len + 64;
    whole = malloc(room);
    assert_non_null(whole);
    (void)snprintf(whole, room, head, answer.len, (const char *)answer.data);
    buffer_free(&answer);
    return whole;
}

static void answered(void **state)
{
    fake_agent agent = {.answers_len = 1};
    char *answer = answer_with("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", &(agent_answer){0});
    ratls_identity *identity = NULL;

    (void)state;
    agent.answers[0] = answer;
    agent_start(&agent, "dstack.sock");
    assert_int_equal(ask(&identity, agent.path, TIMEOUT_MS, NULL), RATLS_OK);
    assert_non_null(identity);
    ratls_identity_free(identity);
    assert_memory_equal(agent.requests[0], "POST /GetTlsKey HTTP/1.1\r\n", 26);
    assert_non_null(strstr(agent.requests[0], "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(agent.requests[0], "\r\n\r\n{\"subject\":\"libratls\",\"usage_ra_tls\":true,\"usage_server_auth\":false,\"usage_client_auth\":true}"));
    agent_stop(&agent);
    free(answer);
}

static void answered_in_chunks(void **state)
{
    fake_agent agent = {.answers_len = 1};
    char *answer = answer_with("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n%s\r\n0\r\n\r\n", &(agent_answer){0});
    ratls_identity *identity = NULL;

    (void)state;
    agent.answers[0] = answer;
    agent_start(&agent, "dstack.sock");
    assert_int_equal(ask(&identity, agent.path, TIMEOUT_MS, NULL), RATLS_OK);
    ratls_identity_free(identity);
    agent_stop(&agent);
    free(answer);
}

/* Whatever the name of its socket says, an agent that does not know the one call is asked in the other protocol. */
static void asked_in_both_protocols(void **state)
{
    static const char *const names[] = {"dstack.sock", "tappd.sock"};
    static const char *const lines[] = {"POST /GetTlsKey HTTP/1.1\r\n", "POST /prpc/Tappd.DeriveKey?json HTTP/1.1\r\n"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        fake_agent agent = {.answers_len = 2, .answers = {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"}};
        char *answer = answer_with("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", &(agent_answer){0});
        ratls_identity *identity = NULL;

        agent.answers[1] = answer;
        agent_start(&agent, names[i]);
        assert_int_equal(ask(&identity, agent.path, TIMEOUT_MS, NULL), RATLS_OK);
        ratls_identity_free(identity);
        assert_memory_equal(agent.requests[0], lines[i], strlen(lines[i]));
        assert_memory_equal(agent.requests[1], lines[1 - i], strlen(lines[1 - i]));
        assert_non_null(strstr(agent.requests[1 - i], "\"random_seed\":true"));
        agent_stop(&agent);
        free(answer);
    }
}

static void assert_refused(fake_agent *agent, ratls_status code, const char *what)
{
    ratls_identity *identity = NULL;
    ratls_error *err = NULL;

    agent->answers_len = 1;
    agent_start(agent, "dstack.sock");
    assert_int_equal(ask(&identity, agent->path, agent->silent ? SHORT_MS : TIMEOUT_MS, &err), code);
    assert_null(identity);
    assert_int_equal(ratls_error_code(err), code);
    ASSERT_DETAIL("path", agent->path);
    if (what != NULL) {
        ASSERT_DETAIL("what", what);
    }
    ratls_error_free(err);
    agent_stop(agent);
}

static void refused_in_its_own_words(void **state)
{
    (void)state;
    assert_refused(&(fake_agent){.answers = {"HTTP/1.1 400 Bad Request\r\nContent-Length: 25\r\n\r\n{\"error\":\"no\\tquote \\n!\"}"}},
                   RATLS_ERR_DSTACK_ERROR, "no quote !");
    assert_refused(&(fake_agent){.answers = {"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"}}, RATLS_ERR_DSTACK_ERROR, "(it says nothing)");
    assert_refused(&(fake_agent){.answers = {"HTTP/1.1 500 Oh\r\nContent-Length: 11\r\n\r\nPRIVATE KEY"}}, RATLS_ERR_DSTACK_ERROR,
                   "(a body with a key)");
}

static void answer_unusable(void **state)
{
    (void)state;
    assert_refused(&(fake_agent){.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"}}, RATLS_ERR_DSTACK_ANSWER, "it has no key");
    assert_refused(&(fake_agent){.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n{}"}}, RATLS_ERR_DSTACK_ANSWER,
                   "it is larger than 2 MiB");
    assert_refused(&(fake_agent){.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}"}}, RATLS_ERR_DSTACK_ANSWER, NULL);
    assert_refused(&(fake_agent){.answers = {"nothing like HTTP\r\n\r\n"}}, RATLS_ERR_DSTACK_ANSWER, NULL);
    assert_refused(&(fake_agent){.answers = {NULL}}, RATLS_ERR_DSTACK_ANSWER, NULL);
}

static void no_answer_in_time(void **state)
{
    (void)state;
    assert_refused(&(fake_agent){.silent = true}, RATLS_ERR_DSTACK_TIMEOUT, NULL);
}

static void nobody_listens(void **state)
{
    char path[] = "/nowhere/dstack.sock";
    ratls_identity *identity = NULL;
    ratls_error *err = NULL;

    (void)state;
    ASSERT_FAILS(ask(&identity, path, TIMEOUT_MS, &err), DSTACK_UNAVAILABLE);
    ASSERT_DETAIL("expected", "/nowhere/dstack.sock (No such file or directory)");
    ratls_error_free(err);
}

static void usual_places(void **state)
{
    fake_agent agent = {.answers_len = 0};
    ratls_agent_settings settings = {.timeout_ms = 1};
    ratls_agent_places places = {{"/nowhere/a.sock", "/etc/hostname", agent.path, "/tmp"}, 4};
    ratls_error *err = NULL;
    ratls_agent found;

    (void)state;
    agent_start(&agent, "tappd.sock");
    assert_int_equal(ratls_agent_find(&found, &settings, &places, NULL), RATLS_OK);
    assert_string_equal(found.endpoint, agent.path);
    assert_true(found.legacy);
    agent_stop(&agent);
    ASSERT_FAILS(ratls_agent_find(&found, &settings, &places, &err), DSTACK_UNAVAILABLE);
    assert_null(found.endpoint);
    assert_non_null(strstr(ratls_error_detail(err, "expected"), "/nowhere/a.sock, /etc/hostname, /tmp/ratls-agent-test-"));
    assert_non_null(strstr(ratls_error_detail(err, "expected"), "and DSTACK_SIMULATOR_ENDPOINT"));
    ratls_error_free(err);
    assert_int_equal(ratls_agent_usual_places.len, 8);
    assert_string_equal(ratls_agent_usual_places.paths[0], "/var/run/dstack.sock");
}

/* The option wins over the environment, and that over the usual places. */
static void order_of_the_places(void **state)
{
    char option[] = "/option.sock", environment[] = "http://127.0.0.1:1";
    ratls_agent_settings settings = {.socket = option, .simulator = environment};
    ratls_agent found;

    (void)state;
    assert_int_equal(ratls_agent_find(&found, &settings, &ratls_agent_usual_places, NULL), RATLS_OK);
    assert_string_equal(found.endpoint, option);
    settings.socket = NULL;
    assert_int_equal(ratls_agent_find(&found, &settings, &ratls_agent_usual_places, NULL), RATLS_OK);
    assert_string_equal(found.endpoint, environment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered),        cmocka_unit_test(answered_in_chunks), cmocka_unit_test(asked_in_both_protocols),
        cmocka_unit_test(refused_in_its_own_words), cmocka_unit_test(answer_unusable),    cmocka_unit_test(no_answer_in_time),
        cmocka_unit_test(nobody_listens),  cmocka_unit_test(usual_places),       cmocka_unit_test(order_of_the_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

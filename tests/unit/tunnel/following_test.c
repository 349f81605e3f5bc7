#include "failure.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "leader/name_service.h"
#include "leader/signer.h"
#include "tunnel/tunnel_fixture.h"

enum { KEY = 7, DRAIN_MS = 300 };

#define READY "Z\0\0\0\5I"
#define READY_LEN 6
#define QUERY "Q\0\0\0\x06;\0"
#define QUERY_LEN 7

/* Two servers, a name server that says which one leads, and a tunnel that follows. */
typedef struct {
    fixture f; /* its server is the first leader */
    service *second;
    name_service *names;
    ratls_leader *leader;
    uint64_t epoch;
} scene;

static void lead(scene *s, const service *server, char instance)
{
    char text[RECORD_ROOM], url[64];
    ratls_bytes record;

    (void)snprintf(url, sizeof url, "https://127.0.0.1:%d", service_port(server));
    record = signer_record(text, KEY, ++s->epoch, instance, url, UINT64_MAX);
    name_service_publish(s->names, &record, 1);
}

static void make_leader(scene *s, int64_t refresh_ms)
{
    char signer[2 * RATLS_ADDRESS_LEN + 1];
    const char *const servers[] = {name_service_address(s->names)};
    uint8_t address[RATLS_ADDRESS_LEN];
    ratls_leader_options options;

    signer_address(address, KEY);
    ratls_hex_write(signer, address, sizeof address);
    ratls_leader_options_init(&options, sizeof options);
    options.domain = "db.example";
    options.signer = signer;
    options.dns_servers = servers;
    options.dns_servers_len = 1;
    options.refresh_ms = refresh_ms;
    assert_int_equal(ratls_leader_new(&s->leader, &options, NULL), RATLS_OK);
}

static void begin(scene *s, service_behaviour behaviour, int64_t refresh_ms)
{
    memset(s, 0, sizeof *s);
    fixture_prepare(&s->f, behaviour);
    s->second = service_start(behaviour);
    s->names = name_service_start();
    make_leader(s, refresh_ms);
    lead(s, s->f.server, 'a');
    s->f.options.host = NULL;
    s->f.options.server_name = NULL;
    s->f.options.port = 0;
    s->f.options.leader = s->leader;
    s->f.options.leader_drain_ms = DRAIN_MS;
}

static void open_scene(scene *s, service_behaviour behaviour, int64_t refresh_ms)
{
    begin(s, behaviour, refresh_ms);
    assert_int_equal(fixture_try_open(&s->f), RATLS_OK);
}

static void end(scene *s)
{
    ratls_leader_free(s->leader); /* the tunnel has a hold of its own */
    fixture_end(&s->f);
    service_stop(s->second);
    name_service_stop(s->names);
}

/* A session has begun: the server is ready for queries. */
static int session(const ratls_tunnel *tunnel)
{
    int fd = driver_dials(tunnel);

    driver_says(fd, STARTUP, STARTUP_LEN);
    driver_hears(fd, READY, READY_LEN);
    return fd;
}

static void drivers_come_until_the_second_serves(scene *s)
{
    while (service_handshakes(s->second) == 0) {
        (void)close(session(s->f.tunnel));
    }
}

static void assert_dismissed(int fd)
{
    char text[TEXT_ROOM];

    driver_hears_refusal(fd, 'C', text);
    assert_string_equal(text, "57P01");
}

static void idle_drivers_are_dismissed_and_served_by_the_other(void **state)
{
    uint8_t heard[SERVICE_HEARD_MAX];
    scene s;
    int first, second;

    (void)state;
    begin(&s, SERVICE_ANSWER, 50);
    service_answer(s.f.server, READY, READY_LEN, false);
    service_answer(s.second, READY, READY_LEN, false);
    assert_int_equal(fixture_try_open(&s.f), RATLS_OK);
    first = session(s.f.tunnel);
    lead(&s, s.second, 'b');
    assert_dismissed(first);
    second = session(s.f.tunnel);
    assert_int_equal(service_heard(s.f.server, heard), STARTUP_LEN);
    assert_int_equal(service_heard(s.second, heard), STARTUP_LEN);
    (void)close(second);
    end(&s);
}

/* The server echoes: what the driver asks comes back, and is no answer. */
static void an_answer_that_does_not_come_is_waited_for_and_no_longer(void **state)
{
    char text[TEXT_ROOM];
    uint8_t heard[SERVICE_HEARD_MAX];
    scene s;
    int fd;

    (void)state;
    begin(&s, SERVICE_ANSWER, 50);
    service_answer(s.f.server, READY, READY_LEN, false);
    assert_int_equal(fixture_try_open(&s.f), RATLS_OK);
    fd = session(s.f.tunnel);
    driver_says(fd, QUERY, QUERY_LEN);
    driver_hears(fd, QUERY, QUERY_LEN);
    lead(&s, s.second, 'b');
    driver_hears_refusal(fd, 'M', text);
    assert_string_equal(text, "the cluster has another leader now, this connection ends: connect again");
    assert_int_equal(service_heard(s.f.server, heard), STARTUP_LEN + QUERY_LEN);
    end(&s);
}

/* While an answer is under way the driver may go on talking: nobody hears it. */
static void nothing_more_is_sent_to_the_old_one(void **state)
{
    uint8_t heard[SERVICE_HEARD_MAX];
    scene s;
    size_t queries = 0;
    int fd;

    (void)state;
    begin(&s, SERVICE_ANSWER, 50);
    s.f.options.leader_drain_ms = INT32_MAX;
    service_answer(s.f.server, READY, READY_LEN, false);
    service_answer(s.second, READY, READY_LEN, false);
    assert_int_equal(fixture_try_open(&s.f), RATLS_OK);
    fd = session(s.f.tunnel);
    driver_says(fd, QUERY, QUERY_LEN);
    driver_hears(fd, QUERY, QUERY_LEN);
    lead(&s, s.second, 'b');
    drivers_come_until_the_second_serves(&s);
    for (int i = 0; i < 3; i++) {
        driver_says(fd, QUERY, QUERY_LEN);
        (void)close(session(s.f.tunnel));
    }
    (void)close(fd);
    service_await_idle(s.f.server);
    for (size_t i = 0, len = service_heard(s.f.server, heard); i < len; i++) {
        queries += heard[i] == 'Q' ? 1 : 0;
    }
    assert_int_equal(queries, 1);
    end(&s);
}

static void a_session_that_has_not_begun_is_dismissed_at_once(void **state)
{
    scene s;
    int fd;

    (void)state;
    begin(&s, SERVICE_DEAF, 50);
    s.f.options.leader_drain_ms = INT32_MAX;
    assert_int_equal(fixture_try_open(&s.f), RATLS_OK);
    fd = driver_dials(s.f.tunnel);
    driver_says(fd, STARTUP, STARTUP_LEN);
    service_await_heard(s.f.server, STARTUP_LEN);
    lead(&s, s.second, 'b');
    assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, PATIENCE_S * 1000), 1);
    (void)close(fd);
    end(&s);
}

static void the_first_connection_does_not_outlive_its_leader(void **state)
{
    scene s;
    int fd;

    (void)state;
    begin(&s, SERVICE_ECHO, 50);
    s.f.options.peer = RATLS_PEER_SAME_PROCESS; /* so that it is kept for the first driver */
    assert_int_equal(fixture_try_open(&s.f), RATLS_OK);
    lead(&s, s.second, 'b');
    ratls_leader_record *record = NULL;
    assert_int_equal(ratls_leader_find(&record, s.leader, NULL, NULL), RATLS_OK);
    ratls_leader_record_free(record);
    fd = driver_starts(s.f.tunnel);
    service_await_handshakes(s.second, 1);
    (void)close(fd);
    end(&s);
}

static void a_leader_that_cannot_be_reached_is_looked_up_again(void **state)
{
    scene s;

    (void)state;
    open_scene(&s, SERVICE_ECHO, 60000);
    service_stop(s.f.server);
    s.f.server = service_start(SERVICE_ECHO); /* another one, elsewhere: for the fixture's end */
    lead(&s, s.second, 'b');
    (void)close(driver_starts(s.f.tunnel));
    service_await_handshakes(s.second, 1);
    end(&s);
}

static void a_connection_that_is_lost_is_reason_to_look(void **state)
{
    scene s;
    size_t asked;
    int fd;

    (void)state;
    open_scene(&s, SERVICE_ECHO, 60000);
    fd = driver_starts(s.f.tunnel);
    name_service_await(s.names, 1);
    asked = name_service_asked(s.names);
    service_hang_up(s.f.server);
    name_service_await(s.names, asked + 1);
    (void)close(fd);
    end(&s);
}

static void nobody_is_asked_while_nobody_is_connected(void **state)
{
    scene s;
    size_t asked;
    int fd;

    (void)state;
    open_scene(&s, SERVICE_ECHO, 10);
    fd = driver_starts(s.f.tunnel);
    name_service_await(s.names, name_service_asked(s.names) + 3);
    (void)close(fd);
    fixture_await_counter(s.f.tunnel, "connections_now", 0);
    name_service_await(s.names, 1);
    (void)poll(NULL, 0, 50); /* what was under way */
    asked = name_service_asked(s.names);
    (void)poll(NULL, 0, 100);
    assert_int_equal(name_service_asked(s.names), asked);
    end(&s);
}

static void a_leader_that_is_refused_is_refused(void **state)
{
    char text[TEXT_ROOM];
    scene s;
    int fd;

    (void)state;
    open_scene(&s, SERVICE_ECHO, 50);
    service_show(s.second, SERVICE_CERTIFICATE_UNBOUND);
    fd = driver_starts(s.f.tunnel);
    lead(&s, s.second, 'b');
    assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, PATIENCE_S * 1000), 1);
    (void)close(fd);
    fd = driver_dials(s.f.tunnel);
    driver_says(fd, STARTUP, STARTUP_LEN);
    driver_hears_refusal(fd, 'D', text);
    assert_string_equal(text, "KEY_BINDING");
    end(&s);
}

static void refused_at_the_start(void **state)
{
    scene s;

    (void)state;
    begin(&s, SERVICE_ECHO, 50);
    name_service_behave(s.names, NAMES_UNKNOWN);
    assert_int_equal(fixture_try_open(&s.f), RATLS_ERR_LEADER_LOOKUP);
    name_service_behave(s.names, NAMES_GIVEN);
    service_show(s.f.server, SERVICE_CERTIFICATE_UNBOUND);
    ratls_error_free(s.f.error);
    s.f.error = NULL;
    assert_int_equal(fixture_try_open(&s.f), RATLS_ERR_KEY_BINDING);
    end(&s);
}

static void a_host_beside_a_leader_is_a_mistake(void **state)
{
    scene s;

    (void)state;
    begin(&s, SERVICE_ECHO, 50);
    s.f.options.host = "127.0.0.1";
    assert_int_equal(fixture_try_open(&s.f), RATLS_ERR_UPSTREAM_INVALID);
    ratls_error_free(s.f.error);
    s.f.error = NULL;
    s.f.options.host = NULL;
    s.f.options.server_name = "db.example";
    assert_int_equal(fixture_try_open(&s.f), RATLS_ERR_UPSTREAM_INVALID);
    end(&s);
}

static void tunnels_to_equal_leaders_are_one(void **state)
{
    ratls_tunnel *second = NULL, *third = NULL;
    ratls_leader *equal;
    scene s;

    (void)state;
    open_scene(&s, SERVICE_ECHO, 50);
    equal = s.leader;
    make_leader(&s, 50);
    s.f.options.leader = s.leader;
    assert_int_equal(ratls_tunnel_open(&second, s.f.verifier, &s.f.options, NULL, NULL), RATLS_OK);
    assert_string_equal(ratls_tunnel_directory(second), ratls_tunnel_directory(s.f.tunnel));
    s.f.options.leader_drain_ms++;
    assert_int_equal(ratls_tunnel_open(&third, s.f.verifier, &s.f.options, NULL, NULL), RATLS_OK);
    assert_string_not_equal(ratls_tunnel_directory(third), ratls_tunnel_directory(s.f.tunnel));
    ratls_tunnel_close(second);
    ratls_tunnel_close(third);
    ratls_leader_free(equal);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_drivers_are_dismissed_and_served_by_the_other),
        cmocka_unit_test(an_answer_that_does_not_come_is_waited_for_and_no_longer),
        cmocka_unit_test(nothing_more_is_sent_to_the_old_one),
        cmocka_unit_test(a_session_that_has_not_begun_is_dismissed_at_once),
        cmocka_unit_test(the_first_connection_does_not_outlive_its_leader),
        cmocka_unit_test(a_leader_that_cannot_be_reached_is_looked_up_again),
        cmocka_unit_test(a_connection_that_is_lost_is_reason_to_look),
        cmocka_unit_test(nobody_is_asked_while_nobody_is_connected),
        cmocka_unit_test(a_leader_that_is_refused_is_refused),
        cmocka_unit_test(refused_at_the_start),
        cmocka_unit_test(a_host_beside_a_leader_is_a_mistake),
        cmocka_unit_test(tunnels_to_equal_leaders_are_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "support/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "leader/leader.h"
#include "leader/name_service.h"
#include "leader/signer.h"

enum { KEY = 7, NOW = 1000, UNTIL = 2000, REFRESH_MS = 5000, TIMEOUT_MS = 300, ASKERS = 8 };

#define URL_A "https://a.example:5433"
#define URL_B "https://b.example:5433"

/* Stands still unless it is moved. */
static atomic_int_least64_t clock_ms = 100000;
static atomic_int_least64_t clock_s = NOW;

static int64_t read_clock(void *user)
{
    (void)user;
    return clock_ms;
}

static atomic_int_least64_t clock_ahead_ms;

static int64_t read_ticking_clock(void *user)
{
    struct timespec now = {0};

    (void)user;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return clock_ahead_ms + (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t read_wall_clock(void *user)
{
    (void)user;
    return RATLS_CLOCK_FLOOR_S + clock_s;
}

typedef struct {
    name_service *names;
    char signer[2 * RATLS_ADDRESS_LEN + 3];
    const char *servers[1];
    ratls_leader_options options;
    ratls_leader *leader;
    ratls_error *error;
} scene;

static void begin(scene *s)
{
    uint8_t address[RATLS_ADDRESS_LEN];

    memset(s, 0, sizeof *s);
    clock_s = NOW;
    s->names = name_service_start();
    s->servers[0] = name_service_address(s->names);
    signer_address(address, KEY);
    memcpy(s->signer, "0x", 2);
    ratls_hex_write(s->signer + 2, address, sizeof address);
    ratls_leader_options_init(&s->options, sizeof s->options);
    s->options.domain = "db.example";
    s->options.signer = s->signer;
    s->options.dns_servers = s->servers;
    s->options.dns_servers_len = 1;
}

static void open_leader(scene *s)
{
    assert_int_equal(ratls_leader_new(&s->leader, &s->options, &s->error), RATLS_OK);
}

static void start(scene *s)
{
    begin(s);
    open_leader(s);
}

static void end(scene *s)
{
    ratls_leader_free(s->leader);
    ratls_error_free(s->error);
    name_service_stop(s->names);
}

/* One record, valid until NOW + 1000 by the clock that stands still. */
static void publish(scene *s, uint64_t epoch, char leader, const char *url)
{
    char text[RECORD_ROOM];
    ratls_bytes record = signer_record(text, KEY, epoch, leader, url, (uint64_t)RATLS_CLOCK_FLOOR_S + UNTIL);

    name_service_publish(s->names, &record, 1);
}

static ratls_status find(scene *s, uint64_t *epoch)
{
    ratls_leader_record *record = NULL;
    ratls_status status;

    ratls_error_free(s->error);
    s->error = NULL;
    status = ratls_leader_find(&record, s->leader, NULL, &s->error);
    assert_int_equal(status == RATLS_OK, record != NULL);
    *epoch = ratls_leader_record_epoch(record);
    ratls_leader_record_free(record);
    return status;
}

static ratls_leader_term *current(scene *s)
{
    ratls_leader_term *term = NULL;

    assert_int_equal(ratls_leader_current(&term, s->leader, ratls_deadline_none(), NULL, NULL), RATLS_OK);
    return term;
}

static void assert_current(scene *s, const char *host)
{
    ratls_leader_term *term = current(s);

    assert_string_equal(ratls_leader_record_host(ratls_leader_term_record(term)), host);
    ratls_leader_term_free(term);
}

static void an_epoch_never_goes_back(void **state)
{
    uint64_t epoch;
    scene s;

    (void)state;
    start(&s);
    publish(&s, 5, 'a', URL_A);
    assert_int_equal(find(&s, &epoch), RATLS_OK);
    assert_int_equal(epoch, 5);
    publish(&s, 4, 'b', URL_B);
    assert_int_equal(find(&s, &epoch), RATLS_ERR_LEADER_EPOCH);
    assert_string_equal(ratls_error_detail(s.error, "found"), "4");
    assert_string_equal(ratls_error_detail(s.error, "expected"), "5");
    assert_string_equal(ratls_error_detail(s.error, "domain"), "db.example");
    publish(&s, 5, 'b', URL_B);
    assert_int_equal(find(&s, &epoch), RATLS_ERR_LEADER_CONFLICT);
    publish(&s, 5, 'a', URL_B); /* the same leader, elsewhere */
    assert_int_equal(find(&s, &epoch), RATLS_OK);
    publish(&s, 6, 'b', URL_B);
    assert_int_equal(find(&s, &epoch), RATLS_OK);
    assert_int_equal(epoch, 6);
    end(&s);
}

static void failures_name_the_domain(void **state)
{
    uint64_t epoch;
    scene s;

    (void)state;
    begin(&s);
    s.options.timeout_ms = TIMEOUT_MS;
    open_leader(&s);
    name_service_behave(s.names, NAMES_UNKNOWN);
    assert_int_equal(find(&s, &epoch), RATLS_ERR_LEADER_LOOKUP);
    assert_string_equal(ratls_error_message(s.error, RATLS_SPELLING_C), "cannot look up the leader of db.example: Domain name not found");
    name_service_behave(s.names, NAMES_GIVEN);
    assert_int_equal(find(&s, &epoch), RATLS_ERR_LEADER_LOOKUP); /* and no record */
    end(&s);
}

static void one_look_up_serves_until_it_is_old(void **state)
{
    ratls_leader_term *first, *second;
    scene s;

    (void)state;
    start(&s);
    publish(&s, 5, 'a', URL_A);
    first = current(&s);
    publish(&s, 6, 'b', URL_B);
    clock_ms += REFRESH_MS - 1;
    second = current(&s);
    assert_ptr_equal(first, second);
    assert_int_equal(name_service_asked(s.names), 1);
    assert_false(ratls_cancel_triggered(ratls_leader_term_over(first)));
    ratls_leader_term_free(second);
    clock_ms += 1;
    second = current(&s);
    assert_ptr_not_equal(first, second);
    assert_true(ratls_cancel_triggered(ratls_leader_term_over(first))); /* its followers are told */
    assert_false(ratls_cancel_triggered(ratls_leader_term_over(second)));
    assert_string_equal(ratls_leader_record_host(ratls_leader_term_record(first)), "a.example");
    assert_string_equal(ratls_leader_record_host(ratls_leader_term_record(second)), "b.example");
    ratls_leader_term_free(first);
    ratls_leader_term_free(second);
    end(&s);
}

static void a_leader_that_is_confirmed_or_moves_is_the_same(void **state)
{
    ratls_leader_term *first, *second, *third;
    scene s;

    (void)state;
    start(&s);
    publish(&s, 5, 'a', URL_A);
    first = current(&s);
    publish(&s, 6, 'a', URL_A);
    clock_ms += REFRESH_MS;
    second = current(&s);
    assert_ptr_equal(first, second);
    publish(&s, 7, 'a', URL_B);
    clock_ms += REFRESH_MS;
    third = current(&s);
    assert_string_equal(ratls_leader_record_host(ratls_leader_term_record(third)), "b.example");
    assert_false(ratls_cancel_triggered(ratls_leader_term_over(first)));
    ratls_leader_term_free(first);
    ratls_leader_term_free(second);
    ratls_leader_term_free(third);
    end(&s);
}

/* As long as the record is valid. */
static void look_ups_that_fail_change_nothing(void **state)
{
    ratls_leader_term *term = NULL;
    ratls_error *error = NULL;
    scene s;

    (void)state;
    start(&s);
    publish(&s, 5, 'a', URL_A);
    assert_current(&s, "a.example");
    name_service_behave(s.names, NAMES_UNKNOWN);
    clock_ms += REFRESH_MS;
    assert_current(&s, "a.example");
    assert_int_equal(name_service_asked(s.names), 2);
    assert_current(&s, "a.example"); /* and it is not asked again for everybody who comes */
    assert_int_equal(name_service_asked(s.names), 2);
    clock_ms += RATLS_LEADER_RENEW_MS;
    assert_current(&s, "a.example");
    assert_int_equal(name_service_asked(s.names), 3);
    clock_s = UNTIL;
    assert_int_equal(ratls_leader_current(&term, s.leader, ratls_deadline_none(), NULL, &error), RATLS_ERR_LEADER_LOOKUP);
    assert_null(term);
    ratls_error_free(error);
    end(&s);
}

static void out_of_turn_but_not_all_the_time(void **state)
{
    ratls_leader_term *first;
    scene s;

    (void)state;
    start(&s);
    publish(&s, 5, 'a', URL_A);
    first = current(&s);
    assert_int_equal(ratls_leader_renew(s.leader, ratls_deadline_none(), NULL), 0);
    assert_int_equal(ratls_leader_renew(s.leader, ratls_deadline_none(), NULL), RATLS_LEADER_RENEW_MS);
    clock_ms += RATLS_LEADER_RENEW_MS;
    assert_int_equal(ratls_leader_renew(s.leader, ratls_deadline_none(), NULL), 0);
    assert_int_equal(ratls_leader_renew(s.leader, ratls_deadline_none(), NULL), 2 * RATLS_LEADER_RENEW_MS);
    assert_int_equal(name_service_asked(s.names), 3);
    publish(&s, 6, 'b', URL_B);
    clock_ms += 2 * RATLS_LEADER_RENEW_MS;
    assert_int_equal(ratls_leader_renew(s.leader, ratls_deadline_none(), NULL), 0);
    assert_true(ratls_cancel_triggered(ratls_leader_term_over(first)));
    assert_true(ratls_leader_renew(s.leader, ratls_deadline_none(), NULL) > 0);
    ratls_leader_reached(s.leader);
    assert_int_equal(ratls_leader_renew(s.leader, ratls_deadline_none(), NULL), 0);
    for (int64_t pause = 0; pause < REFRESH_MS; clock_ms += pause) { /* and never less often than in turn */
        (void)ratls_leader_renew(s.leader, ratls_deadline_none(), NULL);
        pause = ratls_leader_renew(s.leader, ratls_deadline_none(), NULL);
        assert_in_range(pause, 1, REFRESH_MS);
    }
    ratls_leader_term_free(first);
    end(&s);
}

static void *ask(void *argument)
{
    ratls_leader_term *term = NULL;
    scene *s = argument;

    return ratls_leader_current(&term, s->leader, ratls_deadline_none(), NULL, NULL) == RATLS_OK ? term : NULL;
}

static void many_at_once_ask_once(void **state)
{
    pthread_t threads[ASKERS];
    void *terms[ASKERS];
    scene s;

    (void)state;
    start(&s);
    publish(&s, 5, 'a', URL_A);
    name_service_behave(s.names, NAMES_SILENT);
    for (size_t i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &s), 0);
    }
    name_service_await(s.names, 1);
    name_service_behave(s.names, NAMES_GIVEN); /* the next try is answered */
    for (size_t i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_join(threads[i], &terms[i]), 0);
        assert_non_null(terms[i]);
        assert_ptr_equal(terms[i], terms[0]);
    }
    assert_in_range(name_service_asked(s.names), 2, ASKERS - 1);
    for (size_t i = 0; i < ASKERS; i++) {
        ratls_leader_term_free(terms[i]);
    }
    end(&s);
}

typedef struct {
    scene *s;
    ratls_cancel *cancel;
    ratls_status status;
} asker;

static void *ask_and_be_cancelled(void *argument)
{
    ratls_leader_term *term = NULL;
    asker *one = argument;

    one->status = ratls_leader_current(&term, one->s->leader, ratls_deadline_none(), one->cancel, NULL);
    ratls_leader_term_free(term);
    return NULL;
}

static void who_is_cancelled_takes_nobody_along(void **state)
{
    asker askers[2] = {{0}};
    pthread_t threads[2];
    scene s;

    (void)state;
    start(&s);
    publish(&s, 5, 'a', URL_A);
    name_service_behave(s.names, NAMES_SILENT);
    for (size_t i = 0; i < 2; i++) {
        askers[i].s = &s;
        assert_int_equal(ratls_cancel_new(&askers[i].cancel, NULL), RATLS_OK);
        assert_int_equal(pthread_create(&threads[i], NULL, ask_and_be_cancelled, &askers[i]), 0);
        name_service_await(s.names, 1); /* the first of them asks */
    }
    ratls_cancel_trigger(askers[0].cancel);
    assert_int_equal(pthread_join(threads[0], NULL), 0);
    assert_int_equal(askers[0].status, RATLS_ERR_CANCELLED);
    name_service_behave(s.names, NAMES_GIVEN);
    assert_int_equal(pthread_join(threads[1], NULL), 0);
    assert_int_equal(askers[1].status, RATLS_OK);
    ratls_cancel_free(askers[0].cancel);
    ratls_cancel_free(askers[1].cancel);
    end(&s);
}

/* The child of a process that is in the middle of a look-up: it does not wait for that, and has not forgotten the epoch. */
static void a_forked_child_goes_on_by_itself(void **state)
{
    asker parent = {0};
    uint64_t epoch;
    pthread_t thread;
    int outcome = -1;
    pid_t child;
    scene s;

    (void)state;
    start(&s);
    publish(&s, 5, 'a', URL_A);
    assert_int_equal(find(&s, &epoch), RATLS_OK);
    clock_ahead_ms += REFRESH_MS;
    name_service_behave(s.names, NAMES_SILENT);
    parent.s = &s;
    assert_int_equal(ratls_cancel_new(&parent.cancel, NULL), RATLS_OK);
    assert_int_equal(pthread_create(&thread, NULL, ask_and_be_cancelled, &parent), 0);
    name_service_await(s.names, 2);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        ratls_leader_term *term = NULL;

        outcome = (int)ratls_leader_current(&term, s.leader, ratls_deadline_none(), NULL, NULL);
        (void)execl("/bin/sh", "sh", "-c", outcome == RATLS_ERR_LEADER_EPOCH ? "exit 0" : "exit 1", NULL);
        abort();
    }
    publish(&s, 4, 'b', URL_B);
    name_service_behave(s.names, NAMES_GIVEN);
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_int_equal(outcome, 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(parent.status, RATLS_OK); /* what it knows is valid */
    ratls_cancel_free(parent.cancel);
    end(&s);
}

static void a_directory_remembers_for_the_next(void **state)
{
    char path[] = "/tmp/ratls-leader-XXXXXX", command[128];
    ratls_leader_term *term;
    ratls_leader *second = NULL;
    ratls_leader_record *record = NULL;
    uint64_t epoch;
    scene s;

    (void)state;
    assert_non_null(mkdtemp(path));
    begin(&s);
    s.options.state_dir = path;
    open_leader(&s);
    publish(&s, 5, 'a', URL_A);
    assert_int_equal(find(&s, &epoch), RATLS_OK);
    term = current(&s);
    /* Another process accepts a later one; this one learns of it from the directory, though DNS goes back. */
    assert_int_equal(ratls_leader_new(&second, &s.options, NULL), RATLS_OK);
    publish(&s, 6, 'b', URL_B);
    assert_int_equal(ratls_leader_find(&record, second, NULL, NULL), RATLS_OK);
    ratls_leader_record_free(record);
    ratls_leader_free(second);
    publish(&s, 5, 'a', URL_A);
    assert_int_equal(find(&s, &epoch), RATLS_ERR_LEADER_EPOCH);
    assert_true(ratls_cancel_triggered(ratls_leader_term_over(term)));
    ratls_leader_term_free(term);
    assert_int_equal(chmod(path, 0777), 0);
    ratls_error_free(s.error);
    s.error = NULL;
    assert_int_equal(ratls_leader_new(&second, &s.options, &s.error), RATLS_ERR_LEADER_STATE);
    assert_null(second);
    end(&s);
    (void)snprintf(command, sizeof command, "rm -r %s", path);
    assert_int_equal(system(command), 0);
}

static void arguments_are_null(void **state)
{
    ratls_leader_record *record = NULL;
    scene s;

    (void)state;
    start(&s);
    assert_int_equal(ratls_leader_new(NULL, &s.options, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_leader_find(NULL, s.leader, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_leader_find(&record, NULL, NULL, NULL), RATLS_ERR_ARGUMENT_INVALID);
    ratls_leader_free(s.leader);
    assert_int_equal(ratls_leader_new(&s.leader, NULL, &s.error), RATLS_ERR_ARGUMENT_INVALID);
    assert_null(s.leader);
    end(&s);
}

static void assert_option_refused(const ratls_leader_options *options, ratls_status code, const char *option)
{
    ratls_leader *leader = NULL;
    ratls_error *error = NULL;

    assert_string_equal(ratls_status_name(ratls_leader_new(&leader, options, &error)), ratls_status_name(code));
    assert_null(leader);
    if (option != NULL) {
        assert_string_equal(ratls_error_detail(error, "option"), option);
    }
    ratls_error_free(error);
}

static void options_are_checked(void **state)
{
    static const char *const none[1] = {NULL};
    ratls_leader_options good, bad;
    scene s;

    (void)state;
    begin(&s);
    good = s.options;
    bad = good, bad.domain = NULL;
    assert_option_refused(&bad, RATLS_ERR_OPTION_VALUE, "cluster_domain");
    bad = good, bad.domain = "a..b";
    assert_option_refused(&bad, RATLS_ERR_OPTION_VALUE, "cluster_domain");
    bad = good, bad.domain = "0123456789012345678901234567890123456789012345678901234567890123.example"; /* a label of 64 */
    assert_option_refused(&bad, RATLS_ERR_OPTION_VALUE, "cluster_domain");
    bad = good, bad.signer = NULL;
    assert_option_refused(&bad, RATLS_ERR_OPTION_VALUE, "manifest_signer");
    bad = good, bad.signer = "0x00";
    assert_option_refused(&bad, RATLS_ERR_OPTION_VALUE, "manifest_signer");
    bad = good, bad.cluster_address = "";
    assert_option_refused(&bad, RATLS_ERR_OPTION_VALUE, "cluster_address");
    bad = good, bad.dns_servers = none, bad.dns_servers_len = 0;
    assert_option_refused(&bad, RATLS_ERR_OPTION_EMPTY_LIST, "dns_servers");
    bad = good, bad.timeout_ms = -1;
    assert_option_refused(&bad, RATLS_ERR_OPTION_VALUE, "leader_timeout_ms");
    bad = good, bad.refresh_ms = INT64_MAX;
    assert_option_refused(&bad, RATLS_ERR_OPTION_VALUE, "leader_refresh_ms");
    bad = good, bad.now = -1;
    assert_option_refused(&bad, RATLS_ERR_OPTION_VALUE, "now");
    bad = good, bad.size = 1;
    assert_option_refused(&bad, RATLS_ERR_OPTIONS_SIZE, NULL);
    bad = good, bad.state_dir = "/nowhere/at/all";
    assert_option_refused(&bad, RATLS_ERR_LEADER_STATE, NULL);
    end(&s);
}

static void those_who_know_the_same_are_equal(void **state)
{
    ratls_leader *same = NULL, *other = NULL;
    scene s;

    (void)state;
    start(&s);
    assert_int_equal(ratls_leader_new(&same, &s.options, NULL), RATLS_OK);
    s.options.cluster_address = "0xc1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1";
    assert_int_equal(ratls_leader_new(&other, &s.options, NULL), RATLS_OK);
    assert_true(ratls_leader_equal(s.leader, same) && ratls_leader_equal(NULL, NULL));
    assert_false(ratls_leader_equal(s.leader, other) || ratls_leader_equal(s.leader, NULL) || ratls_leader_equal(NULL, other));
    ratls_leader_free(same);
    ratls_leader_free(other);
    end(&s);
}

static int replace_clock(void **state)
{
    static const ratls_clock standing = {read_wall_clock, read_clock, NULL};

    (void)state;
    ratls_clock_replace(&standing);
    return 0;
}

/* For those that wait for a second try of a look-up. */
static int replace_wall_clock(void **state)
{
    static const ratls_clock ticking = {read_wall_clock, read_ticking_clock, NULL};

    (void)state;
    ratls_clock_replace(&ticking);
    return 0;
}

static int restore_clock(void **state)
{
    (void)state;
    ratls_clock_replace(NULL);
    return 0;
}

#define STANDING(test) cmocka_unit_test_setup_teardown(test, replace_clock, restore_clock)
#define TICKING(test) cmocka_unit_test_setup_teardown(test, replace_wall_clock, restore_clock)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STANDING(an_epoch_never_goes_back),
        STANDING(failures_name_the_domain),
        STANDING(one_look_up_serves_until_it_is_old),
        STANDING(a_leader_that_is_confirmed_or_moves_is_the_same),
        STANDING(look_ups_that_fail_change_nothing),
        STANDING(out_of_turn_but_not_all_the_time),
        STANDING(a_directory_remembers_for_the_next),
        cmocka_unit_test(arguments_are_null),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(those_who_know_the_same_are_equal),
        TICKING(many_at_once_ask_once),
        TICKING(who_is_cancelled_takes_nobody_along),
        TICKING(a_forked_child_goes_on_by_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

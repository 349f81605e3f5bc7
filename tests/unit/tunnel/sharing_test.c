#include "failure.h"

#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tunnel/tunnel_fixture.h"

enum { OPENERS = 12, ROUNDS = 100, ROUNDS_UNDER_VALGRIND = 10 };

#define MR_TD "91a0563f0c91a0563f0c91a0563f0c91a0563f0c91a0563f0c91a0563f0c91a0563f0c91a0563f0c91a0563f0c91a056"

static ratls_tunnel *open_again(const fixture *f)
{
    ratls_tunnel *tunnel = NULL;

    assert_int_equal(ratls_tunnel_open(&tunnel, f->verifier, &f->options, NULL, NULL), RATLS_OK);
    return tunnel;
}

static bool same_directory(const ratls_tunnel *a, const ratls_tunnel *b)
{
    return strcmp(ratls_tunnel_directory(a), ratls_tunnel_directory(b)) == 0;
}

static void opened_twice_it_is_one(void **state)
{
    char directory[64];
    ratls_tunnel *second;
    fixture f;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    second = open_again(&f);
    assert_ptr_not_equal(second, f.tunnel);
    assert_true(same_directory(second, f.tunnel));
    service_await_handshakes(f.server, 1);
    (void)close(driver_starts(second));
    assert_int_equal(fixture_counter(f.tunnel, "connections_total"), 1);
    ratls_tunnel_close(f.tunnel); /* the other goes on */
    f.tunnel = NULL;
    (void)close(driver_starts(second));
    (void)snprintf(directory, sizeof directory, "%s", ratls_tunnel_directory(second));
    ratls_tunnel_close(second);
    assert_int_equal(access(directory, F_OK), -1);
    fixture_end(&f);
}

static void opened_after_the_last_has_gone_it_is_new(void **state)
{
    fixture f;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    ratls_tunnel_close(f.tunnel);
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    service_await_handshakes(f.server, 2);
    (void)close(driver_starts(f.tunnel));
    fixture_end(&f);
}

static void say_nothing(void *user, const char *line)
{
    (void)user, (void)line;
}

static void vary(fixture *f, size_t which)
{
    static const char *const mr_tds[] = {MR_TD}, *const statuses[] = {"OK"}, *const values[] = {MR_TD};
    static const ratls_pin pin = {"mr_td", values, 1};
    static char user;

    switch (which) {
    case 0: f->options.host = "localhost"; break;
    case 1: f->options.server_name = "other.example"; break;
    case 2: f->options.connect_timeout_ms = 1000 * PATIENCE_S; break;
    case 3: f->options.handshake_timeout_ms++; break;
    case 4: f->options.peer = RATLS_PEER_SAME_PROCESS; break;
    case 5: f->options.spelling = RATLS_SPELLING_RUST; break;
    case 6: f->options.tcp_user_timeout_ms = 1; break;
    case 7: f->options.keepalive_idle_s = -1; break;
    case 8: f->options.keepalive_interval_s = 1; break;
    case 9: f->options.keepalive_count = 1; break;
    case 10: f->options.log = say_nothing; break;
    case 11: f->options.log_user = &user; break;
    case 12: f->policy.allow_debug_mode = 1; break;
    case 13: f->policy.cache_ttl_s = 60; break;
    case 14: f->policy.allowed_mr_td = mr_tds, f->policy.allowed_mr_td_len = 1; break;
    case 15: f->policy.pins = &pin, f->policy.pins_len = 1; break;
    case 16: f->policy.acceptable_tcb_statuses = statuses, f->policy.acceptable_tcb_statuses_len = 1; break;
    case 17: f->options.start_tls = 1; break;
    default: f->policy.now = 1767225600; break;
    }
}

static void what_differs_is_not_shared(void **state)
{
    (void)state;
    for (size_t which = 0; which <= 18; which++) {
        ratls_tunnel *other = NULL;
        fixture f;

        fixture_open(&f, SERVICE_ECHO);
        vary(&f, which);
        /* Not every one is acceptable here, or has a server: what counts is that it was asked. */
        if (ratls_tunnel_open(&other, f.verifier, &f.options, NULL, NULL) == RATLS_OK) {
            assert_false(same_directory(other, f.tunnel));
            service_await_handshakes(f.server, 2);
        }
        ratls_tunnel_close(other);
        fixture_end(&f);
    }
}

static void lists_are_compared_by_value(void **state)
{
    char first[] = MR_TD, second[] = MR_TD;
    const char *one[2] = {NULL, first}, *two[2] = {NULL, second};
    ratls_result *result = NULL;
    ratls_tunnel *other;
    fixture f;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    assert_int_equal(ratls_tunnel_result(&result, f.tunnel, NULL), RATLS_OK);
    one[0] = two[0] = ratls_result_text(result, RATLS_FIELD_MR_TD);
    ratls_tunnel_close(f.tunnel);
    f.policy.allowed_mr_td = one;
    f.policy.allowed_mr_td_len = 2;
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    f.policy.allowed_mr_td = two;
    other = open_again(&f);
    assert_true(same_directory(other, f.tunnel));
    ratls_tunnel_close(other);
    second[0] = '8';
    other = open_again(&f);
    assert_false(same_directory(other, f.tunnel));
    ratls_tunnel_close(other);
    ratls_result_free(result);
    fixture_end(&f);
}

static void verifiers_share_nothing(void **state)
{
    ratls_verifier *verifier = NULL;
    ratls_tunnel *other = NULL;
    fixture f;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    assert_int_equal(ratls_verifier_new_noop(&verifier, NULL, NULL), RATLS_OK);
    assert_int_equal(ratls_tunnel_open(&other, verifier, &f.options, NULL, NULL), RATLS_OK);
    assert_false(same_directory(other, f.tunnel));
    ratls_tunnel_close(other);
    ratls_verifier_free(verifier);
    fixture_end(&f);
}

static void a_named_directory_is_not_shared(void **state)
{
    char path[] = "/tmp/ratls-test-XXXXXX";
    ratls_tunnel *other = NULL;
    fixture f;

    (void)state;
    assert_non_null(mkdtemp(path));
    fixture_open(&f, SERVICE_ECHO);
    f.options.socket_dir = path;
    other = open_again(&f);
    assert_false(same_directory(other, f.tunnel));
    (void)close(driver_starts(other));
    ratls_tunnel_close(f.tunnel);
    assert_int_equal(ratls_tunnel_open(&f.tunnel, f.verifier, &f.options, NULL, &f.error), RATLS_ERR_SOCKET_DIRECTORY);
    ratls_tunnel_close(other);
    fixture_end(&f);
    assert_int_equal(rmdir(path), 0);
}

/* One of several who open the same. */
typedef struct {
    fixture *f;
    pthread_t thread;
    ratls_cancel *cancel;
    ratls_tunnel *tunnel;
    ratls_error *error;
    ratls_status status;
} opener;

static void *run_opener(void *argument)
{
    opener *one = argument;

    one->status = ratls_tunnel_open(&one->tunnel, one->f->verifier, &one->f->options, one->cancel, &one->error);
    return NULL;
}

static void start_openers(opener *openers, size_t count, fixture *f)
{
    for (size_t i = 0; i < count; i++) {
        openers[i] = (opener){.f = f};
        assert_int_equal(ratls_cancel_new(&openers[i].cancel, NULL), RATLS_OK);
        assert_int_equal(pthread_create(&openers[i].thread, NULL, run_opener, &openers[i]), 0);
    }
}

static void end_opener(opener *one)
{
    ratls_tunnel_close(one->tunnel);
    ratls_error_free(one->error);
    ratls_cancel_free(one->cancel);
}

static void many_at_once_make_one_handshake(void **state)
{
    opener openers[OPENERS];
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_HELD);
    start_openers(openers, OPENERS, &f);
    service_await_taken(f.server, 1);
    service_behave(f.server, SERVICE_ECHO);
    for (size_t i = 0; i < OPENERS; i++) {
        assert_int_equal(pthread_join(openers[i].thread, NULL), 0);
        assert_int_equal(openers[i].status, RATLS_OK);
        assert_true(same_directory(openers[i].tunnel, openers[0].tunnel));
    }
    service_await_handshakes(f.server, 1);
    (void)close(driver_starts(openers[OPENERS - 1].tunnel));
    for (size_t i = 0; i < OPENERS; i++) {
        end_opener(&openers[i]);
    }
    fixture_end(&f);
}

static void all_who_wait_are_told_the_refusal(void **state)
{
    opener openers[OPENERS];
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_HELD);
    service_show(f.server, SERVICE_CERTIFICATE_UNBOUND);
    start_openers(openers, OPENERS, &f);
    service_await_taken(f.server, 1);
    service_behave(f.server, SERVICE_ECHO);
    for (size_t i = 0; i < OPENERS; i++) {
        assert_int_equal(pthread_join(openers[i].thread, NULL), 0);
        assert_int_equal(openers[i].status, RATLS_ERR_KEY_BINDING);
        assert_int_equal(ratls_error_code(openers[i].error), RATLS_ERR_KEY_BINDING);
        assert_null(openers[i].tunnel);
        end_opener(&openers[i]);
    }
    service_show(f.server, SERVICE_CERTIFICATE_BOUND); /* and it is not remembered */
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    fixture_end(&f);
}

static void one_who_is_cancelled_takes_nobody_along(void **state)
{
    opener openers[OPENERS];
    size_t cancelled = 0, opened = 0;
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_HELD);
    start_openers(openers, OPENERS, &f);
    /* Among these is, or is not, the one that makes the handshake. */
    service_await_taken(f.server, 1);
    for (size_t i = 0; i < OPENERS / 2; i++) {
        ratls_cancel_trigger(openers[i].cancel);
    }
    for (size_t i = 0; i < OPENERS / 2; i++) {
        assert_int_equal(pthread_join(openers[i].thread, NULL), 0);
    }
    service_behave(f.server, SERVICE_ECHO);
    for (size_t i = OPENERS / 2; i < OPENERS; i++) {
        assert_int_equal(pthread_join(openers[i].thread, NULL), 0);
    }
    for (size_t i = 0; i < OPENERS; i++) {
        cancelled += openers[i].status == RATLS_ERR_CANCELLED;
        opened += openers[i].status == RATLS_OK;
        end_opener(&openers[i]);
    }
    assert_int_equal(cancelled, OPENERS / 2);
    assert_int_equal(opened, OPENERS - OPENERS / 2);
    fixture_end(&f);
}

/* Open, use, close: whoever is last closes while others open. */
static void *run_rounds(void *argument)
{
    opener *one = argument;
    int rounds = getenv("RATLS_UNDER_VALGRIND") == NULL ? ROUNDS : ROUNDS_UNDER_VALGRIND;

    for (int i = 0; i < rounds; i++) {
        one->status = ratls_tunnel_open(&one->tunnel, one->f->verifier, &one->f->options, NULL, NULL);
        if (one->status != RATLS_OK) {
            return NULL;
        }
        if (i % 4 == 0) {
            (void)close(driver_starts(one->tunnel));
        }
        ratls_tunnel_close(one->tunnel);
        one->tunnel = NULL;
    }
    return NULL;
}

static void the_last_closes_while_others_open(void **state)
{
    enum { THREADS = 4 };
    opener openers[THREADS];
    fixture f;

    (void)state;
    fixture_prepare(&f, SERVICE_ECHO);
    for (size_t i = 0; i < THREADS; i++) {
        openers[i] = (opener){.f = &f};
        assert_int_equal(pthread_create(&openers[i].thread, NULL, run_rounds, &openers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(openers[i].thread, NULL), 0);
        assert_int_equal(openers[i].status, RATLS_OK);
    }
    fixture_end(&f);
}

/* In the child, whose parent was in the middle of everything. The number of the first thing that is wrong. */
static int child_opens(fixture *f)
{
    ratls_tunnel *own = NULL;
    ratls_result *result = NULL;
    int fd;

    if (ratls_tunnel_result(&result, f->tunnel, NULL) != RATLS_ERR_TUNNEL_FORKED) {
        return 1;
    }
    if (ratls_tunnel_open(&own, f->verifier, &f->options, NULL, NULL) != RATLS_OK) {
        return 2;
    }
    if (ratls_tunnel_result(&result, own, NULL) != RATLS_OK) {
        return 3;
    }
    ratls_result_free(result);
    fd = driver_starts(own);
    (void)close(fd);
    ratls_tunnel_close(own);
    ratls_tunnel_close(f->tunnel);
    return 0;
}

/* The child becomes another program, so that nobody looks for what the parent's threads had in hand. */
static int child_reports(fixture *f)
{
    int report[2], status = 0;
    uint8_t byte = 255;
    pid_t child;

    assert_int_equal(pipe(report), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        byte = (uint8_t)child_opens(f);
        (void)!write(report[1], &byte, 1);
        (void)execl("/bin/true", "true", NULL);
        abort();
    }
    (void)close(report[1]);
    assert_int_equal(read(report[0], &byte, 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(report[0]);
    return byte;
}

__attribute__((unused)) static void a_forked_child_opens_its_own(void **state)
{
    opener waiting[2];
    fixture f;
    int fd;

    (void)state;
    fixture_prepare(&f, SERVICE_ECHO);
    f.options.peer = RATLS_PEER_SAME_PROCESS;
    f.policy.cache_ttl_s = 0;
    assert_int_equal(fixture_try_open(&f), RATLS_OK);
    fd = driver_starts(f.tunnel);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(child_reports(&f), 0);
        driver_says(fd, "still", 5);
        driver_hears(fd, "still", 5);
    }
    /* And while others are opening something else. */
    f.options.server_name = "held.example";
    service_behave(f.server, SERVICE_HELD);
    start_openers(waiting, 2, &f);
    service_await_taken(f.server, 4);
    f.options.server_name = "db-5432s.example";
    service_behave(f.server, SERVICE_ECHO);
    assert_int_equal(child_reports(&f), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(waiting[i].thread, NULL), 0);
        assert_int_equal(waiting[i].status, RATLS_OK);
        end_opener(&waiting[i]);
    }
    (void)close(fd);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opened_twice_it_is_one),
        cmocka_unit_test(opened_after_the_last_has_gone_it_is_new),
        cmocka_unit_test(what_differs_is_not_shared),
        cmocka_unit_test(lists_are_compared_by_value),
        cmocka_unit_test(verifiers_share_nothing),
        cmocka_unit_test(a_named_directory_is_not_shared),
        cmocka_unit_test(many_at_once_make_one_handshake),
        cmocka_unit_test(all_who_wait_are_told_the_refusal),
        cmocka_unit_test(one_who_is_cancelled_takes_nobody_along),
        cmocka_unit_test(the_last_closes_while_others_open),
#ifndef __SANITIZE_ADDRESS__ /* whose allocator may be locked by another thread at the fork, for ever in the child */
        cmocka_unit_test(a_forked_child_opens_its_own),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

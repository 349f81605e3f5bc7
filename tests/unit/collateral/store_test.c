/* Collateral fetched once, served as long as it holds and no longer, and fetched anew in the background. */
#include "failure.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "collateral/service.h"

static const char *const urls[] = {SERVICE_URL};

static char directory[64];
static ratls_store_settings settings;
static ratls_store *store;
static ratls_error *err;

static void open_store(void)
{
    assert_int_equal(ratls_store_new(&store, &settings, NULL), RATLS_OK);
}

static void open_with(const char *cache_dir)
{
    const ratls_sources_settings given = {.urls = urls, .urls_len = 1, .log = service_log};

    settings = (ratls_store_settings){.trust = service_trust(), .log = service_log};
    assert_int_equal(ratls_sources_new(&settings.sources, &given, NULL), RATLS_OK);
    assert_int_equal(ratls_disk_init(&settings.disk, cache_dir, NULL), RATLS_OK);
    open_store();
}

static int start(void **state)
{
    (void)service_reset(state);
    open_with(NULL);
    return 0;
}

static int start_with_disk(void **state)
{
    (void)service_reset(state);
    (void)snprintf(directory, sizeof directory, "/tmp/ratls-store-test-XXXXXX");
    assert_non_null(mkdtemp(directory));
    open_with(directory);
    return 0;
}

static int stop(void **state)
{
    char command[96];

    (void)state;
    ratls_store_free(store);
    ratls_sources_free(settings.sources);
    ratls_disk_clear(&settings.disk);
    ratls_trust_free(settings.trust);
    ratls_error_free(err);
    err = NULL;
    if (directory[0] != '\0') {
        (void)snprintf(command, sizeof command, "rm -rf %s", directory);
        directory[0] = '\0';
        return system(command);
    }
    return 0;
}

/* As another process would be: nothing in memory. */
static void start_afresh(void)
{
    ratls_store_free(store);
    open_store();
}

static ratls_status get_at(int64_t now, ratls_collateral_set **set)
{
    const ratls_store_wish wish = {.platform = service_platform()};
    ratls_collateral_time when = service_time();

    when.now = now;
    ratls_error_free(err);
    err = NULL;
    return ratls_store_get(set, store, &wish, &when, &err);
}

/* The generation of what is served now, which must be something. */
static uint64_t serve(void)
{
    ratls_collateral_set *set = NULL;
    uint64_t generation;

    assert_string_equal(ratls_status_name(get_at(service_now(), &set)), "OK");
    assert_true(set->from <= service_now() && service_now() <= set->until);
    generation = set->generation;
    ratls_collateral_set_free(set);
    return generation;
}

static ratls_status refuse(void)
{
    ratls_collateral_set *set = NULL;
    ratls_status status = get_at(service_now(), &set);

    assert_null(set);
    return status;
}

static void once(void **state)
{
    uint64_t first;

    (void)state;
    first = serve();
    assert_int_equal(service.requests, 4);
    for (int day = 0; day < 23; day++) {
        service_advance_s(SERVICE_DAY);
        assert_int_equal(serve(), first);
    }
    ratls_store_settle(store);
    assert_int_equal(service.requests, 4);
}

static void only_what_differs_for_another_platform(void **state)
{
    ratls_store_wish wish = {.platform = service_platform(), .early = true};
    ratls_collateral_time when = service_time();
    ratls_collateral_set *set = NULL;

    (void)state;
    (void)serve();
    assert_int_equal(ratls_store_get(&set, store, &wish, &when, &err), RATLS_OK);
    ratls_collateral_set_free(set);
    assert_int_equal(service.requests, 6);
    assert_int_equal(service_count("update=early"), 2);
}

/* From 80 % of its life on: the old one is served, nobody waits. */
static void anew_in_the_background(void **state)
{
    uint64_t first = serve();

    (void)state;
    service_advance_s(24 * SERVICE_DAY + 1);
    service_publish(service_now(), service_now() + 30 * SERVICE_DAY);
    assert_int_equal(serve(), first);
    ratls_store_settle(store);
    assert_int_equal(service.requests, 8);
    assert_int_not_equal(serve(), first);
    assert_int_equal(service.requests, 8);
    service_advance_s(7 * SERVICE_DAY); /* beyond the end of the first ones */
    (void)serve();
    ratls_store_settle(store);
    assert_int_equal(service.requests, 8);
}

static void a_fleet_does_not_come_all_at_once(void **state)
{
    (void)state;
    service.random = UINT64_MAX;
    (void)serve();
    service_advance_s(24 * SERVICE_DAY + 1);
    (void)serve();
    ratls_store_settle(store);
    assert_true(service.requests < 8); /* each client has a moment of its own up to 90 % */
    service_advance_s(3 * SERVICE_DAY);
    (void)serve();
    ratls_store_settle(store);
    assert_int_equal(service.requests, 8);
}

static void unchanged_is_the_same(void **state)
{
    uint64_t first = serve();

    (void)state;
    service_advance_s(24 * SERVICE_DAY + 1);
    (void)serve();
    ratls_store_settle(store);
    assert_int_equal(service.not_modified, 4);
    assert_int_equal(serve(), first);
    /* Its life is shorter now, and so is the time to the next question. */
    service_advance_s(5 * SERVICE_DAY);
    (void)serve();
    ratls_store_settle(store);
    assert_int_equal(service.requests, 12);
}

/* The same bytes without a validator. */
static void fetched_again_and_the_same(void **state)
{
    uint64_t first;

    (void)state;
    service.etags = false;
    first = serve();
    service_advance_s(25 * SERVICE_DAY);
    (void)serve();
    ratls_store_settle(store);
    assert_int_equal(service.requests, 8);
    assert_int_equal(serve(), first);
}

static void old_ones_serve_until_their_end(void **state)
{
    (void)state;
    (void)serve();
    service_rule_add((service_rule){"/", -1, .status = 500});
    service_advance_s(25 * SERVICE_DAY);
    (void)serve();
    ratls_store_settle(store);
    assert_true(service_logged("cannot be fetched anew, the old one serves until 2025-01-31T00:00:00Z: "));
    assert_true(service_logged("answered 500"));
    service_advance_s(5 * SERVICE_DAY); /* exactly the end */
    (void)serve();
    ratls_store_settle(store);
    service_advance_s(1);
    ASSERT_FAILS(refuse(), COLLATERAL_SERVER);
}

/* A service that is out of order is not asked with every verification. */
static void failed_refresh_is_put_off(void **state)
{
    size_t requests;

    (void)state;
    (void)serve();
    service_rule_add((service_rule){"/", -1, .status = 404});
    service_advance_s(25 * SERVICE_DAY);
    (void)serve();
    ratls_store_settle(store);
    requests = service.requests;
    for (int i = 0; i < 59; i++) {
        service_advance_s(1);
        (void)serve();
        ratls_store_settle(store);
    }
    assert_int_equal(service.requests, requests);
    service_advance_s(1);
    (void)serve();
    ratls_store_settle(store);
    assert_int_equal(service.requests, requests + 4);
    service_advance_s(119);
    (void)serve();
    ratls_store_settle(store);
    assert_int_equal(service.requests, requests + 4);
}

static void expired_is_fetched_at_once(void **state)
{
    (void)state;
    (void)serve();
    service_advance_s(31 * SERVICE_DAY);
    service_publish(service_now(), service_now() + 30 * SERVICE_DAY);
    (void)serve();
    assert_int_equal(service.requests, 8);
}

static void stale_source(void **state)
{
    (void)state;
    service_advance_s(31 * SERVICE_DAY);
    ASSERT_FAILS(refuse(), COLLATERAL_CRL_EXPIRED);
    assert_int_equal(service.requests, 1);
    ASSERT_FAILS(refuse(), COLLATERAL_CRL_EXPIRED); /* the same failure for a moment */
    assert_int_equal(service.requests, 1);
    service_advance_s(2);
    ASSERT_FAILS(refuse(), COLLATERAL_CRL_EXPIRED);
    assert_int_equal(service.requests, 2);
}

/* A source that falls back behind what it had, or a second one that is behind, takes nothing away. */
static void never_back_to_older_ones(void **state)
{
    uint64_t first;

    (void)state;
    service_advance_s(2 * SERVICE_DAY);
    service_publish(PKI_ISSUED + SERVICE_DAY, PKI_ENDS);
    first = serve();
    service_publish(PKI_ISSUED, PKI_ENDS + SERVICE_DAY);
    service_advance_s(24 * SERVICE_DAY);
    (void)serve();
    ratls_store_settle(store);
    assert_int_equal(service.requests, 8);
    assert_int_equal(serve(), first);
}

static void max_age_brings_it_forward(void **state)
{
    (void)state;
    service.cache_control = "max-age=3600";
    (void)serve();
    service_advance_s(3599);
    (void)serve();
    ratls_store_settle(store);
    assert_int_equal(service.requests, 4);
    service_advance_s(1);
    (void)serve();
    ratls_store_settle(store);
    assert_int_equal(service.requests, 8);
    assert_int_equal(service.not_modified, 4);
}

static void max_age_of_nothing_is_a_few_minutes(void **state)
{
    (void)state;
    service.cache_control = "no-store";
    (void)serve();
    service_advance_s(RATLS_STORE_FRESH_LEAST_S - 1);
    (void)serve();
    ratls_store_settle(store);
    assert_int_equal(service.requests, 4);
    service_advance_s(1);
    (void)serve();
    ratls_store_settle(store);
    assert_int_equal(service.requests, 8);
}

/* Clocks are set, forward and back: what was there serves again. */
static void clock_steps_over_the_end_and_back(void **state)
{
    uint64_t first = serve();

    (void)state;
    service_step_wall_s(40 * SERVICE_DAY);
    ASSERT_FAILS(refuse(), COLLATERAL_CRL_EXPIRED);
    service_step_wall_s(-40 * SERVICE_DAY);
    assert_int_equal(serve(), first);
    service_step_wall_s(-2 * SERVICE_DAY); /* before it was issued */
    service_advance_s(2);
    ASSERT_FAILS(refuse(), COLLATERAL_CRL_NOT_YET_VALID);
    service_step_wall_s(2 * SERVICE_DAY);
    assert_int_equal(serve(), first);
}

/* An explicit time asks about another moment and changes nothing for now. */
static void another_time(void **state)
{
    ratls_collateral_set *set = NULL;
    uint64_t first = serve();

    (void)state;
    ASSERT_FAILS(get_at(PKI_ISSUED - 1, &set), COLLATERAL_CRL_NOT_YET_VALID);
    assert_int_equal(get_at(PKI_ENDS, &set), RATLS_OK);
    ratls_collateral_set_free(set);
    assert_int_equal(serve(), first);
}

static void asked_for_in_any_case(void **state)
{
    ratls_store_wish wish = {.platform = service_platform(), .refresh = true};
    ratls_collateral_time when = service_time();
    ratls_collateral_set *set = NULL;

    (void)state;
    (void)serve();
    service_advance_s(10);
    wish.refresh_since_ms = ratls_clock_monotonic_ms();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ratls_store_get(&set, store, &wish, &when, &err), RATLS_OK);
        ratls_collateral_set_free(set);
        assert_int_equal(service.requests, 8);
    }
    service_rule_add((service_rule){"/", -1, .status = 404});
    service_advance_s(10);
    wish.refresh_since_ms = ratls_clock_monotonic_ms();
    ASSERT_FAILS(ratls_store_get(&set, store, &wish, &when, &err), COLLATERAL_NOT_FOUND);
    (void)serve();
}

/* ---- threads */

enum { THREADS = 16 };

static void *serve_in_thread(void *argument)
{
    ratls_collateral_set *set = NULL;
    const ratls_store_wish wish = {.platform = service_platform()};
    ratls_collateral_time when = service_time();
    ratls_status *status = argument;
    ratls_error *own = NULL;

    *status = ratls_store_get(&set, store, &wish, &when, &own);
    assert_int_equal(ratls_error_code(own) == *status || own == NULL, 1);
    ratls_error_free(own);
    ratls_collateral_set_free(set);
    return NULL;
}

static pthread_t threads[THREADS];
static ratls_status outcomes[THREADS];

/* While the first request is under way. */
static void start_threads(void)
{
    for (size_t i = 1; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, serve_in_thread, &outcomes[i]), 0);
    }
    (void)usleep(20000); /* let them come to wait; whether they did changes nothing that is asserted */
}

static void serve_together(void)
{
    service.during = start_threads;
    (void)serve_in_thread(&outcomes[0]);
    for (size_t i = 1; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void one_request_for_all_threads(void **state)
{
    (void)state;
    serve_together();
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(outcomes[i], RATLS_OK);
    }
    assert_int_equal(service.requests, 4);
}

static void one_failure_for_all_threads(void **state)
{
    (void)state;
    service_rule_add((service_rule){"/", -1, .status = 404});
    serve_together();
    for (size_t i = 0; i < THREADS; i++) {
        assert_string_equal(ratls_status_name(outcomes[i]), "COLLATERAL_NOT_FOUND");
    }
    assert_int_equal(service.requests, 1);
}

/* One caller's end of patience is not the others'. */
static void cancelled_is_not_for_all(void **state)
{
    ratls_store_wish wish = {.platform = service_platform()};
    ratls_collateral_time when = service_time();
    ratls_collateral_set *set = NULL;
    ratls_cancel *cancel = NULL;

    (void)state;
    assert_int_equal(ratls_cancel_new(&cancel, NULL), RATLS_OK);
    when.cancel = cancel;
    service.cancel_at_request = cancel;
    service_rule_add((service_rule){"/", 1, .status = 500});
    ASSERT_FAILS(ratls_store_get(&set, store, &wish, &when, &err), CANCELLED);
    (void)serve();
    ratls_cancel_free(cancel);
    service.cancel_at_request = NULL;
}

static void freed_while_fetching(void **state)
{
    (void)state;
    (void)serve();
    service_advance_s(25 * SERVICE_DAY);
    (void)serve(); /* and stop() frees it at once */
}

/* ---- the disk */

static void shared_through_the_disk(void **state)
{
    (void)state;
    (void)serve();
    assert_int_equal(service.requests, 4);
    start_afresh();
    (void)serve();
    assert_int_equal(service.requests, 4);
}

/* What another process has fetched anew is taken, and not fetched again. */
static void refreshed_by_another_process(void **state)
{
    ratls_store *mine = store;
    uint64_t first = serve();

    (void)state;
    service_advance_s(25 * SERVICE_DAY);
    service_publish(service_now(), service_now() + 30 * SERVICE_DAY);
    open_store(); /* the other */
    (void)serve();
    ratls_store_settle(store);
    (void)serve();
    assert_int_equal(service.requests, 8);
    ratls_store_free(store);
    store = mine;
    assert_int_equal(serve(), first);
    ratls_store_settle(store);
    assert_int_not_equal(serve(), first);
    assert_int_equal(service.requests, 8);
}

static void old_but_good_on_disk(void **state)
{
    (void)state;
    (void)serve();
    service_advance_s(29 * SERVICE_DAY);
    service_rule_add((service_rule){"/", -1, .outcome = RATLS_HTTP_UNREACHABLE});
    start_afresh();
    (void)serve();
    ratls_store_settle(store);
    assert_true(service_logged("the old one serves until"));
}

static void expired_on_disk(void **state)
{
    (void)state;
    (void)serve();
    service_advance_s(31 * SERVICE_DAY);
    service_publish(service_now(), service_now() + 30 * SERVICE_DAY);
    start_afresh();
    (void)serve();
    assert_int_equal(service.requests, 8);
}

/* Overwrite the file of each part. */
static void poison(const char *with)
{
    char command[256];

    (void)snprintf(command, sizeof command, "for f in %s/collateral-1/*.json; do %s \"$f\"; done", directory, with);
    assert_int_equal(system(command), 0);
}

static void poisoned_files_are_replaced(void **state)
{
    static const char *const poisons[] = {"truncate -s 100", "truncate -s 0", "sed -i s/UpToDate/UpToDatE/g", "sed -i s/30/31/g", "cp /etc/passwd",
                                          "cp /bin/true", "rm -f", "sed -i s/collateral.1/collateral.2/"};

    (void)state;
    (void)serve();
    for (size_t i = 0; i < sizeof poisons / sizeof poisons[0]; i++) {
        size_t before = service.requests;

        poison(poisons[i]);
        start_afresh();
        (void)serve();
        start_afresh();
        (void)serve();
        assert_true(service.requests > before || strstr(poisons[i], "UpToDate") != NULL);
        before = service.requests;
        start_afresh();
        (void)serve();
        assert_int_equal(service.requests, before);
    }
    assert_true(service_logged("is ignored and will be replaced"));
}

/* Of other people's making under another root: another name, so that the two do not fight. */
static void other_sources_have_other_files(void **state)
{
    static const char *const others[] = {SERVICE_BACKUP};
    const ratls_sources_settings given = {.urls = others, .urls_len = 1};

    (void)state;
    (void)serve();
    ratls_store_free(store);
    ratls_sources_free(settings.sources);
    assert_int_equal(ratls_sources_new(&settings.sources, &given, NULL), RATLS_OK);
    open_store();
    (void)serve();
    assert_int_equal(service_count(SERVICE_BACKUP), 4);
}

static void unusable_directory(void **state)
{
    char command[192];

    (void)state;
    (void)snprintf(command, sizeof command, "rmdir %s && touch %s", directory, directory);
    assert_int_equal(system(command), 0);
    (void)serve();
    (void)serve();
    assert_int_equal(service.requests, 4);
    assert_true(service_logged("going on from memory alone: "));
    assert_int_equal(service.lines_len, 1);
}

/* A process that hangs with the lock does not keep others from collateral. */
static void lock_that_is_never_let_go(void **state)
{
    ratls_disk_trouble trouble = {""};
    char name[128] = "", command[256];
    FILE *listing;
    int lock;

    (void)state;
    (void)serve();
    (void)snprintf(command, sizeof command, "cd %s/collateral-1 && ls *.json | head -1 && rm *.json", directory);
    listing = popen(command, "r");
    assert_non_null(fgets(name, sizeof name, listing));
    (void)pclose(listing);
    name[strcspn(name, "\n")] = '\0';
    lock = ratls_disk_lock(&settings.disk, name, 0, NULL, &trouble);
    assert_true(lock >= 0);
    start_afresh();
    (void)serve();
    assert_int_equal(service.requests, 8);
    ratls_disk_unlock(lock);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, start_with_disk, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(once), TEST(only_what_differs_for_another_platform), TEST(anew_in_the_background), TEST(a_fleet_does_not_come_all_at_once),
        TEST(unchanged_is_the_same), TEST(fetched_again_and_the_same), TEST(old_ones_serve_until_their_end), TEST(failed_refresh_is_put_off),
        TEST(expired_is_fetched_at_once), TEST(stale_source), TEST(never_back_to_older_ones), TEST(max_age_brings_it_forward),
        TEST(max_age_of_nothing_is_a_few_minutes), TEST(clock_steps_over_the_end_and_back), TEST(another_time), TEST(asked_for_in_any_case),
        TEST(one_request_for_all_threads), TEST(one_failure_for_all_threads), TEST(cancelled_is_not_for_all), TEST(freed_while_fetching),
        DISK_TEST(shared_through_the_disk), DISK_TEST(refreshed_by_another_process), DISK_TEST(old_but_good_on_disk), DISK_TEST(expired_on_disk),
        DISK_TEST(poisoned_files_are_replaced), DISK_TEST(other_sources_have_other_files), DISK_TEST(unusable_directory),
        DISK_TEST(lock_that_is_never_let_go),
    };

    return cmocka_run_group_tests(tests, service_set_up, service_tear_down);
}

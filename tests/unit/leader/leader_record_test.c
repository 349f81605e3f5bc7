#include "support/unit.h"

#include "leader/signer.h"

enum { KEY = 7, OTHER_KEY = 8, NOW = 1000, UNTIL = 2000 };

#define URL "https://there.example:5433"

static ratls_leader_expected expect(unsigned key)
{
    ratls_leader_expected expected = {.any_cluster = true};

    signer_address(expected.signer, key);
    return expected;
}

/* The record that is chosen among those, by its epoch; the failure where none is. */
static ratls_status choose(const ratls_bytes *records, size_t len, uint64_t *epoch)
{
    ratls_leader_expected expected = expect(KEY);
    ratls_leader_record *record = NULL;
    ratls_error *error = NULL;
    ratls_status status = ratls_leader_record_choose(&record, records, len, &expected, NOW, &error);

    assert_int_equal(status == RATLS_OK, record != NULL);
    assert_int_equal(status, status == RATLS_OK ? RATLS_OK : ratls_error_code(error));
    *epoch = ratls_leader_record_epoch(record);
    ratls_leader_record_free(record);
    ratls_error_free(error);
    return status;
}

static void assert_refused(ratls_bytes text, ratls_status expected_status)
{
    uint64_t epoch;

    assert_string_equal(ratls_status_name(choose(&text, 1, &epoch)), ratls_status_name(expected_status));
}

static void fields_of_a_record(void **state)
{
    ratls_leader_expected expected = expect(KEY);
    ratls_leader_record *record = NULL;
    char text[RECORD_ROOM];

    (void)state;
    assert_int_equal(ratls_leader_record_read(&record, signer_record(text, KEY, 18446744073709551615u, 'a', "https://[2001:DB8::1]:99/x", 5), &expected, NULL), RATLS_OK);
    assert_string_equal(ratls_leader_record_host(record), "2001:db8::1");
    assert_int_equal(ratls_leader_record_port(record), 99);
    assert_string_equal(ratls_leader_record_url(record), "https://[2001:DB8::1]:99/x");
    assert_string_equal(ratls_leader_record_instance(record), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_string_equal(ratls_leader_record_cluster(record), "0xc1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1");
    assert_true(ratls_leader_record_epoch(record) == UINT64_MAX);
    assert_int_equal(ratls_leader_record_valid_until(record), 5);
    assert_non_null(strstr(ratls_leader_record_json(record), "\"epoch\":18446744073709551615,"));
    assert_non_null(strstr(ratls_leader_record_json(record), "\"valid_until\":\"1970-01-01T00:00:05Z\"}"));
    ratls_leader_record_free(record);
}

static void nothing_of_no_record(void **state)
{
    (void)state;
    assert_null(ratls_leader_record_host(NULL));
    assert_null(ratls_leader_record_url(NULL));
    assert_null(ratls_leader_record_instance(NULL));
    assert_null(ratls_leader_record_cluster(NULL));
    assert_null(ratls_leader_record_json(NULL));
    assert_int_equal(ratls_leader_record_port(NULL), 0);
    assert_int_equal(ratls_leader_record_epoch(NULL), 0);
    assert_int_equal(ratls_leader_record_valid_until(NULL), 0);
    ratls_leader_record_free(NULL);
}

static void another_signer(void **state)
{
    char text[RECORD_ROOM];

    (void)state;
    assert_refused(signer_record(text, OTHER_KEY, 1, 'a', URL, UNTIL), RATLS_ERR_LEADER_SIGNATURE);
}

static void another_cluster(void **state)
{
    ratls_leader_expected expected = expect(KEY);
    ratls_leader_record *record = NULL;
    char text[RECORD_ROOM];

    (void)state;
    expected.any_cluster = false;
    memset(expected.cluster, 0xc1, sizeof expected.cluster);
    assert_int_equal(ratls_leader_record_read(&record, signer_record(text, KEY, 1, 'a', URL, UNTIL), &expected, NULL), RATLS_OK);
    ratls_leader_record_free(record);
    expected.cluster[RATLS_ADDRESS_LEN - 1] ^= 1;
    assert_int_equal(ratls_leader_record_read(&record, signer_record(text, KEY, 1, 'a', URL, UNTIL), &expected, NULL), RATLS_ERR_LEADER_CLUSTER);
    assert_null(record);
}

static void expired_at_its_last_second(void **state)
{
    char text[RECORD_ROOM];
    ratls_bytes record = signer_record(text, KEY, 1, 'a', URL, NOW + 1);
    uint64_t epoch;

    (void)state;
    assert_int_equal(choose(&record, 1, &epoch), RATLS_OK);
    assert_refused(signer_record(text, KEY, 1, 'a', URL, NOW), RATLS_ERR_LEADER_EXPIRED);
    assert_refused(signer_record(text, KEY, 1, 'a', URL, 0), RATLS_ERR_LEADER_EXPIRED);
}

static void highest_epoch_of_those_that_hold(void **state)
{
    char texts[5][RECORD_ROOM];
    ratls_bytes records[5] = {
        signer_record(texts[0], KEY, 3, 'a', URL, UNTIL),       signer_record(texts[1], OTHER_KEY, 9, 'b', URL, UNTIL),
        signer_record(texts[2], KEY, 5, 'c', URL, UNTIL),       signer_record(texts[3], KEY, 8, 'd', URL, NOW),
        {(const uint8_t *)"v=spf1 -all", 11}};
    uint64_t epoch = 0;

    (void)state;
    for (size_t shift = 0; shift < 5; shift++) {
        ratls_bytes first = records[0];

        assert_int_equal(choose(records, 5, &epoch), RATLS_OK);
        assert_int_equal(epoch, 5);
        memmove(records, records + 1, 4 * sizeof *records);
        records[4] = first;
    }
}

static void failure_of_the_one_that_came_furthest(void **state)
{
    char texts[3][RECORD_ROOM];
    const ratls_bytes records[3] = {
        {(const uint8_t *)"v=spf1 -all", 11}, signer_record(texts[1], KEY, 1, 'a', URL, NOW), signer_record(texts[2], OTHER_KEY, 9, 'b', URL, UNTIL)};
    uint64_t epoch;

    (void)state;
    assert_int_equal(choose(records, 3, &epoch), RATLS_ERR_LEADER_EXPIRED);
    assert_int_equal(choose(records, 1, &epoch), RATLS_ERR_LEADER_FORMAT);
    assert_int_equal(choose(records, 0, &epoch), RATLS_ERR_LEADER_LOOKUP);
}

static void two_leaders_of_one_epoch(void **state)
{
    char texts[3][RECORD_ROOM];
    ratls_bytes records[3] = {
        signer_record(texts[0], KEY, 5, 'a', URL, UNTIL), signer_record(texts[1], KEY, 5, 'b', URL, UNTIL),
        signer_record(texts[2], KEY, 6, 'c', URL, UNTIL)};
    uint64_t epoch;

    (void)state;
    assert_int_equal(choose(records, 2, &epoch), RATLS_ERR_LEADER_CONFLICT);
    assert_int_equal(choose(records, 3, &epoch), RATLS_OK); /* the quarrel is over */
    assert_int_equal(epoch, 6);
    records[1] = signer_record(texts[1], KEY, 5, 'b', URL, NOW); /* and one that does not hold does not count */
    assert_int_equal(choose(records, 2, &epoch), RATLS_OK);
}

/* No record that begins as a good one and ends somewhere is one, and none with a byte changed. */
static void every_byte_counts(void **state)
{
    ratls_leader_expected expected = expect(KEY);
    ratls_leader_record *record = NULL;
    char text[RECORD_ROOM];
    ratls_bytes good = signer_record(text, KEY, 12, 'a', URL, UNTIL);

    (void)state;
    for (size_t len = 0; len < good.len; len++) {
        assert_int_not_equal(ratls_leader_record_read(&record, (ratls_bytes){good.data, len}, &expected, NULL), RATLS_OK);
    }
    for (size_t i = 0; i < good.len; i++) {
        char before = text[i];

        text[i] ^= 1;
        assert_int_not_equal(ratls_leader_record_read(&record, good, &expected, NULL), RATLS_OK);
        text[i] = before;
    }
    assert_int_equal(ratls_leader_record_read(&record, good, &expected, NULL), RATLS_OK);
    ratls_leader_record_free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_a_record),
        cmocka_unit_test(nothing_of_no_record),
        cmocka_unit_test(another_signer),
        cmocka_unit_test(another_cluster),
        cmocka_unit_test(expired_at_its_last_second),
        cmocka_unit_test(highest_epoch_of_those_that_hold),
        cmocka_unit_test(failure_of_the_one_that_came_furthest),
        cmocka_unit_test(two_leaders_of_one_epoch),
        cmocka_unit_test(every_byte_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

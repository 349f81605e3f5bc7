#include "support/unit.h"

#include "base/time.h"

static int64_t seconds_of(const char *text)
{
    int64_t seconds = INT64_MIN;

    assert_true(ratls_time_parse(&seconds, (ratls_bytes){(const uint8_t *)text, strlen(text)}));
    return seconds;
}

static void known_times_have_their_seconds(void **state)
{
    (void)state;
    assert_int_equal(seconds_of("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(seconds_of("1969-12-31T23:59:59Z"), -1);
    assert_int_equal(seconds_of("2000-02-29T12:34:56Z"), 951827696);
    assert_int_equal(seconds_of("2038-01-19T03:14:08Z"), INT64_C(2147483648));
    assert_int_equal(seconds_of("9999-12-31T23:59:59Z"), INT64_C(253402300799));
    assert_int_equal(seconds_of("0000-01-01T00:00:00Z"), INT64_C(-62167219200));
}

static void days_of_25_centuries_go_out_and_come_back(void **state)
{
    char text[RATLS_TIME_TEXT_LEN + 1];

    (void)state;
    for (int64_t seconds = seconds_of("0000-01-01T00:00:00Z"); seconds < seconds_of("2500-01-01T00:00:00Z"); seconds += 9 * 86399) {
        ratls_time_write(text, seconds);
        assert_int_equal(seconds_of(text), seconds);
    }
}

static void times_outside_four_digit_years_are_clamped(void **state)
{
    char text[RATLS_TIME_TEXT_LEN + 1];

    (void)state;
    ratls_time_write(text, INT64_MAX);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
    ratls_time_write(text, INT64_MIN);
    assert_string_equal(text, "0000-01-01T00:00:00Z");
}

static void other_spellings_are_refused(void **state)
{
    static const char *const wrong[] = {
        "2025-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2025-13-01T00:00:00Z", "2025-00-01T00:00:00Z",
        "2025-01-00T00:00:00Z", "2025-04-31T00:00:00Z", "2025-01-01T24:00:00Z", "2025-01-01T00:60:00Z", "2025-01-01T00:00:60Z",
        "2025-01-01t00:00:00Z", "2025-01-01T00:00:00z", "2025-01-01 00:00:00Z", "2025-01-01T00:00:00+00:00", "2025-01-01T00:00:00",
        "2025-01-01T00:00:00.0Z", " 2025-01-01T00:00:00", "2025-01-01T00:00:-1Z", "+025-01-01T00:00:00Z", "20a5-01-01T00:00:00Z",
        "2025/01/01T00:00:00Z", "2025-01-01T00.00.00Z", "",
    };
    int64_t seconds;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(ratls_time_parse(&seconds, (ratls_bytes){(const uint8_t *)wrong[i], strlen(wrong[i])}));
    }
}

static void years_outside_four_digits_are_refused(void **state)
{
    int64_t seconds;

    (void)state;
    assert_false(ratls_time_from_civil(&seconds, 10000, 1, 1, 0, 0, 0));
    assert_false(ratls_time_from_civil(&seconds, -1, 1, 1, 0, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times_have_their_seconds),
        cmocka_unit_test(days_of_25_centuries_go_out_and_come_back),
        cmocka_unit_test(times_outside_four_digit_years_are_clamped),
        cmocka_unit_test(other_spellings_are_refused),
        cmocka_unit_test(years_outside_four_digits_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

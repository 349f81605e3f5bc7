#include "base/time.h"

#include <string.h>

enum {
    DAYS_PER_ERA = 146097, /* 400 years of the Gregorian calendar */
    DAYS_TO_1970 = 719468, /* from 0000-03-01 */
    SECONDS_PER_DAY = 86400,
    YEAR_MAX = 9999
};

#define TIME_MINIMUM INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define TIME_MAXIMUM INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

/* Days since 1970-01-01. Years are counted from March, so that the leap day is the last one. */
static int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - DAYS_TO_1970;
}

static void civil_from_days(int64_t days, int *year, int *month, int *day)
{
    int64_t shifted = days + DAYS_TO_1970;
    int64_t era = (shifted >= 0 ? shifted : shifted - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * day_of_year + 2) / 153;

    *day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2 ? 1 : 0));
}

bool ratls_time_from_civil(int64_t *out, int year, int month, int day, int hour, int minute, int second)
{
    if (year < 0 || year > YEAR_MAX || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
        return false;
    }
    *out = days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    return true;
}

/* Decimal number of exactly `len` digits; -1 when one of them is none. */
static int read_digits(const uint8_t *text, size_t len)
{
    int value = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

bool ratls_time_parse(int64_t *out, ratls_bytes text)
{
    const uint8_t *t = text.data;

    if (text.len != RATLS_TIME_TEXT_LEN || t[4] != '-' || t[7] != '-' || t[10] != 'T' || t[13] != ':' ||
        t[16] != ':' || t[19] != 'Z') {
        return false;
    }
    return ratls_time_from_civil(out, read_digits(t, 4), read_digits(t + 5, 2), read_digits(t + 8, 2),
                                 read_digits(t + 11, 2), read_digits(t + 14, 2), read_digits(t + 17, 2));
}

static void write_digits(char *out, int value, size_t len)
{
    while (len > 0) {
        out[--len] = (char)('0' + value % 10);
        value /= 10;
    }
}

void ratls_time_write(char out[RATLS_TIME_TEXT_LEN + 1], int64_t seconds)
{
    int64_t days;
    int in_day, year, month, day;

    if (seconds < TIME_MINIMUM) {
        seconds = TIME_MINIMUM;
    } else if (seconds > TIME_MAXIMUM) {
        seconds = TIME_MAXIMUM;
    }
    days = seconds / SECONDS_PER_DAY - (seconds % SECONDS_PER_DAY < 0 ? 1 : 0);
    in_day = (int)(seconds - days * SECONDS_PER_DAY);
    civil_from_days(days, &year, &month, &day);

    memcpy(out, "0000-00-00T00:00:00Z", RATLS_TIME_TEXT_LEN + 1);
    write_digits(out, year, 4);
    write_digits(out + 5, month, 2);
    write_digits(out + 8, day, 2);
    write_digits(out + 11, in_day / 3600, 2);
    write_digits(out + 14, in_day / 60 % 60, 2);
    write_digits(out + 17, in_day % 60, 2);
}

/** Times: seconds since 1970-01-01T00:00:00Z, without the C library's time zones. */
#ifndef RATLS_BASE_TIME_H
#define RATLS_BASE_TIME_H

#include "base/bytes.h"

enum { RATLS_TIME_TEXT_LEN = 20 }; /* YYYY-MM-DDThh:mm:ssZ */

/** Seconds of a date and time of the proleptic Gregorian calendar; false when there is no such. */
bool ratls_time_from_civil(int64_t *out, int year, int month, int day, int hour, int minute, int second);

/** Exactly YYYY-MM-DDThh:mm:ssZ (20 characters, upper case, a day of the calendar). */
bool ratls_time_parse(int64_t *out, ratls_bytes text);

/** RFC 3339 in UTC; years 0000 to 9999, others are clamped. */
void ratls_time_write(char out[RATLS_TIME_TEXT_LEN + 1], int64_t seconds);

#endif

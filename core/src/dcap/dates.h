/** The one comparison of dates that everything Intel signed must pass (DCAP rules 3.11). */
#ifndef RATLS_DCAP_DATES_H
#define RATLS_DCAP_DATES_H

#include "base/error.h"

/** What a date check tells when it fails. */
typedef struct {
    ratls_status not_yet_valid;
    ratls_status expired;
    const char *subject;
} ratls_date_codes;

/** from <= now <= until: the last second still counts. */
ratls_status ratls_dates_check(int64_t from, int64_t until, int64_t now, ratls_date_codes codes, ratls_error **err);

#endif

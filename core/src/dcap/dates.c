#include "dcap/dates.h"

#include "base/time.h"

ratls_status ratls_dates_check(int64_t from, int64_t until, int64_t now, ratls_date_codes codes, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char found[RATLS_TIME_TEXT_LEN + 1], expected[RATLS_TIME_TEXT_LEN + 1];

    if (from <= now && now <= until) {
        return RATLS_OK;
    }
    ratls_time_write(found, now < from ? from : until);
    ratls_time_write(expected, now);
    CHECK(from <= now, codes.not_yet_valid, ratls_detail_text("subject", codes.subject), FOUND(found), EXPECTED(expected));
    status = RAISE(err, codes.expired, ratls_detail_text("subject", codes.subject), FOUND(found), EXPECTED(expected));
out:
    return status;
}

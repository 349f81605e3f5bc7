#include "leader/txt_records.h"

#include <stdlib.h>
#include <string.h>

#include "leader/cares.h"

/* How many records there are, and bytes in them all. */
static void measure(size_t *records, size_t *bytes, const struct ares_txt_ext *strings)
{
    for (const struct ares_txt_ext *string = strings; string != NULL; string = string->next) {
        *records += string->record_start != 0 ? 1 : 0;
        *bytes += string->length;
    }
}

/* The strings come in their order; the first of a record says so. */
static void join(ratls_txt_records *out, const struct ares_txt_ext *strings)
{
    size_t filled = 0, count = 0;

    for (const struct ares_txt_ext *string = strings; string != NULL; string = string->next) {
        if (string->record_start != 0) {
            out->records[count++] = (ratls_bytes){out->bytes + filled, 0};
        }
        if (string->length > 0 && count > 0) {
            memcpy(out->bytes + filled, string->txt, string->length);
            filled += string->length;
            out->records[count - 1].len += string->length;
        }
    }
    out->records_len = count;
}

ratls_status ratls_txt_records_read(ratls_txt_records *out, ratls_bytes answer, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    struct ares_txt_ext *strings = NULL;
    ratls_txt_records made = {0};
    size_t records = 0, bytes = 0;
    int parsed;

    *out = made;
    CHECK(answer.len <= RATLS_TXT_ANSWER_MAX, RATLS_ERR_LEADER_LOOKUP, WHAT("the answer is larger than DNS allows"));
    parsed = ares_parse_txt_reply_ext(answer.data, (int)answer.len, &strings);
    CHECK(parsed != ARES_ENOMEM, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(parsed == ARES_SUCCESS, RATLS_ERR_LEADER_LOOKUP, WHAT(parsed == ARES_ENODATA ? "the name has no TXT record" : "the answer is malformed"));
    measure(&records, &bytes, strings);
    CHECK(records > 0, RATLS_ERR_LEADER_LOOKUP, WHAT("the name has no TXT record"));
    CHECK(records <= RATLS_TXT_RECORDS_MAX, RATLS_ERR_LEADER_LOOKUP, WHAT("the name has more TXT records than are examined"),
          FOUND_NUMBER(records), EXPECTED_NUMBER(RATLS_TXT_RECORDS_MAX));
    made.records = calloc(records, sizeof *made.records);
    made.bytes = malloc(bytes + 1);
    CHECK(made.records != NULL && made.bytes != NULL, RATLS_ERR_OUT_OF_MEMORY);
    join(&made, strings);
    *out = made;
    made = (ratls_txt_records){0};
    status = RATLS_OK;
out:
    ratls_txt_records_clear(&made);
    if (strings != NULL) {
        ares_free_data(strings);
    }
    return status;
}

void ratls_txt_records_clear(ratls_txt_records *records)
{
    free(records->records);
    free(records->bytes);
    *records = (ratls_txt_records){0};
}

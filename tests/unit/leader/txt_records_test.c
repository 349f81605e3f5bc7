#include "support/unit.h"

#include "leader/txt_records.h"

/* An answer to a question for TXT of "a.b", with so many records. */
#define HEAD(count) "\x12\x34\x81\x80\0\1\0" count "\0\0\0\0"
#define QUESTION "\1a\1b\0\0\x10\0\1"
#define RECORD(len) "\xc0\x0c\0\x10\0\1\0\0\0\1\0" len
#define ALIAS "\xc0\x0c\0\5\0\1\0\0\0\1\0\4\1x\xc0\x0c"

static void assert_none(ratls_bytes answer)
{
    ratls_txt_records found;
    ratls_error *error = NULL;

    assert_int_equal(ratls_txt_records_read(&found, answer, &error), RATLS_ERR_LEADER_LOOKUP);
    assert_null(found.records);
    assert_null(found.bytes);
    ratls_error_free(error);
}

static void strings_of_a_record_are_joined(void **state)
{
    ratls_txt_records found;

    (void)state;
    assert_int_equal(ratls_txt_records_read(&found, BYTES_OF(HEAD("\2") QUESTION RECORD("\x9") "\3abc\0\3de\0" RECORD("\3") "\2fg"), NULL), RATLS_OK);
    assert_int_equal(found.records_len, 2);
    ASSERT_BYTES(found.records[0], "abcde\0");
    ASSERT_BYTES(found.records[1], "fg");
    ratls_txt_records_clear(&found);
}

static void record_behind_an_alias(void **state)
{
    ratls_txt_records found;

    (void)state;
    assert_int_equal(ratls_txt_records_read(&found, BYTES_OF(HEAD("\2") QUESTION ALIAS "\1x\xc0\x0c\0\x10\0\1\0\0\0\1\0\3\2fg"), NULL), RATLS_OK);
    assert_int_equal(found.records_len, 1);
    ASSERT_BYTES(found.records[0], "fg");
    ratls_txt_records_clear(&found);
}

static void empty_record(void **state)
{
    ratls_txt_records found;

    (void)state;
    assert_int_equal(ratls_txt_records_read(&found, BYTES_OF(HEAD("\1") QUESTION RECORD("\1") "\0"), NULL), RATLS_OK);
    assert_int_equal(found.records_len, 1);
    assert_int_equal(found.records[0].len, 0);
    ratls_txt_records_clear(&found);
}

static void no_record(void **state)
{
    (void)state;
    assert_none(BYTES_OF(HEAD("\0") QUESTION));
    assert_none(BYTES_OF(HEAD("\1") QUESTION ALIAS));
}

static void cut_anywhere(void **state)
{
    ratls_bytes whole = BYTES_OF(HEAD("\2") QUESTION RECORD("\x9") "\3abc\0\3de\0" RECORD("\3") "\2fg");

    (void)state;
    for (size_t len = 0; len < whole.len; len++) {
        assert_none((ratls_bytes){whole.data, len});
    }
}

static void string_longer_than_its_record(void **state)
{
    (void)state;
    assert_none(BYTES_OF(HEAD("\1") QUESTION RECORD("\3") "\4fg"));
}

static void too_large(void **state)
{
    uint8_t *answer = calloc(1, RATLS_TXT_ANSWER_MAX + 1);

    (void)state;
    assert_non_null(answer);
    assert_none((ratls_bytes){answer, RATLS_TXT_ANSWER_MAX + 1});
    free(answer);
}

static void too_many_records(void **state)
{
    static const char head[] = "\x12\x34\x81\x80\0\1\1\1\0\0\0\0" QUESTION, record[] = RECORD("\2") "\1x";
    uint8_t answer[RATLS_TXT_ANSWER_MAX];
    size_t len = sizeof head - 1;
    ratls_txt_records found;

    (void)state;
    memcpy(answer, head, len);
    for (int i = 0; i < RATLS_TXT_RECORDS_MAX + 1; i++) {
        memcpy(answer + len, record, sizeof record - 1);
        len += sizeof record - 1;
    }
    assert_none((ratls_bytes){answer, len});
    answer[7] = 0; /* one record fewer */
    assert_int_equal(ratls_txt_records_read(&found, (ratls_bytes){answer, len - (sizeof record - 1)}, NULL), RATLS_OK);
    assert_int_equal(found.records_len, RATLS_TXT_RECORDS_MAX);
    ratls_txt_records_clear(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_of_a_record_are_joined), cmocka_unit_test(record_behind_an_alias), cmocka_unit_test(empty_record),
        cmocka_unit_test(no_record),                      cmocka_unit_test(cut_anywhere),           cmocka_unit_test(string_longer_than_its_record),
        cmocka_unit_test(too_large),                      cmocka_unit_test(too_many_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

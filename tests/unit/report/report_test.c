#include "support/unit.h"

#include "report/report.h"
#include "support/quote_builder.h"

/* Evidence format 3.5: the same report in every encoding. */
static const struct {
    const char *name;
    const char *digest;
} vectors[] = {
    {"A", "53eedc9249aaa3923ad6945811dc991e02153e0950e9d4718e0cc1b4f7ef47c2"},
    {"B", "40de40427245a6deb8dedbe207dee762f717c53b685c4ba05ebb3a08cbf2849f"},
    {"C", "bb87eea20bc5e04d9281b939b1abceb40ceaa758b67d3d1246abc08c1f4233aa"},
    {"D", "4682e6d168c84e29b7b4df0feaac7bdc10273028596f4eed5ad4b986d85c2a55"},
    {"E", "f2afa8f8cc7b970c8d6281e5490afcbda0c3855d4e6a936095fc53a2c283baa6"},
    {"F", "0efa0e1bf9ebe438e1bb7074b3d50e51d0005c8a74a9e079aa36bc6dbdf48640"},
};

static ratls_report sound(void)
{
    ratls_report report = {.wal_lsn = "0/1A2B3C8", .timestamp = 1777777777};

    assert_true(ratls_hex_read(report.controldata_hash, 32, "fe604dae479c8166c5aa158d1546083e1f167e5a1b056cd6d3e9359c58783976", 64));
    return report;
}

/* A quote whose REPORTDATA is this digest and 32 zeros. */
static ratls_parsed_quote quote_of(test_buffer *bytes, const char *digest, uint8_t **report_data)
{
    quote_spec spec = quote_spec_tdx_v4();
    ratls_parsed_quote quote;

    quote_build(bytes, &spec);
    assert_int_equal(ratls_quote_parse(&quote, buffer_bytes(bytes), NULL), RATLS_OK);
    *report_data = bytes->data + (ratls_quote_body_field(&quote, RATLS_FIELD_REPORT_DATA).data - quote.whole.data);
    memset(*report_data, 0, RATLS_REPORT_DATA_LEN);
    assert_true(ratls_hex_read(*report_data, 32, digest, 64));
    return quote;
}

static void every_encoding_is_recognised(void **state)
{
    ratls_report report = sound();

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        test_buffer bytes = {0};
        uint8_t *report_data;
        ratls_parsed_quote quote = quote_of(&bytes, vectors[i].digest, &report_data);
        const char *encoding = NULL;

        assert_int_equal(ratls_report_bind(&encoding, &report, &quote, NULL), RATLS_OK);
        assert_string_equal(encoding, vectors[i].name);
        buffer_free(&bytes);
    }
}

static void any_bit_of_report_data_flipped(void **state)
{
    ratls_report report = sound();
    test_buffer bytes = {0};
    uint8_t *report_data;
    ratls_parsed_quote quote = quote_of(&bytes, vectors[0].digest, &report_data);

    (void)state;
    for (size_t bit = 0; bit < 8 * RATLS_REPORT_DATA_LEN; bit++) {
        const char *encoding = "A";
        ratls_error *err = NULL;

        report_data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ASSERT_FAILS(ratls_report_bind(&encoding, &report, &quote, &err), err, RATLS_ERR_REPORT_DATA_UNRECOGNISED);
        assert_null(encoding);
        report_data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buffer_free(&bytes);
}

/* Concatenation alone would let characters wander from one part to the next: the hash between them has a fixed length. */
static void nothing_wanders_between_the_parts(void **state)
{
    test_buffer bytes = {0};
    uint8_t *report_data;
    ratls_parsed_quote quote = quote_of(&bytes, vectors[0].digest, &report_data);
    ratls_report report = sound();
    const char *encoding;

    (void)state;
    report.wal_lsn[8] = '\0'; /* and the 8 in front of the hash */
    assert_int_equal(ratls_report_bind(&encoding, &report, &quote, NULL), RATLS_ERR_REPORT_DATA_UNRECOGNISED);
    buffer_free(&bytes);
}

static void age(int64_t report_time, int64_t now, int64_t max_age_s, ratls_status expected)
{
    ratls_report report = {.timestamp = report_time};

    assert_string_equal(ratls_status_name(ratls_report_check_age(&report, now, max_age_s, NULL)), ratls_status_name(expected));
}

static void ages(void **state)
{
    (void)state;
    age(1000, 1000, 60, RATLS_OK);
    age(1000, 1060, 60, RATLS_OK);
    age(1000, 1061, 60, RATLS_ERR_REPORT_STALE);
    age(1005, 1000, 60, RATLS_OK);
    age(1006, 1000, 60, RATLS_ERR_REPORT_NOT_YET);
    age(0, INT64_C(253402300799), INT32_MAX, RATLS_ERR_REPORT_STALE);
    age(INT64_C(253402300799), 1, INT32_MAX, RATLS_ERR_REPORT_NOT_YET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_encoding_is_recognised),
        cmocka_unit_test(any_bit_of_report_data_flipped),
        cmocka_unit_test(nothing_wanders_between_the_parts),
        cmocka_unit_test(ages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

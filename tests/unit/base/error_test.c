#include "support/unit.h"

#include <cjson/cJSON.h>

#include "base/error.h"
#include "base/tables.h"

static ratls_error *make_error(void)
{
    ratls_error *error = NULL;

    assert_int_equal(RAISE(&error, RATLS_ERR_EVIDENCE_QUOTE_TEE_TYPE, FOUND_NUMBER(7), EXPECTED("0 (SGX)")), RATLS_ERR_EVIDENCE_QUOTE_TEE_TYPE);
    return error;
}

static void an_error_tells_its_code_and_details(void **state)
{
    ratls_error *error = make_error();

    (void)state;
    assert_int_equal(ratls_error_code(error), RATLS_ERR_EVIDENCE_QUOTE_TEE_TYPE);
    assert_int_equal(ratls_error_class(error), RATLS_CLASS_REFUSED);
    assert_string_equal(ratls_error_stage(error), "evidence");
    assert_string_equal(ratls_error_detail(error, "found"), "7");
    assert_string_equal(ratls_error_detail(error, "expected"), "0 (SGX)");
    assert_null(ratls_error_detail(error, "other"));
    assert_string_equal(ratls_error_message(error, RATLS_SPELLING_C), "quote TEE type 7 is not supported: expected 0 (SGX)");
    assert_string_equal(ratls_error_tcb_json(error), "null");
    ratls_error_free(error);
}

static void each_language_spells_options_its_way(void **state)
{
    ratls_error *error = NULL;

    (void)state;
    (void)RAISE(&error, RATLS_ERR_QUOTE_MISSING, {0});
    assert_string_equal(ratls_error_message(error, RATLS_SPELLING_PYTHON),
                        "upstream cert has no TDX attestation extension; set allow_simulator=True for non-TEE targets");
    assert_non_null(strstr(ratls_error_message(error, RATLS_SPELLING_TYPESCRIPT), "allowSimulator: true"));
    assert_non_null(strstr(ratls_error_message(error, RATLS_SPELLING_COMMAND), "--allow-simulator"));
    assert_string_equal(ratls_error_message(error, 99), ratls_error_message(error, RATLS_SPELLING_C));
    assert_string_equal(ratls_error_message(error, -1), ratls_error_message(error, RATLS_SPELLING_C));
    ratls_error_free(error);
}

static void the_first_failure_is_the_one_told(void **state)
{
    ratls_error *error = make_error();

    (void)state;
    assert_int_equal(RAISE(&error, RATLS_ERR_INTERNAL, WHAT("later")), RATLS_ERR_INTERNAL);
    assert_int_equal(ratls_error_code(error), RATLS_ERR_EVIDENCE_QUOTE_TEE_TYPE);
    ratls_error_free(error);
}

static void without_a_place_for_it_only_the_code_is_returned(void **state)
{
    (void)state;
    assert_int_equal(RAISE(NULL, RATLS_ERR_INTERNAL, WHAT("x")), RATLS_ERR_INTERNAL);
}

static void a_detail_is_no_template_and_no_control_sequence(void **state)
{
    ratls_error *error = NULL;

    (void)state;
    (void)RAISE(&error, RATLS_ERR_EVIDENCE_UNSUPPORTED_TEE, FOUND("{expected}\x1b[2J\n"));
    assert_string_equal(ratls_error_message(error, RATLS_SPELLING_C),
                        "attestation is for an unsupported TEE: found {expected}?[2J?, expected Intel TDX");
    ratls_error_free(error);
}

static void a_detail_is_utf8_without_controls(void **state)
{
    static const char stranger[] = "\xc3\xbc\xe2\x80\xa6 \x9b" "31m \xc2\x9b" "31m \xc2\xa0\x7f \xff\xfe \xe2\x80";
    ratls_error *error = NULL;

    (void)state;
    (void)RAISE(&error, RATLS_ERR_INTERNAL, WHAT(stranger));
    assert_string_equal(ratls_error_detail(error, "what"), "\xc3\xbc\xe2\x80\xa6 ?31m ?31m \xc2\xa0? ?? ??");
    ratls_error_free(error);
}

static void a_detail_cut_inside_a_character_is_utf8(void **state)
{
    ratls_error *error = NULL;
    char longer[RATLS_ERROR_DETAIL_MAX + 2];

    (void)state;
    memset(longer, 'x', sizeof longer);
    memcpy(longer + RATLS_ERROR_DETAIL_MAX - 1, "\xc3\xbc", 3);
    (void)RAISE(&error, RATLS_ERR_INTERNAL, WHAT(longer));
    assert_int_equal(strlen(ratls_error_detail(error, "what")), RATLS_ERROR_DETAIL_MAX);
    assert_int_equal(ratls_error_detail(error, "what")[RATLS_ERROR_DETAIL_MAX - 1], '?');
    ratls_error_free(error);
}

static void a_long_detail_is_cut(void **state)
{
    ratls_error *error = NULL;
    char *longer = malloc(RATLS_ERROR_DETAIL_MAX + 10);

    (void)state;
    memset(longer, 'x', RATLS_ERROR_DETAIL_MAX + 9);
    longer[RATLS_ERROR_DETAIL_MAX + 9] = '\0';
    (void)RAISE(&error, RATLS_ERR_INTERNAL, WHAT(longer));
    assert_int_equal(strlen(ratls_error_detail(error, "what")), RATLS_ERROR_DETAIL_MAX);
    ratls_error_free(error);
    free(longer);
}

static void a_long_detail_is_whole_in_the_details_only(void **state)
{
    ratls_error *error = NULL;
    char longer[RATLS_ERROR_SHOWN_MAX + 3];
    const char *message, *cut;

    (void)state;
    memset(longer, 'x', sizeof longer);
    memcpy(longer + RATLS_ERROR_SHOWN_MAX - 1, "\xc3\xbcz", 4); /* the limit lies inside the ü */
    (void)RAISE(&error, RATLS_ERR_INTERNAL, WHAT(longer));
    assert_string_equal(ratls_error_detail(error, "what"), longer);
    message = ratls_error_message(error, RATLS_SPELLING_C);
    cut = strstr(message, "x…");
    assert_non_null(cut);
    assert_int_equal(cut + 1 - strchr(message, 'x'), RATLS_ERROR_SHOWN_MAX - 1);
    assert_null(strchr(message, 'z'));
    ratls_error_free(error);
}

static void a_measurement_is_shortened_in_the_sentence_only(void **state)
{
    ratls_error *error = NULL;
    uint8_t measurement[48];

    (void)state;
    memset(measurement, 0xab, sizeof measurement);
    (void)RAISE(&error, RATLS_ERR_MRTD_NOT_ALLOWED, FOUND_HEX(measurement, sizeof measurement));
    assert_non_null(strstr(ratls_error_message(error, RATLS_SPELLING_C), "\"ababababab…abab\""));
    assert_int_equal(strlen(ratls_error_detail(error, "found")), 96);
    ratls_error_free(error);
}

static void json_is_an_object_with_every_part(void **state)
{
    ratls_error *error = NULL;
    cJSON *json;

    (void)state;
    (void)RAISE(&error, RATLS_ERR_EVIDENCE_QUOTE_TEE_TYPE, FOUND("\"7\\"), EXPECTED("0"));
    json = cJSON_Parse(ratls_error_json(error, RATLS_SPELLING_C));
    assert_non_null(json);
    assert_string_equal(cJSON_GetObjectItem(json, "code")->valuestring, "EVIDENCE_QUOTE_TEE_TYPE");
    assert_string_equal(cJSON_GetObjectItem(json, "class")->valuestring, "refused");
    assert_string_equal(cJSON_GetObjectItem(json, "stage")->valuestring, "evidence");
    assert_string_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "details"), "found")->valuestring, "\"7\\");
    cJSON_Delete(json);
    ratls_error_free(error);
}

static void a_copy_says_the_same(void **state)
{
    ratls_error *error = make_error();
    ratls_error *copy;

    (void)state;
    ratls_error_set_tcb(error, "{\"tcb_status\":\"OK\"}");
    copy = ratls_error_copy(error);
    assert_string_equal(ratls_error_json(copy, RATLS_SPELLING_C), ratls_error_json(error, RATLS_SPELLING_C));
    assert_string_equal(ratls_error_tcb_json(copy), "{\"tcb_status\":\"OK\"}");
    ratls_error_free(error);
    ratls_error_free(copy);
    assert_null(ratls_error_copy(NULL));
}

static void null_errors_are_harmless(void **state)
{
    (void)state;
    ratls_error_free(NULL);
    ratls_error_add(NULL, FOUND("x"));
    ratls_error_set_tcb(NULL, "{}");
    assert_int_equal(ratls_error_code(NULL), RATLS_ERR_INTERNAL);
    assert_int_equal(ratls_error_class(NULL), RATLS_CLASS_UNAVAILABLE);
    assert_non_null(ratls_error_stage(NULL));
    assert_non_null(ratls_error_message(NULL, RATLS_SPELLING_C));
    assert_null(ratls_error_detail(NULL, "found"));
    assert_non_null(ratls_error_json(NULL, RATLS_SPELLING_C));
    assert_string_equal(ratls_error_tcb_json(NULL), "null");
    ratls_bytes_free(NULL);
}

static void a_detail_without_a_name_is_not_there(void **state)
{
    ratls_error *error = make_error();

    (void)state;
    assert_null(ratls_error_detail(error, NULL));
    ratls_error_free(error);
}

static void every_code_has_a_name_and_a_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < ratls_code_row_count; i++) {
        assert_string_equal(ratls_status_name(ratls_code_rows[i].value), ratls_code_rows[i].name);
        assert_in_range(ratls_status_class(ratls_code_rows[i].value), RATLS_CLASS_USAGE, RATLS_CLASS_UNAVAILABLE);
    }
    assert_string_equal(ratls_status_name(RATLS_OK), "OK");
    assert_int_equal(ratls_status_class(RATLS_OK), RATLS_CLASS_NONE);
    assert_string_equal(ratls_status_name(-1), "UNKNOWN");
    assert_int_equal(ratls_status_class(-1), RATLS_CLASS_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_tells_its_code_and_details),
        cmocka_unit_test(each_language_spells_options_its_way),
        cmocka_unit_test(the_first_failure_is_the_one_told),
        cmocka_unit_test(without_a_place_for_it_only_the_code_is_returned),
        cmocka_unit_test(a_detail_is_no_template_and_no_control_sequence),
        cmocka_unit_test(a_detail_is_utf8_without_controls),
        cmocka_unit_test(a_detail_cut_inside_a_character_is_utf8),
        cmocka_unit_test(a_long_detail_is_cut),
        cmocka_unit_test(a_long_detail_is_whole_in_the_details_only),
        cmocka_unit_test(a_measurement_is_shortened_in_the_sentence_only),
        cmocka_unit_test(json_is_an_object_with_every_part),
        cmocka_unit_test(a_copy_says_the_same),
        cmocka_unit_test(null_errors_are_harmless),
        cmocka_unit_test(a_detail_without_a_name_is_not_there),
        cmocka_unit_test(every_code_has_a_name_and_a_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

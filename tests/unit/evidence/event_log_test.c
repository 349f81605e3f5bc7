#include "support/unit.h"

#include "evidence/event_log.h"

static ratls_bytes text(const char *literal)
{
    return (ratls_bytes){(const uint8_t *)literal, strlen(literal)};
}

static ratls_event runtime(const char *name, ratls_bytes payload, uint32_t version)
{
    return (ratls_event){.imr = 3, .type = RATLS_RUNTIME_EVENT, .version = version, .name = text(name), .payload = payload};
}

static const uint8_t app_id[] = {0x5b, 0xb4, 0xff, 0x9a, 0x38, 0x37, 0x35, 0x7f, 0x19, 0xdc,
                                 0x17, 0x64, 0x07, 0xa5, 0x70, 0x9c, 0x62, 0xeb, 0x6c, 0x56};

static void assert_digest(const ratls_event *event, const char *expected)
{
    uint8_t digest[RATLS_SHA384_LEN];
    char hex[2 * sizeof digest + 1];

    assert_int_equal(ratls_event_digest(digest, event, NULL), RATLS_OK);
    ratls_hex_write(hex, digest, sizeof digest);
    assert_string_equal(hex, expected);
}

/* Evidence format 4.3. */
static void digests_of_both_versions(void **state)
{
    ratls_event event = runtime("app-id", (ratls_bytes){app_id, sizeof app_id}, 1);

    (void)state;
    assert_digest(&event, "ddd202447c612b8bb8723d2ce3b9882b7cfc0ede203c36b15639cc80b181b61a7692850c5333a1c6effef82a73d0a4f2");
    event.version = 2;
    assert_digest(&event, "f47c886443745c881b9b56ff908516c83817f25ca9187bfa4e972959281128e3220d47ce057e580e30eb57bfdc04d69a");
}

static void assert_preimage(const ratls_event *event, const char *expected)
{
    ratls_text out = {0};

    ratls_event_preimage(&out, event);
    assert_string_equal(out.data, expected);
    ratls_text_clear(&out);
}

/* RFC 8785: names for five controls, numbers for the others, nothing else is escaped. */
static void names_of_version_2_are_canonical(void **state)
{
    ratls_event event = runtime("\b\f\n\r\t\"\\/\x01\x1f\x7f \xc3\xbc", (ratls_bytes){0}, 2);

    (void)state;
    assert_preimage(&event, "{\"name\":\"\\b\\f\\n\\r\\t\\\"\\\\/\\u0001\\u001f\x7f \xc3\xbc\",\"payload\":\"\",\"type\":134217729}");
    event.name = (ratls_bytes){(const uint8_t *)"a\0b", 3};
    assert_preimage(&event, "{\"name\":\"a\\u0000b\",\"payload\":\"\",\"type\":134217729}");
}

static ratls_status parse(ratls_event_list *list, bool *readable, const char *json, ratls_error **err)
{
    *list = (ratls_event_list){0};
    return ratls_events_parse_json(list, readable, text(json), err);
}

static void a_log_is_read_and_written(void **state)
{
    static const char json[] =
        "[{\"imr\":0,\"event_type\":2147483659,\"digest\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        "202122232425262728292a2b2c2d2e2f\",\"event\":\"\",\"event_payload\":\"\"},"
        "{\"imr\":3,\"event_type\":134217729,\"digest\":\"\",\"event\":\"a \\\"b\\\"\",\"event_payload\":\"00ff\",\"version\":2}]";
    ratls_event_list list;
    ratls_text out = {0};
    bool readable = false;

    (void)state;
    assert_int_equal(parse(&list, &readable, json, NULL), RATLS_OK);
    assert_true(readable);
    assert_int_equal(list.len, 2);
    assert_int_equal(list.events[0].type, 2147483659);
    assert_true(list.events[0].has_digest);
    assert_int_equal(list.events[0].digest[47], 0x2f);
    assert_false(list.events[1].has_digest);
    ASSERT_BYTES(list.events[1].name, "a \"b\"");
    ASSERT_BYTES(list.events[1].payload, "\x00\xff");
    assert_int_equal(list.events[1].version, 2);
    ratls_events_write_json(&out, &list);
    assert_string_equal(out.data, json);
    ratls_text_clear(&out);
    ratls_events_clear(&list);
}

/* Evidence format 11: what is no log at all is as good as none; two genuine certificates have such. */
static void what_is_no_log_is_not_read(void **state)
{
    static const char *const others[] = {"", "bar", "{}", "[1]", "[[]]", "[{}", "[{\"imr\":1.0}]", "[{\"imr\":1,\"imr\":1}]",
                                         "{\"imr\":3,\"event_type\":1}\n{\"imr\":3}", "ELGZv1\x1f\x8b"};

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        ratls_event_list list;
        bool readable = true;

        assert_int_equal(parse(&list, &readable, others[i], NULL), RATLS_OK);
        assert_false(readable);
        assert_int_equal(list.len, 0);
        ratls_events_clear(&list);
    }
}

static void an_empty_log_is_a_log(void **state)
{
    ratls_event_list list;
    bool readable = false;

    (void)state;
    assert_int_equal(parse(&list, &readable, " [ ] ", NULL), RATLS_OK);
    assert_true(readable);
    assert_int_equal(list.len, 0);
    ratls_events_clear(&list);
}

/* The key's case counts: what is spelt otherwise is another member, which is not known. */
static void members_in_another_case_are_not_known(void **state)
{
    ratls_event_list list;
    bool readable = false;

    (void)state;
    assert_int_equal(parse(&list, &readable, "[{\"imr\":3,\"event_type\":1,\"event\":\"\",\"event_payload\":\"\",\"DIGEST\":1,\"Version\":9}]", NULL), RATLS_OK);
    assert_int_equal(list.len, 1);
    assert_false(list.events[0].has_digest);
    assert_int_equal(list.events[0].version, 1);
    ratls_events_clear(&list);
}

static void an_entry_tells_where_it_is(void **state)
{
    ratls_event_list list;
    ratls_error *err = NULL;
    bool readable = false;

    (void)state;
    assert_int_equal(parse(&list, &readable, "[{\"imr\":3,\"event_type\":1,\"event\":\"a\",\"event_payload\":\"\"},"
                                             "{\"imr\":4,\"event_type\":1,\"event\":\"b\",\"event_payload\":\"\"}]", &err),
                     RATLS_ERR_EVIDENCE_EVENT_LOG_RULE);
    assert_string_equal(ratls_error_message(err, RATLS_SPELLING_C), "event log, event 1 (\"b\"): it has no register from 0 to 3");
    ratls_error_free(err);
    ratls_events_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_of_both_versions),
        cmocka_unit_test(names_of_version_2_are_canonical),
        cmocka_unit_test(a_log_is_read_and_written),
        cmocka_unit_test(what_is_no_log_is_not_read),
        cmocka_unit_test(an_empty_log_is_a_log),
        cmocka_unit_test(members_in_another_case_are_not_known),
        cmocka_unit_test(an_entry_tells_where_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

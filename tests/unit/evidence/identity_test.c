#include "support/unit.h"

#include "evidence/identity.h"
#include "evidence/mr_config_id.h"
#include "support/quote_builder.h"

/* A log with its quote. */
typedef struct {
    ratls_event_list events;
    test_buffer quote;
    ratls_parsed_quote parsed;
} fixture;

static const char key_provider[] = "{\"name\":\"kms\",\"id\":\"3059\"}";

static void add(fixture *f, const char *name, const void *payload, size_t len)
{
    ratls_event event = {.imr = 3, .type = RATLS_RUNTIME_EVENT, .version = 1, .name = {(const uint8_t *)name, strlen(name)}, .payload = {payload, len}};

    assert_int_equal(ratls_events_add(&f->events, &event, NULL), RATLS_OK);
}

static uint8_t *field_of(fixture *f, ratls_field field)
{
    return f->quote.data + (ratls_quote_body_field(&f->parsed, field).data - f->parsed.whole.data);
}

/* Make the quote that has measured the events. */
static void measure(fixture *f)
{
    quote_spec spec = quote_spec_tdx_v4();

    quote_build(&f->quote, &spec);
    assert_int_equal(ratls_quote_parse(&f->parsed, buffer_bytes(&f->quote), NULL), RATLS_OK);
    assert_int_equal(ratls_identity_replay(field_of(f, RATLS_FIELD_RTMR3), &f->events, 3, NULL), RATLS_OK);
    memset(field_of(f, RATLS_FIELD_MR_CONFIG_ID), 0, RATLS_MEASUREMENT_LEN);
}

static fixture sound(void)
{
    static const uint8_t app_id[20] = {1}, compose_hash[32] = {2}, instance_id[20] = {3}, os_image_hash[32] = {4};
    fixture f = {0};

    add(&f, "system-preparing", "", 0);
    add(&f, "app-id", app_id, sizeof app_id);
    add(&f, "compose-hash", compose_hash, sizeof compose_hash);
    add(&f, "instance-id", instance_id, sizeof instance_id);
    add(&f, "os-image-hash", os_image_hash, sizeof os_image_hash);
    add(&f, "key-provider", key_provider, sizeof key_provider - 1);
    add(&f, "system-ready", "", 0);
    measure(&f);
    return f;
}

static void drop(fixture *f)
{
    ratls_events_clear(&f->events);
    buffer_free(&f->quote);
}

static ratls_status establish(ratls_identity *out, const fixture *f, ratls_error **err)
{
    ratls_identity_sources sources = {.events = &f->events};

    return ratls_identity_establish(out, &f->parsed, &sources, err);
}

static void a_log_that_replays_tells_the_application(void **state)
{
    fixture f = sound();
    ratls_identity identity;
    char *provider;

    (void)state;
    assert_int_equal(establish(&identity, &f, NULL), RATLS_OK);
    assert_true(identity.replayed && identity.has_app_id && identity.has_instance_id && identity.has_os_image_hash);
    assert_int_equal(identity.compose_hash_source, RATLS_COMPOSE_HASH_EVENT_LOG);
    assert_int_equal(ratls_identity_field(&identity, RATLS_FIELD_COMPOSE_HASH).data[0], 2);
    provider = ratls_identity_key_provider(&identity);
    assert_string_equal(provider, "kms:3059");
    free(provider);
    drop(&f);
}

/* Nothing but what is known has a value, and only what names an application. */
static void what_is_not_known_is_empty(void **state)
{
    ratls_identity nothing = {0};

    (void)state;
    for (ratls_field field = 0; field < RATLS_FIELD_COUNT; field++) {
        assert_int_equal(ratls_identity_field(&nothing, field).len, 0);
    }
    assert_null(ratls_identity_key_provider(&nothing));
    assert_null(ratls_compose_hash_source_name(nothing.compose_hash_source));
}

static void a_refusal_leaves_nothing_behind(const fixture *f, ratls_status code)
{
    ratls_identity identity, nothing = {0};
    ratls_error *err = NULL;

    memset(&identity, 0xff, sizeof identity);
    ASSERT_FAILS(establish(&identity, f, &err), err, code);
    assert_memory_equal(&identity, &nothing, sizeof nothing);
}

/* Every bit of every name and payload. */
static void any_bit_of_the_log_flipped(void **state)
{
    fixture f = sound();

    (void)state;
    for (size_t i = 0; i < f.events.len; i++) {
        ratls_event *event = &f.events.events[i];
        uint8_t *bytes = (uint8_t *)(uintptr_t)event->name.data; /* and the payload behind it */

        for (size_t bit = 0; bit < 8 * (event->name.len + event->payload.len); bit++) {
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            a_refusal_leaves_nothing_behind(&f, RATLS_ERR_EVIDENCE_EVENT_LOG_REPLAY);
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    drop(&f);
}

static void any_bit_of_the_register_flipped(void **state)
{
    fixture f = sound();
    uint8_t *rtmr3 = field_of(&f, RATLS_FIELD_RTMR3);

    (void)state;
    for (size_t bit = 0; bit < 8 * RATLS_MEASUREMENT_LEN; bit++) {
        rtmr3[bit / 8] ^= (uint8_t)(1 << bit % 8);
        a_refusal_leaves_nothing_behind(&f, RATLS_ERR_EVIDENCE_EVENT_LOG_REPLAY);
        rtmr3[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    drop(&f);
}

static void any_two_events_exchanged(void **state)
{
    fixture f = sound();

    (void)state;
    for (size_t i = 0; i < f.events.len; i++) {
        for (size_t j = i + 1; j < f.events.len; j++) {
            ratls_event first = f.events.events[i];

            f.events.events[i] = f.events.events[j];
            f.events.events[j] = first;
            a_refusal_leaves_nothing_behind(&f, RATLS_ERR_EVIDENCE_EVENT_LOG_REPLAY);
            f.events.events[j] = f.events.events[i];
            f.events.events[i] = first;
        }
    }
    drop(&f);
}

static void any_event_in_another_register(void **state)
{
    fixture f = sound();

    (void)state;
    for (size_t i = 0; i < f.events.len; i++) {
        for (uint32_t imr = 0; imr < 3; imr++) {
            f.events.events[i].imr = imr;
            a_refusal_leaves_nothing_behind(&f, RATLS_ERR_EVIDENCE_EVENT_LOG_REPLAY);
        }
        f.events.events[i].imr = 3;
    }
    drop(&f);
}

/* A name with a NUL is another name than what stands before the NUL. */
static void a_name_with_a_nul(void **state)
{
    fixture f = {0};
    static const uint8_t app_id[20] = {1};
    ratls_event event = {.imr = 3, .type = RATLS_RUNTIME_EVENT, .version = 1, .name = {(const uint8_t *)"app-id\0", 7}, .payload = {app_id, 20}};
    ratls_identity identity;

    (void)state;
    assert_int_equal(ratls_events_add(&f.events, &event, NULL), RATLS_OK);
    measure(&f);
    assert_int_equal(establish(&identity, &f, NULL), RATLS_OK);
    assert_true(identity.replayed);
    assert_false(identity.has_app_id);
    drop(&f);
}

static void an_enclave_has_no_application(void **state)
{
    fixture f = sound();
    quote_spec spec = quote_spec_sgx(3);
    test_buffer enclave = {0};
    ratls_parsed_quote parsed;
    ratls_identity identity;
    ratls_identity_sources sources = {.events = &f.events};

    (void)state;
    quote_build(&enclave, &spec);
    assert_int_equal(ratls_quote_parse(&parsed, buffer_bytes(&enclave), NULL), RATLS_OK);
    assert_int_equal(ratls_identity_establish(&identity, &parsed, &sources, NULL), RATLS_OK);
    assert_false(identity.replayed);
    buffer_free(&enclave);
    drop(&f);
}

/* ---- MRCONFIGID */

static void version_01_tells_the_compose_hash(void **state)
{
    fixture f = {0};
    ratls_identity identity;
    ratls_identity_sources none = {0};

    (void)state;
    measure(&f);
    field_of(&f, RATLS_FIELD_MR_CONFIG_ID)[0] = 1;
    field_of(&f, RATLS_FIELD_MR_CONFIG_ID)[32] = 7;
    assert_int_equal(ratls_identity_establish(&identity, &f.parsed, &none, NULL), RATLS_OK);
    assert_int_equal(identity.compose_hash_source, RATLS_COMPOSE_HASH_MR_CONFIG_ID);
    assert_int_equal(identity.compose_hash[31], 7);
    for (size_t i = 33; i < RATLS_MEASUREMENT_LEN; i++) {
        field_of(&f, RATLS_FIELD_MR_CONFIG_ID)[i] = 1;
        assert_int_equal(ratls_identity_establish(&identity, &f.parsed, &none, NULL), RATLS_OK);
        assert_int_equal(identity.compose_hash_source, RATLS_COMPOSE_HASH_UNKNOWN);
        field_of(&f, RATLS_FIELD_MR_CONFIG_ID)[i] = 0;
    }
    drop(&f);
}

static void any_bit_of_version_01_flipped_contradicts_the_log(void **state)
{
    fixture f = sound();
    uint8_t *id = field_of(&f, RATLS_FIELD_MR_CONFIG_ID);
    ratls_identity identity;

    (void)state;
    id[0] = 1;
    id[1] = 2; /* the log's */
    assert_int_equal(establish(&identity, &f, NULL), RATLS_OK);
    assert_int_equal(identity.compose_hash_source, RATLS_COMPOSE_HASH_EVENT_LOG);
    for (size_t bit = 8; bit < 8 * 33; bit++) {
        id[bit / 8] ^= (uint8_t)(1 << bit % 8);
        a_refusal_leaves_nothing_behind(&f, RATLS_ERR_EVIDENCE_MR_CONFIG_ID);
        id[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    drop(&f);
}

static void a_hash_tells_nothing_by_itself(void **state)
{
    fixture f = {0};
    ratls_identity identity;
    ratls_identity_sources none = {0};

    (void)state;
    measure(&f);
    for (uint8_t version = 0; version < 6; version++) {
        memset(field_of(&f, RATLS_FIELD_MR_CONFIG_ID), 0, RATLS_MEASUREMENT_LEN);
        field_of(&f, RATLS_FIELD_MR_CONFIG_ID)[0] = version;
        field_of(&f, RATLS_FIELD_MR_CONFIG_ID)[1] = 7;
        assert_int_equal(ratls_identity_establish(&identity, &f.parsed, &none, NULL), RATLS_OK);
        assert_int_equal(identity.compose_hash_source == RATLS_COMPOSE_HASH_UNKNOWN, version != 1);
        assert_int_equal(ratls_mr_config_id_is_hash(&f.parsed), version == 2 || version == 3);
    }
    drop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_that_replays_tells_the_application),
        cmocka_unit_test(what_is_not_known_is_empty),
        cmocka_unit_test(any_bit_of_the_log_flipped),
        cmocka_unit_test(any_bit_of_the_register_flipped),
        cmocka_unit_test(any_two_events_exchanged),
        cmocka_unit_test(any_event_in_another_register),
        cmocka_unit_test(a_name_with_a_nul),
        cmocka_unit_test(an_enclave_has_no_application),
        cmocka_unit_test(version_01_tells_the_compose_hash),
        cmocka_unit_test(any_bit_of_version_01_flipped_contradicts_the_log),
        cmocka_unit_test(a_hash_tells_nothing_by_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The JSON form of an event log, and what is made of it. */
#include "evidence/identity.h"
#include "fuzz.h"

/* What was read is written as it would be read again. */
static void write_and_read(const ratls_event_list *list)
{
    ratls_event_list again = {0};
    ratls_text text = {0};
    bool readable = false;

    ratls_events_write_json(&text, list);
    if (text.len <= RATLS_EVENT_LOG_SIZE_MAX) {
        MUST(ratls_events_parse_json(&again, &readable, (ratls_bytes){(const uint8_t *)text.data, text.len}, NULL) == RATLS_OK && readable);
        MUST(again.len == list->len);
    }
    for (size_t i = 0; i < again.len; i++) {
        MUST(ratls_bytes_equal(again.events[i].name, list->events[i].name));
        MUST(ratls_bytes_equal(again.events[i].payload, list->events[i].payload));
    }
    ratls_events_clear(&again);
    ratls_text_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ratls_event_list list = {0};
    ratls_error *error = NULL;
    ratls_identity identity;
    uint8_t value[RATLS_SHA384_LEN];
    bool readable = false;

    if (ratls_events_parse_json(&list, &readable, (ratls_bytes){data, size}, &error) == RATLS_OK) {
        MUST(error == NULL && (readable || list.len == 0));
        write_and_read(&list);
        (void)ratls_identity_replay(value, &list, RATLS_RUNTIME_REGISTER, NULL);
        if (ratls_identity_read_events(&identity, &list, NULL) != RATLS_OK) {
            MUST(!identity.has_app_id && identity.key_provider_name[0] == '\0');
        }
    } else {
        MUST(ratls_error_message(error, RATLS_SPELLING_C) != NULL);
    }
    ratls_error_free(error);
    ratls_events_clear(&list);
    return 0;
}

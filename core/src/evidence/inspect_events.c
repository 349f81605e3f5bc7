#include "evidence/inspect_events.h"

#include <stdlib.h>
#include <string.h>

#include "base/tables.h"

/* Of a runtime event the digest that its name and payload have; of another the one that the log gives. */
static ratls_status digest_of(uint8_t out[RATLS_SHA384_LEN], const ratls_event *event)
{
    if (event->imr == RATLS_RUNTIME_REGISTER && event->type == RATLS_RUNTIME_EVENT) {
        return ratls_event_digest(out, event, NULL);
    }
    memcpy(out, event->digest, RATLS_SHA384_LEN);
    return RATLS_OK;
}

/* Right, wrong, or not to be told: nobody gave one, or only firmware knows what it is of. */
static const char *judge_digest(const ratls_event *event, const uint8_t digest[RATLS_SHA384_LEN])
{
    bool same = ratls_bytes_equal((ratls_bytes){event->digest, sizeof event->digest}, (ratls_bytes){digest, RATLS_SHA384_LEN});

    if (!event->has_digest || event->imr != RATLS_RUNTIME_REGISTER || event->type != RATLS_RUNTIME_EVENT) {
        return "null";
    }
    return same ? "true" : "false";
}

static void add_event(ratls_text *out, const ratls_event *event)
{
    uint8_t digest[RATLS_SHA384_LEN];
    bool known = digest_of(digest, event) == RATLS_OK && (event->has_digest || event->imr == RATLS_RUNTIME_REGISTER);

    ratls_text_add(out, "{\"register\":");
    ratls_text_add_number(out, event->imr);
    ratls_text_add(out, ",\"event_type\":");
    ratls_text_add_number(out, event->type);
    ratls_text_add(out, ",\"event\":");
    ratls_event_write_name(out, event->name);
    ratls_text_add(out, ",\"payload\":\"");
    ratls_text_add_hex(out, event->payload.data, event->payload.len);
    ratls_text_add(out, "\",\"digest\":");
    if (known) {
        ratls_text_add(out, "\"");
        ratls_text_add_hex(out, digest, sizeof digest);
        ratls_text_add(out, "\"");
    } else {
        ratls_text_add(out, "null");
    }
    ratls_text_add(out, ",\"digest_ok\":");
    ratls_text_add(out, known ? judge_digest(event, digest) : "null");
    ratls_text_add(out, "}");
}

void ratls_inspect_events(ratls_text *out, const ratls_event_list *events)
{
    if (events == NULL) {
        return;
    }
    ratls_text_add(out, "[");
    for (size_t i = 0; i < events->len; i++) {
        ratls_text_add(out, i == 0 ? "" : ",");
        add_event(out, &events->events[i]);
    }
    ratls_text_add(out, "]");
}

static bool explains(const ratls_parsed_quote *quote, ratls_field field, const ratls_event_list *events, uint32_t imr)
{
    uint8_t replayed[RATLS_SHA384_LEN];
    ratls_bytes value = ratls_quote_body_field(quote, field);

    return !ratls_bytes_all_zero(value) && ratls_identity_replay(replayed, events, imr, NULL) == RATLS_OK &&
           ratls_bytes_equal(value, (ratls_bytes){replayed, sizeof replayed});
}

void ratls_inspect_explained(ratls_text *out, const ratls_parsed_quote *quote, const ratls_event_list *events)
{
    static const ratls_field registers[RATLS_REGISTERS] = {RATLS_FIELD_RTMR0, RATLS_FIELD_RTMR1, RATLS_FIELD_RTMR2, RATLS_FIELD_RTMR3};
    const char *separator = "[";

    if (events == NULL) {
        return;
    }
    for (uint32_t imr = 0; imr < RATLS_REGISTERS; imr++) {
        if (explains(quote, registers[imr], events, imr)) {
            ratls_text_add(out, separator);
            ratls_text_add_json_string(out, ratls_field_rows[registers[imr]].name);
            separator = ",";
        }
    }
    ratls_text_add(out, separator[0] == '[' ? "[]" : "]");
}

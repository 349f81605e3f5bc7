#include "evidence/event_log.h"

#include <stdlib.h>
#include <string.h>

enum { LIST_FIRST_CAPACITY = 16 };

static bool make_room(ratls_event_list *list)
{
    size_t capacity = list->capacity == 0 ? LIST_FIRST_CAPACITY : 2 * list->capacity;
    ratls_event *grown;

    if (list->len < list->capacity) {
        return true;
    }
    grown = realloc(list->events, capacity * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    list->events = grown;
    list->capacity = capacity;
    return true;
}

static uint8_t *append(uint8_t *at, ratls_bytes *bytes)
{
    if (bytes->len > 0) {
        memcpy(at, bytes->data, bytes->len);
    }
    bytes->data = at;
    return at + bytes->len;
}

ratls_status ratls_events_add(ratls_event_list *list, const ratls_event *event, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_event copy = *event;
    uint8_t *owned;

    CHECK(make_room(list), RATLS_ERR_OUT_OF_MEMORY);
    /* One block for all three: the name's address is what is freed. */
    owned = malloc(copy.name.len + copy.payload.len + copy.preimage.len + 1);
    CHECK(owned != NULL, RATLS_ERR_OUT_OF_MEMORY);
    (void)append(append(append(owned, &copy.name), &copy.payload), &copy.preimage);
    list->events[list->len++] = copy;
    status = RATLS_OK;
out:
    return status;
}

void ratls_events_clear(ratls_event_list *list)
{
    for (size_t i = 0; i < list->len; i++) {
        free((void *)list->events[i].name.data);
    }
    free(list->events);
    *list = (ratls_event_list){0};
}

/* A string as RFC 8785 writes it, which has names for five controls. Input is UTF-8. */
static void add_canonical_string(ratls_text *out, ratls_bytes text)
{
    static const char named[] = "\b\f\n\r\t\"\\";
    static const char letters[] = "bfnrt\"\\";

    ratls_text_add(out, "\"");
    for (size_t i = 0; i < text.len; i++) {
        const char *found = memchr(named, text.data[i], sizeof named - 1);

        if (found != NULL) {
            ratls_text_add(out, "\\");
            ratls_text_add_bytes(out, &letters[found - named], 1);
        } else if (text.data[i] < 0x20) {
            ratls_text_add(out, "\\u00");
            ratls_text_add_hex(out, &text.data[i], 1);
        } else {
            ratls_text_add_bytes(out, (const char *)&text.data[i], 1);
        }
    }
    ratls_text_add(out, "\"");
}

/* Evidence format 4.3. */
void ratls_event_preimage(ratls_text *out, const ratls_event *event)
{
    if (event->version == 2) {
        ratls_text_add(out, "{\"name\":");
        add_canonical_string(out, event->name);
        ratls_text_add(out, ",\"payload\":\"");
        ratls_text_add_hex(out, event->payload.data, event->payload.len);
        ratls_text_add(out, "\",\"type\":");
        ratls_text_add_number(out, event->type);
        ratls_text_add(out, "}");
        return;
    }
    for (size_t i = 0; i < sizeof event->type; i++) {
        char octet = (char)(event->type >> (8 * i));

        ratls_text_add_bytes(out, &octet, 1);
    }
    ratls_text_add(out, ":");
    ratls_text_add_bytes(out, (const char *)event->name.data, event->name.len);
    ratls_text_add(out, ":");
    ratls_text_add_bytes(out, (const char *)event->payload.data, event->payload.len);
}

ratls_status ratls_event_digest(uint8_t out[RATLS_SHA384_LEN], const ratls_event *event, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text preimage = {0};

    ratls_event_preimage(&preimage, event);
    CHECK(!preimage.failed, RATLS_ERR_OUT_OF_MEMORY);
    TRY(ratls_sha384(out, (ratls_bytes){(const uint8_t *)preimage.data, preimage.len}, (ratls_bytes){0}, err));
    status = RATLS_OK;
out:
    ratls_text_clear(&preimage);
    return status;
}

ratls_status ratls_event_extend(uint8_t value[RATLS_SHA384_LEN], const uint8_t digest[RATLS_SHA384_LEN], ratls_error **err)
{
    return ratls_sha384(value, (ratls_bytes){value, RATLS_SHA384_LEN}, (ratls_bytes){digest, RATLS_SHA384_LEN}, err);
}

/** Event logs of dstack guests: what was measured into RTMR0 to RTMR3, and the replay of it (evidence format, section 4). */
#ifndef RATLS_EVIDENCE_EVENT_LOG_H
#define RATLS_EVIDENCE_EVENT_LOG_H

#include "base/digest.h"
#include "base/text.h"

enum {
    RATLS_EVENTS_MAX = 4096, /* of one list in an envelope, or of a log as JSON */
    RATLS_EVENT_NAME_MAX = 256,
    RATLS_EVENT_PAYLOAD_MAX = 1 << 20,
    RATLS_EVENT_LOG_SIZE_MAX = 1 << 20, /* bytes of the JSON form */
    RATLS_REGISTERS = 4,                /* RTMR0 to RTMR3 */
    RATLS_RUNTIME_REGISTER = 3,
    RATLS_RUNTIME_EVENT = 0x08000001
};

/** One event. In a list, name and payload are the list's. */
typedef struct {
    uint32_t imr;  /* register, 0 to 3 */
    uint32_t type;
    uint32_t version; /* of the digest's form: 1 or 2 */
    bool has_digest;
    uint8_t digest[RATLS_SHA384_LEN]; /* as the log gives it */
    ratls_bytes name;
    ratls_bytes payload;
    ratls_bytes preimage; /* of the digest, as the log gives it; empty: not given */
} ratls_event;

/** Events in the order in which they were measured; owns them. */
typedef struct {
    ratls_event *events;
    size_t len;
    size_t capacity;
} ratls_event_list;

/** Add a copy. How many there may be, the parsers say. */
ratls_status ratls_events_add(ratls_event_list *list, const ratls_event *event, ratls_error **err);

void ratls_events_clear(ratls_event_list *list);

/** Read the JSON form into an empty list. *readable is false, and nothing is read, for what is not a JSON array of
 *  objects at all; once it is one, anything wrong with an entry is an error. `list` is the caller's to clear. */
ratls_status ratls_events_parse_json(ratls_event_list *list, bool *readable, ratls_bytes json, ratls_error **err);

/** An event's name as a JSON string. */
void ratls_event_write_name(ratls_text *out, ratls_bytes name);

/** The list in the JSON form; nothing but what ratls_events_parse_json() reads. */
void ratls_events_write_json(ratls_text *out, const ratls_event_list *list);

/** What extends RTMR3 for a runtime event: SHA-384 of the preimage that its version prescribes. */
ratls_status ratls_event_digest(uint8_t out[RATLS_SHA384_LEN], const ratls_event *event, ratls_error **err);

/** That preimage. */
void ratls_event_preimage(ratls_text *out, const ratls_event *event);

/** R = SHA-384(R ‖ digest). */
ratls_status ratls_event_extend(uint8_t value[RATLS_SHA384_LEN], const uint8_t digest[RATLS_SHA384_LEN], ratls_error **err);

#endif

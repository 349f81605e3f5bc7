/** What an inspection shows of an event log: every event with its digest, and what they explain. */
#ifndef RATLS_EVIDENCE_INSPECT_EVENTS_H
#define RATLS_EVIDENCE_INSPECT_EVENTS_H

#include "evidence/identity.h"

/** Add the events as a JSON array; nothing where there are none to read. */
void ratls_inspect_events(ratls_text *out, const ratls_event_list *events);

/** Add the names of the registers whose value in the quote the events explain, as a JSON array; nothing without events. */
void ratls_inspect_explained(ratls_text *out, const ratls_parsed_quote *quote, const ratls_event_list *events);

#endif

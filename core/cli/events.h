/** The event log for people: a table of what was measured, and which registers it explains. */
#ifndef RATLS_CLI_EVENTS_H
#define RATLS_CLI_EVENTS_H

#include <cjson/cJSON.h>

/** Print the table; `fields` are an inspection's. Nothing where there are no events. */
void cli_events_print(const cJSON *fields);

#endif

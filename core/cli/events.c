#include "events.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { CLI_PAYLOAD_SHOWN = 72, CLI_PAYLOAD_TEXT_MAX = 512 };

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(item) ? item->valuestring : "";
}

static int digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* The payload as text, if it is some: `out` has room for half as many bytes as there are digits. */
static bool is_text(char *out, const char *hex)
{
    size_t len = strlen(hex) / 2;

    for (size_t i = 0; i < len; i++) {
        out[i] = (char)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
        if (out[i] < ' ' || out[i] > '~') {
            return false;
        }
    }
    out[len] = '\0';
    return len > 0;
}

static void print_payload(const char *hex)
{
    char text[CLI_PAYLOAD_TEXT_MAX + 1];
    const char *shown = strlen(hex) / 2 <= CLI_PAYLOAD_TEXT_MAX && is_text(text, hex) ? text : hex;

    printf("  %.*s%s\n", CLI_PAYLOAD_SHOWN, shown[0] == '\0' ? "-" : shown, strlen(shown) > CLI_PAYLOAD_SHOWN ? "..." : "");
}

/* Firmware's and kernel's events have types, and no names. */
static void print_name(const cJSON *event)
{
    char *name = cli_text_printable(text_of(event, "event"));
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(event, "event_type");

    if (name != NULL && name[0] != '\0') {
        printf("%-20s", name);
    } else {
        printf("type 0x%-13x", cJSON_IsNumber(type) ? (unsigned)type->valuedouble : 0);
    }
    free(name);
}

static const char *digest_word(const cJSON *event)
{
    const cJSON *ok = cJSON_GetObjectItemCaseSensitive(event, "digest_ok");

    return cJSON_IsTrue(ok) ? "ok" : cJSON_IsFalse(ok) ? "WRONG" : "-";
}

void cli_events_print(const cJSON *fields)
{
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(fields, "events");
    const cJSON *explained = cJSON_GetObjectItemCaseSensitive(fields, "explained_registers");
    const cJSON *event, *name;

    if (!cJSON_IsArray(events)) {
        return;
    }
    printf("\nregister  event               digest  payload\n");
    cJSON_ArrayForEach(event, events)
    {
        const cJSON *number = cJSON_GetObjectItemCaseSensitive(event, "register");

        printf("rtmr%-6d", cJSON_IsNumber(number) ? number->valueint : 0);
        print_name(event);
        printf("%-6s", digest_word(event));
        print_payload(text_of(event, "payload"));
    }
    printf("explained by these events:");
    cJSON_ArrayForEach(name, explained)
    {
        printf(" %s", cJSON_IsString(name) ? name->valuestring : "");
    }
    printf("%s\n", cJSON_GetArraySize(explained) == 0 ? " nothing" : "");
}

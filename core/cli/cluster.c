#include "cluster.h"

#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "output.h"

/* A list of the flags' own: its texts are in one copy of the value. */
typedef struct {
    char *copy;
    const char **items;
    size_t len;
} list;

/* "A,B"; what is between two commas may be empty, which the library refuses by its name. NULL text: not given. */
static bool split(list *out, const char *text, cli_failure *failure)
{
    size_t count = 1;

    *out = (list){0};
    if (text == NULL) {
        return true;
    }
    for (const char *next = text; *next != '\0'; next++) {
        count += *next == ',' ? 1 : 0;
    }
    out->copy = strdup(text);
    out->items = calloc(count, sizeof *out->items);
    if (out->copy == NULL || out->items == NULL) {
        return cli_fail_memory(failure);
    }
    for (char *next = out->copy; next != NULL && *text != '\0';) {
        char *comma = strchr(next, ',');

        out->items[out->len++] = next;
        if (comma != NULL) {
            *comma++ = '\0';
        }
        next = comma;
    }
    return true;
}

static void clear(list *given)
{
    free(given->copy);
    free(given->items);
}

static bool fill(ratls_leader_options *options, const cli_arguments *arguments, cli_failure *failure)
{
    int32_t timeout_ms = 0, refresh_ms = 0;
    bool read = cli_number(&timeout_ms, arguments, "leader_timeout_ms", "--leader-timeout-ms", failure) &&
                cli_number(&refresh_ms, arguments, "leader_refresh_ms", "--leader-refresh-ms", failure);

    options->domain = cli_argument(arguments, "cluster_domain");
    options->signer = cli_argument(arguments, "manifest_signer");
    options->cluster_address = cli_argument(arguments, "cluster_address");
    options->state_dir = cli_argument(arguments, "leader_state_dir");
    options->timeout_ms = timeout_ms;
    options->refresh_ms = refresh_ms;
    options->log = cli_output_warning;
    return read;
}

bool cli_cluster_leader(ratls_leader **out, const cli_arguments *arguments, int64_t now, cli_failure *failure)
{
    ratls_leader_options options;
    list servers;
    bool made;

    *out = NULL;
    ratls_leader_options_init(&options, sizeof options);
    options.now = now;
    made = split(&servers, cli_argument(arguments, "dns_servers"), failure) && fill(&options, arguments, failure);
    if (made) {
        options.dns_servers = servers.items;
        options.dns_servers_len = servers.len;
        made = cli_succeeded(failure, ratls_leader_new(out, &options, &failure->error));
    }
    clear(&servers);
    return made;
}

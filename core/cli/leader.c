#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cluster.h"
#include "interrupt.h"
#include "output.h"
#include "subcommands.h"

enum { NUMBER_SIZE = 24 };

/* The time of --at; 0: the clock. */
static bool read_time(int64_t *out, const cli_arguments *arguments, cli_failure *failure)
{
    char *json = cJSON_PrintUnformatted(arguments->policy);
    ratls_policy *policy = NULL;
    bool read = json == NULL ? cli_fail_memory(failure)
                             : cli_succeeded(failure, ratls_policy_parse(&policy, json, strlen(json), &failure->error));

    *out = read ? ratls_policy_options(policy)->now : 0;
    ratls_policy_free(policy);
    cJSON_free(json);
    return read;
}

static bool find(ratls_leader_record **out, const cli_arguments *arguments, ratls_cancel *cancel, cli_failure *failure)
{
    ratls_leader *leader = NULL;
    int64_t now = 0;
    bool found = read_time(&now, arguments, failure) && cli_cluster_leader(&leader, arguments, now, failure) &&
                 cli_succeeded(failure, ratls_leader_find(out, leader, cancel, &failure->error));

    ratls_leader_free(leader);
    return found;
}

/* The library's object, with all digits of the epoch: cJSON would keep 53 bits of it. */
static cJSON *fields_of(const ratls_leader_record *record)
{
    cJSON *fields = cJSON_Parse(ratls_leader_record_json(record));
    char epoch[NUMBER_SIZE];

    snprintf(epoch, sizeof epoch, "%" PRIu64, ratls_leader_record_epoch(record));
    if (fields != NULL && !cJSON_ReplaceItemInObjectCaseSensitive(fields, "epoch", cJSON_CreateRaw(epoch))) {
        cJSON_Delete(fields);
        return NULL;
    }
    return fields;
}

static bool tell(const ratls_leader_record *record, bool json, cli_failure *failure)
{
    cJSON *fields = fields_of(record);

    if (json) {
        return cli_output_json(fields, failure);
    }
    cli_output_fields(fields);
    cJSON_Delete(fields);
    return cli_output_flush(failure);
}

bool cli_leader(const cli_arguments *arguments, bool json, cli_failure *failure)
{
    ratls_leader_record *record = NULL;
    cli_interrupt interrupt;
    bool told;

    if (!cli_interrupt_start(&interrupt, failure)) {
        return false;
    }
    told = find(&record, arguments, interrupt.cancel, failure) && tell(record, json, failure);
    ratls_leader_record_free(record);
    cli_interrupt_stop(&interrupt);
    return told;
}

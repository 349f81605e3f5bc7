#include "input.h"
#include "output.h"
#include "subcommands.h"

#include <stdio.h>
#include <string.h>

enum { CLI_APP_ID_DIGITS = 40 };

static bool tell(const char *hash, bool json, cli_failure *failure)
{
    cJSON *object;
    char app_id[CLI_APP_ID_DIGITS + 1];

    if (!json) {
        puts(hash);
        return cli_output_flush(failure);
    }
    memcpy(app_id, hash, CLI_APP_ID_DIGITS);
    app_id[CLI_APP_ID_DIGITS] = '\0';
    object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "compose_hash", hash);
    cJSON_AddStringToObject(object, "default_app_id", app_id);
    return cli_output_json(object, failure);
}

bool cli_compose_hash(const cli_arguments *arguments, bool json, cli_failure *failure)
{
    const char *path = cli_argument(arguments, "file");
    cli_bytes file;
    char *hash = NULL;
    bool told;

    if (!cli_input_read(&file, path, CLI_EVIDENCE_FILE_MAX, failure)) {
        return false;
    }
    told = cli_succeeded(failure, ratls_compose_hash(&hash, file.data, file.len, &failure->error)) && tell(hash, json, failure);
    ratls_bytes_free(hash);
    cli_bytes_clear(&file);
    return told;
}

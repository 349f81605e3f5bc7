#include "failure.h"

#include <stdlib.h>
#include <string.h>

#include "flags.h"
#include "text.h"

enum { CLI_EXIT_REFUSED = 1, CLI_EXIT_USAGE = 2, CLI_EXIT_UNAVAILABLE = 3 };

bool cli_fail(cli_failure *failure, ratls_status code, const cli_detail details[CLI_DETAILS_MAX + 1])
{
    if (failure->error != NULL || failure->code != RATLS_OK) {
        return false; /* the first failure is the one that is told */
    }
    failure->code = code;
    failure->details = cJSON_CreateObject();
    for (size_t i = 0; i < CLI_DETAILS_MAX && details[i].name != NULL; i++) {
        char *value = cli_text_printable(details[i].value == NULL ? "" : details[i].value);

        if (value == NULL || cJSON_AddStringToObject(failure->details, details[i].name, value) == NULL) {
            failure->code = RATLS_ERR_OUT_OF_MEMORY;
        }
        free(value);
    }
    return false;
}

bool cli_fail_memory(cli_failure *failure)
{
    if (failure->error == NULL && failure->code == RATLS_OK) {
        failure->code = RATLS_ERR_OUT_OF_MEMORY;
    }
    return false;
}

bool cli_succeeded(cli_failure *failure, ratls_status status)
{
    if (status != RATLS_OK && failure->error == NULL && failure->code == RATLS_OK) {
        failure->code = status;
    }
    return status == RATLS_OK;
}

ratls_status cli_failure_code(const cli_failure *failure)
{
    return failure->error != NULL ? ratls_error_code(failure->error) : failure->code;
}

int cli_failure_exit(const cli_failure *failure)
{
    switch (ratls_status_class(cli_failure_code(failure))) {
    case RATLS_CLASS_REFUSED:
        return CLI_EXIT_REFUSED;
    case RATLS_CLASS_USAGE:
        return CLI_EXIT_USAGE;
    default:
        return CLI_EXIT_UNAVAILABLE;
    }
}

static const char *find_message(ratls_status code)
{
    for (size_t i = 0; i < cli_message_count; i++) {
        if (cli_messages[i].code == code) {
            return cli_messages[i].message;
        }
    }
    return code == RATLS_ERR_OUT_OF_MEMORY ? "out of memory" : "unknown failure";
}

/* The detail that a placeholder of `len` bytes names; "option:*" is the detail "option". */
static const char *placeholder_value(const cli_failure *failure, const char *name, size_t len)
{
    static const char option[] = "option:*";
    char key[32];
    const cJSON *value;

    if (len == sizeof option - 1 && memcmp(name, option, len) == 0) {
        len = strlen("option");
    }
    if (len >= sizeof key) {
        return "?";
    }
    memcpy(key, name, len);
    key[len] = '\0';
    value = cJSON_GetObjectItemCaseSensitive(failure->details, key);
    return cJSON_IsString(value) ? value->valuestring : "?";
}

/* Fill the template once: what is put in is never read as a template. */
static char *render_message(const cli_failure *failure)
{
    cli_text text = {0};

    for (const char *next = find_message(failure->code); *next != '\0';) {
        const char *open = strchr(next, '{');
        const char *close = open == NULL ? NULL : strchr(open, '}');

        if (close == NULL) {
            cli_text_add(&text, next, strlen(next));
            break;
        }
        cli_text_add(&text, next, (size_t)(open - next));
        const char *value = placeholder_value(failure, open + 1, (size_t)(close - open - 1));
        cli_text_add(&text, value, strlen(value));
        next = close + 1;
    }
    return cli_text_take(&text);
}

char *cli_failure_message(const cli_failure *failure)
{
    if (failure->error != NULL) {
        return cli_text_printable(ratls_error_message(failure->error, RATLS_SPELLING_COMMAND));
    }
    return render_message(failure);
}

static const char *class_name(int32_t status_class)
{
    switch (status_class) {
    case RATLS_CLASS_USAGE:
        return "usage";
    case RATLS_CLASS_REFUSED:
        return "refused";
    default:
        return "unavailable";
    }
}

static cJSON *own_json(const cli_failure *failure)
{
    cJSON *object = cJSON_CreateObject();
    cJSON *details = failure->details == NULL ? cJSON_CreateObject() : cJSON_Duplicate(failure->details, true);
    char *message = render_message(failure);

    cJSON_AddStringToObject(object, "code", ratls_status_name(failure->code));
    cJSON_AddStringToObject(object, "class", class_name(ratls_status_class(failure->code)));
    cJSON_AddStringToObject(object, "stage", "options");
    cJSON_AddStringToObject(object, "message", message == NULL ? "out of memory" : message);
    if (!cJSON_AddItemToObject(object, "details", details)) {
        cJSON_Delete(details);
    }
    free(message);
    return object;
}

cJSON *cli_failure_json(const cli_failure *failure)
{
    if (failure->error != NULL) {
        return cJSON_Parse(ratls_error_json(failure->error, RATLS_SPELLING_COMMAND));
    }
    return own_json(failure);
}

cJSON *cli_failure_tcb(const cli_failure *failure)
{
    return failure->error == NULL ? cJSON_CreateNull() : cJSON_Parse(ratls_error_tcb_json(failure->error));
}

void cli_failure_clear(cli_failure *failure)
{
    ratls_error_free(failure->error);
    cJSON_Delete(failure->details);
    *failure = (cli_failure){0};
}

#include "judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dcap.h"
#include "input.h"
#include "intel.h"
#include "output.h"

/* The flag of an option's name. */
static const char *flag_of(const char *option)
{
    for (size_t i = 0; i < cli_option_flag_count; i++) {
        if (strcmp(cli_option_flags[i].name, option) == 0) {
            return cli_option_flags[i].flag;
        }
    }
    return option;
}

/* Join the policy file's keys to those of the flags; a key that both give is a contradiction. Pins are told apart by field. */
static bool merge_policy(cJSON *into, cJSON *from, const char *option, cli_failure *failure)
{
    while (from->child != NULL) {
        cJSON *item = cJSON_DetachItemViaPointer(from, from->child);
        cJSON *known = cJSON_GetObjectItemCaseSensitive(into, item->string);
        bool merged;

        if (known == NULL) {
            merged = cJSON_AddItemToObject(into, item->string, item) || cli_fail_memory(failure);
            if (!merged) {
                cJSON_Delete(item);
            }
        } else {
            if (cJSON_IsObject(known) && cJSON_IsObject(item)) {
                merged = merge_policy(known, item, item->string, failure);
            } else {
                merged = CLI_FAIL(failure, RATLS_ERR_OPTION_DUPLICATE, {"option", flag_of(option == NULL ? item->string : option)});
            }
            cJSON_Delete(item);
        }
        if (!merged) {
            return false;
        }
    }
    return true;
}

/* The library reads the file alone first, so that mistakes in it are told strictly and in its own terms.
 * What is incomplete by itself may be completed by flags: the whole is read again. */
static bool check_policy_file(const cli_bytes *file, cli_failure *failure)
{
    ratls_policy *policy = NULL;
    ratls_status status = ratls_policy_parse(&policy, (const char *)file->data, file->len, &failure->error);

    ratls_policy_free(policy);
    if (status == RATLS_ERR_PINS_INCOMPLETE) {
        ratls_error_free(failure->error);
        failure->error = NULL;
        return true;
    }
    return cli_succeeded(failure, status);
}

static bool add_policy_file(cJSON *policy, const char *path, cli_failure *failure)
{
    cli_bytes file = {0};
    cJSON *object = NULL;
    bool added = false;

    if (cli_input_read(&file, path, CLI_SMALL_FILE_MAX, failure) && check_policy_file(&file, failure)) {
        object = cJSON_ParseWithLength((const char *)file.data, file.len);
        added = object == NULL ? cli_fail_memory(failure) : merge_policy(policy, object, NULL, failure);
    }
    cJSON_Delete(object);
    cli_bytes_clear(&file);
    return added;
}

/* The time of saved evidence, unless another is asked for. */
static bool add_saved_time(cJSON *policy, const cli_saved *saved, cli_failure *failure)
{
    if (saved->verified_at == NULL || cJSON_HasObjectItem(policy, "now")) {
        return true;
    }
    return cJSON_AddStringToObject(policy, "now", saved->verified_at) != NULL || cli_fail_memory(failure);
}

static bool new_policy(ratls_policy **out, const cli_arguments *arguments, const cli_saved *saved, cli_failure *failure)
{
    const char *path = cli_argument(arguments, "policy");
    cJSON *whole = cJSON_Duplicate(arguments->policy, true);
    char *text = NULL;
    bool made = false;

    if (whole == NULL) {
        return cli_fail_memory(failure);
    }
    if ((path == NULL || add_policy_file(whole, path, failure)) && add_saved_time(whole, saved, failure)) {
        text = cJSON_PrintUnformatted(whole);
        made = text == NULL ? cli_fail_memory(failure)
                            : cli_succeeded(failure, ratls_policy_parse(out, text, strlen(text), &failure->error));
    }
    cJSON_free(text);
    cJSON_Delete(whole);
    return made;
}

static bool new_noop(ratls_verifier **out, const cli_arguments *arguments, cli_failure *failure)
{
    ratls_verifier_options options;

    for (size_t i = 0; cli_dcap_flags[i][0] != NULL; i++) {
        if (cli_argument(arguments, cli_dcap_flags[i][0]) != NULL) {
            return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", cli_dcap_flags[i][1]},
                            {"what", "means nothing to --verifier noop, which checks no signature"});
        }
    }
    ratls_verifier_options_init(&options, sizeof options);
    options.log = cli_output_warning;
    return cli_succeeded(failure, ratls_verifier_new_noop(out, &options, &failure->error));
}

/* What only local verification has a use for. */
static bool check_only_intel(const cli_arguments *arguments, cli_failure *failure)
{
    for (size_t i = 0; cli_dcap_flags[i][0] != NULL; i++) {
        if (cli_argument(arguments, cli_dcap_flags[i][0]) != NULL) {
            return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", cli_dcap_flags[i][1]},
                            {"what", "means nothing to --verifier intel; --intel-pinned-roots names the root of its tokens"});
        }
    }
    return true;
}

static bool is_intels(const char *option)
{
    static const char prefix[] = "intel_";

    return strncmp(option, prefix, sizeof prefix - 1) == 0 || strcmp(option, "api_key") == 0 || strcmp(option, "region") == 0;
}

/* What only Intel Trust Authority's verifier has a use for. */
static bool check_not_intel(const cli_arguments *arguments, cli_failure *failure)
{
    for (size_t i = 0; i < cli_option_flag_count; i++) {
        const cli_flag_row *row = &cli_option_flags[i];

        if (is_intels(row->name) && cli_argument(arguments, row->name) != NULL) {
            return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", row->flag}, {"what", "means nothing without --verifier intel"});
        }
    }
    return true;
}

static bool new_verifier(ratls_verifier **out, const cli_arguments *arguments, const cli_saved *saved, cli_failure *failure)
{
    const char *name = cli_argument(arguments, "verifier");

    if ((name == NULL || strcmp(name, "intel") != 0) && !check_not_intel(arguments, failure)) {
        return false;
    }
    if (name == NULL || strcmp(name, "dcap") == 0) {
        return cli_dcap_verifier(out, arguments, saved, failure);
    }
    if (strcmp(name, "noop") == 0) {
        return new_noop(out, arguments, failure);
    }
    if (strcmp(name, "intel") == 0) {
        return check_only_intel(arguments, failure) && cli_intel_verifier(out, arguments, failure);
    }
    return CLI_FAIL(failure, RATLS_ERR_OPTION_VALUE, {"option", "--verifier"}, {"found", name}, {"expected", "dcap, intel or noop"});
}

bool cli_judge_new(cli_judge *out, const cli_arguments *arguments, cli_failure *failure)
{
    const char *path = cli_argument(arguments, "saved");

    *out = (cli_judge){0};
    if ((path == NULL || cli_saved_read(&out->saved, path, failure)) && new_policy(&out->policy, arguments, &out->saved, failure) &&
        new_verifier(&out->verifier, arguments, &out->saved, failure)) {
        return true;
    }
    cli_judge_clear(out);
    return false;
}

void cli_judge_clear(cli_judge *judge)
{
    ratls_verifier_free(judge->verifier);
    ratls_policy_free(judge->policy);
    cli_saved_clear(&judge->saved);
    *judge = (cli_judge){0};
}

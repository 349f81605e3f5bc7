#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

bool cli_output_flush(cli_failure *failure)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return CLI_FAIL(failure, RATLS_ERR_INTERNAL, {"what", "standard output does not take what is printed"});
    }
    return true;
}

bool cli_output_json(cJSON *object, cli_failure *failure)
{
    char *text = object == NULL ? NULL : cJSON_PrintUnformatted(object);
    bool printed = text != NULL || cli_fail_memory(failure);

    if (text != NULL) {
        puts(text);
        printed = cli_output_flush(failure);
    }
    cJSON_free(text);
    cJSON_Delete(object);
    return printed;
}

static void add_or_delete(cJSON *object, const char *name, cJSON *item)
{
    if (!cJSON_AddItemToObject(object, name, item)) {
        cJSON_Delete(item);
    }
}

cJSON *cli_output_accepted(const ratls_result *result)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddTrueToObject(object, "accepted");
    cJSON_AddBoolToObject(object, "verified", ratls_result_flag(result, RATLS_FIELD_VERIFIED) == 1);
    add_or_delete(object, "result", cJSON_Parse(ratls_result_json(result)));
    return object;
}

static cJSON *failure_object(const cli_failure *failure, bool verdict)
{
    cJSON *object = cJSON_CreateObject();

    if (verdict) {
        cJSON_AddFalseToObject(object, "accepted");
        cJSON_AddFalseToObject(object, "verified");
    }
    add_or_delete(object, "error", cli_failure_json(failure));
    if (verdict) {
        add_or_delete(object, "tcb", cli_failure_tcb(failure));
    }
    return object;
}

void cli_output_failure(const cli_failure *failure, bool json, bool verdict)
{
    cli_failure silent = {0};
    char *message;

    if (json) {
        cli_output_json(failure_object(failure, verdict), &silent);
        cli_failure_clear(&silent);
        return;
    }
    message = cli_failure_message(failure);
    fprintf(stderr, "ratls: %s: %s\n", ratls_status_name(cli_failure_code(failure)), message == NULL ? "out of memory" : message);
    free(message);
}

/* What is from outside may hold anything. */
static void print_text(const char *name, const char *text)
{
    char *printable = cli_text_printable(text);

    printf("%-24s %s\n", name, printable == NULL ? "" : printable);
    free(printable);
}

void cli_output_fields(const cJSON *fields)
{
    const cJSON *field;

    cJSON_ArrayForEach(field, fields)
    {
        if (cJSON_IsString(field)) {
            print_text(field->string, field->valuestring);
        } else if (!cJSON_IsNull(field) && !cJSON_IsArray(field)) {
            char *value = cJSON_PrintUnformatted(field);

            print_text(field->string, value == NULL ? "" : value);
            cJSON_free(value);
        }
    }
}

/* One line of the report; a field that is not known is "-". */
static void print_field(const ratls_result *result, const char *label, ratls_field field)
{
    const char *value = ratls_result_text(result, field);

    printf("  %-18s %s\n", label, value == NULL ? "-" : value);
}

static void print_list(const ratls_result *result, const char *label, ratls_field field)
{
    size_t len = ratls_result_list_len(result, field);

    printf("  %-18s %s", label, len == 0 ? "none" : "");
    for (size_t i = 0; i < len; i++) {
        printf("%s%s", i == 0 ? "" : ", ", ratls_result_list_item(result, field, i));
    }
    printf("\n");
}

void cli_output_verdict(const ratls_result *result, int64_t milliseconds)
{
    bool verified = ratls_result_flag(result, RATLS_FIELD_VERIFIED) == 1;
    int32_t bound = ratls_result_flag(result, RATLS_FIELD_KEY_BOUND);

    printf("accepted, %s\n", verified ? "verified: the hardware's signature was checked" : "NOT verified: no hardware signature was checked");
    print_field(result, "MRTD", RATLS_FIELD_MR_TD);
    print_field(result, "app id", RATLS_FIELD_APP_ID);
    print_field(result, "compose hash", RATLS_FIELD_COMPOSE_HASH);
    print_field(result, "proved by", RATLS_FIELD_COMPOSE_HASH_SOURCE);
    print_field(result, "key provider", RATLS_FIELD_KEY_PROVIDER);
    print_field(result, "TCB status", RATLS_FIELD_TCB_STATUS);
    print_list(result, "advisories", RATLS_FIELD_ADVISORY_IDS);
    printf("  %-18s %s\n", "key bound", bound == 1 ? "yes" : bound == 0 ? "no" : "no certificate given");
    if (ratls_result_text(result, RATLS_FIELD_REPORT_ENCODING) != NULL) {
        printf("  %-18s in encoding %s: monitoring data, which belongs to no connection\n", "report",
               ratls_result_text(result, RATLS_FIELD_REPORT_ENCODING));
    }
    print_field(result, "verifier", RATLS_FIELD_VERIFIER);
    print_field(result, "trust anchor", RATLS_FIELD_TRUST_ANCHOR);
    printf("  %-18s %s\n", "identity pinned", ratls_result_flag(result, RATLS_FIELD_IDENTITY_PINNED) == 1 ? "yes" : "no");
    print_list(result, "waived", RATLS_FIELD_WAIVED);
    print_field(result, "collateral until", RATLS_FIELD_COLLATERAL_EXPIRES_AT);
    print_field(result, "verified at", RATLS_FIELD_VERIFIED_AT);
    printf("  %-18s %" PRId64 " ms\n", "took", milliseconds);
}

void cli_output_warning(void *user, const char *message)
{
    char *printable = cli_text_printable(message);

    (void)user;
    fprintf(stderr, "ratls: warning: %s\n", printable == NULL ? "" : printable);
    free(printable);
}

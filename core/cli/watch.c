/* One line for every change of what a sidecar's report says, until a refusal or a signal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "output.h"
#include "report.h"
#include "subcommands.h"

enum { CLI_INTERVAL_S_DEFAULT = 30, CLI_INTERVAL_S_MAX = 86400 };

static const ratls_field watched[] = {
    RATLS_FIELD_MR_TD, RATLS_FIELD_RTMR0, RATLS_FIELD_RTMR1, RATLS_FIELD_RTMR2, RATLS_FIELD_RTMR3, RATLS_FIELD_MR_CONFIG_ID,
    RATLS_FIELD_COMPOSE_HASH, RATLS_FIELD_TCB_STATUS};
static const char *const watched_names[] = {"mr_td", "rtmr0", "rtmr1", "rtmr2", "rtmr3", "mr_config_id", "compose_hash", "tcb_status"};

enum { WATCHED = sizeof watched / sizeof watched[0] };

typedef enum {
    LSN_UNKNOWN,
    LSN_MOVING,
    LSN_STUCK
} lsn_motion;

/* What was last told. */
typedef struct {
    ratls_result *result; /* of the newest report; NULL: none yet */
    char *lsn;
    lsn_motion motion;
    ratls_status unavailable; /* why there was no report last time; RATLS_OK: there was */
    bool json;
} watch_state;

static bool read_interval(long *out, const cli_arguments *arguments, cli_failure *failure)
{
    const char *text = cli_argument(arguments, "interval");
    char *end = NULL;

    *out = CLI_INTERVAL_S_DEFAULT;
    if (text == NULL) {
        return true;
    }
    *out = text[0] >= '0' && text[0] <= '9' ? strtol(text, &end, 10) : 0;
    if (*out < 1 || *out > CLI_INTERVAL_S_MAX || *end != '\0') {
        return CLI_FAIL(failure, RATLS_ERR_OPTION_VALUE, {"option", "--interval"}, {"found", text}, {"expected", "1 to 86400 seconds"});
    }
    return true;
}

/* One event: a line of words, or of JSON. `from` and `to` may be NULL. */
static bool tell(const watch_state *state, const char *time, const char *event, const char *field, const char *from, const char *to, cli_failure *failure)
{
    cJSON *object;

    if (!state->json) {
        printf("%s %s %s %s%s%s\n", time, event, field, from == NULL ? "" : from, from == NULL ? "" : " -> ", to == NULL ? "-" : to);
        return cli_output_flush(failure);
    }
    object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "time", time);
    cJSON_AddStringToObject(object, "event", event);
    cJSON_AddStringToObject(object, "field", field);
    if (from != NULL) {
        cJSON_AddStringToObject(object, "from", from);
    }
    cJSON_AddStringToObject(object, "to", to == NULL ? "" : to);
    return cli_output_json(object, failure);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool tell_fields(const watch_state *state, const ratls_result *result, cli_failure *failure)
{
    const char *time = ratls_result_text(result, RATLS_FIELD_VERIFIED_AT);

    for (size_t i = 0; i < WATCHED; i++) {
        const char *before = ratls_result_text(state->result, watched[i]);
        const char *after = ratls_result_text(result, watched[i]);
        bool first = state->result == NULL;

        if (!first && same_text(before, after)) {
            continue;
        }
        if (!tell(state, time, first ? "is" : "changed", watched_names[i], first ? NULL : before == NULL ? "-" : before, after, failure)) {
            return false;
        }
    }
    return true;
}

/* The LSN as such is told when it begins to move and when it stops: a cluster that is in use moves all the time. */
static bool tell_lsn(watch_state *state, const char *time, const char *lsn, cli_failure *failure)
{
    lsn_motion motion = state->lsn == NULL ? LSN_UNKNOWN : same_text(state->lsn, lsn) ? LSN_STUCK : LSN_MOVING;
    bool told = true;

    if (state->lsn == NULL) {
        told = tell(state, time, "is", "wal_lsn", NULL, lsn, failure);
    } else if (motion != state->motion) {
        told = tell(state, time, motion == LSN_STUCK ? "stuck" : "moving", "wal_lsn", motion == LSN_STUCK ? NULL : state->lsn, lsn, failure);
    }
    state->motion = motion;
    free(state->lsn);
    state->lsn = strdup(lsn);
    return told && (state->lsn != NULL || cli_fail_memory(failure));
}

/* The report was verified, so that its form is known. */
static char *lsn_of(const cli_bytes *report)
{
    cJSON *json = cJSON_ParseWithLength((const char *)report->data, report->len);
    const cJSON *lsn = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "postgres_state"), "wal_lsn");
    char *copy = cJSON_IsString(lsn) ? strdup(lsn->valuestring) : NULL;

    cJSON_Delete(json);
    return copy;
}

static bool take_report(watch_state *state, ratls_result *result, const cli_bytes *report, cli_failure *failure)
{
    const char *time = ratls_result_text(result, RATLS_FIELD_VERIFIED_AT);
    char *lsn = lsn_of(report);
    bool told = lsn == NULL ? cli_fail_memory(failure) : tell_fields(state, result, failure) && tell_lsn(state, time, lsn, failure);

    if (told && state->unavailable != RATLS_OK) {
        told = tell(state, time, "available", "report", NULL, "again", failure);
    }
    state->unavailable = RATLS_OK;
    free(lsn);
    ratls_result_free(state->result);
    state->result = result;
    return told;
}

/* "Could not check" is no refusal: it is told, once, and asked again. */
static bool tolerate(watch_state *state, cli_failure *failure)
{
    ratls_status code = cli_failure_code(failure);

    if (ratls_status_class(code) != RATLS_CLASS_UNAVAILABLE || code == RATLS_ERR_CANCELLED) {
        return false;
    }
    if (code != state->unavailable && state->json) {
        cJSON *object = cJSON_CreateObject();
        cli_failure none = {0};

        cJSON_AddStringToObject(object, "event", "unavailable");
        cJSON_AddItemToObject(object, "error", cli_failure_json(failure));
        (void)cli_output_json(object, &none);
        cli_failure_clear(&none);
    } else if (code != state->unavailable) {
        cli_output_failure(failure, false, true);
    }
    state->unavailable = code;
    cli_failure_clear(failure);
    return true;
}

static bool look_once(watch_state *state, const cli_judge *judge, const cli_arguments *arguments, ratls_cancel *cancel, cli_failure *failure)
{
    const ratls_verify_options *options = ratls_policy_options(judge->policy);
    ratls_result *result = NULL;
    cli_bytes report = {0};
    bool accepted = cli_report_read(&report, cli_argument(arguments, "report"), arguments, options->timeout_ms, cancel, failure) &&
                    cli_succeeded(failure, ratls_verify_report(&result, judge->verifier, (const char *)report.data, report.len, options, cancel,
                                                               &failure->error));

    if (accepted) {
        accepted = take_report(state, result, &report, failure);
    } else {
        accepted = tolerate(state, failure);
    }
    cli_bytes_clear(&report);
    return accepted;
}

/* True when a signal ended it, false at the first refusal. */
static bool watch(watch_state *state, const cli_judge *judge, const cli_arguments *arguments, long interval_s, cli_failure *failure)
{
    cli_interrupt interrupt;
    bool going = true, interrupted = false;

    if (!cli_interrupt_start(&interrupt, failure)) {
        return false;
    }
    while (going && !interrupted) {
        going = look_once(state, judge, arguments, interrupt.cancel, failure);
        interrupted = going && cli_interrupt_await_for(&interrupt, interval_s);
    }
    cli_interrupt_stop(&interrupt);
    if (!going && cli_failure_code(failure) == RATLS_ERR_CANCELLED) {
        cli_failure_clear(failure);
        return true;
    }
    return going;
}

bool cli_watch(const cli_arguments *arguments, bool json, cli_failure *failure)
{
    watch_state state = {.json = json};
    cli_judge judge;
    long interval_s = 0;
    bool ended = false;

    if (!read_interval(&interval_s, arguments, failure) || !cli_judge_new(&judge, arguments, failure)) {
        return false;
    }
    ended = watch(&state, &judge, arguments, interval_s, failure);
    ratls_result_free(state.result);
    free(state.lsn);
    cli_judge_clear(&judge);
    return ended;
}

/** Runs every conformance case through the public ABI and prints one line of normalised JSON for each, in the
 *  order of their names. See README.md beside it.
 *
 *  runner TESTS_DIRECTORY: exit 0 when every outcome is the expected one, 1 otherwise or when there is no case. Cases of
 *  Intel Trust Authority are left out where no stand-in runs.
 */
#include <cjson/cJSON.h>
#include <dirent.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ratls/ratls.h"
#include "runner_intel.h"

enum { PATH_MAX_LEN = 1024, CASES_MAX = 4096, FILE_MAX = 16 << 20 };

typedef struct {
    uint8_t *data;
    size_t len;
} bytes;

typedef struct {
    char *names[CASES_MAX]; /* "<area>/<name>" */
    size_t len;
} case_list;

/* A mistake in a case or in the machine is not an outcome: it ends the run. */
static void give_up(const char *what, const char *name)
{
    fprintf(stderr, "conformance runner: %s: %s\n", name, what);
    exit(EXIT_FAILURE);
}

/* ---------------------------------------------------------------- files */

static bytes read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    bytes content = {malloc(FILE_MAX + 1), 0};

    if (file == NULL || content.data == NULL) {
        give_up("cannot be read", path);
    }
    content.len = fread(content.data, 1, FILE_MAX, file);
    if (ferror(file) || content.len == FILE_MAX) {
        give_up("cannot be read whole", path);
    }
    content.data[content.len] = '\0';
    fclose(file);
    return content;
}

static void join_path(char out[PATH_MAX_LEN], const char *directory, const char *name)
{
    if (snprintf(out, PATH_MAX_LEN, "%s/%s", directory, name) >= PATH_MAX_LEN) {
        give_up("path is too long", name);
    }
}

static bool ends_in(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);

    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

static void list_area(case_list *list, const char *cases, const char *area)
{
    char path[PATH_MAX_LEN];
    struct dirent *entry;
    DIR *directory;

    join_path(path, cases, area);
    directory = opendir(path);
    if (directory == NULL) {
        give_up("is not a directory", path);
    }
    while ((entry = readdir(directory)) != NULL) {
        char name[PATH_MAX_LEN];

        if (!ends_in(entry->d_name, ".json")) {
            continue;
        }
        join_path(name, area, entry->d_name);
        name[strlen(name) - strlen(".json")] = '\0';
        if (list->len == CASES_MAX) {
            give_up("too many cases", cases);
        }
        list->names[list->len++] = strdup(name);
    }
    closedir(directory);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void list_cases(case_list *list, const char *cases)
{
    DIR *directory = opendir(cases);
    struct dirent *entry;

    if (directory == NULL) {
        give_up("is not a directory", cases);
    }
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            list_area(list, cases, entry->d_name);
        }
    }
    closedir(directory);
    qsort(list->names, list->len, sizeof list->names[0], compare_names);
}

/* ---------------------------------------------------------------- normalised JSON: keys sorted, no white space */

static int compare_keys(const void *left, const void *right)
{
    return strcmp((*(cJSON *const *)left)->string, (*(cJSON *const *)right)->string);
}

static void sort_keys(cJSON *value)
{
    int count = cJSON_GetArraySize(value);
    cJSON **members;

    for (cJSON *child = value->child; child != NULL; child = child->next) {
        sort_keys(child);
    }
    if (!cJSON_IsObject(value) || count < 2) {
        return;
    }
    members = calloc((size_t)count, sizeof *members);
    for (int i = 0; i < count; i++) {
        members[i] = cJSON_DetachItemFromArray(value, 0);
    }
    qsort(members, (size_t)count, sizeof *members, compare_keys);
    for (int i = 0; i < count; i++) {
        char *key = strdup(members[i]->string);

        cJSON_AddItemToObject(value, key, members[i]);
        free(key);
    }
    free(members);
}

/* ---------------------------------------------------------------- what a case gives */

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsString(value) ? value->valuestring : NULL;
}

/* The bytes of an input; empty where the case does not name it. */
static bytes read_input(const cJSON *test, const char *root, const char *key)
{
    const char *name = text_of(cJSON_GetObjectItemCaseSensitive(test, "inputs"), key);
    char path[PATH_MAX_LEN];

    if (name == NULL) {
        return (bytes){0};
    }
    join_path(path, root, name);
    return read_file(path);
}

/* The options as text: an object, or literally what a policy file would hold. */
static char *options_text(const cJSON *test)
{
    const char *literal = text_of(test, "options_text");
    const cJSON *options = cJSON_GetObjectItemCaseSensitive(test, "options");

    if (literal != NULL) {
        return strdup(literal);
    }
    return options == NULL ? strdup("{}") : cJSON_PrintUnformatted(options);
}

static void answer_custom(void *user, ratls_custom_request *request)
{
    const cJSON *custom = user;
    const cJSON *claims = cJSON_GetObjectItemCaseSensitive(custom, "claims");
    const char *rejection = text_of(custom, "reject");

    if (claims != NULL) {
        char *text = cJSON_PrintUnformatted(claims);

        ratls_custom_accept(request, text, strlen(text));
        free(text);
        return;
    }
    ratls_custom_reject(request, strcmp(rejection, "refused") == 0 ? RATLS_CLASS_REFUSED : RATLS_CLASS_UNAVAILABLE, "as the case says");
}

static ratls_status new_dcap(ratls_verifier **out, const cJSON *test, const char *root, ratls_error **err)
{
    bytes collateral = read_input(test, root, "collateral");
    bytes anchor = read_input(test, root, "trust_anchor");
    ratls_dcap_options options;
    ratls_status status;

    ratls_dcap_options_init(&options, sizeof options);
    options.collateral = collateral.data;
    options.collateral_len = collateral.len;
    options.trust_anchor = anchor.data;
    options.trust_anchor_len = anchor.len;
    status = ratls_verifier_new_dcap(out, &options, err);
    free(collateral.data);
    free(anchor.data);
    return status;
}

static const cJSON *intel_of(const cJSON *test)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(test, "verifier"), "intel");
}

static ratls_status new_intel(ratls_verifier **out, const cJSON *test, const char *root, ratls_error **err)
{
    cJSON *standin = intel_standin_read();
    bytes pinned_roots = read_input(test, root, "pinned_roots");
    ratls_status status = intel_verifier_new(out, standin, intel_of(test), pinned_roots.data, pinned_roots.len, err);

    free(pinned_roots.data);
    cJSON_Delete(standin);
    return status;
}

static ratls_status new_verifier(ratls_verifier **out, const cJSON *test, const char *root, ratls_error **err)
{
    const cJSON *verifier = cJSON_GetObjectItemCaseSensitive(test, "verifier");
    cJSON *custom = cJSON_GetObjectItemCaseSensitive(verifier, "custom");

    if (custom != NULL) {
        return ratls_verifier_new_custom(out, answer_custom, custom, NULL, NULL, err);
    }
    if (intel_of(test) != NULL) {
        return new_intel(out, test, root, err);
    }
    if (cJSON_IsString(verifier) && strcmp(verifier->valuestring, "noop") == 0) {
        return ratls_verifier_new_noop(out, NULL, err);
    }
    return new_dcap(out, test, root, err);
}

/* ---------------------------------------------------------------- operations: each gives its outcome */

static cJSON *failed(ratls_status status, const ratls_error *error)
{
    static const char *const classes[] = {"none", "usage", "refused", "unavailable"};
    cJSON *outcome = cJSON_CreateObject();

    if (status != ratls_error_code(error)) {
        give_up("status and error disagree", ratls_status_name(status));
    }
    cJSON_AddFalseToObject(outcome, "accepted");
    cJSON_AddStringToObject(outcome, "code", ratls_status_name(status));
    cJSON_AddStringToObject(outcome, "class", classes[ratls_status_class(status)]);
    cJSON_AddStringToObject(outcome, "stage", ratls_error_stage(error));
    cJSON_AddItemToObject(outcome, "tcb", cJSON_Parse(ratls_error_tcb_json(error)));
    cJSON_AddStringToObject(outcome, "message", ratls_error_message(error, RATLS_SPELLING_C));
    return outcome;
}

static cJSON *accepted(const char *key, cJSON *what)
{
    cJSON *outcome = cJSON_CreateObject();

    cJSON_AddTrueToObject(outcome, "accepted");
    cJSON_AddItemToObject(outcome, key, what);
    return outcome;
}

static cJSON *quote_identity(const uint8_t *quote, size_t len)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
    unsigned digest_len = 0;
    cJSON *identity;

    if (quote == NULL) {
        return cJSON_CreateNull();
    }
    if (EVP_Digest(quote, len, digest, &digest_len, EVP_sha256(), NULL) != 1) {
        give_up("SHA-256 failed", "extract");
    }
    for (unsigned i = 0; i < digest_len; i++) {
        snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
    }
    identity = cJSON_CreateObject();
    cJSON_AddNumberToObject(identity, "length", (double)len);
    cJSON_AddStringToObject(identity, "sha256", hex);
    return identity;
}

static cJSON *run_extract(const cJSON *test, const char *root)
{
    bytes der = read_input(test, root, "certificate");
    uint8_t *quote = NULL;
    size_t quote_len = 0;
    ratls_error *error = NULL;
    ratls_status status = ratls_extract_tdx_quote(&quote, &quote_len, der.data, der.len, &error);
    cJSON *outcome = status == RATLS_OK ? accepted("quote", quote_identity(quote, quote_len)) : failed(status, error);

    if (status != RATLS_OK && (quote != NULL || quote_len != 0)) {
        give_up("output set by a call that failed", "extract");
    }
    ratls_bytes_free(quote);
    ratls_error_free(error);
    free(der.data);
    return outcome;
}

/* What an operation reads: the first of these inputs that the case has. */
typedef enum {
    INPUT_CERTIFICATE,
    INPUT_QUOTE,
    INPUT_EVIDENCE,
    INPUT_REPORT,
    INPUT_KINDS
} input_kind;

static const char *const input_names[INPUT_KINDS] = {"certificate", "quote", "evidence", "report"};

static ratls_status inspect(ratls_quote **out, input_kind kind, const bytes *input, ratls_error **err)
{
    switch (kind) {
    case INPUT_CERTIFICATE:
        return ratls_certificate_inspect(out, input->data, input->len, err);
    case INPUT_QUOTE:
        return ratls_quote_inspect(out, input->data, input->len, err);
    case INPUT_EVIDENCE:
        return ratls_evidence_inspect(out, input->data, input->len, err);
    default:
        return ratls_report_inspect(out, (const char *)input->data, input->len, err);
    }
}

static cJSON *run_inspect(const cJSON *test, const char *root)
{
    input_kind kind = INPUT_CERTIFICATE;
    bytes input = read_input(test, root, input_names[kind]);
    ratls_quote *quote = NULL;
    ratls_error *error = NULL;
    ratls_status status;
    cJSON *outcome;

    while (input.data == NULL && kind + 1 < INPUT_KINDS) {
        kind++;
        input = read_input(test, root, input_names[kind]);
    }
    status = inspect(&quote, kind, &input, &error);
    outcome = status == RATLS_OK ? accepted("fields", cJSON_Parse(ratls_quote_json(quote))) : failed(status, error);
    ratls_quote_free(quote);
    ratls_error_free(error);
    free(input.data);
    return outcome;
}

static ratls_status verify_input(
    ratls_result **out, ratls_verifier *verifier, input_kind kind, const bytes *input, const ratls_verify_options *options, ratls_error **err)
{
    switch (kind) {
    case INPUT_CERTIFICATE:
        return ratls_verify_certificate(out, verifier, input->data, input->len, options, NULL, err);
    case INPUT_QUOTE:
        return ratls_verify(out, verifier, input->data, input->len, options, NULL, err);
    case INPUT_EVIDENCE:
        return ratls_verify_evidence(out, verifier, input->data, input->len, options, NULL, err);
    default:
        return ratls_verify_report(out, verifier, (const char *)input->data, input->len, options, NULL, err);
    }
}

static ratls_status verify(ratls_result **out, const cJSON *test, const char *root, input_kind kind, ratls_error **err)
{
    char *options = options_text(test);
    bytes input = read_input(test, root, input_names[kind]);
    ratls_policy *policy = NULL;
    ratls_verifier *verifier = NULL;
    ratls_status status = ratls_policy_parse(&policy, options, strlen(options), err);

    if (status == RATLS_OK) {
        status = new_verifier(&verifier, test, root, err);
    }
    if (status == RATLS_OK) {
        status = verify_input(out, verifier, kind, &input, ratls_policy_options(policy), err);
    }
    ratls_verifier_free(verifier);
    ratls_policy_free(policy);
    free(input.data);
    free(options);
    return status;
}

static cJSON *run_verify(const cJSON *test, const char *root, input_kind kind)
{
    ratls_result *result = NULL;
    ratls_error *error = NULL;
    ratls_status status = verify(&result, test, root, kind, &error);
    cJSON *outcome = status == RATLS_OK ? accepted("result", cJSON_Parse(ratls_result_json(result))) : failed(status, error);

    if (status != RATLS_OK && result != NULL) {
        give_up("a result from a call that failed", "verify");
    }
    ratls_result_free(result);
    ratls_error_free(error);
    return outcome;
}

/* One verification of a certificate; of what is accepted only whether the verdict was kept from an earlier turn. */
static cJSON *run_turn(const cJSON *turn, const char *root, ratls_verifier *verifier)
{
    char *options = options_text(turn);
    bytes certificate = read_input(turn, root, "certificate");
    ratls_policy *policy = NULL;
    ratls_result *result = NULL;
    ratls_error *error = NULL;
    ratls_status status = ratls_policy_parse(&policy, options, strlen(options), &error);
    cJSON *outcome;

    if (status == RATLS_OK) {
        status = ratls_verify_certificate(
            &result, verifier, certificate.data, certificate.len, ratls_policy_options(policy), NULL, &error);
    }
    outcome = status != RATLS_OK
        ? failed(status, error)
        : accepted("from_cache", cJSON_CreateBool(ratls_result_flag(result, RATLS_FIELD_FROM_CACHE) == 1));
    cJSON_DeleteItemFromObjectCaseSensitive(outcome, "message");
    ratls_result_free(result);
    ratls_error_free(error);
    ratls_policy_free(policy);
    free(certificate.data);
    free(options);
    return outcome;
}

static cJSON *run_in_turn(const cJSON *test, const char *root)
{
    ratls_verifier *verifier = NULL;
    ratls_error *error = NULL;
    ratls_status status = new_verifier(&verifier, test, root, &error);
    cJSON *turns, *turn;

    if (status != RATLS_OK) {
        cJSON *outcome = failed(status, error);

        ratls_error_free(error);
        return outcome;
    }
    turns = cJSON_CreateArray();
    cJSON_ArrayForEach(turn, cJSON_GetObjectItemCaseSensitive(test, "turns"))
    {
        cJSON_AddItemToArray(turns, run_turn(turn, root, verifier));
    }
    ratls_verifier_free(verifier);
    return accepted("turns", turns);
}

static cJSON *run_operation(const cJSON *test, const char *root, const char *name)
{
    const char *operation = text_of(test, "operation");

    if (operation == NULL) {
        give_up("has no operation", name);
    } else if (strcmp(operation, "extract") == 0) {
        return run_extract(test, root);
    } else if (strcmp(operation, "inspect") == 0) {
        return run_inspect(test, root);
    } else if (strcmp(operation, "verify_quote") == 0) {
        return run_verify(test, root, INPUT_QUOTE);
    } else if (strcmp(operation, "verify_certificate") == 0) {
        return run_verify(test, root, INPUT_CERTIFICATE);
    } else if (strcmp(operation, "verify_evidence") == 0) {
        return run_verify(test, root, INPUT_EVIDENCE);
    } else if (strcmp(operation, "verify_report") == 0) {
        return run_verify(test, root, INPUT_REPORT);
    } else if (strcmp(operation, "verify_in_turn") == 0) {
        return run_in_turn(test, root);
    }
    give_up("has an unknown operation", name);
    return NULL;
}

/* Take the message out of an outcome; true when it is the one that the case demands in C's spelling, or none is demanded. */
static bool check_message(cJSON *outcome, const cJSON *test, const char *name)
{
    const char *expected = text_of(cJSON_GetObjectItemCaseSensitive(test, "messages"), "c");
    cJSON *message = cJSON_DetachItemFromObjectCaseSensitive(outcome, "message");
    const char *found = message == NULL ? "(accepted)" : message->valuestring;
    bool same = expected == NULL || strcmp(found, expected) == 0;

    if (!same) {
        fprintf(stderr, "%s: message differs\n  found    %s\n  expected %s\n", name, found, expected);
    }
    cJSON_Delete(message);
    return same;
}

/* A case of Intel Trust Authority where no stand-in runs. */
static bool cannot_run(const cJSON *test)
{
    const char *standin = getenv("RATLS_INTEL_STANDIN");

    return intel_of(test) != NULL && (standin == NULL || *standin == '\0');
}

typedef struct {
    size_t different, left_out;
} run_counts;

/* Print the outcome's line; true when outcome and message are the expected ones. */
static bool run_loaded(const cJSON *test, cJSON *expected, const char *root, const char *name)
{
    cJSON *outcome = run_operation(test, root, name);
    bool message_same = check_message(outcome, test, name), same;
    char *line, *expected_line;

    cJSON_AddStringToObject(outcome, "name", name);
    cJSON_AddStringToObject(expected, "name", name);
    sort_keys(outcome);
    sort_keys(expected);
    line = cJSON_PrintUnformatted(outcome);
    expected_line = cJSON_PrintUnformatted(expected);
    same = strcmp(line, expected_line) == 0;
    puts(line);
    if (!same) {
        fprintf(stderr, "%s: differs\n  found    %s\n  expected %s\n", name, line, expected_line);
    }
    free(line);
    free(expected_line);
    cJSON_Delete(outcome);
    return same && message_same;
}

static void run_case(run_counts *counts, const char *root, const char *cases, const char *name)
{
    char path[PATH_MAX_LEN], file[PATH_MAX_LEN];
    cJSON *test, *expected;
    bytes text;

    if (snprintf(file, sizeof file, "%s.json", name) >= (int)sizeof file) {
        give_up("name is too long", name);
    }
    join_path(path, cases, file);
    text = read_file(path);
    test = cJSON_ParseWithLength((const char *)text.data, text.len);
    expected = cJSON_DetachItemFromObjectCaseSensitive(test, "expect");
    if (test == NULL || expected == NULL) {
        give_up("is not a case: it needs to be JSON, with expect", path);
    }
    if (cannot_run(test)) {
        counts->left_out++;
    } else {
        counts->different += !run_loaded(test, expected, root, name);
    }
    cJSON_Delete(expected);
    cJSON_Delete(test);
    free(text.data);
}

int main(int argc, char *argv[])
{
    static case_list list;
    char cases[PATH_MAX_LEN];
    run_counts counts = {0};

    if (argc != 2) {
        fprintf(stderr, "usage: %s TESTS_DIRECTORY\n", argv[0]);
        return EXIT_FAILURE;
    }
    join_path(cases, argv[1], "conformance/cases");
    list_cases(&list, cases);
    for (size_t i = 0; i < list.len; i++) {
        run_case(&counts, argv[1], cases, list.names[i]);
        free(list.names[i]);
    }
    fprintf(stderr, "conformance: %zu cases, %zu differ, %zu need the stand-in for Intel Trust Authority\n", list.len - counts.left_out,
        counts.different, counts.left_out);
    return list.len == counts.left_out || counts.different > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

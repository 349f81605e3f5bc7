/** Uses one Intel verifier for many verifications, as told on standard input. See README.md beside it.
 *
 *  intel_driver SETTINGS.json: the settings of the verifier, the quotes, the options. Each line of input is a command,
 *  each answer is one line of JSON:
 *    verify QUOTE                       the outcome of one verification; QUOTE is a number
 *    soak THREADS COUNT SEED            COUNT verifications of random quotes: outcomes counted for each quote
 *    starve N                           one verification in which the Nth allocation fails (only in intel_driver_starved)
 */
#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ratls/ratls.h"
#ifdef DRIVER_STARVES
#include "starve.h"
#endif

enum { QUOTES_MAX = 64, THREADS_MAX = 64, OUTCOMES_MAX = 32, FILE_MAX = 1 << 20, LINE_MAX_LEN = 256, NAME_MAX_LEN = 64 };

typedef struct {
    uint8_t *data;
    size_t len;
} bytes;

typedef struct {
    ratls_verifier *verifier;
    ratls_policy *policy;
    bytes quotes[QUOTES_MAX];
    size_t quotes_len;
} driver_plan;

/* How often each outcome was seen; "OK" is one. */
typedef struct {
    char names[OUTCOMES_MAX][NAME_MAX_LEN];
    long counts[OUTCOMES_MAX];
    size_t len;
} outcome_tally;

typedef struct {
    const driver_plan *plan;
    atomic_long *left;
    unsigned seed;
    int64_t longest_ms;
    outcome_tally tallies[QUOTES_MAX];
} worker;

static void give_up(const char *what, const char *name)
{
    fprintf(stderr, "intel driver: %s: %s\n", name, what);
    exit(EXIT_FAILURE);
}

static bytes read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    bytes content = {malloc(FILE_MAX + 1), 0};

    if (file == NULL || content.data == NULL) {
        give_up("cannot be read", path);
    }
    content.len = fread(content.data, 1, FILE_MAX, file);
    content.data[content.len] = '\0';
    fclose(file);
    return content;
}

static const char *text_of(const cJSON *settings, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(settings, name);

    return cJSON_IsString(value) ? value->valuestring : NULL;
}

static int number_of(const cJSON *settings, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(settings, name);

    return cJSON_IsNumber(value) ? value->valueint : 0;
}

static void make_verifier(driver_plan *out, const cJSON *settings)
{
    bytes ca = read_file(text_of(settings, "ca_file"));
    ratls_intel_options options;
    ratls_error *error = NULL;

    ratls_intel_options_init(&options, sizeof options);
    options.api_key = text_of(settings, "api_key");
    options.base_url = text_of(settings, "api_url");
    options.portal_url = text_of(settings, "portal_url");
    options.ca = ca.data;
    options.ca_len = ca.len;
    options.attempts = number_of(settings, "attempts");
    options.attempt_timeout_ms = number_of(settings, "attempt_timeout_ms");
    if (ratls_verifier_new_intel(&out->verifier, &options, &error) != RATLS_OK) {
        give_up(ratls_error_message(error, RATLS_SPELLING_C), "verifier");
    }
    free(ca.data);
}

static void make_plan(driver_plan *out, const char *path)
{
    bytes text = read_file(path);
    cJSON *settings = cJSON_ParseWithLength((const char *)text.data, text.len);
    char *options = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(settings, "options"));
    const cJSON *quote;
    ratls_error *error = NULL;

    if (options == NULL) {
        give_up("is not JSON with options", path);
    }
    if (ratls_policy_parse(&out->policy, options, strlen(options), &error) != RATLS_OK) {
        give_up(ratls_error_message(error, RATLS_SPELLING_C), "options");
    }
    cJSON_ArrayForEach(quote, cJSON_GetObjectItemCaseSensitive(settings, "quotes")) {
        if (out->quotes_len == QUOTES_MAX) {
            give_up("too many quotes", path);
        }
        out->quotes[out->quotes_len++] = read_file(quote->valuestring);
    }
    make_verifier(out, settings);
    free(options);
    cJSON_Delete(settings);
    free(text.data);
}

static void free_plan(driver_plan *plan)
{
    ratls_verifier_free(plan->verifier);
    ratls_policy_free(plan->policy);
    for (size_t i = 0; i < plan->quotes_len; i++) {
        free(plan->quotes[i].data);
    }
}

static void print_line(cJSON *answer)
{
    char *line = cJSON_PrintUnformatted(answer);

    puts(line);
    fflush(stdout);
    free(line);
    cJSON_Delete(answer);
}

/* ---------------------------------------------------------------- one verification */

static void verify_one(const driver_plan *plan, size_t quote)
{
    ratls_result *result = NULL;
    ratls_error *error = NULL;
    ratls_status status = ratls_verify(&result, plan->verifier, plan->quotes[quote].data, plan->quotes[quote].len,
        ratls_policy_options(plan->policy), NULL, &error);
    cJSON *answer = cJSON_CreateObject();

    cJSON_AddStringToObject(answer, "code", ratls_status_name(status));
    if (status == RATLS_OK) {
        cJSON_AddItemToObject(answer, "result", cJSON_Parse(ratls_result_json(result)));
    } else {
        cJSON_AddStringToObject(answer, "message", ratls_error_message(error, RATLS_SPELLING_C));
    }
    print_line(answer);
    ratls_result_free(result);
    ratls_error_free(error);
}

/* ---------------------------------------------------------------- many */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void count(outcome_tally *tally, const char *name, long times)
{
    size_t i = 0;

    while (i < tally->len && strcmp(tally->names[i], name) != 0) {
        i++;
    }
    if (i == OUTCOMES_MAX) {
        give_up("too many kinds of outcome", name);
    }
    if (i == tally->len) {
        snprintf(tally->names[tally->len++], NAME_MAX_LEN, "%s", name);
    }
    tally->counts[i] += times;
}

static void *work(void *argument)
{
    worker *own = argument;
    const driver_plan *plan = own->plan;

    while (atomic_fetch_sub(own->left, 1) > 0) {
        size_t quote = (size_t)rand_r(&own->seed) % plan->quotes_len;
        int64_t started = now_ms(), took;
        ratls_result *result = NULL;
        ratls_error *error = NULL;
        ratls_status status = ratls_verify(&result, plan->verifier, plan->quotes[quote].data, plan->quotes[quote].len,
            ratls_policy_options(plan->policy), NULL, &error);

        took = now_ms() - started;
        own->longest_ms = took > own->longest_ms ? took : own->longest_ms;
        if ((status == RATLS_OK) != (result != NULL) || (status == RATLS_OK) == (error != NULL)) {
            give_up("status, result and error disagree", ratls_status_name(status));
        }
        count(&own->tallies[quote], ratls_status_name(status), 1);
        ratls_result_free(result);
        ratls_error_free(error);
    }
    return NULL;
}

/* A number of /proc/self/status, in KiB. */
static long memory_kib(const char *field)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[LINE_MAX_LEN];
    long found = 0;

    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, field, strlen(field)) == 0) {
            found = strtol(line + strlen(field), NULL, 10);
        }
    }
    if (status != NULL) {
        fclose(status);
    }
    return found;
}

static cJSON *summary(const worker *workers, size_t threads, size_t quotes)
{
    cJSON *answer = cJSON_CreateObject();
    cJSON *outcomes = cJSON_AddArrayToObject(answer, "outcomes");
    int64_t longest = 0;

    for (size_t quote = 0; quote < quotes; quote++) {
        cJSON *object = cJSON_CreateObject();
        outcome_tally sum = {0};

        for (size_t i = 0; i < threads; i++) {
            const outcome_tally *own = &workers[i].tallies[quote];

            for (size_t k = 0; k < own->len; k++) {
                count(&sum, own->names[k], own->counts[k]);
            }
            longest = workers[i].longest_ms > longest ? workers[i].longest_ms : longest;
        }
        for (size_t k = 0; k < sum.len; k++) {
            cJSON_AddNumberToObject(object, sum.names[k], (double)sum.counts[k]);
        }
        cJSON_AddItemToArray(outcomes, object);
    }
    cJSON_AddNumberToObject(answer, "longest_ms", (double)longest);
    cJSON_AddNumberToObject(answer, "rss_kib", (double)memory_kib("VmRSS:"));
    return answer;
}

static void soak(const driver_plan *plan, size_t threads, long total, unsigned seed)
{
    worker *workers = calloc(threads, sizeof *workers);
    pthread_t *ids = calloc(threads, sizeof *ids);
    atomic_long left = total;

    if (workers == NULL || ids == NULL || threads == 0 || threads > THREADS_MAX) {
        give_up("unusable", "number of threads");
    }
    for (size_t i = 0; i < threads; i++) {
        workers[i].plan = plan;
        workers[i].left = &left;
        workers[i].seed = seed + (unsigned)i;
        if (pthread_create(&ids[i], NULL, work, &workers[i]) != 0) {
            give_up("cannot be started", "thread");
        }
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    print_line(summary(workers, threads, plan->quotes_len));
    free(workers);
    free(ids);
}

#ifdef DRIVER_STARVES
static void starve(const driver_plan *plan, long number)
{
    cJSON *answer = cJSON_CreateObject();
    ratls_result *result = NULL;
    ratls_error *error = NULL;
    ratls_status status;
    bool failed;

    starve_at(number);
    status = ratls_verify(&result, plan->verifier, plan->quotes[0].data, plan->quotes[0].len, ratls_policy_options(plan->policy), NULL, &error);
    failed = starve_end();
    if ((status == RATLS_OK) != (result != NULL)) {
        give_up("status and result disagree", ratls_status_name(status));
    }
    cJSON_AddStringToObject(answer, "code", ratls_status_name(status));
    cJSON_AddBoolToObject(answer, "failed", failed);
    ratls_result_free(result);
    ratls_error_free(error);
    cJSON_AddNumberToObject(answer, "heap", (double)starve_heap());
    print_line(answer);
}
#endif

static void obey(const driver_plan *plan, const char *line)
{
    unsigned seed;
    size_t number;
    long total;

    if (sscanf(line, "verify %zu", &number) == 1 && number < plan->quotes_len) {
        verify_one(plan, number);
    } else if (sscanf(line, "soak %zu %ld %u", &number, &total, &seed) == 3) {
        soak(plan, number, total, seed);
#ifdef DRIVER_STARVES
    } else if (sscanf(line, "starve %ld", &total) == 1) {
        starve(plan, total);
#endif
    } else {
        give_up("is not a command", line);
    }
}

int main(int argc, char *argv[])
{
    driver_plan plan = {0};
    char line[LINE_MAX_LEN];

    if (argc != 2) {
        fprintf(stderr, "usage: %s SETTINGS.json\n", argv[0]);
        return EXIT_FAILURE;
    }
    make_plan(&plan, argv[1]);
    while (fgets(line, sizeof line, stdin) != NULL) {
        obey(&plan, line);
    }
    free_plan(&plan);
    return EXIT_SUCCESS;
}

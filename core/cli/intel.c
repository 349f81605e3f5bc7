#include "intel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"
#include "input.h"
#include "output.h"

enum { CLI_INTEL_LIST_MAX = 16, CLI_INTEL_LISTS = 3 };

/* What the options point to; free with clear_storage(). */
typedef struct {
    cli_bytes api_key;
    cli_bytes pinned_roots;
    cli_bytes ca;
    char *texts[CLI_INTEL_LISTS]; /* copies of lists, cut at their commas */
    const char *entries[CLI_INTEL_LISTS][CLI_INTEL_LIST_MAX];
} intel_storage;

static void clear_storage(intel_storage *storage)
{
    if (storage->api_key.data != NULL) {
        explicit_bzero(storage->api_key.data, storage->api_key.len);
    }
    cli_bytes_clear(&storage->api_key);
    cli_bytes_clear(&storage->pinned_roots);
    cli_bytes_clear(&storage->ca);
    for (size_t i = 0; i < CLI_INTEL_LISTS; i++) {
        free(storage->texts[i]);
    }
}

/* A file ends with a line break that is no part of the key. */
static bool read_api_key(const char **out, intel_storage *storage, const cli_arguments *arguments, cli_failure *failure)
{
    const char *path = cli_argument(arguments, "api_key");
    cli_bytes *file = &storage->api_key;

    if (path == NULL) {
        *out = cli_environment("INTEL_TRUST_AUTHORITY_API_KEY", NULL);
        return true;
    }
    if (!cli_input_read(file, path, CLI_SMALL_FILE_MAX, failure)) {
        return false;
    }
    while (file->len > 0 && (file->data[file->len - 1] == '\n' || file->data[file->len - 1] == '\r')) {
        file->data[--file->len] = '\0';
    }
    /* A NUL inside would cut the key short: better an empty one, which is refused. */
    *out = memchr(file->data, '\0', file->len) == NULL ? (const char *)file->data : "";
    return true;
}

static bool read_file(const uint8_t **out, size_t *out_len, cli_bytes *file, const cli_arguments *arguments, const char *name, cli_failure *failure)
{
    const char *path = cli_argument(arguments, name);

    if (path != NULL && !cli_input_read(file, path, CLI_SMALL_FILE_MAX, failure)) {
        return false;
    }
    *out = file->data;
    *out_len = file->len;
    return true;
}

/* "A,B" as a list; "" is an empty one, which the library refuses by its name. */
static bool read_list(const char *const **out, size_t *out_len, intel_storage *storage, size_t which, const cli_arguments *arguments,
                      const char *name, const char *flag, cli_failure *failure)
{
    const char *text = cli_argument(arguments, name);
    char *next;

    if (text == NULL) {
        return true;
    }
    storage->texts[which] = strdup(text);
    if (storage->texts[which] == NULL) {
        return cli_fail_memory(failure);
    }
    *out = storage->entries[which];
    for (next = storage->texts[which]; next != NULL && text[0] != '\0'; *out_len += 1) {
        if (*out_len == CLI_INTEL_LIST_MAX) {
            return CLI_FAIL(failure, RATLS_ERR_OPTION_VALUE, {"option", flag}, {"found", text}, {"expected", "a shorter list"});
        }
        storage->entries[which][*out_len] = strsep(&next, ",");
    }
    return true;
}

/* A whole number of at most 32 bits; which ones mean something, the library says. */
static bool read_number(int64_t *out, const cli_arguments *arguments, const char *name, const char *flag, cli_failure *failure)
{
    const char *text = cli_argument(arguments, name);
    char *end = NULL;
    long number = 0;

    if (text == NULL) {
        return true;
    }
    errno = 0;
    number = strtol(text, &end, 10);
    if ((text[0] != '-' && (text[0] < '0' || text[0] > '9')) || *end != '\0' || end == text || errno != 0 || number < INT32_MIN || number > INT32_MAX) {
        return CLI_FAIL(failure, RATLS_ERR_OPTION_VALUE, {"option", flag}, {"found", text}, {"expected", "a whole number"});
    }
    *out = number;
    return true;
}

static bool read_numbers(ratls_intel_options *options, const cli_arguments *arguments, cli_failure *failure)
{
    int64_t api_version = 0, attempts = 0, per_second = 0, rsa_bits = 0;
    bool read = read_number(&api_version, arguments, "intel_api_version", "--intel-api-version", failure) &&
                read_number(&attempts, arguments, "intel_attempts", "--intel-attempts", failure) &&
                read_number(&per_second, arguments, "intel_requests_per_second", "--intel-requests-per-second", failure) &&
                read_number(&rsa_bits, arguments, "intel_min_rsa_bits", "--intel-min-rsa-bits", failure) &&
                read_number(&options->attempt_timeout_ms, arguments, "intel_attempt_timeout_ms", "--intel-attempt-timeout-ms", failure) &&
                read_number(&options->http_connect_timeout_ms, arguments, "intel_http_connect_timeout_ms", "--intel-http-connect-timeout-ms", failure);

    options->api_version = (int32_t)api_version;
    options->attempts = (int32_t)attempts;
    options->requests_per_second = (int32_t)per_second;
    options->min_rsa_bits = (int32_t)rsa_bits;
    options->policy_must_match = cli_argument(arguments, "intel_policy_must_match") != NULL;
    options->allow_unmatched_policies = cli_argument(arguments, "intel_allow_unmatched_policies") != NULL;
    options->relaxed_chain = cli_argument(arguments, "intel_relaxed_chain") != NULL;
    return read;
}

static bool read_crl_policy(int32_t *out, const cli_arguments *arguments, cli_failure *failure)
{
    static const char *const words[] = {[RATLS_CRL_HARD] = "hard", [RATLS_CRL_SOFT] = "soft", [RATLS_CRL_OFF] = "off"};
    const char *word = cli_argument(arguments, "intel_crl_policy");

    *out = RATLS_CRL_HARD;
    for (int32_t i = RATLS_CRL_HARD; word != NULL && i <= RATLS_CRL_OFF; i++) {
        if (strcmp(word, words[i]) == 0) {
            *out = i;
            return true;
        }
    }
    return word == NULL || CLI_FAIL(failure, RATLS_ERR_OPTION_VALUE, {"option", "--intel-crl-policy"}, {"found", word},
                                    {"expected", "hard, soft or off"});
}

static bool read_options(ratls_intel_options *options, intel_storage *storage, const cli_arguments *arguments, cli_failure *failure)
{
    ratls_intel_options_init(options, sizeof *options);
    options->region = cli_argument(arguments, "region");
    options->base_url = cli_argument(arguments, "intel_base_url");
    options->portal_url = cli_argument(arguments, "intel_portal_url");
    options->log = cli_output_warning;
    cli_environment_proxy(&options->proxy, &options->no_proxy, arguments);
    return read_api_key(&options->api_key, storage, arguments, failure) &&
           read_file(&options->pinned_roots, &options->pinned_roots_len, &storage->pinned_roots, arguments, "intel_pinned_roots", failure) &&
           read_file(&options->ca, &options->ca_len, &storage->ca, arguments, "ca_file", failure) &&
           read_list(&options->policy_ids, &options->policy_ids_len, storage, 0, arguments, "intel_policy_ids", "--intel-policy-ids", failure) &&
           read_list(&options->allowed_algorithms, &options->allowed_algorithms_len, storage, 1, arguments, "intel_allowed_algorithms",
                     "--intel-allowed-algorithms", failure) &&
           read_list(&options->crl_hosts, &options->crl_hosts_len, storage, 2, arguments, "intel_crl_hosts", "--intel-crl-hosts", failure) &&
           read_numbers(options, arguments, failure) && read_crl_policy(&options->crl_policy, arguments, failure);
}

bool cli_intel_verifier(ratls_verifier **out, const cli_arguments *arguments, cli_failure *failure)
{
    ratls_intel_options options;
    intel_storage storage = {0};
    bool made = read_options(&options, &storage, arguments, failure) &&
                cli_succeeded(failure, ratls_verifier_new_intel(out, &options, &failure->error));

    clear_storage(&storage);
    return made;
}

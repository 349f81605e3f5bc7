#include "runner_intel.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STANDIN_MAX = 4 << 20, LIST_MAX = 16, CA_MAX = 64 << 10 };

static void give_up(const char *what, const char *name)
{
    fprintf(stderr, "conformance runner: %s: %s\n", name, what);
    exit(EXIT_FAILURE);
}

/* A whole file with a NUL behind it, the caller's to free(). */
static char *read_text(const char *path, size_t most)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(most + 1);
    size_t len;

    if (file == NULL || text == NULL) {
        give_up("cannot be read", path);
    }
    len = fread(text, 1, most, file);
    text[len] = '\0';
    fclose(file);
    return text;
}

cJSON *intel_standin_read(void)
{
    const char *path = getenv("RATLS_INTEL_STANDIN");
    cJSON *standin = NULL;
    char *text;

    if (path == NULL || *path == '\0') {
        return NULL;
    }
    text = read_text(path, STANDIN_MAX);
    standin = cJSON_Parse(text);
    free(text);
    if (standin == NULL) {
        give_up("does not say where a stand-in is", path);
    }
    return standin;
}

/* What the case says, or else what the stand-in does; NULL where the case says null. */
static const char *text_of(const cJSON *options, const char *name, const cJSON *authority, const char *name_there)
{
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(options, name);
    const cJSON *value = own != NULL ? own : cJSON_GetObjectItemCaseSensitive(authority, name_there);

    return cJSON_IsString(value) ? value->valuestring : NULL;
}

static int32_t number_of(const cJSON *options, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(options, name);

    return cJSON_IsNumber(value) ? (int32_t)value->valueint : (int32_t)cJSON_IsTrue(value);
}

static size_t list_of(const char **out, const cJSON *options, const char *name)
{
    const cJSON *entry;
    size_t len = 0;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(options, name)) {
        if (len == LIST_MAX) {
            give_up("too long a list", name);
        }
        out[len++] = entry->valuestring;
    }
    return len;
}

static int32_t crl_policy_of(const cJSON *options)
{
    static const char *const words[] = {[RATLS_CRL_HARD] = "hard", [RATLS_CRL_SOFT] = "soft", [RATLS_CRL_OFF] = "off"};
    const cJSON *word = cJSON_GetObjectItemCaseSensitive(options, "crl_policy");

    if (word == NULL) {
        return RATLS_CRL_HARD;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i], word->valuestring) == 0) {
            return (int32_t)i;
        }
    }
    give_up("unknown word", "crl_policy");
    return RATLS_CRL_HARD;
}

static void fill_numbers(ratls_intel_options *out, const cJSON *options)
{
    out->api_version = number_of(options, "api_version");
    out->attempts = number_of(options, "attempts");
    out->min_rsa_bits = number_of(options, "min_rsa_bits");
    out->policy_must_match = number_of(options, "policy_must_match");
    out->allow_unmatched_policies = number_of(options, "allow_unmatched_policies");
    out->relaxed_chain = number_of(options, "relaxed_chain");
    out->crl_policy = crl_policy_of(options);
}

ratls_status intel_verifier_new(
    ratls_verifier **out, const cJSON *standin, const cJSON *intel, const uint8_t *pinned_roots, size_t pinned_roots_len, ratls_error **err)
{
    const cJSON *scenario = cJSON_GetObjectItemCaseSensitive(intel, "scenario");
    const cJSON *authority = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(standin, "authorities"), scenario->valuestring);
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(intel, "options");
    const char *policies[LIST_MAX], *algorithms[LIST_MAX], *hosts[LIST_MAX];
    ratls_intel_options options;
    ratls_status status;
    char *ca;

    if (authority == NULL) {
        give_up("is not among the stand-in's scenarios", scenario->valuestring);
    }
    ca = read_text(text_of(NULL, "", authority, "ca_file"), CA_MAX);
    ratls_intel_options_init(&options, sizeof options);
    options.api_key = text_of(given, "api_key", authority, "api_key");
    options.base_url = text_of(given, "base_url", authority, "api_url");
    options.portal_url = text_of(given, "portal_url", authority, "portal_url");
    options.ca = (const uint8_t *)ca;
    options.ca_len = strlen(ca);
    options.pinned_roots = pinned_roots;
    options.pinned_roots_len = pinned_roots_len;
    options.policy_ids_len = list_of(policies, given, "policy_ids");
    options.policy_ids = options.policy_ids_len > 0 ? policies : NULL;
    options.allowed_algorithms_len = list_of(algorithms, given, "allowed_algorithms");
    options.allowed_algorithms = options.allowed_algorithms_len > 0 ? algorithms : NULL;
    options.crl_hosts_len = list_of(hosts, given, "crl_hosts");
    options.crl_hosts = options.crl_hosts_len > 0 ? hosts : NULL;
    fill_numbers(&options, given);
    status = ratls_verifier_new_intel(out, &options, err);
    free(ca);
    return status;
}

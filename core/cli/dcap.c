#include "dcap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"
#include "input.h"
#include "output.h"

const char *const cli_dcap_flags[][2] = {
    {"collateral", "--collateral"}, {"trust_anchor", "--trust-anchor"}, {"pccs_urls", "--pccs-url"}, {"pccs_ca_files", "--pccs-ca-file"},
    {"cache_dir", "--cache-dir"},   {"update", "--update"},             {"attempt_timeout_ms", "--attempt-timeout-ms"},
    {"http_connect_timeout_ms", "--http-connect-timeout-ms"}, {NULL, NULL}};

/* What the options point to; free with clear_storage(). */
typedef struct {
    cli_bytes collateral;
    cli_bytes anchor;
    cli_bytes ca;
    char *urls_text; /* copies of lists, cut at their commas */
    char *cas_text;
    const char *urls[RATLS_PCCS_URLS_MAX];
    const char *ca_paths[RATLS_PCCS_URLS_MAX];
    cli_bytes cas[RATLS_PCCS_URLS_MAX];
    const char *cas_texts[RATLS_PCCS_URLS_MAX];
    char *cache_dir;
} dcap_storage;

static void clear_storage(dcap_storage *storage)
{
    cli_bytes_clear(&storage->collateral);
    cli_bytes_clear(&storage->anchor);
    cli_bytes_clear(&storage->ca);
    for (size_t i = 0; i < RATLS_PCCS_URLS_MAX; i++) {
        cli_bytes_clear(&storage->cas[i]);
    }
    free(storage->urls_text);
    free(storage->cas_text);
    free(storage->cache_dir);
}

/* "A,B" as a list; "" is one empty entry. */
static bool split(const char **entries, size_t *len, char **storage, const char *text, const char *flag, cli_failure *failure)
{
    char *next = *storage = strdup(text);

    if (next == NULL) {
        return cli_fail_memory(failure);
    }
    for (*len = 0; next != NULL; *len += 1) {
        if (*len == RATLS_PCCS_URLS_MAX) {
            return CLI_FAIL(failure, RATLS_ERR_OPTION_VALUE, {"option", flag}, {"found", text}, {"expected", "at most 8, joined by commas"});
        }
        entries[*len] = strsep(&next, ",");
    }
    return true;
}

static bool read_cas(ratls_dcap_options *options, dcap_storage *storage, const cli_arguments *arguments, cli_failure *failure)
{
    const char *text = cli_argument(arguments, "pccs_ca_files");

    if (text == NULL) {
        return true;
    }
    if (!split(storage->ca_paths, &options->pccs_cas_len, &storage->cas_text, text, "--pccs-ca-file", failure)) {
        return false;
    }
    if (options->pccs_cas_len != options->pccs_urls_len) {
        return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", "--pccs-ca-file"}, {"what", "there must be one file for each --pccs-url, in the same order"});
    }
    for (size_t i = 0; i < options->pccs_cas_len; i++) {
        const char *path = storage->ca_paths[i];

        if (path[0] != '\0' && !cli_input_read(&storage->cas[i], path, CLI_SMALL_FILE_MAX, failure)) {
            return false;
        }
        storage->cas_texts[i] = path[0] == '\0' ? "" : (const char *)storage->cas[i].data;
    }
    options->pccs_cas = storage->cas_texts;
    return true;
}

static bool read_sources(ratls_dcap_options *options, dcap_storage *storage, const cli_arguments *arguments, cli_failure *failure)
{
    const char *text = cli_argument(arguments, "pccs_urls");

    if (text != NULL) {
        if (!split(storage->urls, &options->pccs_urls_len, &storage->urls_text, text, "--pccs-url", failure)) {
            return false;
        }
        options->pccs_urls = storage->urls;
    }
    return read_cas(options, storage, arguments, failure);
}

static bool read_milliseconds(int64_t *out, const cli_arguments *arguments, const char *name, const char *flag, cli_failure *failure)
{
    const char *text = cli_argument(arguments, name);
    char *end = NULL;

    if (text == NULL) {
        return true;
    }
    errno = 0;
    *out = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || *out > INT32_MAX) {
        return CLI_FAIL(failure, RATLS_ERR_OPTION_VALUE, {"option", flag}, {"found", text}, {"expected", "milliseconds"});
    }
    return true;
}

static bool read_update(int32_t *out, const cli_arguments *arguments, cli_failure *failure)
{
    const char *word = cli_argument(arguments, "update");

    *out = word != NULL && strcmp(word, "early") == 0;
    return word == NULL || *out || strcmp(word, "standard") == 0 ||
           CLI_FAIL(failure, RATLS_ERR_OPTION_VALUE, {"option", "--update"}, {"found", word}, {"expected", "standard or early"});
}

/* The file that a flag names, or else what saved evidence brings along. */
static bool read_or_borrow(const uint8_t **out, size_t *len, cli_bytes *read, const char *path, const cli_bytes *saved, size_t max, cli_failure *failure)
{
    const cli_bytes *used = path == NULL ? saved : read;

    if (path != NULL && !cli_input_read(read, path, max, failure)) {
        return false;
    }
    *out = used == NULL ? NULL : used->data;
    *len = used == NULL ? 0 : used->len;
    return true;
}

/* Whoever made the file chose the root: that must not go unseen. */
static void warn_of_saved_anchor(const cli_saved *saved, const char *anchor_path)
{
    if (saved != NULL && saved->trust_anchor.len > 0 && anchor_path == NULL) {
        cli_output_warning(NULL, "the saved evidence brings its own trust anchor in place of Intel's: the verdict is worth as much as "
                                 "that root, which --trust-anchor names if you know it");
    }
}

static bool read_options(ratls_dcap_options *options, dcap_storage *storage, const cli_arguments *arguments, const cli_saved *saved, cli_failure *failure)
{
    const char *anchor = cli_argument(arguments, "trust_anchor"), *ca = cli_argument(arguments, "ca_file");

    ratls_dcap_options_init(options, sizeof *options);
    options->log = cli_output_warning;
    cli_environment_proxy(&options->proxy, &options->no_proxy, arguments);
    if (!read_or_borrow(&options->collateral, &options->collateral_len, &storage->collateral, cli_argument(arguments, "collateral"),
                        saved == NULL ? NULL : &saved->collateral, CLI_COLLATERAL_FILE_MAX, failure) ||
        !read_or_borrow(&options->trust_anchor, &options->trust_anchor_len, &storage->anchor, anchor, saved == NULL ? NULL : &saved->trust_anchor,
                        CLI_SMALL_FILE_MAX, failure) ||
        !read_or_borrow(&options->ca, &options->ca_len, &storage->ca, ca, NULL, CLI_SMALL_FILE_MAX, failure) ||
        !read_sources(options, storage, arguments, failure) || !read_update(&options->update_early, arguments, failure) ||
        !read_milliseconds(&options->attempt_timeout_ms, arguments, "attempt_timeout_ms", "--attempt-timeout-ms", failure) ||
        !read_milliseconds(&options->http_connect_timeout_ms, arguments, "http_connect_timeout_ms", "--http-connect-timeout-ms", failure) ||
        !cli_environment_cache_dir(&storage->cache_dir, arguments, failure)) {
        return false;
    }
    options->cache_dir = storage->cache_dir;
    if (saved != NULL && saved->certificate.len > 0 && options->collateral == NULL) {
        options->collateral = (const uint8_t *)""; /* a verdict is repeated with what it rested on, or not at all */
    }
    warn_of_saved_anchor(saved, anchor);
    return true;
}

bool cli_dcap_verifier(ratls_verifier **out, const cli_arguments *arguments, const cli_saved *saved, cli_failure *failure)
{
    dcap_storage storage = {0};
    ratls_dcap_options options;
    bool made = read_options(&options, &storage, arguments, saved, failure) &&
                cli_succeeded(failure, ratls_verifier_new_dcap(out, &options, &failure->error));

    clear_storage(&storage);
    return made;
}

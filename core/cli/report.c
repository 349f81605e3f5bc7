#include "report.h"

#include <stdlib.h>
#include <string.h>

bool cli_report_is_url(const char *where)
{
    return strstr(where, "://") != NULL;
}

static const char *from_environment(const char *name)
{
    const char *value = getenv(name);

    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* A proxy that is given needs no exceptions; one of the environment comes with the environment's. For plain HTTP only the
 * lower-case name counts, as everywhere: a CGI program's HTTP_PROXY is its caller's header. */
static void read_proxy(ratls_report_fetch_options *options, const char *url, const cli_arguments *arguments)
{
    options->proxy = cli_argument(arguments, "proxy");
    options->no_proxy = cli_argument(arguments, "no_proxy");
    if (options->proxy == NULL) {
        options->proxy = from_environment(strncmp(url, "https:", 6) == 0 ? "https_proxy" : "http_proxy");
        options->proxy = options->proxy == NULL ? from_environment("all_proxy") : options->proxy;
        options->no_proxy = options->no_proxy == NULL ? from_environment("no_proxy") : options->no_proxy;
    }
}

static bool fetch(
    cli_bytes *out, const char *url, const cli_arguments *arguments, int64_t timeout_ms, ratls_cancel *cancel, cli_failure *failure)
{
    const char *ca_path = cli_argument(arguments, "ca_file");
    ratls_report_fetch_options options;
    cli_bytes ca = {0};
    char *json = NULL;
    bool fetched;

    ratls_report_fetch_options_init(&options, sizeof options);
    options.timeout_ms = timeout_ms;
    read_proxy(&options, url, arguments);
    fetched = ca_path == NULL || cli_input_read(&ca, ca_path, CLI_SMALL_FILE_MAX, failure);
    if (fetched) {
        options.ca = ca.data;
        options.ca_len = ca.len;
        fetched = cli_succeeded(failure, ratls_report_fetch(&json, url, &options, cancel, &failure->error));
    }
    if (fetched) {
        out->data = (uint8_t *)strdup(json);
        out->len = out->data == NULL ? 0 : strlen(json);
        fetched = out->data != NULL || cli_fail_memory(failure);
    }
    ratls_bytes_free(json);
    cli_bytes_clear(&ca);
    return fetched;
}

bool cli_report_read(
    cli_bytes *out, const char *where, const cli_arguments *arguments, int64_t timeout_ms, ratls_cancel *cancel, cli_failure *failure)
{
    *out = (cli_bytes){0};
    return cli_report_is_url(where) ? fetch(out, where, arguments, timeout_ms, cancel, failure)
                                    : cli_input_read(out, where, CLI_SMALL_FILE_MAX, failure);
}

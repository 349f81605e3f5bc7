#include <string.h>

#include "connection.h"
#include "events.h"
#include "input.h"
#include "output.h"
#include "pins.h"
#include "report.h"
#include "subcommands.h"

/* The library's inspections but that of a report, whose text has another type. */
typedef ratls_status (*inspect_function)(ratls_quote **out, const uint8_t *bytes, size_t len, ratls_error **err);

static bool inspect_bytes(ratls_quote **out, inspect_function inspect, const cli_bytes *input, cli_failure *failure)
{
    return cli_succeeded(failure, inspect(out, input->data, input->len, &failure->error));
}

static bool inspect_connection(ratls_quote **out, const cli_arguments *arguments, cli_failure *failure)
{
    uint8_t *der = NULL;
    size_t der_len = 0;
    bool read = cli_connection_certificate(&der, &der_len, arguments, cli_argument(arguments, "connect"), failure) &&
                inspect_bytes(out, ratls_certificate_inspect, &(cli_bytes){der, der_len}, failure);

    ratls_bytes_free(der);
    return read;
}

static bool inspect_report(ratls_quote **out, const char *where, const cli_arguments *arguments, cli_failure *failure)
{
    cli_bytes report = {0};
    bool read = cli_report_read(&report, where, arguments, 0, NULL, failure) &&
                cli_succeeded(failure, ratls_report_inspect(out, (const char *)report.data, report.len, &failure->error));

    cli_bytes_clear(&report);
    return read;
}

static bool inspect_input(ratls_quote **out, const cli_arguments *arguments, cli_failure *failure)
{
    const char *certificate_path = cli_argument(arguments, "cert");
    const char *quote_path = cli_argument(arguments, "quote");
    const char *evidence_path = cli_argument(arguments, "evidence");
    const char *report = cli_argument(arguments, "report");
    cli_bytes input = {0};
    bool read = false;

    if (certificate_path != NULL) {
        read = cli_input_certificate(&input, certificate_path, failure) && inspect_bytes(out, ratls_certificate_inspect, &input, failure);
    } else if (quote_path != NULL) {
        read = cli_input_quote(&input, quote_path, failure) && inspect_bytes(out, ratls_quote_inspect, &input, failure);
    } else if (evidence_path != NULL) {
        read = cli_input_read(&input, evidence_path, CLI_EVIDENCE_FILE_MAX, failure) &&
               inspect_bytes(out, ratls_evidence_inspect, &input, failure);
    } else if (report != NULL) {
        read = inspect_report(out, report, arguments, failure);
    } else {
        read = inspect_connection(out, arguments, failure);
    }
    cli_bytes_clear(&input);
    return read;
}

/* For people: the fields, and the log as a table instead of as JSON. */
static bool show(cJSON *fields, bool json, cli_failure *failure)
{
    if (fields == NULL) {
        return cli_fail_memory(failure);
    }
    if (json) {
        return cli_output_json(fields, failure);
    }
    cli_output_fields(fields);
    cli_events_print(fields);
    cJSON_Delete(fields);
    return cli_output_flush(failure);
}

bool cli_inspect(const cli_arguments *arguments, bool json, cli_failure *failure)
{
    ratls_quote *quote = NULL;
    bool shown;

    if (!inspect_input(&quote, arguments, failure)) {
        return false;
    }
    shown = cli_argument(arguments, "print_pins") != NULL ? cli_pins_print(quote, json, failure)
                                                          : show(cJSON_Parse(ratls_quote_json(quote)), json, failure);
    ratls_quote_free(quote);
    return shown;
}

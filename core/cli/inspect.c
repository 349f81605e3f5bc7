#include <string.h>

#include "connection.h"
#include "input.h"
#include "output.h"
#include "subcommands.h"

/* ratls_certificate_inspect() or ratls_quote_inspect(). */
typedef ratls_status (*inspect_function)(ratls_quote **out, const uint8_t *bytes, size_t len, ratls_error **err);

static bool inspect_bytes(cJSON **out, inspect_function inspect, const cli_bytes *input, cli_failure *failure)
{
    ratls_quote *quote = NULL;

    if (!cli_succeeded(failure, inspect(&quote, input->data, input->len, &failure->error))) {
        return false;
    }
    *out = cJSON_Parse(ratls_quote_json(quote));
    ratls_quote_free(quote);
    return *out != NULL || cli_fail_memory(failure);
}

static bool inspect_connection(cJSON **out, const cli_arguments *arguments, cli_failure *failure)
{
    uint8_t *der = NULL;
    size_t der_len = 0;
    bool read = cli_connection_certificate(&der, &der_len, arguments, cli_argument(arguments, "connect"), failure) &&
                inspect_bytes(out, ratls_certificate_inspect, &(cli_bytes){der, der_len}, failure);

    ratls_bytes_free(der);
    return read;
}

static bool inspect_input(cJSON **out, const cli_arguments *arguments, cli_failure *failure)
{
    const char *certificate_path = cli_argument(arguments, "cert");
    const char *quote_path = cli_argument(arguments, "quote");
    cli_bytes input = {0};
    bool read = false;

    if (certificate_path != NULL) {
        read = cli_input_certificate(&input, certificate_path, failure) && inspect_bytes(out, ratls_certificate_inspect, &input, failure);
    } else if (quote_path != NULL) {
        read = cli_input_quote(&input, quote_path, failure) && inspect_bytes(out, ratls_quote_inspect, &input, failure);
    } else {
        read = inspect_connection(out, arguments, failure);
    }
    cli_bytes_clear(&input);
    return read;
}

bool cli_inspect(const cli_arguments *arguments, bool json, cli_failure *failure)
{
    cJSON *fields = NULL;

    if (!inspect_input(&fields, arguments, failure)) {
        return false;
    }
    if (json) {
        return cli_output_json(fields, failure);
    }
    cli_output_fields(fields);
    cJSON_Delete(fields);
    return cli_output_flush(failure);
}

#include <string.h>

#include "input.h"
#include "output.h"
#include "subcommands.h"

/* Every field null: a certificate with no quote. */
static cJSON *no_fields(void)
{
    cJSON *fields = cJSON_CreateObject();

    for (size_t i = 0; fields != NULL && cli_inspect_fields[i] != NULL; i++) {
        cJSON_AddNullToObject(fields, cli_inspect_fields[i]);
    }
    return fields;
}

static bool inspect_quote(cJSON **out, const uint8_t *bytes, size_t len, cli_failure *failure)
{
    ratls_quote *quote = NULL;

    if (ratls_quote_inspect(&quote, bytes, len, &failure->error) != RATLS_OK) {
        return false;
    }
    *out = cJSON_Parse(ratls_quote_json(quote));
    ratls_quote_free(quote);
    return *out != NULL || cli_fail_memory(failure);
}

static bool inspect_certificate(cJSON **out, const cli_bytes *der, cli_failure *failure)
{
    uint8_t *quote = NULL;
    size_t quote_len = 0;
    bool read;

    if (ratls_extract_tdx_quote(&quote, &quote_len, der->data, der->len, &failure->error) != RATLS_OK) {
        return false;
    }
    if (quote == NULL) {
        *out = no_fields();
        return *out != NULL || cli_fail_memory(failure);
    }
    read = inspect_quote(out, quote, quote_len, failure);
    ratls_bytes_free(quote);
    return read;
}

static bool inspect_input(cJSON **out, const cli_arguments *arguments, cli_failure *failure)
{
    const char *certificate_path = cli_argument(arguments, "cert");
    const char *quote_path = cli_argument(arguments, "quote");
    cli_bytes input = {0};
    bool read = false;

    if (certificate_path != NULL) {
        read = cli_input_certificate(&input, certificate_path, failure) && inspect_certificate(out, &input, failure);
    } else if (quote_path != NULL) {
        read = cli_input_quote(&input, quote_path, failure) && inspect_quote(out, input.data, input.len, failure);
    } else {
        read = CLI_FAIL(failure, RATLS_ERR_NOT_BUILT, {"found", "inspect --connect"});
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

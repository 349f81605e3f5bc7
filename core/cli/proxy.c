#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "output.h"
#include "subcommands.h"
#include "text.h"

/* One word of a POSIX shell. */
static char *shell_word(const char *text)
{
    cli_text word = {0};

    cli_text_add(&word, "'", 1);
    for (const char *next = text; *next != '\0'; next++) {
        if (*next == '\'') {
            cli_text_add(&word, "'\\''", 4);
        } else {
            cli_text_add(&word, next, 1);
        }
    }
    cli_text_add(&word, "'", 1);
    return cli_text_take(&word);
}

static bool tell_command(const ratls_tunnel *tunnel, cli_failure *failure)
{
    char *directory = shell_word(ratls_tunnel_directory(tunnel));

    if (directory == NULL) {
        return cli_fail_memory(failure);
    }
    printf("psql -h %s -p %" PRId32 "\n", directory, ratls_tunnel_port(tunnel));
    free(directory);
    return cli_output_flush(failure);
}

static bool tell_json(const ratls_tunnel *tunnel, cli_failure *failure)
{
    ratls_result *result = NULL;
    cJSON *object;

    if (!cli_succeeded(failure, ratls_tunnel_result(&result, tunnel, &failure->error))) {
        return false;
    }
    object = cli_output_accepted(result);
    ratls_result_free(result);
    cJSON_AddStringToObject(object, "socket_dir", ratls_tunnel_directory(tunnel));
    cJSON_AddNumberToObject(object, "port", ratls_tunnel_port(tunnel));
    return cli_output_json(object, failure);
}

bool cli_proxy(const cli_arguments *arguments, bool json, cli_failure *failure)
{
    cli_judge judge;
    cli_interrupt interrupt;
    ratls_tunnel *tunnel = NULL;
    bool served = false;

    if (!cli_judge_new(&judge, arguments, failure)) {
        return false;
    }
    if (cli_interrupt_start(&interrupt, failure)) {
        if (cli_connection_open(&tunnel, arguments, &judge, cli_argument(arguments, "upstream"),
                                cli_argument(arguments, "socket_dir"), interrupt.cancel, failure)) {
            served = json ? tell_json(tunnel, failure) : tell_command(tunnel, failure);
        }
        if (served) {
            cli_interrupt_await(&interrupt);
        }
        ratls_tunnel_close(tunnel);
        cli_interrupt_stop(&interrupt);
    }
    cli_judge_clear(&judge);
    return served;
}

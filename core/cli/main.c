#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "output.h"
#include "subcommands.h"

static bool tell_text(const char *name, const char *text, bool json, cli_failure *failure)
{
    cJSON *object;

    if (!json) {
        puts(text);
        return cli_output_flush(failure);
    }
    object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, name, text);
    return cli_output_json(object, failure);
}

static bool tell_help(bool json, cli_failure *failure)
{
    char *help = cli_arguments_help();
    bool told = help == NULL ? cli_fail_memory(failure) : tell_text("help", help, json, failure);

    free(help);
    return told;
}

static bool run(const cli_arguments *arguments, bool json, cli_failure *failure)
{
    if (arguments->help) {
        return tell_help(json, failure);
    }
    if (arguments->version) {
        return tell_text("version", ratls_version(), json, failure);
    }
    switch (arguments->command) {
    case CLI_INSPECT:
        return cli_inspect(arguments, json, failure);
    case CLI_VERIFY:
        return cli_verify(arguments, json, failure);
    case CLI_LEADER:
        return cli_leader(arguments, json, failure);
    case CLI_WATCH:
        return cli_watch(arguments, json, failure);
    case CLI_COMPOSE_HASH:
        return cli_compose_hash(arguments, json, failure);
    case CLI_COLLATERAL:
        return cli_collateral(arguments, json, failure);
    default:
        return cli_proxy(arguments, json, failure);
    }
}

/* A standard stream that is closed would be the number of the next descriptor that is opened, a socket even: in its place
 * comes one that cannot be read from or written to either. */
static void fill_standard_streams(void)
{
    static const int modes[] = {[STDIN_FILENO] = O_WRONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_RDONLY};

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd) {
            exit(EXIT_FAILURE);
        }
    }
}

int main(int argc, char *argv[])
{
    cli_arguments arguments = {0};
    cli_failure failure = {0};
    bool json = cli_arguments_want_json(argc, argv);
    int status = EXIT_SUCCESS;

    fill_standard_streams();
    signal(SIGPIPE, SIG_IGN); /* output that nobody reads must not end a proxy in mid-stream */
    if (!cli_arguments_parse(&arguments, argc, argv, &failure) || !run(&arguments, json, &failure)) {
        if (!failure.told) {
            cli_output_failure(&failure, json, (arguments.command & (CLI_INSPECT | CLI_LEADER | CLI_COMPOSE_HASH | CLI_COLLATERAL)) == 0);
        }
        status = cli_failure_exit(&failure);
    }
    cli_arguments_clear(&arguments);
    cli_failure_clear(&failure);
    return status;
}

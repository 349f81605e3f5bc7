#include <time.h>

#include "connection.h"
#include "input.h"
#include "output.h"
#include "report.h"
#include "subcommands.h"

static int64_t monotonic_ms(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool verify_der(ratls_result **out, const cli_bytes *der, const cli_judge *judge, cli_failure *failure)
{
    return cli_succeeded(failure, ratls_verify_certificate(out, judge->verifier, der->data, der->len,
                                                           ratls_policy_options(judge->policy), NULL, &failure->error));
}

static bool verify_certificate(ratls_result **out, const char *path, const cli_judge *judge, cli_failure *failure)
{
    cli_bytes der;
    bool accepted;

    if (!cli_input_certificate(&der, path, failure)) {
        return false;
    }
    accepted = verify_der(out, &der, judge, failure);
    cli_bytes_clear(&der);
    return accepted;
}

static bool verify_quote(ratls_result **out, const char *path, const cli_judge *judge, cli_failure *failure)
{
    cli_bytes quote;
    bool accepted;

    if (!cli_input_quote(&quote, path, failure)) {
        return false;
    }
    accepted = cli_succeeded(failure, ratls_verify(out, judge->verifier, quote.data, quote.len, ratls_policy_options(judge->policy),
                                                   NULL, &failure->error));
    cli_bytes_clear(&quote);
    return accepted;
}

static bool verify_evidence(ratls_result **out, const char *path, const cli_judge *judge, cli_failure *failure)
{
    cli_bytes evidence;
    bool accepted;

    if (!cli_input_read(&evidence, path, CLI_EVIDENCE_FILE_MAX, failure)) {
        return false;
    }
    accepted = cli_succeeded(failure, ratls_verify_evidence(out, judge->verifier, evidence.data, evidence.len,
                                                            ratls_policy_options(judge->policy), NULL, &failure->error));
    cli_bytes_clear(&evidence);
    return accepted;
}

static bool verify_report(ratls_result **out, const cli_arguments *arguments, const cli_judge *judge, cli_failure *failure)
{
    const ratls_verify_options *options = ratls_policy_options(judge->policy);
    cli_interrupt interrupt;
    cli_bytes report = {0};
    bool accepted;

    if (!cli_interrupt_start(&interrupt, failure)) {
        return false;
    }
    accepted = cli_report_read(&report, cli_argument(arguments, "report"), arguments, options->timeout_ms, interrupt.cancel, failure) &&
               cli_succeeded(failure, ratls_verify_report(out, judge->verifier, (const char *)report.data, report.len, options,
                                                          interrupt.cancel, &failure->error));
    cli_bytes_clear(&report);
    cli_interrupt_stop(&interrupt);
    return accepted;
}

/* A tunnel in a private directory, for its verdict only. */
static bool verify_connection(ratls_result **out, const cli_arguments *arguments, const cli_judge *judge, cli_failure *failure)
{
    cli_interrupt interrupt;
    ratls_tunnel *tunnel = NULL;
    bool accepted = false;

    if (!cli_interrupt_start(&interrupt, failure)) {
        return false;
    }
    if (cli_connection_open(&tunnel, arguments, judge, cli_argument(arguments, "connect"), NULL, interrupt.cancel, failure)) {
        accepted = cli_succeeded(failure, ratls_tunnel_result(out, tunnel, &failure->error));
    }
    ratls_tunnel_close(tunnel);
    cli_interrupt_stop(&interrupt);
    return accepted;
}

static bool verify_input(ratls_result **out, const cli_arguments *arguments, const cli_judge *judge, cli_failure *failure)
{
    if (cli_argument(arguments, "cert") != NULL) {
        return verify_certificate(out, cli_argument(arguments, "cert"), judge, failure);
    }
    if (cli_argument(arguments, "saved") != NULL) {
        return verify_der(out, &judge->saved.certificate, judge, failure);
    }
    if (cli_argument(arguments, "quote") != NULL) {
        return verify_quote(out, cli_argument(arguments, "quote"), judge, failure);
    }
    if (cli_argument(arguments, "evidence") != NULL) {
        return verify_evidence(out, cli_argument(arguments, "evidence"), judge, failure);
    }
    if (cli_argument(arguments, "report") != NULL) {
        return verify_report(out, arguments, judge, failure);
    }
    return verify_connection(out, arguments, judge, failure);
}

bool cli_verify(const cli_arguments *arguments, bool json, cli_failure *failure)
{
    cli_judge judge;
    ratls_result *result = NULL;
    int64_t started = monotonic_ms();
    bool accepted = false;

    if (!cli_judge_new(&judge, arguments, failure)) {
        return false;
    }
    if (verify_input(&result, arguments, &judge, failure)) {
        if (json) {
            accepted = cli_output_json(cli_output_accepted(result), failure);
        } else {
            cli_output_verdict(result, monotonic_ms() - started);
            accepted = cli_output_flush(failure);
        }
    }
    ratls_result_free(result);
    cli_judge_clear(&judge);
    return accepted;
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arguments.h"

enum { ARGUMENTS_MAX = 32 };

/* Parse words separated by single spaces, as a shell would hand them over. */
static bool parse(cli_arguments *out, const char *line, cli_failure *failure)
{
    char copy[1024];
    char *argv[ARGUMENTS_MAX] = {(char[]){"ratls"}};
    int argc = 1;

    snprintf(copy, sizeof copy, "%s", line);
    for (char *save = NULL, *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        argv[argc++] = word;
    }
    return cli_arguments_parse(out, argc, argv, failure);
}

static void assert_policy(const char *line, const char *expected)
{
    cli_arguments arguments;
    cli_failure failure = {0};
    char *text;

    assert_true(parse(&arguments, line, &failure));
    text = cJSON_PrintUnformatted(arguments.policy);
    assert_string_equal(text, expected);
    free(text);
    cli_arguments_clear(&arguments);
}

static void assert_failure(const char *line, ratls_status code, const char *message)
{
    cli_arguments arguments;
    cli_failure failure = {0};
    char *text;

    assert_false(parse(&arguments, line, &failure));
    assert_string_equal(ratls_status_name(cli_failure_code(&failure)), ratls_status_name(code));
    assert_int_equal(cli_failure_exit(&failure), 2);
    text = cli_failure_message(&failure);
    assert_string_equal(text, message);
    free(text);
    cli_arguments_clear(&arguments);
    cli_failure_clear(&failure);
}

static void inputs_and_files(void **state)
{
    cli_arguments arguments;
    cli_failure failure = {0};

    (void)state;
    assert_true(parse(&arguments, "verify --cert a.pem --collateral=b.json --verifier dcap --json", &failure));
    assert_int_equal(arguments.command, CLI_VERIFY);
    assert_string_equal(cli_argument(&arguments, "cert"), "a.pem");
    assert_string_equal(cli_argument(&arguments, "collateral"), "b.json");
    assert_string_equal(cli_argument(&arguments, "verifier"), "dcap");
    assert_null(cli_argument(&arguments, "quote"));
    cli_arguments_clear(&arguments);
}

static void options_become_a_policy(void **state)
{
    (void)state;
    assert_policy("verify --quote -", "{}");
    assert_policy("verify --quote - --mrtd aa --mrtd 0xBB --allow-debug", "{\"allowed_mr_td\":[\"aa\",\"0xBB\"],\"allow_debug_mode\":true}");
    assert_policy("verify --quote - --pin rtmr0=aa --pin rtmr1=cc --pin rtmr0=bb", "{\"pins\":{\"rtmr0\":[\"aa\",\"bb\"],\"rtmr1\":[\"cc\"]}}");
    assert_policy("verify --quote - --pin key_provider=kms:a=b", "{\"pins\":{\"key_provider\":[\"kms:a=b\"]}}");
    assert_policy("verify --quote - --tcb-status OK,OutOfDate", "{\"acceptable_tcb_statuses\":[\"OK\",\"OutOfDate\"]}");
    assert_policy("verify --quote - --tcb-status=", "{\"acceptable_tcb_statuses\":[]}");
    assert_policy("verify --quote - --tcb-status OK,", "{\"acceptable_tcb_statuses\":[\"OK\",\"\"]}");
    assert_policy("verify --quote - --at 1750000000 --cache-ttl-s -1", "{\"now\":1750000000,\"cache_ttl_s\":-1}");
    assert_policy("verify --quote - --at 2025-06-20T00:00:00Z", "{\"now\":\"2025-06-20T00:00:00Z\"}");
    assert_policy("proxy --upstream a:1 --socket-dir b --min-tee-tcb-svn 07", "{\"min_tee_tcb_svn\":\"07\"}");
}

static void subcommand_missing(void **state)
{
    (void)state;
    assert_failure("", RATLS_ERR_ARGUMENT_INVALID, "invalid argument ratls: expected inspect, verify, proxy, leader, watch, compose-hash or collateral; --help tells more");
    assert_failure("--json", RATLS_ERR_ARGUMENT_INVALID, "invalid argument ratls: expected inspect, verify, proxy, leader, watch, compose-hash or collateral; --help tells more");
}

static void subcommand_unknown(void **state)
{
    (void)state;
    assert_failure("verifi --json", RATLS_ERR_ARGUMENT_INVALID, "invalid argument verifi: expected inspect, verify, proxy, leader, watch, compose-hash or collateral");
}

static void words_that_are_no_flags(void **state)
{
    (void)state;
    assert_failure("compose-hash", RATLS_ERR_ARGUMENT_INVALID, "invalid argument FILE: must be given");
    assert_failure("compose-hash a b", RATLS_ERR_ARGUMENT_INVALID, "invalid argument b: expected a flag");
    assert_failure("verify a", RATLS_ERR_ARGUMENT_INVALID, "invalid argument a: expected a flag");
}

static void nothing_to_watch(void **state)
{
    (void)state;
    assert_failure("watch", RATLS_ERR_ARGUMENT_INVALID, "invalid argument --report: must be given, and be a URL");
    assert_failure("watch --report a", RATLS_ERR_ARGUMENT_INVALID, "invalid argument --report: must be given, and be a URL");
    assert_failure("watch --report http://a --socket-dir b", RATLS_ERR_OPTION_UNKNOWN, "unknown option \"--socket-dir\"");
}

static void flag_unknown(void **state)
{
    (void)state;
    assert_failure("verify --cert a --frobnicate", RATLS_ERR_OPTION_UNKNOWN, "unknown option \"--frobnicate\"");
    assert_failure("verify --cert a --mr-td b", RATLS_ERR_OPTION_UNKNOWN, "unknown option \"--mr-td\"");
}

static void flag_of_another_subcommand(void **state)
{
    (void)state;
    assert_failure("inspect --cert a --mrtd b", RATLS_ERR_OPTION_UNKNOWN, "unknown option \"--mrtd\"");
    assert_failure("proxy --upstream a:1 --socket-dir b --cert c", RATLS_ERR_OPTION_UNKNOWN, "unknown option \"--cert\"");
    assert_failure("verify --cert a --socket-dir b", RATLS_ERR_OPTION_UNKNOWN, "unknown option \"--socket-dir\"");
}

static void value_missing(void **state)
{
    (void)state;
    assert_failure("verify --cert", RATLS_ERR_ARGUMENT_INVALID, "invalid argument --cert: needs a value");
    assert_failure("verify --cert --json", RATLS_ERR_ARGUMENT_INVALID, "invalid argument --cert: needs a value");
}

static void value_not_wanted(void **state)
{
    (void)state;
    assert_failure("verify --cert a --allow-debug=no", RATLS_ERR_ARGUMENT_INVALID, "invalid argument --allow-debug: takes no value");
}

static void value_not_a_number(void **state)
{
    (void)state;
    assert_failure("verify --cert a --cache-ttl-s 1h", RATLS_ERR_OPTION_VALUE,
                   "--cache-ttl-s has a value that is not valid: found \"1h\", expected a whole number");
    assert_failure("verify --cert a --timeout-ms 99999999999999999999", RATLS_ERR_OPTION_VALUE,
                   "--timeout-ms has a value that is not valid: found \"99999999999999999999\", expected a whole number");
    assert_failure("verify --cert a --timeout-ms=", RATLS_ERR_OPTION_VALUE,
                   "--timeout-ms has a value that is not valid: found \"\", expected a whole number");
}

static void pin_without_field(void **state)
{
    (void)state;
    assert_failure("verify --cert a --pin rtmr0", RATLS_ERR_OPTION_VALUE, "--pin has a value that is not valid: found \"rtmr0\", expected FIELD=VALUE");
    assert_failure("verify --cert a --pin =aa", RATLS_ERR_OPTION_VALUE, "--pin has a value that is not valid: found \"=aa\", expected FIELD=VALUE");
}

static void flag_twice(void **state)
{
    (void)state;
    assert_failure("verify --cert a --cert b", RATLS_ERR_OPTION_DUPLICATE, "--cert is given more than once");
    assert_failure("verify --cert a --tcb-status OK --tcb-status OK", RATLS_ERR_OPTION_DUPLICATE, "--tcb-status is given more than once");
    assert_failure("verify --cert a --allow-debug --allow-debug", RATLS_ERR_OPTION_DUPLICATE, "--allow-debug is given more than once");
}

static void evidence_missing(void **state)
{
    (void)state;
    assert_failure("verify", RATLS_ERR_ARGUMENT_INVALID, "invalid argument --cert, --quote, --evidence, --report, --saved, --connect: one of them must be given");
}

static void evidence_twice(void **state)
{
    (void)state;
    assert_failure("inspect --cert a --quote b", RATLS_ERR_ARGUMENT_INVALID, "invalid argument --cert, --quote, --evidence, --report, --connect: only one of them can be given");
}

static void connect_timeout_without_connection(void **state)
{
    (void)state;
    assert_failure("inspect --saved a", RATLS_ERR_OPTION_UNKNOWN, "unknown option \"--saved\"");
    assert_failure("verify --saved a --start-tls", RATLS_ERR_ARGUMENT_INVALID, "invalid argument --start-tls: means nothing without --connect");
    assert_failure("verify --saved - --collateral -", RATLS_ERR_ARGUMENT_INVALID, "invalid argument -: standard input can be read for one file only");
    assert_failure("verify --cert a --connect-timeout 3", RATLS_ERR_ARGUMENT_INVALID, "invalid argument --connect-timeout: means nothing without --connect");
}

static void standard_input_twice(void **state)
{
    (void)state;
    assert_failure("verify --cert - --collateral -", RATLS_ERR_ARGUMENT_INVALID, "invalid argument -: standard input can be read for one file only");
}

static void proxy_without_its_ends(void **state)
{
    (void)state;
    assert_failure("proxy --socket-dir a", RATLS_ERR_ARGUMENT_INVALID, "invalid argument --upstream: must be given");
    assert_failure("proxy --upstream a:1", RATLS_ERR_ARGUMENT_INVALID, "invalid argument --socket-dir: must be given");
}

static void word_without_flag(void **state)
{
    (void)state;
    assert_failure("verify a.pem", RATLS_ERR_ARGUMENT_INVALID, "invalid argument a.pem: expected a flag");
}

static void help_names_every_flag_that_works(void **state)
{
    char *help = cli_arguments_help();

    (void)state;
    for (size_t i = 0; i < cli_option_flag_count; i++) {
        assert_int_equal(strstr(help, cli_option_flags[i].flag) != NULL, cli_option_flags[i].built);
    }
    free(help);
}

static void collateral_lacks_an_action(void **state)
{
    (void)state;
    assert_failure("collateral --quote a --out b", RATLS_ERR_ARGUMENT_INVALID, "invalid argument collateral: expected fetch or check after it");
    assert_failure("collateral refresh --quote a", RATLS_ERR_ARGUMENT_INVALID, "invalid argument refresh: expected a flag");
}

static void collateral_of_nothing_or_of_two(void **state)
{
    (void)state;
    assert_failure("collateral check", RATLS_ERR_ARGUMENT_INVALID, "invalid argument --cert, --quote, --fmspc: one of them must be given");
    assert_failure("collateral check --quote a --fmspc 00", RATLS_ERR_ARGUMENT_INVALID,
                   "invalid argument --cert, --quote, --fmspc: only one of them can be given");
}

static void collateral_flags_of_the_other_action(void **state)
{
    (void)state;
    assert_failure("collateral fetch --quote a", RATLS_ERR_ARGUMENT_INVALID, "invalid argument --out: must be given");
    assert_failure("collateral check --quote a --out b", RATLS_ERR_ARGUMENT_INVALID, "invalid argument --out: means nothing to check");
    assert_failure("collateral fetch --quote a --out b --warn-days 1", RATLS_ERR_ARGUMENT_INVALID, "invalid argument --warn-days: means nothing to fetch");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_and_files), cmocka_unit_test(options_become_a_policy), cmocka_unit_test(subcommand_missing),
        cmocka_unit_test(subcommand_unknown), cmocka_unit_test(collateral_lacks_an_action),
        cmocka_unit_test(collateral_of_nothing_or_of_two), cmocka_unit_test(collateral_flags_of_the_other_action),
        cmocka_unit_test(words_that_are_no_flags),
        cmocka_unit_test(nothing_to_watch),
        cmocka_unit_test(flag_unknown), cmocka_unit_test(flag_of_another_subcommand), cmocka_unit_test(value_missing),
        cmocka_unit_test(value_not_wanted), cmocka_unit_test(value_not_a_number), cmocka_unit_test(pin_without_field),
        cmocka_unit_test(flag_twice), cmocka_unit_test(evidence_missing), cmocka_unit_test(evidence_twice),
        cmocka_unit_test(connect_timeout_without_connection), cmocka_unit_test(standard_input_twice),
        cmocka_unit_test(proxy_without_its_ends), cmocka_unit_test(word_without_flag),
        cmocka_unit_test(help_names_every_flag_that_works)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum {
    CLI_INPUTS = CLI_INSPECT | CLI_VERIFY,
    CLI_JUDGING = CLI_VERIFY | CLI_PROXY | CLI_WATCH,
    CLI_ALL = CLI_INSPECT | CLI_JUDGING | CLI_LEADER | CLI_COMPOSE_HASH | CLI_COLLATERAL
};

static const cli_flag_row own_flags[] = {
    {"--cert", "cert", CLI_FLAG_FILE, CLI_SCOPE_COMMAND, CLI_INPUTS | CLI_COLLATERAL, 1, "RA-TLS certificate: PEM, DER, hexadecimal or base64; - is standard input"},
    {"--quote", "quote", CLI_FLAG_FILE, CLI_SCOPE_COMMAND, CLI_INPUTS | CLI_COLLATERAL, 1, "quote: raw, hexadecimal, base64 or PEM; - is standard input"},
    {"--evidence", "evidence", CLI_FLAG_FILE, CLI_SCOPE_COMMAND, CLI_INPUTS, 1, "attestation envelope, or the JSON of dstack's GetQuote or Attest; - is standard input"},
    {"--report", "report", CLI_FLAG_TEXT, CLI_SCOPE_COMMAND, CLI_INPUTS | CLI_WATCH, 1, "the sidecar's attestation JSON: a file, - for standard input, or http:// or https://"},
    {"--saved", "saved", CLI_FLAG_FILE, CLI_SCOPE_COMMAND, CLI_VERIFY, 1, "evidence that was saved with a verdict: certificate, collateral, trust anchor and time come from it; - is standard input"},
    {"--connect", "connect", CLI_FLAG_TEXT, CLI_SCOPE_COMMAND, CLI_INPUTS, 1, "take the certificate from this server: HOST:PORT"},
    {"--print-pins", "print_pins", CLI_FLAG_FLAG, CLI_SCOPE_COMMAND, CLI_INSPECT, 1, "print the pins that accept exactly this: as a policy file (--json: alone) and as each language spells them"},
    {"--interval", "interval", CLI_FLAG_NUMBER, CLI_SCOPE_COMMAND, CLI_WATCH, 1, "seconds between two reports; default 30"},
    {"--fmspc", "fmspc", CLI_FLAG_HEX, CLI_SCOPE_COMMAND, CLI_COLLATERAL, 1, "family of platforms, in place of a quote or certificate of one (fetch)"},
    {"--ca", "ca", CLI_FLAG_TEXT, CLI_SCOPE_COMMAND, CLI_COLLATERAL, 1, "beside it, the CA of their PCK certificates: platform (the default) or processor"},
    {"--sgx", "sgx", CLI_FLAG_FLAG, CLI_SCOPE_COMMAND, CLI_COLLATERAL, 1, "beside it: for SGX quotes instead of TDX quotes"},
    {"--out", "out", CLI_FLAG_FILE, CLI_SCOPE_COMMAND, CLI_COLLATERAL, 1, "file for the collateral bundle (fetch)"},
    {"--warn-days", "warn_days", CLI_FLAG_NUMBER, CLI_SCOPE_COMMAND, CLI_COLLATERAL, 1, "days of life that collateral must have left (check); 0: 7; negative: any"},
    {"--policy", "policy", CLI_FLAG_FILE, CLI_SCOPE_COMMAND, CLI_JUDGING, 1, "options as a JSON object; flags add to it"},
    {"--signer", "manifest_signer", CLI_FLAG_HEX, CLI_SCOPE_COMMAND, CLI_LEADER, 1, "address that signs the cluster's leader records: 0x and 40 hexadecimal digits"},
    {"--no-client-attestation", "no_client_attestation", CLI_FLAG_FLAG, CLI_SCOPE_TUNNEL, CLI_ALL, 1, "present no certificate of this client's own, even if the server asks"},
    {"--json", "json", CLI_FLAG_FLAG, CLI_SCOPE_COMMAND, CLI_ALL, 1, "print exactly one JSON object on standard output"}};

static const struct {
    const char *name;
    int command; /* 0: not done yet in this version */
    const char *help;
} commands[] = {
    {"inspect", CLI_INSPECT, "(--cert FILE | --quote FILE | --evidence FILE | --report FILE|URL | --connect HOST:PORT) [--print-pins] [--json]"},
    {"verify", CLI_VERIFY, "(--cert FILE | --quote FILE | --evidence FILE | --report FILE|URL | --saved FILE | --connect HOST:PORT) [options] [--json]"},
    {"proxy", CLI_PROXY, "(--upstream HOST:PORT | --cluster DOMAIN --manifest-signer 0xHEX) --socket-dir DIR [options] [--json]"},
    {"leader", CLI_LEADER, "DOMAIN --signer 0xHEX [options] [--json]"},
    {"collateral", CLI_COLLATERAL, "(fetch --out FILE | check) (--quote FILE | --cert FILE | --fmspc HEX) [options] [--json]"},
    {"compose-hash", CLI_COMPOSE_HASH, "FILE [--json]"},
    {"watch", CLI_WATCH, "--report URL [--interval S] [options] [--json]"}};

bool cli_arguments_want_json(int argc, char *const argv[])
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

/* The row of a flag written as `len` bytes; NULL when there is none. */
static const cli_flag_row *find_in(const cli_flag_row *rows, size_t count, const char *flag, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(rows[i].flag) == len && memcmp(rows[i].flag, flag, len) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static const cli_flag_row *find_flag(const char *flag, size_t len)
{
    const cli_flag_row *row = find_in(own_flags, sizeof own_flags / sizeof own_flags[0], flag, len);

    return row != NULL ? row : find_in(cli_option_flags, cli_option_flag_count, flag, len);
}

static bool add_item(cJSON *object, const char *name, cJSON *item, cli_failure *failure)
{
    if (item == NULL || !cJSON_AddItemToObject(object, name, item)) {
        cJSON_Delete(item);
        return cli_fail_memory(failure);
    }
    return true;
}

static bool append_text(cJSON *array, const char *text, size_t len, cli_failure *failure)
{
    char *copy = strndup(text, len);
    cJSON *item = copy == NULL ? NULL : cJSON_CreateString(copy);

    free(copy);
    if (item == NULL || !cJSON_AddItemToArray(array, item)) {
        cJSON_Delete(item);
        return cli_fail_memory(failure);
    }
    return true;
}

/* The member `name`, made by `create` when it is not there; NULL when memory ran out. */
static cJSON *member_of(cJSON *object, const char *name, cJSON *(*create)(void), cli_failure *failure)
{
    cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);

    if (member == NULL && add_item(object, name, create(), failure)) {
        member = cJSON_GetObjectItemCaseSensitive(object, name);
    }
    return member;
}

static bool parse_number(const char *text, long long *out)
{
    char *end = NULL;

    if (text[0] != '-' && (text[0] < '0' || text[0] > '9')) {
        return false; /* strtoll() would take white space and '+' */
    }
    errno = 0;
    *out = strtoll(text, &end, 10);
    /* A JSON number is exact up to 2^53 only. */
    return errno == 0 && *end == '\0' && *out > -(1LL << 53) && *out < (1LL << 53);
}

static bool add_number(cJSON *policy, const cli_flag_row *row, const char *value, cli_failure *failure)
{
    long long number;

    if (!parse_number(value, &number)) {
        return CLI_FAIL(failure, RATLS_ERR_OPTION_VALUE, {"option", row->flag}, {"found", value}, {"expected", "a whole number"});
    }
    return add_item(policy, row->name, cJSON_CreateNumber((double)number), failure);
}

/* Seconds as a number, anything else as text, for the policy to read. */
static bool add_time(cJSON *policy, const cli_flag_row *row, const char *value, cli_failure *failure)
{
    long long seconds;

    if (parse_number(value, &seconds)) {
        return add_item(policy, row->name, cJSON_CreateNumber((double)seconds), failure);
    }
    return add_item(policy, row->name, cJSON_CreateString(value), failure);
}

/* "A,B" as an array; "" is an empty one, which the policy refuses by its name. */
static bool add_list(cJSON *policy, const cli_flag_row *row, const char *value, cli_failure *failure)
{
    cJSON *list = member_of(policy, row->name, cJSON_CreateArray, failure);

    while (list != NULL && *value != '\0') {
        size_t len = strcspn(value, ",");

        if (!append_text(list, value, len, failure)) {
            return false;
        }
        value += len;
        if (*value == ',' && *++value == '\0') {
            return append_text(list, "", 0, failure);
        }
    }
    return list != NULL;
}

/* FIELD=VALUE: values of one field are alternatives. */
static bool add_pin(cJSON *policy, const cli_flag_row *row, const char *value, cli_failure *failure)
{
    const char *equals = strchr(value, '=');
    cJSON *pins, *values = NULL;
    char *field;

    if (equals == NULL || equals == value) {
        return CLI_FAIL(failure, RATLS_ERR_OPTION_VALUE, {"option", row->flag}, {"found", value}, {"expected", "FIELD=VALUE"});
    }
    field = strndup(value, (size_t)(equals - value));
    pins = field == NULL ? NULL : member_of(policy, row->name, cJSON_CreateObject, failure);
    if (pins != NULL) {
        values = member_of(pins, field, cJSON_CreateArray, failure);
    }
    free(field);
    if (values == NULL) {
        return cli_fail_memory(failure);
    }
    return append_text(values, equals + 1, strlen(equals + 1), failure);
}

static bool add_option(cJSON *policy, const cli_flag_row *row, const char *value, cli_failure *failure)
{
    switch (row->kind) {
    case CLI_FLAG_FLAG:
        return add_item(policy, row->name, cJSON_CreateTrue(), failure);
    case CLI_FLAG_NUMBER:
    case CLI_FLAG_MILLISECONDS:
        return add_number(policy, row, value, failure);
    case CLI_FLAG_TIME:
        return add_time(policy, row, value, failure);
    case CLI_FLAG_LIST:
        return add_list(policy, row, value, failure);
    case CLI_FLAG_PINS:
        return add_pin(policy, row, value, failure);
    case CLI_FLAG_HEXLIST: {
        cJSON *list = member_of(policy, row->name, cJSON_CreateArray, failure);

        return list != NULL && append_text(list, value, strlen(value), failure);
    }
    default:
        return add_item(policy, row->name, cJSON_CreateString(value), failure);
    }
}

/* Keep a flag's value; only lists of values may come again. */
static bool keep_flag(cli_arguments *arguments, const cli_flag_row *row, const char *value, cli_failure *failure)
{
    cJSON *into = row->scope == CLI_SCOPE_VERIFY ? arguments->policy : arguments->given;

    if (!row->built) {
        return CLI_FAIL(failure, RATLS_ERR_NOT_BUILT, {"found", row->flag});
    }
    if (row->kind != CLI_FLAG_HEXLIST && row->kind != CLI_FLAG_PINS && cJSON_GetObjectItemCaseSensitive(into, row->name) != NULL) {
        return CLI_FAIL(failure, RATLS_ERR_OPTION_DUPLICATE, {"option", row->flag});
    }
    if (row->scope == CLI_SCOPE_VERIFY) {
        return add_option(into, row, value, failure);
    }
    return add_item(into, row->name, cJSON_CreateString(value == NULL ? "" : value), failure);
}

/* What verify takes, watch takes as well, but for what belongs to a connection. */
static bool takes_flag(int command, const cli_flag_row *row)
{
    bool verifying = command == CLI_WATCH && (row->scope == CLI_SCOPE_VERIFY || row->scope == CLI_SCOPE_VERIFIER);

    return (row->commands & (verifying ? CLI_VERIFY : command)) != 0;
}

/* One flag at argv[*index], with its value behind '=' or in the next argument. */
static bool parse_flag(cli_arguments *arguments, int argc, char *const argv[], int *index, cli_failure *failure)
{
    const char *argument = argv[*index];
    size_t len = strcspn(argument, "=");
    const char *value = argument[len] == '=' ? argument + len + 1 : NULL;
    const cli_flag_row *row = find_flag(argument, len);

    if (row == NULL || !takes_flag(arguments->command, row)) {
        return CLI_FAIL(failure, RATLS_ERR_OPTION_UNKNOWN, {"found", argument});
    }
    if (row->kind == CLI_FLAG_FLAG && value != NULL) {
        return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", row->flag}, {"what", "takes no value"});
    }
    if (row->kind != CLI_FLAG_FLAG && value == NULL) {
        /* A value that begins with "--" must be joined by '=': it is a forgotten value more often. */
        if (*index + 1 == argc || strncmp(argv[*index + 1], "--", 2) == 0) {
            return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", row->flag}, {"what", "needs a value"});
        }
        value = argv[++*index];
    }
    return keep_flag(arguments, row, value, failure);
}

static bool parse_command(cli_arguments *arguments, const char *name, cli_failure *failure)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(name, commands[i].name) != 0) {
            continue;
        }
        arguments->command = commands[i].command;
        return arguments->command != 0 || CLI_FAIL(failure, RATLS_ERR_NOT_BUILT, {"found", name});
    }
    return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", name}, {"what", "expected inspect, verify, proxy, leader, watch, compose-hash or collateral"});
}

/* Those that a connection alone can heed. */
static bool check_connection_flags(const cli_arguments *arguments, cli_failure *failure)
{
    static const char *const flags[][2] = {
        {"connect_timeout", "--connect-timeout"}, {"start_tls", "--start-tls"},
        {"client_attestation", "--client-attestation"}, {"no_client_attestation", "--no-client-attestation"},
        {"dstack_socket", "--dstack-socket"}, {"dstack_timeout_ms", "--dstack-timeout-ms"}};

    for (size_t i = 0; i < sizeof flags / sizeof flags[0] && cli_argument(arguments, "connect") == NULL; i++) {
        if (cli_argument(arguments, flags[i][0]) != NULL) {
            return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", flags[i][1]}, {"what", "means nothing without --connect"});
        }
    }
    return true;
}

/* Exactly one piece of evidence, and no flag that means nothing beside it. */
static bool check_inputs(const cli_arguments *arguments, cli_failure *failure)
{
    static const char *const inputs[] = {"cert", "quote", "evidence", "report", "saved", "connect"};
    bool verifying = arguments->command == CLI_VERIFY;
    int count = 0;

    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        count += cli_argument(arguments, inputs[i]) != NULL;
    }
    if (count != 1) {
        return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", verifying ? "--cert, --quote, --evidence, --report, --saved, --connect"
                                                                                    : "--cert, --quote, --evidence, --report, --connect"},
                        {"what", count == 0 ? "one of them must be given" : "only one of them can be given"});
    }
    return check_connection_flags(arguments, failure);
}

static bool need(const cli_arguments *arguments, const char *name, const char *flag, cli_failure *failure)
{
    return cli_argument(arguments, name) != NULL || CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", flag}, {"what", "must be given"});
}

/* Those that mean something for a cluster only. */
static bool check_no_cluster(const cli_arguments *arguments, cli_failure *failure)
{
    static const char *const flags[][2] = {
        {"manifest_signer", "--manifest-signer"}, {"cluster_address", "--cluster-address"}, {"dns_servers", "--dns-servers"},
        {"leader_state_dir", "--leader-state-dir"}, {"leader_timeout_ms", "--leader-timeout-ms"}, {"leader_refresh_ms", "--leader-refresh-ms"},
        {"leader_drain_ms", "--leader-drain-ms"}};

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (cli_argument(arguments, flags[i][0]) != NULL) {
            return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", flags[i][1]}, {"what", "means nothing without --cluster"});
        }
    }
    return true;
}

/* A server, or a cluster whose leader it is. */
static bool check_proxy(const cli_arguments *arguments, cli_failure *failure)
{
    bool upstream = cli_argument(arguments, "upstream") != NULL, cluster = cli_argument(arguments, "cluster_domain") != NULL;

    if (upstream && cluster) {
        return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", "--upstream, --cluster"}, {"what", "only one of them can be given"});
    }
    return (cluster ? need(arguments, "manifest_signer", "--manifest-signer", failure)
                    : need(arguments, "upstream", "--upstream", failure) && check_no_cluster(arguments, failure)) &&
           need(arguments, "socket_dir", "--socket-dir", failure);
}

static bool check_leader(const cli_arguments *arguments, cli_failure *failure)
{
    return need(arguments, "cluster_domain", "DOMAIN", failure) && need(arguments, "manifest_signer", "--signer", failure);
}

/* A file may be read once only, so that there is nothing to watch. */
static bool check_watch(const cli_arguments *arguments, cli_failure *failure)
{
    const char *report = cli_argument(arguments, "report");

    if (report == NULL || strstr(report, "://") == NULL) {
        return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", "--report"}, {"what", "must be given, and be a URL"});
    }
    return true;
}

/* What is to be done, and on whose collateral. */
static bool check_collateral(const cli_arguments *arguments, cli_failure *failure)
{
    static const char *const subjects[] = {"cert", "quote", "fmspc"};
    const char *action = cli_argument(arguments, "action");
    bool fetching;
    int count = 0;

    if (action == NULL) {
        return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", "collateral"}, {"what", "expected fetch or check after it"});
    }
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        count += cli_argument(arguments, subjects[i]) != NULL;
    }
    fetching = strcmp(action, "fetch") == 0;
    if (count != 1) {
        return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", "--cert, --quote, --fmspc"},
                        {"what", count == 0 ? "one of them must be given" : "only one of them can be given"});
    }
    if (fetching != (cli_argument(arguments, "out") != NULL)) {
        return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", "--out"}, {"what", fetching ? "must be given" : "means nothing to check"});
    }
    if (fetching && cli_argument(arguments, "warn_days") != NULL) {
        return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", "--warn-days"}, {"what", "means nothing to fetch"});
    }
    return true;
}

static bool check_compose_hash(const cli_arguments *arguments, cli_failure *failure)
{
    return need(arguments, "file", "FILE", failure);
}

/* Whether the flags go together. */
static bool check_all(const cli_arguments *arguments, cli_failure *failure)
{
    switch (arguments->command) {
    case CLI_PROXY:
        return check_proxy(arguments, failure);
    case CLI_LEADER:
        return check_leader(arguments, failure);
    case CLI_WATCH:
        return check_watch(arguments, failure);
    case CLI_COMPOSE_HASH:
        return check_compose_hash(arguments, failure);
    case CLI_COLLATERAL:
        return check_collateral(arguments, failure);
    default:
        return check_inputs(arguments, failure);
    }
}

/* Under which name a word that is no flag is kept: the domain that `leader` takes, the file of `compose-hash`, and what
 * `collateral` is to do. */
static const char *name_of_word(int command, const char *word)
{
    if (command == CLI_COLLATERAL) {
        return strcmp(word, "fetch") == 0 || strcmp(word, "check") == 0 ? "action" : NULL;
    }
    return command == CLI_LEADER ? "cluster_domain" : command == CLI_COMPOSE_HASH ? "file" : NULL;
}

static bool keep_word(cli_arguments *arguments, const char *word, cli_failure *failure)
{
    const char *name = name_of_word(arguments->command, word);

    if (name == NULL || cli_argument(arguments, name) != NULL) {
        return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", word}, {"what", "expected a flag"});
    }
    return add_item(arguments->given, name, cJSON_CreateString(word), failure);
}

/* Standard input can be read once only. */
static bool check_standard_input(const cli_arguments *arguments, cli_failure *failure)
{
    static const char *const files[] = {"cert", "quote", "evidence", "report", "saved", "policy", "collateral", "trust_anchor"};
    int count = 0;

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const char *path = cli_argument(arguments, files[i]);

        count += path != NULL && strcmp(path, "-") == 0;
    }
    if (count > 1) {
        return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", "-"}, {"what", "standard input can be read for one file only"});
    }
    return true;
}

static bool parse_all(cli_arguments *out, int argc, char *const argv[], cli_failure *failure)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            out->help = true;
            return true;
        }
        if (strcmp(argv[i], "--version") == 0) {
            out->version = true;
            return true;
        }
        if (strncmp(argv[i], "--", 2) == 0 && out->command == 0 && strcmp(argv[i], "--json") == 0) {
            continue; /* looked for before, and allowed ahead of the subcommand */
        }
        if (out->command == 0) {
            if (!parse_command(out, argv[i], failure)) {
                return false;
            }
        } else if (strncmp(argv[i], "--", 2) != 0) {
            if (!keep_word(out, argv[i], failure)) {
                return false;
            }
        } else if (!parse_flag(out, argc, argv, &i, failure)) {
            return false;
        }
    }
    if (out->command == 0) {
        return CLI_FAIL(failure, RATLS_ERR_ARGUMENT_INVALID, {"argument", "ratls"},
                        {"what", "expected inspect, verify, proxy, leader, watch, compose-hash or collateral; --help tells more"});
    }
    return check_all(out, failure) && check_standard_input(out, failure);
}

bool cli_arguments_parse(cli_arguments *out, int argc, char *const argv[], cli_failure *failure)
{
    *out = (cli_arguments){.policy = cJSON_CreateObject(), .given = cJSON_CreateObject()};
    if (out->policy == NULL || out->given == NULL) {
        return cli_fail_memory(failure);
    }
    return parse_all(out, argc, argv, failure);
}

const char *cli_argument(const cli_arguments *arguments, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(arguments->given, name);

    return cJSON_IsString(value) ? value->valuestring : NULL;
}

void cli_arguments_clear(cli_arguments *arguments)
{
    cJSON_Delete(arguments->policy);
    cJSON_Delete(arguments->given);
    *arguments = (cli_arguments){0};
}

static void add_piece(cli_text *text, const char *piece)
{
    cli_text_add(text, piece, strlen(piece));
}

static void add_flag_help(cli_text *text, const cli_flag_row *row)
{
    static const char *const values[] = {
        [CLI_FLAG_FLAG] = "", [CLI_FLAG_NUMBER] = " N", [CLI_FLAG_MILLISECONDS] = " N", [CLI_FLAG_TEXT] = " VALUE",
        [CLI_FLAG_HEX] = " HEX", [CLI_FLAG_TIME] = " TIME", [CLI_FLAG_FILE] = " FILE", [CLI_FLAG_LIST] = " A,B",
        [CLI_FLAG_HEXLIST] = " HEX ...", [CLI_FLAG_PINS] = " FIELD=VALUE ..."};

    if (row->built) {
        add_piece(text, "  ");
        add_piece(text, row->flag);
        add_piece(text, values[row->kind]);
        add_piece(text, "\n      ");
        add_piece(text, row->help);
        add_piece(text, "\n");
    }
}

char *cli_arguments_help(void)
{
    cli_text text = {0};

    add_piece(&text, "ratls: is the database at the other end of a TLS connection inside a genuine TEE?\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (commands[i].command != 0) {
            add_piece(&text, "  ratls ");
            add_piece(&text, commands[i].name);
            add_piece(&text, " ");
            add_piece(&text, commands[i].help);
            add_piece(&text, "\n");
        }
    }
    add_piece(&text, "\nInput and output:\n");
    for (size_t i = 0; i < sizeof own_flags / sizeof own_flags[0]; i++) {
        add_flag_help(&text, &own_flags[i]);
    }
    add_piece(&text, "\nOptions:\n");
    for (size_t i = 0; i < cli_option_flag_count; i++) {
        add_flag_help(&text, &cli_option_flags[i]);
    }
    add_piece(&text, "\nTIME is RFC 3339 or seconds since 1970.\n"
                     "Exit status: 0 accepted, 1 refused, 2 usage or bad input, 3 could not check.\n");
    return cli_text_take(&text);
}

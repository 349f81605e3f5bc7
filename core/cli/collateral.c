#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dcap.h"
#include "input.h"
#include "interrupt.h"
#include "output.h"
#include "subcommands.h"

/* Whose collateral, and what the options borrow. */
typedef struct {
    cli_bytes evidence;
    ratls_collateral_options options;
} subject;

static bool read_days(int64_t *out, const cli_arguments *arguments, cli_failure *failure)
{
    const char *text = cli_argument(arguments, "warn_days");
    char *end = NULL;

    if (text == NULL) {
        return true;
    }
    errno = 0;
    *out = strtol(text, &end, 10);
    if ((text[0] != '-' && (text[0] < '0' || text[0] > '9')) || end == text || *end != '\0' || errno != 0 || *out > 36500) {
        return CLI_FAIL(failure, RATLS_ERR_OPTION_VALUE, {"option", "--warn-days"}, {"found", text}, {"expected", "a number of days"});
    }
    return true;
}

/* --timeout-ms is an option of the policy: it is there as a number. */
static int64_t read_timeout(const cli_arguments *arguments)
{
    const cJSON *timeout = cJSON_GetObjectItemCaseSensitive(arguments->policy, "timeout_ms");

    return cJSON_IsNumber(timeout) ? (int64_t)timeout->valuedouble : 0;
}

static bool read_subject(subject *out, const cli_arguments *arguments, cli_failure *failure)
{
    const char *cert = cli_argument(arguments, "cert"), *quote = cli_argument(arguments, "quote");

    ratls_collateral_options_init(&out->options, sizeof out->options);
    if (cert != NULL) {
        if (!cli_input_certificate(&out->evidence, cert, failure)) {
            return false;
        }
        out->options.certificate = out->evidence.data;
        out->options.certificate_len = out->evidence.len;
    } else if (quote != NULL) {
        if (!cli_input_quote(&out->evidence, quote, failure)) {
            return false;
        }
        out->options.quote = out->evidence.data;
        out->options.quote_len = out->evidence.len;
    }
    out->options.fmspc = cli_argument(arguments, "fmspc");
    out->options.ca = cli_argument(arguments, "ca");
    out->options.sgx = cli_argument(arguments, "sgx") != NULL;
    out->options.timeout_ms = read_timeout(arguments);
    out->options.refresh = 1; /* who asks wants to know what there is now */
    return read_days(&out->options.warn_days, arguments, failure);
}

static bool write_all(int file, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t written = write(file, text, len);

        if (written < 0 && errno != EINTR) {
            return false;
        }
        text += written > 0 ? written : 0;
        len -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

/* A device, a pipe: what must not be replaced by a file of its name. */
static bool is_special(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 && !S_ISREG(found.st_mode);
}

static bool write_open(int file, const char *text)
{
    bool written = file >= 0 && write_all(file, text, strlen(text));

    return (file < 0 || close(file) == 0) && written;
}

/* Beside it and renamed, so that what reads it never sees half of a bundle. */
static bool write_whole(const char *path, const char *text)
{
    char fresh[PATH_MAX];
    int len = snprintf(fresh, sizeof fresh, "%s.XXXXXX", path), file;

    if (len < 0 || (size_t)len >= sizeof fresh) {
        errno = ENAMETOOLONG;
        return false;
    }
    file = mkstemp(fresh);
    if (file < 0) {
        return false;
    }
    if (fchmod(file, 0644) == 0 && write_open(file, text) && rename(fresh, path) == 0) {
        return true;
    }
    (void)unlink(fresh);
    return false;
}

/* To "-" and to what is no file as it is, to a file only whole. */
static bool write_file(const char *path, const char *text, cli_failure *failure)
{
    bool written;

    if (strcmp(path, "-") == 0) {
        written = write_all(STDOUT_FILENO, text, strlen(text));
    } else if (is_special(path)) {
        written = write_open(open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY), text);
    } else {
        written = write_whole(path, text);
    }
    return written || CLI_FAIL(failure, RATLS_ERR_FILE_UNWRITABLE, {"path", path}, {"what", strerror(errno)});
}

static bool fetch(ratls_verifier *verifier, const subject *whose, const cli_arguments *arguments, bool json, cli_interrupt *interrupt, cli_failure *failure)
{
    const char *path = cli_argument(arguments, "out");
    char *bundle = NULL;
    cJSON *told;
    bool done = cli_succeeded(failure, ratls_collateral_fetch(&bundle, verifier, &whose->options, interrupt->cancel, &failure->error)) &&
                write_file(path, bundle, failure);

    if (done && json && strcmp(path, "-") != 0) {
        told = cJSON_CreateObject();
        cJSON_AddStringToObject(told, "out", path);
        done = cli_output_json(told, failure);
    }
    ratls_bytes_free(bundle);
    return done;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(item) ? item->valuestring : NULL;
}

static void print_set(const cJSON *report, const char *name)
{
    const cJSON *set = cJSON_GetObjectItemCaseSensitive(report, name);
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(set, "tcb_evaluation_data_number"), *document;
    const char *error = text_of(set, "error");

    printf("%s set: evaluation number %d, %s, until %s\n", name, cJSON_IsNumber(number) ? number->valueint : 0,
           error != NULL ? error : text_of(set, "tcb_status"), text_of(set, "expires_at"));
    cJSON_ArrayForEach(document, cJSON_GetObjectItemCaseSensitive(set, "documents"))
    {
        printf("  %-18s %s\n", document->string, document->valuestring);
    }
}

static void print_report(const cJSON *report)
{
    const cJSON *warning;

    printf("platform: FMSPC %s, %s CA, %s\n", text_of(report, "fmspc"), text_of(report, "ca"), text_of(report, "tee"));
    print_set(report, "standard");
    print_set(report, "early");
    cJSON_ArrayForEach(warning, cJSON_GetObjectItemCaseSensitive(report, "warnings"))
    {
        printf("%s: %s\n", text_of(warning, "code"), text_of(warning, "message"));
    }
}

/* What wants attention is told by the report, and to scripts by the exit status. */
static bool tell_report(const char *text, bool json, cli_failure *failure)
{
    cJSON *report = cJSON_Parse(text);
    bool attention = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(report, "attention")), told;

    if (report == NULL) {
        return cli_fail_memory(failure);
    }
    if (json) {
        told = cli_output_json(report, failure);
    } else {
        print_report(report);
        cJSON_Delete(report);
        told = cli_output_flush(failure);
    }
    if (told && attention) {
        told = CLI_FAIL(failure, RATLS_ERR_COLLATERAL_ATTENTION, {"what", "see the warnings"});
        failure->told = true;
    }
    return told;
}

static bool check(ratls_verifier *verifier, const subject *whose, bool json, cli_interrupt *interrupt, cli_failure *failure)
{
    char *report = NULL;
    bool done = cli_succeeded(failure, ratls_collateral_check(&report, verifier, &whose->options, interrupt->cancel, &failure->error)) &&
                tell_report(report, json, failure);

    ratls_bytes_free(report);
    return done;
}

static bool run(ratls_verifier *verifier, const subject *whose, const cli_arguments *arguments, bool json, cli_failure *failure)
{
    cli_interrupt interrupt;
    bool done;

    if (!cli_interrupt_start(&interrupt, failure)) {
        return false;
    }
    done = strcmp(cli_argument(arguments, "action"), "fetch") == 0 ? fetch(verifier, whose, arguments, json, &interrupt, failure)
                                                                    : check(verifier, whose, json, &interrupt, failure);
    cli_interrupt_stop(&interrupt);
    return done;
}

bool cli_collateral(const cli_arguments *arguments, bool json, cli_failure *failure)
{
    subject whose = {0};
    ratls_verifier *verifier = NULL;
    bool done = read_subject(&whose, arguments, failure) && cli_dcap_verifier(&verifier, arguments, NULL, failure) &&
                run(verifier, &whose, arguments, json, failure);

    ratls_verifier_free(verifier);
    cli_bytes_clear(&whose.evidence);
    return done;
}

/* The calls that are about collateral rather than about a quote. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/options.h"
#include "evidence/ratls_certificate.h"
#include "verifier/collateral_report.h"
#include "verifier/kind.h"

/* What a caller asks for, read from options; what its quote borrows. */
typedef struct {
    ratls_collateral_options options;
    ratls_evidence evidence;
    ratls_parsed_quote quote;
    ratls_collateral_wish wish;
} request;

void ratls_collateral_options_init(ratls_collateral_options *options, size_t size)
{
    ratls_options_init(options, size);
}

static ratls_status read_fmspc(request *r, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *fmspc = r->options.fmspc, *ca = r->options.ca == NULL ? "platform" : r->options.ca;
    ratls_platform_id *platform = &r->wish.platform;

    CHECK(ratls_hex_read(platform->fmspc, sizeof platform->fmspc, fmspc, strlen(fmspc)), RATLS_ERR_ARGUMENT_INVALID,
          ratls_detail_text("argument", "fmspc"), WHAT("expected 12 hexadecimal digits"));
    platform->processor = strcmp(ca, "processor") == 0;
    CHECK(platform->processor || strcmp(ca, "platform") == 0, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "ca"),
          WHAT("expected platform or processor"));
    platform->tdx = r->options.sgx == 0;
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_quote(request *r, ratls_bytes quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_quote_parse(&r->quote, quote, err));
    r->wish.quote = &r->quote;
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_certificate(request *r, ratls_bytes certificate, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_evidence_from_certificate(&r->evidence, certificate, err));
    CHECK(r->evidence.quote != NULL, RATLS_ERR_QUOTE_MISSING);
    TRY(read_quote(r, (ratls_bytes){r->evidence.quote, r->evidence.quote_len}, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_subject(request *r, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_collateral_options *options = &r->options;
    int given = (options->quote != NULL) + (options->certificate != NULL) + (options->fmspc != NULL);

    CHECK(given == 1, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "quote, certificate, fmspc"),
          WHAT(given == 0 ? "one of them must be given" : "only one of them can be given"));
    CHECK(options->fmspc != NULL || (options->ca == NULL && options->sgx == 0), RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "ca, sgx"),
          WHAT("mean nothing without fmspc: the quote says it"));
    if (options->quote != NULL) {
        TRY(read_quote(r, (ratls_bytes){options->quote, options->quote_len}, err));
    } else if (options->certificate != NULL) {
        TRY(read_certificate(r, (ratls_bytes){options->certificate, options->certificate_len}, err));
    } else {
        TRY(read_fmspc(r, err));
    }
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_request(request *out, const ratls_collateral_options *options, const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_collateral_time *time = &out->wish.time;

    CHECK(options != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "options"), WHAT("it is NULL"));
    TRY(ratls_options_copy(&out->options, sizeof out->options, options, sizeof out->options, err));
    CHECK(out->options.timeout_ms >= 0, RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", "timeout_ms"), FOUND_NUMBER(out->options.timeout_ms),
          EXPECTED("milliseconds"));
    TRY(read_subject(out, err));
    TRY(ratls_clock_now(&time->now, 0, err));
    time->timeout_ms = out->options.timeout_ms == 0 ? RATLS_TIMEOUT_MS_DEFAULT : out->options.timeout_ms;
    time->deadline_ms = ratls_clock_monotonic_ms() + time->timeout_ms;
    time->cancel = cancel;
    out->wish.refresh = out->options.refresh != 0;
    out->wish.refresh_since_ms = ratls_clock_monotonic_ms();
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_verifier_warm(
    ratls_verifier *verifier, const ratls_collateral_options *options, ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_verifier_kind *kind;
    request r = {0};

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(verifier != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "verifier"), WHAT("it is NULL"));
    TRY(read_request(&r, options, cancel, err));
    kind = ratls_verifier_kind_of(verifier);
    if (kind->warm != NULL) {
        TRY(kind->warm(ratls_verifier_state(verifier), &r.wish, err));
    }
    status = RATLS_OK;
out:
    ratls_evidence_clear(&r.evidence);
    return status;
}

/* NULL for a verifier that does not fetch. */
static ratls_status find_fetching(ratls_fetching **out, ratls_verifier *verifier, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(verifier != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "verifier"), WHAT("it is NULL"));
    *out = ratls_verifier_fetching(verifier);
    CHECK(*out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "verifier"), WHAT("it fetches no collateral itself"));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_collateral_fetch(
    char **bundle, ratls_verifier *verifier, const ratls_collateral_options *options, ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_fetching *fetching = NULL;
    ratls_collateral_set *set = NULL;
    ratls_collateral view;
    request r = {0};

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(bundle != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "bundle"), WHAT("it is NULL"));
    *bundle = NULL;
    TRY(find_fetching(&fetching, verifier, err));
    TRY(read_request(&r, options, cancel, err));
    r.wish.early = ratls_fetching_early(fetching);
    TRY(ratls_fetching_get(&set, fetching, &r.wish, err));
    view = ratls_collateral_set_view(set);
    *bundle = ratls_collateral_print(&view);
    CHECK(*bundle != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    ratls_collateral_set_free(set);
    ratls_evidence_clear(&r.evidence);
    return status;
}

/* Both sets, asked for now. What they share is asked for once. */
static ratls_status get_both(
    ratls_collateral_set *sets[RATLS_REPORT_SETS], ratls_fetching *fetching, const ratls_collateral_wish *wish, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_collateral_wish one = *wish;

    one.refresh = true;
    for (size_t i = 0; i < RATLS_REPORT_SETS; i++) {
        one.early = i == RATLS_REPORT_EARLY;
        TRY(ratls_fetching_get(&sets[i], fetching, &one, err));
    }
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_collateral_check(
    char **json, ratls_verifier *verifier, const ratls_collateral_options *options, ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_fetching *fetching = NULL;
    ratls_collateral_set *sets[RATLS_REPORT_SETS] = {NULL};
    int64_t warn_days;
    request r = {0};

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(json != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "json"), WHAT("it is NULL"));
    *json = NULL;
    TRY(find_fetching(&fetching, verifier, err));
    TRY(read_request(&r, options, cancel, err));
    CHECK(r.wish.quote != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "fmspc"),
          WHAT("is not enough here: a quote or a certificate says what the platform's TCB is"));
    TRY(get_both(sets, fetching, &r.wish, err));
    warn_days = r.options.warn_days == 0 ? RATLS_WARN_DAYS_DEFAULT : r.options.warn_days;
    TRY(ratls_collateral_report(json, &r.quote, sets, r.wish.time.now, warn_days, err));
    status = RATLS_OK;
out:
    for (size_t i = 0; i < RATLS_REPORT_SETS; i++) {
        ratls_collateral_set_free(sets[i]);
    }
    ratls_evidence_clear(&r.evidence);
    return status;
}

#include "verifier/collateral_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "dcap/prepared.h"
#include "policy/claims.h"

enum { DAY_S = 86400 };

/* What the quote is worth under one set. */
typedef struct {
    const ratls_collateral_set *set;
    ratls_claims claims;
    ratls_status refused; /* RATLS_OK: the claims say */
    uint32_t number;      /* evaluation data number */
} outlook;

static const char *status_word(const outlook *o)
{
    return o->refused == RATLS_OK ? ratls_tcb_status_intel(o->claims.tcb_status) : ratls_status_name(o->refused);
}

/* A refusal is an outlook too; that it could not be checked is none. */
static ratls_status look(outlook *out, const ratls_parsed_quote *quote, const ratls_collateral_set *set, int64_t now, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_error *failure = NULL;
    uint32_t of_tcb_info = set->prepared->tcb_info.evaluation_data_number, of_qe = set->prepared->qe_identity.evaluation_data_number;

    out->set = set;
    out->number = of_tcb_info < of_qe ? of_tcb_info : of_qe;
    out->refused = ratls_dcap_verify(&out->claims, quote, set->prepared, now, &failure);
    if (out->refused != RATLS_OK && ratls_status_class(out->refused) != RATLS_CLASS_REFUSED) {
        if (err != NULL && *err == NULL) {
            *err = failure;
            failure = NULL;
        }
        status = out->refused;
        goto out;
    }
    status = RATLS_OK;
out:
    ratls_error_free(failure);
    return status;
}

/* ---- the object */

static void add_text(ratls_text *text, const char *name, const char *value)
{
    ratls_text_add(text, ",\"");
    ratls_text_add(text, name);
    ratls_text_add(text, "\":");
    if (value == NULL) {
        ratls_text_add(text, "null");
    } else {
        ratls_text_add_json_string(text, value);
    }
}

static void add_time(ratls_text *text, const char *name, int64_t seconds)
{
    char written[RATLS_TIME_TEXT_LEN + 1];

    ratls_time_write(written, seconds);
    add_text(text, name, written);
}

static void add_advisories(ratls_text *text, const ratls_advisories *advisories)
{
    ratls_text_add(text, ",\"advisory_ids\":[");
    for (size_t i = 0; i < advisories->len; i++) {
        ratls_text_add(text, i == 0 ? "" : ",");
        ratls_text_add_json_string(text, advisories->ids[i]);
    }
    ratls_text_add(text, "]");
}

static void add_documents(ratls_text *text, const ratls_collateral_set *set)
{
    char written[RATLS_TIME_TEXT_LEN + 1];

    ratls_text_add(text, ",\"documents\":{");
    for (ratls_part_kind kind = 0; kind < RATLS_PARTS; kind++) {
        ratls_text_add(text, kind == 0 ? "" : ",");
        ratls_text_add_json_string(text, ratls_part_member(kind));
        ratls_text_add(text, ":");
        ratls_time_write(written, set->parts[kind]->until);
        ratls_text_add_json_string(text, written);
    }
    ratls_text_add(text, "}");
}

static void add_outlook(ratls_text *text, const char *name, const outlook *o)
{
    bool known = o->refused == RATLS_OK;

    ratls_text_add(text, ",\"");
    ratls_text_add(text, name);
    ratls_text_add(text, "\":{\"tcb_evaluation_data_number\":");
    ratls_text_add_number(text, o->number);
    add_text(text, "tcb_status", known ? ratls_tcb_status_word(o->claims.tcb_status) : NULL);
    add_text(text, "tcb_status_dcap", known ? ratls_tcb_status_intel(o->claims.tcb_status) : NULL);
    add_advisories(text, &o->claims.advisories);
    add_text(text, "error", known ? NULL : ratls_status_name(o->refused));
    add_time(text, "expires_at", o->set->until);
    add_documents(text, o->set);
    ratls_text_add(text, "}");
}

/* ---- warnings */

static void begin_warning(ratls_text *warnings, const char *code)
{
    ratls_text_add(warnings, warnings->len == 0 ? "{\"code\":" : ",{\"code\":");
    ratls_text_add_json_string(warnings, code);
    ratls_text_add(warnings, ",\"message\":");
}

/* Takes the message. */
static void end_warning(ratls_text *warnings, ratls_text *message)
{
    ratls_text_add_json_string(warnings, message->data == NULL ? "" : message->data);
    warnings->failed = warnings->failed || message->failed;
    ratls_text_add(warnings, "}");
    ratls_text_clear(message);
}

static void name_platform(ratls_text *message, const outlook *o)
{
    char fmspc[2 * RATLS_FMSPC_LEN + 1];

    ratls_hex_write(fmspc, o->set->platform.fmspc, sizeof o->set->platform.fmspc);
    ratls_text_add(message, "the platform (FMSPC ");
    ratls_text_add(message, fmspc);
    ratls_text_add(message, ") is ");
}

static bool is_accepted(const outlook *o)
{
    return o->refused == RATLS_OK && (o->claims.tcb_status == RATLS_TCB_UP_TO_DATE || o->claims.tcb_status == RATLS_TCB_SW_HARDENING_NEEDED);
}

static void warn_of_status(ratls_text *warnings, const outlook *standard)
{
    ratls_text message = {0};

    if (is_accepted(standard)) {
        return;
    }
    begin_warning(warnings, "TCB_STATUS");
    name_platform(&message, standard);
    ratls_text_add(&message, status_word(standard));
    ratls_text_add(&message, " now (evaluation number ");
    ratls_text_add_number(&message, standard->number);
    ratls_text_add(&message, "): it is not accepted by default");
    end_warning(warnings, &message);
}

static bool will_change(const outlook *standard, const outlook *early)
{
    return early->number != standard->number &&
           (early->refused != standard->refused || early->claims.tcb_status != standard->claims.tcb_status) &&
           !(early->refused == RATLS_OK && early->claims.tcb_status == RATLS_TCB_UP_TO_DATE);
}

static void warn_of_change(ratls_text *warnings, const outlook *standard, const outlook *early)
{
    ratls_text message = {0};

    if (!will_change(standard, early)) {
        return;
    }
    begin_warning(warnings, "TCB_STATUS_WILL_CHANGE");
    name_platform(&message, standard);
    ratls_text_add(&message, status_word(standard));
    ratls_text_add(&message, " now and will become ");
    ratls_text_add(&message, status_word(early));
    ratls_text_add(&message, " when the standard set moves to evaluation number ");
    ratls_text_add_number(&message, early->number);
    ratls_text_add(&message, " (now ");
    ratls_text_add_number(&message, standard->number);
    ratls_text_add(&message, ")");
    end_warning(warnings, &message);
}

static void warn_of_end(ratls_text *warnings, const ratls_collateral_set *set, ratls_part_kind kind, int64_t now, int64_t warn_days)
{
    ratls_part_id id = ratls_part_id_of(kind, &set->platform, set->early);
    char subject[RATLS_PART_SUBJECT_MAX], until[RATLS_TIME_TEXT_LEN + 1];
    ratls_text message = {0};
    int64_t left_s = set->parts[kind]->until - now;

    if (warn_days < 0 || left_s / DAY_S >= warn_days) {
        return;
    }
    begin_warning(warnings, "EXPIRES_SOON");
    ratls_part_subject(subject, &id);
    ratls_time_write(until, set->parts[kind]->until);
    ratls_text_add(&message, subject);
    ratls_text_add(&message, " expires at ");
    ratls_text_add(&message, until);
    ratls_text_add(&message, ", in less than ");
    ratls_text_add_number(&message, left_s / DAY_S + 1);
    ratls_text_add(&message, " days: its source has nothing newer");
    end_warning(warnings, &message);
}

/* What the sets share is told once. */
static void warn_of_ends(ratls_text *warnings, const outlook outlooks[RATLS_REPORT_SETS], int64_t now, int64_t warn_days)
{
    for (size_t i = 0; i < RATLS_REPORT_SETS; i++) {
        for (ratls_part_kind kind = 0; kind < RATLS_PARTS; kind++) {
            bool told = i > 0 && ratls_part_same(outlooks[0].set->parts[kind], outlooks[i].set->parts[kind]);

            if (!told) {
                warn_of_end(warnings, outlooks[i].set, kind, now, warn_days);
            }
        }
    }
}

static ratls_status print(char **json, const outlook outlooks[RATLS_REPORT_SETS], int64_t now, ratls_text *warnings, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_platform_id *platform = &outlooks[0].set->platform;
    char fmspc[2 * RATLS_FMSPC_LEN + 1];
    ratls_text text = {0};

    ratls_hex_write(fmspc, platform->fmspc, sizeof platform->fmspc);
    ratls_text_add(&text, warnings->len > 0 ? "{\"attention\":true" : "{\"attention\":false");
    add_text(&text, "fmspc", fmspc);
    add_text(&text, "ca", platform->processor ? "processor" : "platform");
    add_text(&text, "tee", platform->tdx ? "tdx" : "sgx");
    add_time(&text, "checked_at", now);
    add_outlook(&text, "standard", &outlooks[RATLS_REPORT_STANDARD]);
    add_outlook(&text, "early", &outlooks[RATLS_REPORT_EARLY]);
    ratls_text_add(&text, ",\"warnings\":[");
    ratls_text_add(&text, warnings->data == NULL ? "" : warnings->data);
    ratls_text_add(&text, "]}");
    text.failed = text.failed || warnings->failed;
    *json = ratls_text_take(&text);
    CHECK(*json != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_collateral_report(
    char **json, const ratls_parsed_quote *quote, ratls_collateral_set *const sets[RATLS_REPORT_SETS], int64_t now, int64_t warn_days,
    ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    outlook outlooks[RATLS_REPORT_SETS] = {0};
    ratls_text warnings = {0};

    *json = NULL;
    for (size_t i = 0; i < RATLS_REPORT_SETS; i++) {
        TRY(look(&outlooks[i], quote, sets[i], now, err));
    }
    warn_of_status(&warnings, &outlooks[RATLS_REPORT_STANDARD]);
    warn_of_change(&warnings, &outlooks[RATLS_REPORT_STANDARD], &outlooks[RATLS_REPORT_EARLY]);
    warn_of_ends(&warnings, outlooks, now, warn_days);
    TRY(print(json, outlooks, now, &warnings, err));
    status = RATLS_OK;
out:
    ratls_text_clear(&warnings);
    for (size_t i = 0; i < RATLS_REPORT_SETS; i++) {
        ratls_claims_clear(&outlooks[i].claims);
    }
    return status;
}

/* What a refusal tells of the TCB verdict that came before it. */
#include <stdlib.h>

#include "base/text.h"
#include "base/time.h"
#include "policy/claims.h"

static void add_key(ratls_text *text, const char *key)
{
    ratls_text_add(text, text->len == 0 ? "{" : ",");
    ratls_text_add_json_string(text, key);
    ratls_text_add(text, ":");
}

static void add_word(ratls_text *text, const char *key, const char *word)
{
    add_key(text, key);
    if (word == NULL) {
        ratls_text_add(text, "null");
    } else {
        ratls_text_add_json_string(text, word);
    }
}

static void add_time(ratls_text *text, const char *key, bool known, int64_t seconds)
{
    char written[RATLS_TIME_TEXT_LEN + 1];

    ratls_time_write(written, seconds);
    add_word(text, key, known ? written : NULL);
}

static void add_number(ratls_text *text, const char *key, bool known, int64_t number)
{
    add_key(text, key);
    if (known) {
        ratls_text_add_number(text, number);
    } else {
        ratls_text_add(text, "null");
    }
}

static void add_hex(ratls_text *text, const char *key, bool known, const uint8_t *bytes, size_t len)
{
    add_key(text, key);
    if (!known) {
        ratls_text_add(text, "null");
        return;
    }
    ratls_text_add(text, "\"");
    ratls_text_add_hex(text, bytes, len);
    ratls_text_add(text, "\"");
}

static void add_advisories(ratls_text *text, const ratls_claims *claims)
{
    add_key(text, "advisory_ids");
    if (claims->advisories_unknown) {
        ratls_text_add(text, "null");
        return;
    }
    ratls_text_add(text, "[");
    for (size_t i = 0; i < claims->advisories.len; i++) {
        ratls_text_add(text, i == 0 ? "" : ",");
        ratls_text_add_json_string(text, claims->advisories.ids[i]);
    }
    ratls_text_add(text, "]");
}

char *ratls_claims_tcb_json(const ratls_claims *claims)
{
    ratls_text text = {0};

    add_word(&text, "tcb_status", ratls_tcb_status_word(claims->tcb_status));
    add_word(&text, "tcb_status_dcap", ratls_tcb_status_intel(claims->tcb_status));
    add_word(&text, "platform_tcb_status", ratls_tcb_status_intel(claims->platform_tcb_status));
    add_word(&text, "tdx_module_tcb_status", ratls_tcb_status_intel(claims->tdx_module_tcb_status));
    add_word(&text, "qe_tcb_status", ratls_tcb_status_intel(claims->qe_tcb_status));
    add_word(&text, "launch_tcb_status", ratls_tcb_status_intel(claims->launch_tcb_status));
    add_word(&text, "current_tcb_status", ratls_tcb_status_intel(claims->current_tcb_status));
    add_time(&text, "tcb_date", claims->has_tcb_date, claims->tcb_date);
    add_advisories(&text, claims);
    add_hex(&text, "fmspc", claims->has_fmspc, claims->fmspc, sizeof claims->fmspc);
    add_number(&text, "tcb_evaluation_data_number", claims->has_tcb_evaluation_data_number, claims->tcb_evaluation_data_number);
    add_time(&text, "collateral_expires_at", claims->has_collateral_dates, claims->expires_at);
    ratls_text_add(&text, "}");
    return ratls_text_take(&text);
}

void ratls_claims_tell(const ratls_claims *claims, ratls_error **err)
{
    char *json;

    if (err == NULL || *err == NULL || claims->tcb_status == RATLS_TCB_NONE) {
        return;
    }
    json = ratls_claims_tcb_json(claims);
    if (json != NULL) {
        ratls_error_set_tcb(*err, json);
    }
    free(json);
}

/* The policy that pins what an inspection shows. */
#include "base/error.h"
#include "base/tables.h"
#include "base/text.h"

static void add_list(ratls_text *out, const char *value)
{
    ratls_text_add(out, "[");
    ratls_text_add_json_string(out, value);
    ratls_text_add(out, "]");
}

/* A field's pin, where the field is known. */
static void add_pin(ratls_text *out, const char **separator, const ratls_quote *quote, ratls_field field)
{
    const char *value = ratls_quote_text(quote, field);

    if (value == NULL) {
        return;
    }
    ratls_text_add(out, *separator);
    ratls_text_add_json_string(out, ratls_field_rows[field].name);
    ratls_text_add(out, ":");
    add_list(out, value);
    *separator = ",";
}

static char *write_policy(const ratls_quote *quote)
{
    static const ratls_field firmware[] = {RATLS_FIELD_RTMR0, RATLS_FIELD_RTMR1, RATLS_FIELD_RTMR2, RATLS_FIELD_COMPOSE_HASH};
    static const ratls_field application[] = {RATLS_FIELD_APP_ID, RATLS_FIELD_KEY_PROVIDER};
    const char *separator = "";
    ratls_text text = {0};

    ratls_text_add(&text, "{\"allowed_mr_td\":");
    add_list(&text, ratls_quote_text(quote, RATLS_FIELD_MR_TD));
    ratls_text_add(&text, ",\"pins\":{");
    for (size_t i = 0; i < sizeof firmware / sizeof firmware[0]; i++) {
        add_pin(&text, &separator, quote, firmware[i]);
    }
    /* Whoever deploys may choose the app id: without the key provider it proves nothing. */
    for (size_t i = 0; i < sizeof application / sizeof application[0] && ratls_quote_text(quote, RATLS_FIELD_KEY_PROVIDER) != NULL; i++) {
        add_pin(&text, &separator, quote, application[i]);
    }
    add_pin(&text, &separator, quote, RATLS_FIELD_OS_IMAGE_HASH);
    ratls_text_add(&text, "}}");
    return ratls_text_take(&text);
}

ratls_status ratls_quote_policy(char **json, const ratls_quote *quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(json != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "json"), WHAT("it is NULL"));
    *json = NULL;
    CHECK(ratls_quote_text(quote, RATLS_FIELD_MR_TD) != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "quote"),
          WHAT("it has no MRTD to pin"));
    *json = write_policy(quote);
    CHECK(*json != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

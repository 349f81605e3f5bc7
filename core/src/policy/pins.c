/* Pins: which values a field may have, read once from text. */
#include <stdlib.h>
#include <string.h>

#include "base/tables.h"
#include "base/text.h"
#include "policy/compiled.h"

/* What an application pin proves nothing without: firmware and kernel decide what they measure. */
static const ratls_field identity_fields[] = {RATLS_FIELD_MR_TD, RATLS_FIELD_RTMR0, RATLS_FIELD_RTMR1, RATLS_FIELD_RTMR2};

ratls_status ratls_policy_read_hex(uint8_t *out, size_t len, const char *option, const char *what, const char *text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text expected = {0};
    const char *digits = text == NULL ? "" : text;
    size_t digits_len;

    if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
        digits += 2;
    }
    digits_len = strnlen(digits, RATLS_POLICY_VALUE_MAX + 1);
    if (what != NULL) {
        ratls_text_add(&expected, what);
        ratls_text_add(&expected, " of ");
    }
    ratls_text_add_number(&expected, 2 * (int64_t)len);
    ratls_text_add(&expected, " hexadecimal digits");
    CHECK(!expected.failed, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(ratls_hex_read(out, len, digits, digits_len), RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", option),
          FOUND(text == NULL ? "" : text), EXPECTED(expected.data));
    status = RATLS_OK;
out:
    ratls_text_clear(&expected);
    return status;
}

/* A provider's name, and its id in hexadecimal with or without 0x. */
static bool read_provider(ratls_text *out, const char *text)
{
    size_t name_len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    const char *id = text[name_len] == ':' ? text + name_len + 1 : "";
    uint8_t bytes[RATLS_POLICY_VALUE_MAX / 2];
    size_t digits;

    if (name_len == 0 || (text[name_len] != ':' && text[name_len] != '\0')) {
        return false;
    }
    ratls_text_add_bytes(out, text, name_len);
    if (text[name_len] == '\0') {
        return true;
    }
    id += id[0] == '0' && (id[1] == 'x' || id[1] == 'X') ? 2 : 0;
    digits = strlen(id);
    if (digits == 0 || digits % 2 != 0 || !ratls_hex_read(bytes, digits / 2, id, digits)) {
        return false;
    }
    ratls_text_add(out, ":");
    ratls_text_add_hex(out, bytes, digits / 2);
    return true;
}

/* The only text that can be pinned is key_provider: `name`, or `name:id`, kept as a result says it. */
static ratls_status compile_text(char **out, const char *option, const char *field, const char *value, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *text = value == NULL ? "" : value;
    ratls_text kept = {0};

    CHECK(strnlen(text, RATLS_POLICY_VALUE_MAX + 1) <= RATLS_POLICY_VALUE_MAX && read_provider(&kept, text), RATLS_ERR_OPTION_VALUE,
          ratls_detail_text("option", option), FOUND(text), EXPECTED("a name, or name:id"),
          ratls_detail_text("field", field));
    *out = ratls_text_take(&kept);
    CHECK(*out != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    ratls_text_clear(&kept);
    return status;
}

/* Fill `made`, which belongs to the policy that is being compiled, so that a failure half way frees it with the policy. */
static ratls_status compile_values(
    ratls_allowed_values *made, const char *option, const ratls_field_row *row, const char *const *values, size_t len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (row->type == RATLS_TYPE_HEX) {
        made->value_len = row->length;
        made->bytes = calloc(len, row->length);
        CHECK(made->bytes != NULL, RATLS_ERR_OUT_OF_MEMORY);
    } else {
        made->texts = calloc(len, sizeof *made->texts);
        CHECK(made->texts != NULL, RATLS_ERR_OUT_OF_MEMORY);
    }
    for (size_t i = 0; i < len; i++) {
        if (row->type == RATLS_TYPE_HEX) {
            TRY(ratls_policy_read_hex(made->bytes + i * row->length, row->length, option, row->name, values[i], err));
        } else {
            TRY(compile_text(&made->texts[i], option, row->name, values[i], err));
        }
        made->values_len = i + 1;
    }
    status = RATLS_OK;
out:
    return status;
}

void ratls_allowed_values_clear(ratls_allowed_values *values)
{
    for (size_t i = 0; values->texts != NULL && i < values->values_len; i++) {
        free(values->texts[i]);
    }
    free(values->texts);
    free(values->bytes);
    *values = (ratls_allowed_values){0};
}

char *ratls_allowed_values_text(const ratls_allowed_values *values)
{
    ratls_text text = {0};

    for (size_t i = 0; i < values->values_len; i++) {
        ratls_text_add(&text, i == 0 ? "" : ", ");
        if (values->texts != NULL) {
            ratls_text_add(&text, values->texts[i]);
        } else {
            ratls_text_add_hex(&text, values->bytes + i * values->value_len, values->value_len);
        }
    }
    return ratls_text_take(&text);
}

static const ratls_field_row *find_pinnable(const char *name, ratls_field *field)
{
    for (ratls_field i = 0; name != NULL && i < RATLS_FIELD_COUNT; i++) {
        if (ratls_field_rows[i].pin != RATLS_PIN_NONE && strcmp(ratls_field_rows[i].name, name) == 0) {
            *field = i;
            return &ratls_field_rows[i];
        }
    }
    return NULL;
}

static ratls_status compile_pin(ratls_compiled_policy *policy, const ratls_pin *pin, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_field field = RATLS_FIELD_COUNT;
    const ratls_field_row *row = find_pinnable(pin->field, &field);
    ratls_text option = {0};

    CHECK(row != NULL, RATLS_ERR_PIN_UNKNOWN, FOUND(pin->field == NULL ? "" : pin->field));
    ratls_text_add(&option, "pins.");
    ratls_text_add(&option, row->name);
    CHECK(!option.failed, RATLS_ERR_OUT_OF_MEMORY);
    /* A pin lists at least one value: no entries, with or without a pointer, is not "any". */
    CHECK(pin->values_len > 0, RATLS_ERR_OPTION_EMPTY_LIST, ratls_detail_text("option", option.data));
    TRY(ratls_policy_check_list(option.data, pin->values, pin->values_len, err));
    CHECK(policy->pins[field].values_len == 0, RATLS_ERR_OPTION_DUPLICATE, ratls_detail_text("option", option.data));
    TRY(compile_values(&policy->pins[field], "pins", row, pin->values, pin->values_len, err));
    status = RATLS_OK;
out:
    ratls_text_clear(&option);
    return status;
}

static void add_name(ratls_text *text, const char *name)
{
    ratls_text_add(text, text->len == 0 ? "" : ", ");
    ratls_text_add(text, name);
}

/* Genuine firmware with an attacker's kernel extends RTMR3 with anybody's event log; and app_id is chosen by
 * whoever deploys, unless the key provider is known. */
static ratls_status check_pins_complete(const ratls_compiled_policy *policy, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text application = {0}, missing = {0};

    for (size_t field = 0; field < RATLS_FIELD_COUNT; field++) {
        if (ratls_field_rows[field].pin == RATLS_PIN_APPLICATION && policy->pins[field].values_len > 0) {
            add_name(&application, ratls_field_rows[field].name);
        }
    }
    for (size_t i = 0; i < sizeof identity_fields / sizeof identity_fields[0]; i++) {
        if (policy->pins[identity_fields[i]].values_len == 0) {
            add_name(&missing, ratls_field_rows[identity_fields[i]].name);
        }
    }
    if (policy->pins[RATLS_FIELD_APP_ID].values_len > 0 && policy->pins[RATLS_FIELD_KEY_PROVIDER].values_len == 0) {
        add_name(&missing, ratls_field_rows[RATLS_FIELD_KEY_PROVIDER].name);
    }
    CHECK(!application.failed && !missing.failed, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(application.len == 0 || missing.len == 0 || policy->allow_partial_pins, RATLS_ERR_PINS_INCOMPLETE,
          FOUND(application.data), EXPECTED(missing.data));
    status = RATLS_OK;
out:
    ratls_text_clear(&application);
    ratls_text_clear(&missing);
    return status;
}

ratls_status ratls_policy_compile_pins(ratls_compiled_policy *policy, const ratls_verify_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_policy_check_list("allowed_mr_td", options->allowed_mr_td, options->allowed_mr_td_len, err));
    if (options->allowed_mr_td_len > 0) {
        TRY(compile_values(&policy->pins[RATLS_FIELD_MR_TD], "allowed_mr_td", &ratls_field_rows[RATLS_FIELD_MR_TD],
                           options->allowed_mr_td, options->allowed_mr_td_len, err));
    }
    TRY(ratls_policy_check_list("pins", options->pins, options->pins_len, err));
    for (size_t i = 0; i < options->pins_len; i++) {
        TRY(compile_pin(policy, &options->pins[i], err));
    }
    TRY(check_pins_complete(policy, err));
    status = RATLS_OK;
out:
    return status;
}

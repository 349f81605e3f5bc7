/* Which of the pinned values MRCONFIGID is a hash of, where it is one (evidence format 4.7). */
#include <string.h>

#include "evidence/mr_config_id.h"
#include "policy/compiled.h"

enum { CANDIDATES_MAX = 4096 /* combinations of pinned values that are tried */ };

/* A combination: which value of each field, NOTHING: none. */
typedef struct {
    size_t compose_hash, app_id, instance_id, key_provider;
} choice;

static const size_t nothing = SIZE_MAX;

static ratls_bytes value_at(const ratls_allowed_values *values, size_t index)
{
    return index == nothing ? (ratls_bytes){0} : (ratls_bytes){values->bytes + index * values->value_len, values->value_len};
}

/* The next choice for one field, from none to its last value; true when it began anew. */
static bool advance(size_t *index, size_t len)
{
    *index = *index == nothing ? 0 : *index + 1;
    if (*index < len) {
        return false;
    }
    *index = nothing;
    return true;
}

/* Through all combinations; false after the last one. */
static bool next_choice(choice *at, const ratls_compiled_policy *policy)
{
    if (!advance(&at->app_id, policy->pins[RATLS_FIELD_APP_ID].values_len) ||
        !advance(&at->instance_id, policy->pins[RATLS_FIELD_INSTANCE_ID].values_len)) {
        return true;
    }
    at->key_provider++;
    if (at->key_provider < policy->pins[RATLS_FIELD_KEY_PROVIDER].values_len) {
        return true;
    }
    at->key_provider = 0;
    at->compose_hash++;
    return at->compose_hash < policy->pins[RATLS_FIELD_COMPOSE_HASH].values_len;
}

/* A pin is `name` or `name:id`, as it was compiled. */
static void read_provider(ratls_identity *out, const char *pin)
{
    size_t name_len = strcspn(pin, ":");
    size_t digits = pin[name_len] == ':' ? strlen(pin + name_len + 1) : 0;

    if (name_len <= RATLS_KEY_PROVIDER_NAME_MAX && digits / 2 <= sizeof out->key_provider_id &&
        ratls_hex_read(out->key_provider_id, digits / 2, pin + name_len + (digits > 0), digits)) {
        memcpy(out->key_provider_name, pin, name_len);
        out->key_provider_name[name_len] = '\0';
        out->key_provider_id_len = digits / 2;
    }
}

static void copy_value(bool *has, uint8_t *out, size_t len, ratls_bytes value)
{
    *has = value.len == len;
    if (*has) {
        memcpy(out, value.data, len);
    }
}

/* What the choice says of the application. */
static ratls_identity guess(const ratls_compiled_policy *policy, const choice *at)
{
    ratls_identity made = {.compose_hash_source = RATLS_COMPOSE_HASH_MR_CONFIG_ID};

    memcpy(made.compose_hash, value_at(&policy->pins[RATLS_FIELD_COMPOSE_HASH], at->compose_hash).data, sizeof made.compose_hash);
    copy_value(&made.has_app_id, made.app_id, sizeof made.app_id, value_at(&policy->pins[RATLS_FIELD_APP_ID], at->app_id));
    copy_value(&made.has_instance_id, made.instance_id, sizeof made.instance_id,
               value_at(&policy->pins[RATLS_FIELD_INSTANCE_ID], at->instance_id));
    read_provider(&made, policy->pins[RATLS_FIELD_KEY_PROVIDER].texts[at->key_provider]);
    return made;
}

static ratls_status confirm(bool *confirmed, const ratls_identity *guessed, const ratls_parsed_quote *quote, ratls_error **err)
{
    ratls_mr_config_candidate candidate = {
        .compose_hash = ratls_identity_field(guessed, RATLS_FIELD_COMPOSE_HASH),
        .app_id = ratls_identity_field(guessed, RATLS_FIELD_APP_ID),
        .instance_id = ratls_identity_field(guessed, RATLS_FIELD_INSTANCE_ID),
        .key_provider_name = guessed->key_provider_name,
        .key_provider_id = {guessed->key_provider_id, guessed->key_provider_id_len},
    };

    return ratls_mr_config_id_confirm(confirmed, quote, &candidate, err);
}

ratls_status ratls_policy_confirm_application(
    const ratls_compiled_policy *policy, const ratls_parsed_quote *quote, ratls_identity *identity, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    choice at = {0, nothing, nothing, 0};
    bool confirmed = false;

    if (quote->tee_type != RATLS_TEE_TDX || identity->replayed || !ratls_mr_config_id_is_hash(quote) ||
        policy->pins[RATLS_FIELD_COMPOSE_HASH].values_len == 0 || policy->pins[RATLS_FIELD_KEY_PROVIDER].values_len == 0) {
        return RATLS_OK;
    }
    for (size_t tried = 0; tried < CANDIDATES_MAX; tried++) {
        ratls_identity guessed = guess(policy, &at);

        TRY(confirm(&confirmed, &guessed, quote, err));
        if (confirmed) {
            *identity = guessed;
        }
        if (confirmed || !next_choice(&at, policy)) {
            break;
        }
    }
    status = RATLS_OK;
out:
    return status;
}

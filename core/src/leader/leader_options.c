#include "leader/leader_options.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/options.h"
#include "base/text.h"

enum {
    NAME_MAX_LEN = 253, /* characters of a DNS name … */
    LABEL_MAX = 63,     /* … and between two dots */
    MS_MAX = INT32_MAX
};

static const char name_prefix[] = "_teesql-leader.";

void ratls_leader_options_init(ratls_leader_options *options, size_t size)
{
    ratls_options_init(options, size);
}

static bool is_name_character(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') || (character >= '0' && character <= '9') ||
           character == '-' || character == '_';
}

/* Labels of 1 to 63 characters; a dot may be at the end. */
static bool is_name(const char *name)
{
    size_t label = 0, len = 0;

    for (; name[len] != '\0' && len <= NAME_MAX_LEN; len++) {
        if (name[len] == '.' ? label == 0 : !is_name_character(name[len]) || label == LABEL_MAX) {
            return false;
        }
        label = name[len] == '.' ? 0 : label + 1;
    }
    return len > 0 && len <= NAME_MAX_LEN;
}

/* Evidence format 8: the prefix stands before the domain, unless it is there already. */
static ratls_status read_domain(ratls_leader_settings *out, const char *domain, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *given = domain == NULL ? "" : domain;
    bool prefixed = strncasecmp(given, name_prefix, sizeof name_prefix - 1) == 0;
    ratls_text name = {0};

    ratls_text_add(&name, prefixed ? "" : name_prefix);
    ratls_text_add_bytes(&name, given, strnlen(given, NAME_MAX_LEN + 1));
    out->name = ratls_text_take(&name);
    out->domain = strndup(given, NAME_MAX_LEN + 1);
    CHECK(out->name != NULL && out->domain != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(is_name(given) && is_name(out->name), RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", "cluster_domain"), FOUND(out->domain),
          EXPECTED("a DNS name"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_address(uint8_t out[RATLS_ADDRESS_LEN], const char *option, const char *text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *digits = text == NULL ? "" : text;
    size_t len = strnlen(digits, 2 * RATLS_ADDRESS_LEN + 3);
    size_t skip = len >= 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') ? 2 : 0;

    CHECK(ratls_hex_read(out, RATLS_ADDRESS_LEN, digits + skip, len - skip), RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", option),
          ratls_detail_chars("found", (ratls_bytes){(const uint8_t *)digits, len}), EXPECTED("an address: 0x and 40 hexadecimal digits"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_servers(ratls_leader_settings *out, const ratls_leader_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (options->dns_servers == NULL) {
        return RATLS_OK;
    }
    CHECK(options->dns_servers_len > 0, RATLS_ERR_OPTION_EMPTY_LIST, ratls_detail_text("option", "dns_servers"));
    CHECK(options->dns_servers_len <= RATLS_DNS_SERVERS_MAX, RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", "dns_servers"),
          FOUND_NUMBER(options->dns_servers_len), EXPECTED("at most 8"));
    for (size_t i = 0; i < options->dns_servers_len; i++) {
        TRY(ratls_dns_server_read(&out->servers[i], options->dns_servers[i], err));
    }
    out->servers_len = options->dns_servers_len;
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_number(int64_t *out, const char *option, int64_t given, int64_t most, int64_t otherwise, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(given >= 0 && given <= most, RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", option), FOUND_NUMBER(given),
          EXPECTED("0 or a positive number of at most 31 bits"));
    *out = given == 0 ? otherwise : given;
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_all(ratls_leader_settings *out, const ratls_leader_options *given, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(read_domain(out, given->domain, err));
    TRY(read_address(out->expected.signer, "manifest_signer", given->signer, err));
    out->expected.any_cluster = given->cluster_address == NULL;
    if (given->cluster_address != NULL) {
        TRY(read_address(out->expected.cluster, "cluster_address", given->cluster_address, err));
    }
    TRY(read_servers(out, given, err));
    TRY(read_number(&out->timeout_ms, "leader_timeout_ms", given->timeout_ms, MS_MAX, RATLS_LEADER_TIMEOUT_MS_DEFAULT, err));
    TRY(read_number(&out->refresh_ms, "leader_refresh_ms", given->refresh_ms, MS_MAX, RATLS_LEADER_REFRESH_MS_DEFAULT, err));
    TRY(read_number(&out->now, "now", given->now, INT64_MAX, 0, err));
    out->log = given->log;
    out->log_user = given->log_user;
    TRY(ratls_leader_state_begin(&out->state, given->state_dir, out->name, out->expected.signer, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_leader_settings_read(ratls_leader_settings *out, const ratls_leader_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_leader_options given;

    memset(out, 0, sizeof *out); /* the padding too: servers are compared as bytes */
    CHECK(options != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "options"), WHAT("it is NULL"));
    TRY(ratls_options_copy(&given, sizeof given, options, sizeof given, err));
    TRY(read_all(out, &given, err));
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_leader_settings_clear(out);
    }
    return status;
}

static bool same_servers(const ratls_leader_settings *a, const ratls_leader_settings *b)
{
    for (size_t i = 0; a->servers_len == b->servers_len && i < a->servers_len; i++) {
        const ratls_dns_server *one = &a->servers[i], *other = &b->servers[i];
        size_t len = one->family == AF_INET ? sizeof one->address.v4 : sizeof one->address.v6;

        if (one->family != other->family || one->port != other->port || memcmp(&one->address, &other->address, len) != 0) {
            return false;
        }
    }
    return a->servers_len == b->servers_len;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_expected(const ratls_leader_expected *a, const ratls_leader_expected *b)
{
    return memcmp(a->signer, b->signer, sizeof a->signer) == 0 && memcmp(a->cluster, b->cluster, sizeof a->cluster) == 0 &&
           a->any_cluster == b->any_cluster;
}

bool ratls_leader_settings_equal(const ratls_leader_settings *a, const ratls_leader_settings *b)
{
    return strcasecmp(a->name, b->name) == 0 && same_expected(&a->expected, &b->expected) && same_servers(a, b) &&
           same_text(a->state.directory, b->state.directory) && a->log == b->log && a->log_user == b->log_user &&
           a->timeout_ms == b->timeout_ms && a->refresh_ms == b->refresh_ms && a->now == b->now;
}

void ratls_leader_settings_clear(ratls_leader_settings *settings)
{
    free(settings->domain);
    free(settings->name);
    ratls_leader_state_clear(&settings->state);
    memset(settings, 0, sizeof *settings);
}

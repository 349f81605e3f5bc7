#include "intel/config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/openssl_start.h"
#include "base/text.h"
#include "intel/url.h"

/* Intel rules 1.1. */
static const struct {
    const char *region;
    const char *base_url;
    const char *portal_url;
} regions[] = {
    {"us", "https://api.trustauthority.intel.com", "https://portal.trustauthority.intel.com"},
    {"eu", "https://api.eu.trustauthority.intel.com", "https://portal.eu.trustauthority.intel.com"},
};

enum { REGIONS_LEN = sizeof regions / sizeof regions[0], REGION_DEFAULT = 0 };

static const char key_header_name[] = "x-api-key: ";

#define OPTION(name) ratls_detail_text("option", (name))

const char *ratls_intel_algorithms_text(int algorithms)
{
    switch (algorithms) {
    case RATLS_INTEL_PS384:
        return "PS384";
    case RATLS_INTEL_RS256:
        return "RS256";
    default:
        return "PS384, RS256";
    }
}

int ratls_intel_algorithm_parse(const char *name)
{
    if (strcmp(name, "PS384") == 0) {
        return RATLS_INTEL_PS384;
    }
    return strcmp(name, "RS256") == 0 ? RATLS_INTEL_RS256 : 0;
}

/* Intel rules 1.2: printable ASCII, so that it can end no header; never shown. */
static ratls_status read_api_key(ratls_intel_config *config, const char *key, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    size_t len;

    CHECK(key != NULL, RATLS_ERR_INTEL_API_KEY_MISSING);
    len = strnlen(key, RATLS_INTEL_API_KEY_MAX + 1);
    CHECK(len > 0 && len <= RATLS_INTEL_API_KEY_MAX, RATLS_ERR_OPTION_VALUE, OPTION("api_key"), FOUND("(not shown)"),
          EXPECTED("1 to 4096 characters"));
    for (size_t i = 0; i < len; i++) {
        CHECK(key[i] > 0x20 && key[i] < 0x7f, RATLS_ERR_OPTION_VALUE, OPTION("api_key"), FOUND("(not shown)"),
              EXPECTED("printable ASCII without white space"));
    }
    config->key_header = malloc(sizeof key_header_name + len);
    CHECK(config->key_header != NULL, RATLS_ERR_OUT_OF_MEMORY);
    memcpy(config->key_header, key_header_name, sizeof key_header_name - 1);
    memcpy(config->key_header + sizeof key_header_name - 1, key, len + 1);
    status = RATLS_OK;
out:
    return status;
}

/* https://HOST[:PORT], with at most one slash after it, which is cut off (Intel rules 1.1). */
static ratls_status read_url(char **out, const char *option, const char *text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    size_t len = strnlen(text, RATLS_INTEL_URL_MAX + 1);
    ratls_url url;

    CHECK(len <= RATLS_INTEL_URL_MAX && ratls_url_read(&url, (ratls_bytes){(const uint8_t *)text, len}) &&
              ratls_bytes_equal_text(url.scheme, "https") && (url.rest.len == 0 || ratls_bytes_equal_text(url.rest, "/")),
          RATLS_ERR_OPTION_VALUE, OPTION(option), FOUND(text), EXPECTED("https://HOST or https://HOST:PORT, without a path"));
    *out = strndup(text, len - url.rest.len);
    CHECK(*out != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

static ratls_status find_region(size_t *out, const char *name, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    *out = REGION_DEFAULT;
    if (name == NULL) {
        return RATLS_OK;
    }
    for (size_t i = 0; i < REGIONS_LEN; i++) {
        if (strcmp(regions[i].region, name) == 0) {
            *out = i;
            return RATLS_OK;
        }
    }
    CHECK(false, RATLS_ERR_OPTION_VALUE, OPTION("region"), FOUND(name), EXPECTED("us or eu"));
out:
    return status;
}

/* The portal that belongs to an API of Intel's; NULL for anybody else's. */
static const char *find_portal(const char *base_url)
{
    for (size_t i = 0; i < REGIONS_LEN; i++) {
        if (strcmp(regions[i].base_url, base_url) == 0) {
            return regions[i].portal_url;
        }
    }
    return NULL;
}

static ratls_status read_urls(ratls_intel_config *config, const ratls_intel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *portal = options->portal_url;
    size_t region;

    CHECK(options->region == NULL || options->base_url == NULL, RATLS_ERR_OPTION_VALUE, OPTION("region"), FOUND(options->region),
          EXPECTED("a region or URLs, not both"));
    TRY(find_region(&region, options->region, err));
    TRY(read_url(&config->base_url, "intel_base_url", options->base_url == NULL ? regions[region].base_url : options->base_url, err));
    portal = portal == NULL ? find_portal(config->base_url) : portal;
    CHECK(portal != NULL, RATLS_ERR_OPTION_VALUE, OPTION("intel_portal_url"), FOUND(""),
          EXPECTED("the portal's URL beside the URL of an API that is not Intel's"));
    TRY(read_url(&config->portal_url, "intel_portal_url", portal, err));
    status = RATLS_OK;
out:
    return status;
}

static bool is_uuid(const char *text)
{
    for (size_t i = 0; i < RATLS_INTEL_UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : strchr("0123456789abcdefABCDEF", text[i]) == NULL || text[i] == '\0') {
            return false;
        }
    }
    return text[RATLS_INTEL_UUID_LEN] == '\0';
}

static ratls_status check_list(const char *option, const void *list, size_t len, size_t max, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(list == NULL || len > 0, RATLS_ERR_OPTION_EMPTY_LIST, OPTION(option));
    CHECK(list != NULL || len == 0, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", option), WHAT("it is NULL but has a length"));
    CHECK(len <= max, RATLS_ERR_OPTION_VALUE, OPTION(option), ratls_detail_number("found", (int64_t)len), EXPECTED("a shorter list"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_policy_ids(ratls_intel_config *config, const ratls_intel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(check_list("intel_policy_ids", options->policy_ids, options->policy_ids_len, RATLS_INTEL_POLICIES_MAX, err));
    for (size_t i = 0; i < options->policy_ids_len; i++) {
        const char *id = options->policy_ids[i];

        CHECK(id != NULL && is_uuid(id), RATLS_ERR_OPTION_VALUE, OPTION("intel_policy_ids"), FOUND(id == NULL ? "NULL" : id),
              EXPECTED("UUIDs"));
        config->policy_ids[i] = strdup(id);
        CHECK(config->policy_ids[i] != NULL, RATLS_ERR_OUT_OF_MEMORY);
        config->policy_ids_len++;
    }
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_algorithms(ratls_intel_config *config, const ratls_intel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(check_list("intel_allowed_algorithms", options->allowed_algorithms, options->allowed_algorithms_len, 2, err));
    for (size_t i = 0; i < options->allowed_algorithms_len; i++) {
        const char *name = options->allowed_algorithms[i];
        int algorithm = name == NULL ? 0 : ratls_intel_algorithm_parse(name);

        CHECK(algorithm != 0, RATLS_ERR_OPTION_VALUE, OPTION("intel_allowed_algorithms"), FOUND(name == NULL ? "NULL" : name),
              EXPECTED("PS384 or RS256"));
        config->allowed_algorithms |= algorithm;
        config->requested_algorithm = i == 0 ? algorithm : config->requested_algorithm;
    }
    if (options->allowed_algorithms == NULL) {
        config->allowed_algorithms = RATLS_INTEL_PS384;
        config->requested_algorithm = RATLS_INTEL_PS384;
    }
    status = RATLS_OK;
out:
    return status;
}

/* The portal's host, and those that are given. */
static ratls_status read_crl_hosts(ratls_intel_config *config, const ratls_intel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_url portal;

    TRY(check_list("intel_crl_hosts", options->crl_hosts, options->crl_hosts_len, RATLS_INTEL_CRL_HOSTS_MAX, err));
    CHECK(ratls_url_read(&portal, (ratls_bytes){(const uint8_t *)config->portal_url, strlen(config->portal_url)}), RATLS_ERR_INTERNAL,
          WHAT("a portal without a host"));
    config->crl_hosts[0] = strndup((const char *)portal.host.data, portal.host.len);
    CHECK(config->crl_hosts[0] != NULL, RATLS_ERR_OUT_OF_MEMORY);
    config->crl_hosts_len = 1;
    for (size_t i = 0; i < options->crl_hosts_len; i++) {
        const char *host = options->crl_hosts[i];

        CHECK(host != NULL && host[0] != '\0' && strlen(host) <= RATLS_INTEL_URL_MAX, RATLS_ERR_OPTION_VALUE, OPTION("intel_crl_hosts"),
              FOUND(host == NULL ? "NULL" : host), EXPECTED("names of hosts"));
        config->crl_hosts[config->crl_hosts_len] = strdup(host);
        CHECK(config->crl_hosts[config->crl_hosts_len] != NULL, RATLS_ERR_OUT_OF_MEMORY);
        config->crl_hosts_len++;
    }
    status = RATLS_OK;
out:
    return status;
}

/* Every certificate of a PEM text, or the one that DER is; *count is 0 when something in it cannot be read. */
static void parse_certificates(X509 *out[RATLS_INTEL_ROOTS_MAX], size_t *count, ratls_bytes text)
{
    const uint8_t *next = text.data;
    BIO *bio;
    X509 *one = NULL;

    ratls_openssl_start();
    bio = BIO_new_mem_buf(text.data, (int)text.len);
    *count = 0;
    if (text.len > 0 && text.data[0] == 0x30) {
        one = d2i_X509(NULL, &next, (long)text.len);
        if (one != NULL && next == text.data + text.len) {
            out[(*count)++] = one;
        } else {
            X509_free(one);
        }
    } else {
        while (bio != NULL && *count < RATLS_INTEL_ROOTS_MAX && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
            out[(*count)++] = one;
        }
    }
    BIO_free(bio);
    ERR_clear_error();
}

static ratls_status read_roots(ratls_intel_config *config, const ratls_intel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes given = {options->pinned_roots, options->pinned_roots_len};

    CHECK(given.data != NULL || given.len == 0, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "intel_pinned_roots"),
          WHAT("it is NULL but has a length"));
    if (given.data == NULL) {
        return RATLS_OK;
    }
    if (given.len <= INT32_MAX) {
        parse_certificates(config->roots, &config->roots_len, given);
    }
    /* Roots that cannot be read never mean "any root". */
    CHECK(config->roots_len > 0, RATLS_ERR_OPTION_VALUE, OPTION("intel_pinned_roots"), FOUND("something else"),
          EXPECTED("root certificates, PEM or one in DER"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status check_ca(const ratls_intel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    X509 *certificates[RATLS_INTEL_ROOTS_MAX] = {NULL};
    size_t count = 0;

    CHECK(options->ca != NULL || options->ca_len == 0, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "ca"),
          WHAT("it is NULL but has a length"));
    if (options->ca == NULL) {
        return RATLS_OK;
    }
    if (options->ca_len <= INT32_MAX && options->ca_len > 0 && options->ca[0] != 0x30) {
        parse_certificates(certificates, &count, (ratls_bytes){options->ca, options->ca_len});
    }
    CHECK(count > 0, RATLS_ERR_OPTION_VALUE, OPTION("ca_file"), FOUND("something else"), EXPECTED("certificates in PEM"));
    status = RATLS_OK;
out:
    for (size_t i = 0; i < count; i++) {
        X509_free(certificates[i]);
    }
    return status;
}

static ratls_status read_number(int *out, const char *option, int given, int unless_given, int least, int most, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text range = {0};

    *out = given == 0 ? unless_given : given;
    ratls_text_add_number(&range, least);
    ratls_text_add(&range, " to ");
    ratls_text_add_number(&range, most);
    CHECK(!range.failed, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(*out >= least && *out <= most, RATLS_ERR_OPTION_VALUE, OPTION(option), FOUND_NUMBER(given), EXPECTED(range.data));
    status = RATLS_OK;
out:
    ratls_text_clear(&range);
    return status;
}

static ratls_status read_numbers(ratls_intel_config *config, const ratls_intel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    bool intels_own = find_portal(config->base_url) != NULL;
    int per_second = options->requests_per_second < 0 ? -1 : options->requests_per_second;

    TRY(read_number(&config->api_version, "intel_api_version", options->api_version, 2, 1, 2, err));
    TRY(read_number(&config->attempts, "intel_attempts", options->attempts, RATLS_INTEL_ATTEMPTS_DEFAULT, 1, RATLS_INTEL_ATTEMPTS_MAX, err));
    TRY(read_number(&config->crl_policy, "intel_crl_policy", options->crl_policy, RATLS_CRL_HARD, RATLS_CRL_HARD, RATLS_CRL_OFF, err));
    TRY(read_number(&config->min_rsa_bits, "intel_min_rsa_bits", options->min_rsa_bits, RATLS_INTEL_RSA_BITS_DEFAULT,
                    RATLS_INTEL_RSA_BITS_LEAST, RATLS_INTEL_RSA_BITS_MOST, err));
    TRY(read_number(&config->requests_per_second, "intel_requests_per_second", per_second,
                    intels_own ? RATLS_INTEL_REQUESTS_PER_SECOND : -1, -1, RATLS_INTEL_REQUESTS_PER_SECOND_MAX, err));
    config->requests_per_second = config->requests_per_second < 0 ? 0 : config->requests_per_second;
    CHECK(options->attempt_timeout_ms >= 0, RATLS_ERR_OPTION_VALUE, OPTION("intel_attempt_timeout_ms"),
          FOUND_NUMBER(options->attempt_timeout_ms), EXPECTED("0 or more"));
    CHECK(options->http_connect_timeout_ms >= 0, RATLS_ERR_OPTION_VALUE, OPTION("intel_http_connect_timeout_ms"),
          FOUND_NUMBER(options->http_connect_timeout_ms), EXPECTED("0 or more"));
    config->attest_timeout_ms = options->attempt_timeout_ms > 0 ? options->attempt_timeout_ms : RATLS_INTEL_ATTEST_TIMEOUT_MS;
    config->fetch_timeout_ms = options->attempt_timeout_ms > 0 ? options->attempt_timeout_ms : RATLS_INTEL_FETCH_TIMEOUT_MS;
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_flag(bool *out, const char *option, int given, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(given == 0 || given == 1, RATLS_ERR_OPTION_VALUE, OPTION(option), FOUND_NUMBER(given), EXPECTED("0 or 1"));
    *out = given == 1;
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_intel_config_read(ratls_intel_config *out, const ratls_intel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    *out = (ratls_intel_config){0};
    TRY(read_api_key(out, options->api_key, err));
    TRY(read_urls(out, options, err));
    TRY(read_policy_ids(out, options, err));
    TRY(read_algorithms(out, options, err));
    TRY(read_crl_hosts(out, options, err));
    TRY(read_roots(out, options, err));
    TRY(check_ca(options, err));
    TRY(read_numbers(out, options, err));
    TRY(read_flag(&out->policy_must_match, "intel_policy_must_match", options->policy_must_match, err));
    TRY(read_flag(&out->allow_unmatched_policies, "intel_allow_unmatched_policies", options->allow_unmatched_policies, err));
    TRY(read_flag(&out->relaxed_chain, "intel_relaxed_chain", options->relaxed_chain, err));
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_intel_config_clear(out);
    }
    return status;
}

const char *ratls_intel_config_key(const ratls_intel_config *config)
{
    return config->key_header + sizeof key_header_name - 1;
}

void ratls_intel_config_clear(ratls_intel_config *config)
{
    if (config->key_header != NULL) {
        OPENSSL_cleanse(config->key_header, strlen(config->key_header));
    }
    free(config->key_header);
    free(config->base_url);
    free(config->portal_url);
    for (size_t i = 0; i < config->policy_ids_len; i++) {
        free(config->policy_ids[i]);
    }
    for (size_t i = 0; i < config->crl_hosts_len; i++) {
        free(config->crl_hosts[i]);
    }
    for (size_t i = 0; i < config->roots_len; i++) {
        X509_free(config->roots[i]);
    }
    *config = (ratls_intel_config){0};
}

#include "intel/chain.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/crl.h"
#include "base/time.h"
#include "intel/url.h"

enum { CHAIN_AUTH_LEVEL = 2 };

/* A check under way; end with clear_check(). */
typedef struct {
    const ratls_intel_signer *signer;
    const ratls_intel_config *config;
    const ratls_intel_crl_source *source;
    int64_t now;
    X509_STORE *store;
    STACK_OF(X509) *untrusted; /* borrows */
    STACK_OF(X509) *verified;  /* leaf to root; owned */
    X509_CRL *lists[RATLS_INTEL_CRL_FETCHES_MAX];
    size_t lists_len;
    ratls_intel_chain result;
} chain_check;

static void clear_check(chain_check *check)
{
    X509_STORE_free(check->store);
    sk_X509_free(check->untrusted);
    sk_X509_pop_free(check->verified, X509_free);
    for (size_t i = 0; i < check->lists_len; i++) {
        X509_CRL_free(check->lists[i]);
    }
}

/* Without pinned roots the last certificate is trusted, if it signed itself: it came over TLS from the portal. */
static ratls_status trust_roots(chain_check *check, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    X509 *last = check->signer->certificates[check->signer->len - 1];

    for (size_t i = 0; i < check->config->roots_len; i++) {
        CHECK(X509_STORE_add_cert(check->store, check->config->roots[i]) == 1, RATLS_ERR_OUT_OF_MEMORY);
    }
    if (check->config->roots_len == 0) {
        CHECK(X509_check_issued(last, last) == X509_V_OK, RATLS_ERR_INTEL_CHAIN, WHAT("its chain does not end in a root"));
        CHECK(X509_STORE_add_cert(check->store, last) == 1, RATLS_ERR_OUT_OF_MEMORY);
    }
    status = RATLS_OK;
out:
    return status;
}

static ratls_status gather_certificates(chain_check *check, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    check->store = X509_STORE_new();
    check->untrusted = sk_X509_new_null();
    CHECK(check->store != NULL && check->untrusted != NULL, RATLS_ERR_OUT_OF_MEMORY);
    for (size_t i = 1; i < check->signer->len; i++) {
        CHECK(sk_X509_push(check->untrusted, check->signer->certificates[i]) > 0, RATLS_ERR_OUT_OF_MEMORY);
    }
    TRY(trust_roots(check, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status prepare_context(X509_STORE_CTX *context, const chain_check *check, unsigned long flags, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    X509_VERIFY_PARAM *rules;

    CHECK(X509_STORE_CTX_init(context, check->store, check->signer->certificates[0], check->untrusted) == 1, RATLS_ERR_OUT_OF_MEMORY);
    rules = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(rules, (time_t)check->now);
    X509_VERIFY_PARAM_set_depth(rules, RATLS_INTEL_CERTIFICATES_MAX);
    X509_VERIFY_PARAM_set_auth_level(rules, CHAIN_AUTH_LEVEL);
    CHECK(X509_VERIFY_PARAM_set_flags(rules, flags | (check->config->relaxed_chain ? 0 : X509_V_FLAG_X509_STRICT)) == 1,
          RATLS_ERR_INTERNAL, WHAT("OpenSSL cannot verify chains"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status verify_chain(chain_check *check, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    const char *what = NULL;

    CHECK(context != NULL, RATLS_ERR_OUT_OF_MEMORY);
    TRY(prepare_context(context, check, 0, err));
    if (X509_verify_cert(context) != 1) {
        what = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
    }
    CHECK(what == NULL, RATLS_ERR_INTEL_CHAIN, WHAT(what), ratls_detail_number("depth", X509_STORE_CTX_get_error_depth(context)));
    check->verified = X509_STORE_CTX_get1_chain(context);
    CHECK(check->verified != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    X509_STORE_CTX_free(context);
    return status;
}

/* Intel rules 2.6, 6: the leaf signs tokens, it does not issue certificates. */
static ratls_status check_leaf(const chain_check *check, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    X509 *leaf = check->signer->certificates[0];

    CHECK(X509_check_ca(leaf) == 0, RATLS_ERR_INTEL_CHAIN, WHAT("it is that of an authority"));
    CHECK((X509_get_extension_flags(leaf) & EXFLAG_KUSAGE) == 0 || (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) != 0,
          RATLS_ERR_INTEL_CHAIN, WHAT("it may not sign (key usage)"));
    status = RATLS_OK;
out:
    return status;
}

static bool read_time(int64_t *out, const ASN1_TIME *time)
{
    struct tm parts;

    return ASN1_TIME_to_tm(time, &parts) == 1 &&
           ratls_time_from_civil(out, parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

static void narrow(ratls_intel_chain *result, int64_t from, int64_t until)
{
    result->valid_from = from > result->valid_from ? from : result->valid_from;
    result->valid_until = until < result->valid_until ? until : result->valid_until;
}

static ratls_status note_chain(chain_check *check, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    X509 *root = sk_X509_value(check->verified, sk_X509_num(check->verified) - 1);
    unsigned int len = 0;

    check->result = (ratls_intel_chain){.valid_from = INT64_MIN, .valid_until = INT64_MAX};
    for (int i = 0; i < sk_X509_num(check->verified); i++) {
        X509 *certificate = sk_X509_value(check->verified, i);
        int64_t from, until;

        CHECK(read_time(&from, X509_get0_notBefore(certificate)) && read_time(&until, X509_get0_notAfter(certificate)),
              RATLS_ERR_INTEL_CHAIN, WHAT("its dates cannot be read"));
        narrow(&check->result, from, until);
    }
    CHECK(X509_digest(root, EVP_sha256(), check->result.root_sha256, &len) == 1 && len == RATLS_SHA256_LEN, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

/* The first http or https URI among the distribution points (Intel rules 2.4); false when there is none. */
static bool find_list_url(char out[RATLS_INTEL_URL_MAX + 1], const STACK_OF(DIST_POINT) *points)
{
    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT_NAME *name = sk_DIST_POINT_value(points, i)->distpoint;

        for (int j = 0; name != NULL && name->type == 0 && j < sk_GENERAL_NAME_num(name->name.fullname); j++) {
            int type = 0;
            const ASN1_STRING *uri = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(name->name.fullname, j), &type);
            int len = type == GEN_URI ? ASN1_STRING_length(uri) : 0;

            if (len >= 4 && len <= RATLS_INTEL_URL_MAX && strncasecmp((const char *)ASN1_STRING_get0_data(uri), "http", 4) == 0) {
                memcpy(out, ASN1_STRING_get0_data(uri), (size_t)len);
                out[len] = '\0';
                return strlen(out) == (size_t)len;
            }
        }
    }
    return false;
}

static bool is_allowed_host(const ratls_intel_config *config, ratls_bytes host)
{
    for (size_t i = 0; i < config->crl_hosts_len; i++) {
        if (strlen(config->crl_hosts[i]) == host.len && strncasecmp(config->crl_hosts[i], (const char *)host.data, host.len) == 0) {
            return true;
        }
    }
    return false;
}

static ratls_status read_list_url(char out[RATLS_INTEL_URL_MAX + 1], const chain_check *check, X509 *certificate, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    STACK_OF(DIST_POINT) *points = X509_get_ext_d2i(certificate, NID_crl_distribution_points, NULL, NULL);
    ratls_url url;

    CHECK(points != NULL && find_list_url(out, points), RATLS_ERR_INTEL_CRL, WHAT("a certificate names no list at an http or https address"));
    CHECK(ratls_url_read(&url, (ratls_bytes){(const uint8_t *)out, strlen(out)}) &&
              (ratls_bytes_equal_text(url.scheme, "https") || ratls_bytes_equal_text(url.scheme, "http")),
          RATLS_ERR_INTEL_CRL, WHAT("a certificate names a list at an address that cannot be used"), FOUND(out));
    CHECK(is_allowed_host(check->config, url.host), RATLS_ERR_INTEL_CRL, WHAT("a certificate names a list on a host that is not the portal's"),
          FOUND(out), EXPECTED(check->config->crl_hosts[0]));
    status = RATLS_OK;
out:
    CRL_DIST_POINTS_free(points);
    return status;
}

/* Owned by the check from then on. `current` is false for one whose time has passed. */
static ratls_status parse_list(chain_check *check, bool *current, ratls_bytes der, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_crl strict = {0};
    const char *what = NULL;
    const uint8_t *next = der.data;
    X509_CRL *list = NULL;

    CHECK(ratls_crl_parse(&strict, der, &what), RATLS_ERR_INTEL_CRL, WHAT(what));
    list = d2i_X509_CRL(NULL, &next, (long)der.len);
    CHECK(list != NULL && next == der.data + der.len, RATLS_ERR_INTEL_CRL, WHAT("a list cannot be read"));
    CHECK(strict.this_update <= check->now + RATLS_INTEL_CLOCK_SKEW_S, RATLS_ERR_INTEL_CRL, WHAT("a list is from the future"));
    *current = strict.next_update >= check->now;
    narrow(&check->result, strict.this_update - RATLS_INTEL_CLOCK_SKEW_S, strict.next_update);
    check->lists[check->lists_len++] = list;
    list = NULL;
    status = RATLS_OK;
out:
    X509_CRL_free(list);
    ratls_crl_clear(&strict);
    return status;
}

/* `list` is about `certificate`'s issuer's certificates, was signed by it, and does not name this one. */
static ratls_status check_list(X509_CRL *list, X509 *certificate, X509 *issuer, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    X509_REVOKED *entry = NULL;
    char subject[128] = "";

    CHECK(X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(issuer)) == 0, RATLS_ERR_INTEL_CRL,
          WHAT("a list is issued by another authority"));
    CHECK(X509_CRL_verify(list, X509_get0_pubkey(issuer)) == 1, RATLS_ERR_INTEL_CRL, WHAT("a list's signature does not verify"));
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, subject, sizeof subject);
    CHECK(X509_CRL_get0_by_cert(list, &entry, certificate) == 0, RATLS_ERR_INTEL_SIGNER_REVOKED, WHAT(subject));
    status = RATLS_OK;
out:
    return status;
}

/* What ends the whole verification, not only the search for a list. */
static bool ends_everything(ratls_status failed)
{
    return failed == RATLS_ERR_CANCELLED || failed == RATLS_ERR_TIMEOUT || failed == RATLS_ERR_OUT_OF_MEMORY || failed == RATLS_ERR_INTERNAL;
}

/* The list at this URL; NULL where it cannot be had and that is accepted. */
static ratls_status get_list(uint8_t **out, size_t *out_len, const chain_check *check, const char *url, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_error *failure = NULL;
    ratls_status got = check->source->get(out, out_len, check->source->user, url, &failure);

    if (got != RATLS_OK && ends_everything(got)) {
        if (err != NULL && *err == NULL) {
            *err = failure;
            failure = NULL;
        }
        status = got;
        goto out;
    }
    CHECK(got == RATLS_OK || check->config->crl_policy == RATLS_CRL_SOFT, RATLS_ERR_INTEL_CRL,
          WHAT(ratls_error_message(failure, RATLS_SPELLING_C)), ratls_detail_text("url", url));
    status = RATLS_OK;
out:
    ratls_error_free(failure);
    return status;
}

static ratls_status check_revocation_of(chain_check *check, X509 *certificate, X509 *issuer, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char url[RATLS_INTEL_URL_MAX + 1];
    uint8_t *der = NULL;
    size_t len = 0;
    bool current = false;

    TRY(read_list_url(url, check, certificate, err));
    CHECK(check->lists_len < RATLS_INTEL_CRL_FETCHES_MAX, RATLS_ERR_INTEL_CRL, WHAT("the chain needs more than 4 lists"));
    TRY(get_list(&der, &len, check, url, err));
    if (der != NULL) {
        TRY(parse_list(check, &current, (ratls_bytes){der, len}, err));
        TRY(check_list(check->lists[check->lists_len - 1], certificate, issuer, err));
        CHECK(current || check->config->crl_policy == RATLS_CRL_SOFT, RATLS_ERR_INTEL_CRL, WHAT("a list has expired"),
              ratls_detail_text("url", url));
    }
    check->result.revocation_unchecked = check->result.revocation_unchecked || !current;
    status = RATLS_OK;
out:
    free(der);
    return status;
}

/* OpenSSL's own reading of the lists, which knows extensions that ours passes over; dates were checked, ours with the
 * allowance for the clock that its check would lack. */
static ratls_status verify_with_lists(chain_check *check, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int error = X509_V_OK;

    CHECK(context != NULL, RATLS_ERR_OUT_OF_MEMORY);
    for (size_t i = 0; i < check->lists_len; i++) {
        CHECK(X509_STORE_add_crl(check->store, check->lists[i]) == 1, RATLS_ERR_OUT_OF_MEMORY);
    }
    TRY(prepare_context(context, check, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL, err));
    X509_VERIFY_PARAM_clear_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_USE_CHECK_TIME);
    (void)X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_NO_CHECK_TIME);
    error = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    CHECK(error != X509_V_ERR_CERT_REVOKED, RATLS_ERR_INTEL_SIGNER_REVOKED, WHAT(X509_verify_cert_error_string(error)));
    CHECK(error == X509_V_OK, RATLS_ERR_INTEL_CRL, WHAT(X509_verify_cert_error_string(error)));
    status = RATLS_OK;
out:
    X509_STORE_CTX_free(context);
    return status;
}

static ratls_status check_revocation(chain_check *check, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (check->config->crl_policy == RATLS_CRL_OFF) {
        check->result.revocation_unchecked = true;
        return RATLS_OK;
    }
    for (int i = 0; i + 1 < sk_X509_num(check->verified); i++) {
        TRY(check_revocation_of(check, sk_X509_value(check->verified, i), sk_X509_value(check->verified, i + 1), err));
    }
    if (!check->result.revocation_unchecked) {
        TRY(verify_with_lists(check, err));
    }
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_intel_chain_check(
    ratls_intel_chain *out, const ratls_intel_signer *signer, const ratls_intel_config *config, const ratls_intel_crl_source *source,
    int64_t now, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    chain_check check = {.signer = signer, .config = config, .source = source, .now = now};

    *out = (ratls_intel_chain){0};
    TRY(gather_certificates(&check, err));
    TRY(verify_chain(&check, err));
    TRY(check_leaf(&check, err));
    TRY(note_chain(&check, err));
    TRY(check_revocation(&check, err));
    *out = check.result;
    status = RATLS_OK;
out:
    clear_check(&check);
    ERR_clear_error();
    return status;
}

#include "intel/authority.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/base64.h"
#include "base/chance.h"
#include "base/clock.h"
#include "base/pause.h"
#include "base/text.h"

enum { KEY_BITS = 2048, YEAR_S = 365 * 86400 };

enum { ROOT, INTERMEDIATE, LEAF, SECOND_LEAF, STRANGE_ROOT, CERTIFICATES };

test_authority authority;

static EVP_PKEY *keys[CERTIFICATES];
static X509 *certificates[CERTIFICATES];
static char *root_pem, *strange_root_pem;
static int64_t clock_ms;
static ratls_parsed_quote appraised;

static int64_t read_wall(void *user)
{
    (void)user;
    return AUTHORITY_NOW + clock_ms / 1000;
}

static int64_t read_monotonic(void *user)
{
    (void)user;
    return clock_ms;
}

void authority_advance_ms(int64_t ms)
{
    clock_ms += ms;
}

int64_t authority_clock_ms(void)
{
    return clock_ms;
}

static bool note_wait(void *user, int64_t ms, const ratls_cancel *cancel)
{
    (void)user;
    assert_true(authority.waits_len < AUTHORITY_WAITS_MAX);
    authority.waits[authority.waits_len++] = ms;
    clock_ms += ms;
    ratls_cancel_trigger(authority.cancel_in_wait);
    return !ratls_cancel_triggered(cancel);
}

static void fill(void *user, uint8_t *out, size_t len)
{
    (void)user;
    memset(out, 0, len);
    memcpy(out, &authority.random, len < sizeof authority.random ? len : sizeof authority.random);
}

/* ---- certificates */

static void add_extension(X509 *to, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer, to, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(to, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *issue(int which, int issuer, const char *name, const char *constraints, const char *usage, const char *list)
{
    X509 *certificate = X509_new();
    X509 *above = which == issuer ? certificate : certificates[issuer];

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 100 + which);
    ASN1_TIME_set(X509_getm_notBefore(certificate), AUTHORITY_NOW - YEAR_S);
    ASN1_TIME_set(X509_getm_notAfter(certificate), AUTHORITY_NOW + 5L * YEAR_S);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(above));
    X509_set_pubkey(certificate, keys[which]);
    add_extension(certificate, above, NID_basic_constraints, constraints);
    add_extension(certificate, above, NID_key_usage, usage);
    add_extension(certificate, above, NID_subject_key_identifier, "hash");
    add_extension(certificate, above, NID_authority_key_identifier, "keyid");
    if (list != NULL) {
        add_extension(certificate, above, NID_crl_distribution_points, list);
    }
    assert_true(X509_sign(certificate, keys[issuer], EVP_sha384()) > 0);
    return certificate;
}

static char *write_pem(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL, *data = NULL;
    long len;

    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    len = BIO_get_mem_data(bio, &data);
    text = strndup(data, (size_t)len);
    BIO_free(bio);
    return text;
}

static void make_certificates(void)
{
    static const char ca[] = "critical,CA:TRUE", ca_usage[] = "critical,keyCertSign,cRLSign";
    static const char leaf[] = "critical,CA:FALSE", leaf_usage[] = "critical,digitalSignature";
    static const char ats[] = "URI:" AUTHORITY_PORTAL "/crl/ats.der", root[] = "URI:" AUTHORITY_PORTAL "/crl/root.der";

    certificates[ROOT] = issue(ROOT, ROOT, "Test Root CA", ca, ca_usage, NULL);
    certificates[STRANGE_ROOT] = issue(STRANGE_ROOT, STRANGE_ROOT, "Test Root CA", ca, ca_usage, NULL);
    certificates[INTERMEDIATE] = issue(INTERMEDIATE, ROOT, "Test ATS Signing CA", "critical,CA:TRUE,pathlen:0", ca_usage, root);
    certificates[LEAF] = issue(LEAF, INTERMEDIATE, "Test Token Signing", leaf, leaf_usage, ats);
    certificates[SECOND_LEAF] = issue(SECOND_LEAF, INTERMEDIATE, "Test Token Signing 2", leaf, leaf_usage, ats);
    root_pem = write_pem(certificates[ROOT]);
    strange_root_pem = write_pem(certificates[STRANGE_ROOT]);
}

int authority_set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < CERTIFICATES; i++) {
        keys[i] = EVP_RSA_gen(KEY_BITS);
        assert_non_null(keys[i]);
    }
    make_certificates();
    return 0;
}

int authority_tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < CERTIFICATES; i++) {
        EVP_PKEY_free(keys[i]);
        X509_free(certificates[i]);
    }
    free(root_pem);
    free(strange_root_pem);
    return 0;
}

const char *authority_root_pem(void)
{
    return root_pem;
}

const char *authority_strange_root_pem(void)
{
    return strange_root_pem;
}

/* ---- documents */

static void add_base64url(ratls_text *text, const uint8_t *data, size_t len)
{
    char *encoded = ratls_base64_encode((ratls_bytes){data, len});

    assert_non_null(encoded);
    for (char *next = encoded; *next != '\0' && *next != '='; next++) {
        char digit = *next == '+' ? '-' : *next == '/' ? '_' : *next;

        ratls_text_add_bytes(text, &digit, 1);
    }
    free(encoded);
}

static void add_number(ratls_text *text, EVP_PKEY *key, const char *parameter)
{
    BIGNUM *number = NULL;
    uint8_t bytes[KEY_BITS / 8];

    assert_int_equal(EVP_PKEY_get_bn_param(key, parameter, &number), 1);
    add_base64url(text, bytes, (size_t)BN_bn2bin(number, bytes));
    BN_free(number);
}

static void add_certificate(ratls_text *text, X509 *certificate)
{
    uint8_t *der = NULL;
    int len = i2d_X509(certificate, &der);
    char *encoded = ratls_base64_encode((ratls_bytes){der, (size_t)len});

    ratls_text_add(text, "\"");
    ratls_text_add(text, encoded);
    ratls_text_add(text, "\"");
    free(encoded);
    OPENSSL_free(der);
}

static void add_entry(ratls_text *text, int leaf, const char *key_id)
{
    ratls_text_add(text, "{\"kty\":\"RSA\",\"alg\":\"PS384\",\"kid\":\"");
    ratls_text_add(text, key_id);
    ratls_text_add(text, "\",\"n\":\"");
    add_number(text, keys[leaf], OSSL_PKEY_PARAM_RSA_N);
    ratls_text_add(text, "\",\"e\":\"");
    add_number(text, keys[leaf], OSSL_PKEY_PARAM_RSA_E);
    ratls_text_add(text, "\",\"x5c\":[");
    add_certificate(text, certificates[leaf]);
    ratls_text_add(text, ",");
    add_certificate(text, certificates[INTERMEDIATE]);
    ratls_text_add(text, ",");
    add_certificate(text, certificates[ROOT]);
    ratls_text_add(text, "]}");
}

static char *write_key_set(void)
{
    ratls_text text = {0};

    ratls_text_add(&text, "{\"keys\":[");
    add_entry(&text, LEAF, "first");
    if (!authority.publish_first_only) {
        ratls_text_add(&text, ",");
        add_entry(&text, SECOND_LEAF, "second");
    }
    ratls_text_add(&text, "]}");
    return ratls_text_take(&text);
}

static void add_claim(ratls_text *text, const char *name, ratls_field field)
{
    ratls_bytes value = ratls_quote_body_field(&appraised, field);

    ratls_text_add(text, ",\"");
    ratls_text_add(text, name);
    ratls_text_add(text, "\":\"");
    ratls_text_add_hex(text, value.data, value.len);
    ratls_text_add(text, "\"");
}

static void add_times(ratls_text *text)
{
    ratls_text_add(text, ",\"iat\":");
    ratls_text_add_number(text, read_wall(NULL));
    ratls_text_add(text, ",\"nbf\":");
    ratls_text_add_number(text, read_wall(NULL));
    ratls_text_add(text, ",\"exp\":");
    ratls_text_add_number(text, read_wall(NULL) + 300);
}

static char *write_payload(void)
{
    ratls_text text = {0};

    ratls_text_add(&text, "{\"iss\":\"" AUTHORITY_PORTAL "\",\"ver\":\"2.0.0\"");
    add_times(&text);
    ratls_text_add(&text, ",\"tdx\":{\"attester_type\":\"TDX\",\"attester_tcb_status\":\"UpToDate\",\"tdx_is_debuggable\":false");
    add_claim(&text, "tdx_mrtd", RATLS_FIELD_MR_TD);
    add_claim(&text, "tdx_rtmr0", RATLS_FIELD_RTMR0);
    add_claim(&text, "tdx_rtmr1", RATLS_FIELD_RTMR1);
    add_claim(&text, "tdx_rtmr2", RATLS_FIELD_RTMR2);
    add_claim(&text, "tdx_rtmr3", RATLS_FIELD_RTMR3);
    add_claim(&text, "tdx_report_data", RATLS_FIELD_REPORT_DATA);
    add_claim(&text, "tdx_mrseam", RATLS_FIELD_MR_SEAM);
    add_claim(&text, "tdx_td_attributes", RATLS_FIELD_TD_ATTRIBUTES);
    ratls_text_add(&text, "}");
    ratls_text_add(&text, authority.payload_extra == NULL ? "" : authority.payload_extra);
    ratls_text_add(&text, "}");
    return ratls_text_take(&text);
}

static void sign(uint8_t *signature, size_t *len, EVP_PKEY *key, const char *text)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding = NULL;

    assert_int_equal(EVP_DigestSignInit(context, &padding, EVP_sha384(), NULL, key), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST), 1);
    assert_int_equal(EVP_DigestSign(context, signature, len, (const uint8_t *)text, strlen(text)), 1);
    EVP_MD_CTX_free(context);
}

static char *write_envelope(void)
{
    static const char *const headers[] = {"{\"alg\":\"PS384\",\"typ\":\"JWT\",\"kid\":\"first\"}",
                                          "{\"alg\":\"PS384\",\"typ\":\"JWT\",\"kid\":\"second\"}"};
    ratls_text token = {0}, envelope = {0};
    char *payload = write_payload();
    uint8_t signature[KEY_BITS / 8];
    size_t len = sizeof signature;

    add_base64url(&token, (const uint8_t *)headers[authority.signer], strlen(headers[authority.signer]));
    ratls_text_add(&token, ".");
    add_base64url(&token, (const uint8_t *)payload, strlen(payload));
    sign(signature, &len, keys[authority.signer == 0 ? LEAF : SECOND_LEAF], token.data);
    ratls_text_add(&token, ".");
    add_base64url(&token, signature, len);
    ratls_text_add(&envelope, "{\"token\":\"");
    ratls_text_add(&envelope, token.data);
    ratls_text_add(&envelope, "\"}");
    ratls_text_clear(&token);
    free(payload);
    return ratls_text_take(&envelope);
}

static uint8_t *write_list(int issuer, size_t *out_len)
{
    X509_CRL *list = X509_CRL_new();
    ASN1_TIME *time = ASN1_TIME_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    uint8_t *der = NULL;
    int len;

    X509_CRL_set_version(list, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(certificates[issuer]));
    ASN1_TIME_set(time, read_wall(NULL) - 60);
    X509_CRL_set1_lastUpdate(list, time);
    ASN1_TIME_set(time, read_wall(NULL) + authority.list_lives_s);
    X509_CRL_set1_nextUpdate(list, time);
    ASN1_INTEGER_set(number, 1);
    assert_int_equal(X509_CRL_add1_ext_i2d(list, NID_crl_number, number, 0, 0), 1);
    assert_true(X509_CRL_sign(list, keys[issuer], EVP_sha384()) > 0);
    len = i2d_X509_CRL(list, &der);
    assert_true(len > 0);
    *out_len = (size_t)len;
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(time);
    X509_CRL_free(list);
    return der;
}

/* ---- the web */

static void answer_text(ratls_http_response *out, int status, const char *body, const char *headers)
{
    out->outcome = RATLS_HTTP_ANSWERED;
    out->status = status;
    out->body = (uint8_t *)strdup(body);
    out->body_len = strlen(body);
    out->headers = headers == NULL ? NULL : strdup(headers);
    out->headers_len = headers == NULL ? 0 : strlen(headers) + 1;
}

static void attest(ratls_http_response *out, const ratls_http_request *request)
{
    authority.attests++;
    assert_true(request->post && request->body.len < sizeof authority.body);
    memcpy(authority.body, request->body.data, request->body.len);
    authority.body[request->body.len] = '\0';
    if (authority.script_at < authority.script_len) {
        const scripted_answer *next = &authority.script[authority.script_at++];

        clock_ms += next->takes_ms;
        if (next->outcome == RATLS_HTTP_ANSWERED) {
            answer_text(out, next->status, next->body == NULL ? "" : next->body, next->headers);
        } else {
            out->outcome = next->outcome;
            snprintf(out->what, sizeof out->what, "as the test says");
        }
    } else {
        char *envelope = write_envelope();

        answer_text(out, 200, envelope, NULL);
        free(envelope);
    }
}

static void serve_list(ratls_http_response *out, const char *url)
{
    size_t len = 0;
    uint8_t *der;

    authority.lists++;
    if (authority.lists_down) {
        out->outcome = RATLS_HTTP_UNREACHABLE;
        return;
    }
    der = write_list(strstr(url, "root") != NULL ? ROOT : INTERMEDIATE, &len);
    out->outcome = RATLS_HTTP_ANSWERED;
    out->status = 200;
    out->body = malloc(len + 1);
    assert_non_null(out->body);
    memcpy(out->body, der, len);
    out->body_len = len;
    OPENSSL_free(der);
}

static bool carries_key(const ratls_http_request *request)
{
    for (size_t i = 0; i < request->headers_len; i++) {
        if (strstr(request->headers[i], AUTHORITY_KEY) != NULL) {
            return true;
        }
    }
    return false;
}

static void perform(void *user, ratls_http_response *out, const ratls_http_request *request)
{
    static const char attest_url[] = AUTHORITY_API "/appraisal/v2/attest";

    (void)user;
    if (strcmp(request->url, attest_url) == 0) {
        assert_true(carries_key(request));
        attest(out, request);
        return;
    }
    authority.key_elsewhere = authority.key_elsewhere || carries_key(request);
    if (strcmp(request->url, AUTHORITY_PORTAL "/certs") == 0) {
        authority.key_sets++;
        if (authority.portal_down) {
            out->outcome = RATLS_HTTP_UNREACHABLE;
        } else {
            char *key_set = write_key_set();

            answer_text(out, 200, key_set, authority.portal_headers);
            free(key_set);
        }
        return;
    }
    assert_non_null(strstr(request->url, "/crl/"));
    serve_list(out, request->url);
}

int authority_reset(void **state)
{
    static const ratls_clock clock = {read_wall, read_monotonic, NULL};
    static const ratls_http_fake web = {perform, NULL};
    static const ratls_pauser pauser = {note_wait, NULL};
    static const ratls_chance chance = {fill, NULL};

    (void)state;
    memset(&authority, 0, sizeof authority);
    authority.list_lives_s = 7 * 86400;
    clock_ms = 1000;
    ratls_clock_replace(&clock);
    ratls_http_replace(&web);
    ratls_pause_replace(&pauser);
    ratls_chance_replace(&chance);
    return 0;
}

ratls_intel_options authority_options(void)
{
    ratls_intel_options options;

    ratls_intel_options_init(&options, sizeof options);
    options.api_key = AUTHORITY_KEY;
    options.base_url = AUTHORITY_API;
    options.portal_url = AUTHORITY_PORTAL;
    options.min_rsa_bits = KEY_BITS;
    return options;
}

void authority_appraises(const ratls_parsed_quote *quote)
{
    appraised = *quote;
}

#include "collateral/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/crl.h"
#include "base/json.h"
#include "base/text.h"

enum { SIGNATURE_DIGITS = 128, AGE_DIGITS_MAX = 9 };

/* Of the certificates, whose own revocation list is no part of the service. */
static const char intel_root_crl[] = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

char *ratls_answer_url(const char *base, bool intel, const ratls_part_id *id)
{
    const char *tee = id->platform.tdx ? "/tdx" : "/sgx";
    ratls_text url = {0};
    char fmspc[2 * RATLS_FMSPC_LEN + 1];

    if (id->kind == RATLS_PART_ROOT_CRL && intel) {
        return strdup(intel_root_crl);
    }
    ratls_text_add(&url, base);
    switch (id->kind) {
    case RATLS_PART_PCK_CRL:
        ratls_text_add(&url, "/sgx/certification/v4/pckcrl?ca=");
        ratls_text_add(&url, id->platform.processor ? "processor" : "platform");
        ratls_text_add(&url, "&encoding=der");
        break;
    case RATLS_PART_TCB_INFO:
        ratls_hex_write(fmspc, id->platform.fmspc, sizeof id->platform.fmspc);
        for (size_t i = 0; fmspc[i] != '\0'; i++) {
            fmspc[i] = fmspc[i] >= 'a' ? (char)(fmspc[i] - 'a' + 'A') : fmspc[i];
        }
        ratls_text_add(&url, tee);
        ratls_text_add(&url, "/certification/v4/tcb?fmspc=");
        ratls_text_add(&url, fmspc);
        ratls_text_add(&url, id->early ? "&update=early" : "");
        break;
    case RATLS_PART_QE_IDENTITY:
        ratls_text_add(&url, tee);
        ratls_text_add(&url, "/certification/v4/qe/identity");
        ratls_text_add(&url, id->early ? "?update=early" : "");
        break;
    case RATLS_PART_ROOT_CRL:
    case RATLS_PARTS:
    default:
        ratls_text_add(&url, "/sgx/certification/v4/rootcacrl");
        break;
    }
    return ratls_text_take(&url);
}

/* A list may come as hexadecimal or PEM; a document in a little more than itself. */
size_t ratls_answer_max(ratls_part_kind kind)
{
    bool crl = kind == RATLS_PART_ROOT_CRL || kind == RATLS_PART_PCK_CRL;

    return crl ? (size_t)2 * RATLS_COLLATERAL_CRL_MAX + 4096 : (size_t)RATLS_COLLATERAL_JSON_MAX + 4096;
}

bool ratls_answer_unescape(char **out, const char *text)
{
    size_t len = strlen(text), written = 0;
    char *plain = malloc(len + 1);
    uint8_t octet;

    *out = NULL;
    for (size_t i = 0; plain != NULL && i < len; i++) {
        octet = (uint8_t)text[i];
        if (octet == '%') {
            if (len - i < 3 || !ratls_hex_read(&octet, 1, text + i + 1, 2) || octet == '\0') {
                free(plain);
                return false;
            }
            i += 2;
        }
        plain[written++] = (char)octet;
    }
    if (plain == NULL) {
        return false;
    }
    plain[written] = '\0';
    *out = plain;
    return true;
}

static ratls_status raise_response(const ratls_part_id *id, const char *url, const char *what, ratls_error **err)
{
    char subject[RATLS_PART_SUBJECT_MAX];

    ratls_part_subject(subject, id);
    return RAISE(err, RATLS_ERR_COLLATERAL_RESPONSE, ratls_detail_text("url", url), ratls_detail_text("subject", subject), WHAT(what));
}

/* The chain is believed as little as the rest of the answer. */
static ratls_status read_chain(char **out, const ratls_http_response *response, const ratls_part_id *id, const char *url, ratls_error **err)
{
    static const char *const names[RATLS_PARTS][2] = {
        [RATLS_PART_PCK_CRL] = {"SGX-PCK-CRL-Issuer-Chain", NULL},
        [RATLS_PART_TCB_INFO] = {"TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"},
        [RATLS_PART_QE_IDENTITY] = {"SGX-Enclave-Identity-Issuer-Chain", NULL},
    };
    const char *const *wanted = names[id->kind];
    const char *value;

    *out = NULL;
    if (wanted[0] == NULL) {
        return RATLS_OK;
    }
    value = ratls_http_header(response, wanted[0]);
    if (value == NULL && wanted[1] != NULL) {
        value = ratls_http_header(response, wanted[1]);
    }
    if (value == NULL) {
        return raise_response(id, url, "it has no header with an issuer chain", err);
    }
    return ratls_answer_unescape(out, value) ? RATLS_OK : raise_response(id, url, "its issuer chain is not percent-encoded", err);
}

/* The object's exact bytes, which are what is signed, and its signature. */
static ratls_status slice_document(
    ratls_bytes *content, uint8_t signature[64], ratls_bytes body, const ratls_part_id *id, const char *url, ratls_error **err)
{
    const char *key = id->kind == RATLS_PART_TCB_INFO ? "tcbInfo" : "enclaveIdentity";
    ratls_bytes duplicate = {0}, digits = {0};

    switch (ratls_json_check(body, &duplicate)) {
    case RATLS_JSON_OK:
        break;
    case RATLS_JSON_OUT_OF_MEMORY:
        return RAISE(err, RATLS_ERR_OUT_OF_MEMORY);
    case RATLS_JSON_DUPLICATE_KEY:
        return RAISE(err, RATLS_ERR_COLLATERAL_DUPLICATE_KEY, WHAT(url), ratls_detail_chars("found", duplicate));
    case RATLS_JSON_MALFORMED:
    case RATLS_JSON_NUMBER:
    default:
        return raise_response(id, url, "it is not JSON", err);
    }
    if (!ratls_json_slice(content, body, key) || content->len == 0 || content->data[0] != '{') {
        return raise_response(id, url, "it has no such object", err);
    }
    /* Between its quotes: 128 digits. */
    if (!ratls_json_slice(&digits, body, "signature") || digits.len != SIGNATURE_DIGITS + 2 || digits.data[0] != '"' ||
        !ratls_hex_read(signature, 64, (const char *)digits.data + 1, SIGNATURE_DIGITS)) {
        return raise_response(id, url, "its signature is not 128 hexadecimal digits", err);
    }
    return RATLS_OK;
}

static ratls_status decode_crl(
    ratls_bytes *content, uint8_t **storage, ratls_bytes body, const ratls_part_id *id, const char *url, ratls_error **err)
{
    const char *fault = NULL;
    size_t len = 0;

    if (!ratls_crl_decode(storage, &len, body, &fault)) {
        return raise_response(id, url, fault, err);
    }
    *content = (ratls_bytes){*storage, len};
    return RATLS_OK;
}

ratls_status ratls_answer_part(
    ratls_part **out, const ratls_http_response *response, const ratls_part_id *id, const char *url, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    bool crl = id->kind == RATLS_PART_ROOT_CRL || id->kind == RATLS_PART_PCK_CRL;
    ratls_bytes body = {response->body, response->body_len};
    ratls_part_source source = {0};
    uint8_t signature[64], *storage = NULL;
    char *chain = NULL;

    *out = NULL;
    TRY(read_chain(&chain, response, id, url, err));
    source.chain = (ratls_bytes){(const uint8_t *)chain, chain == NULL ? 0 : strlen(chain)};
    if (crl) {
        TRY(decode_crl(&source.content, &storage, body, id, url, err));
    } else {
        TRY(slice_document(&source.content, signature, body, id, url, err));
        source.signature = signature;
    }
    TRY(ratls_part_make(out, id, &source, trust, err));
    status = RATLS_OK;
out:
    free(chain);
    free(storage);
    return status;
}

/* Two decimal digits of seconds are enough of a number; what is no number says nothing. */
static int64_t read_seconds(const char *digits)
{
    size_t len = strspn(digits, "0123456789");

    if (len == 0) {
        return -1;
    }
    return len > AGE_DIGITS_MAX ? RATLS_COLLATERAL_MAX_AGE_S : (int64_t)strtoll(digits, NULL, 10);
}

int64_t ratls_answer_max_age(const ratls_http_response *response)
{
    static const char name[] = "max-age=";
    const char *control = ratls_http_header(response, "Cache-Control");
    const char *found = control == NULL ? NULL : strcasestr(control, name);
    const char *age_text = ratls_http_header(response, "Age");
    int64_t age = age_text == NULL ? 0 : read_seconds(age_text);
    int64_t seconds;

    if (control == NULL) {
        return -1;
    }
    if (strcasestr(control, "no-cache") != NULL || strcasestr(control, "no-store") != NULL) {
        return 0;
    }
    seconds = found == NULL ? -1 : read_seconds(found + sizeof name - 1);
    if (seconds < 0) {
        return -1;
    }
    seconds = seconds > RATLS_COLLATERAL_MAX_AGE_S ? RATLS_COLLATERAL_MAX_AGE_S : seconds;
    return age <= 0 ? seconds : seconds > age ? seconds - age : 0;
}

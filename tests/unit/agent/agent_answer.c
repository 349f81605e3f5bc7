#include "agent/agent_answer.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tunnel/tls_peer.h"

static void need(int holds)
{
    if (!holds) {
        abort();
    }
}

static void add_json_string(test_buffer *out, BIO *text, bool escaped)
{
    char *data = NULL;
    long len = BIO_get_mem_data(text, &data);

    buffer_add_text(out, "\"");
    for (long i = 0; i < len; i++) {
        char unicode[8];

        (void)snprintf(unicode, sizeof unicode, "\\u%04X", (unsigned)data[i]);
        if (data[i] == '\n') {
            buffer_add_text(out, escaped ? "\\r\\n" : "\\n");
        } else if (escaped) {
            buffer_add_text(out, data[i] == '/' ? "\\/" : unicode);
        } else {
            buffer_add(out, &data[i], 1);
        }
    }
    buffer_add_text(out, "\"");
    BIO_free(text);
}

static void add_key(test_buffer *out, EVP_PKEY *key, const agent_answer *wanted)
{
    BIO *text = BIO_new(BIO_s_mem());

    if (wanted->key != NULL) {
        buffer_add_text(out, wanted->key);
        BIO_free(text);
        return;
    }
    need(wanted->old_key_format ? PEM_write_bio_PrivateKey_traditional(text, key, NULL, NULL, 0, NULL, NULL) == 1
                                : PEM_write_bio_PKCS8PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) == 1);
    add_json_string(out, text, wanted->escaped);
}

static X509 *new_leaf(EVP_PKEY *key, const agent_answer *wanted)
{
    uint8_t *padding = calloc(1, wanted->padding + 1);
    X509 *leaf;

    need(padding != NULL);
    leaf = peer_certificate_new(key, wanted->padding > 0 ? "1.3.6.1.4.1.62397.1.8" : NULL, (ratls_bytes){padding, wanted->padding});
    need(X509_gmtime_adj(X509_getm_notBefore(leaf), wanted->not_before_s == 0 ? -3600 : wanted->not_before_s) != NULL);
    need(X509_gmtime_adj(X509_getm_notAfter(leaf), wanted->lifetime_s == 0 ? 3600 : wanted->lifetime_s) != NULL);
    need(X509_sign(leaf, key, EVP_sha256()) > 0);
    free(padding);
    return leaf;
}

static void add_chain(test_buffer *out, EVP_PKEY *key, const agent_answer *wanted)
{
    size_t issuers = wanted->issuers_given ? wanted->issuers : 1;
    X509 *leaf = new_leaf(key, wanted);

    buffer_add_text(out, wanted->old_cert ? "" : "[");
    for (size_t i = 0; i <= issuers; i++) {
        BIO *text = BIO_new(BIO_s_mem());

        need(PEM_write_bio_X509(text, leaf) == 1);
        need(!wanted->old_cert || PEM_write_bio_X509(text, leaf) == 1);
        buffer_add_text(out, i == 0 || wanted->old_cert ? "" : ",");
        if (i == 0 || !wanted->old_cert) {
            add_json_string(out, text, false);
        } else {
            BIO_free(text);
        }
    }
    buffer_add_text(out, wanted->old_cert ? "" : "]");
    X509_free(leaf);
}

void agent_answer_add(test_buffer *out, const agent_answer *wanted)
{
    EVP_PKEY *key = wanted->rsa ? EVP_RSA_gen(2048) : peer_key_new(), *other = peer_key_new();

    buffer_add_text(out, "{\"key\":");
    add_key(out, wanted->other_key ? other : key, wanted);
    buffer_add_text(out, wanted->old_cert ? ",\"cert\":" : ",\"certificate_chain\":");
    if (wanted->chain != NULL) {
        buffer_add_text(out, wanted->chain);
    } else {
        add_chain(out, key, wanted);
    }
    buffer_add_text(out, "}");
    buffer_u8(out, 0);
    out->len--;
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

ratls_identity *agent_identity_new(long lifetime_s, size_t padding)
{
    const agent_answer wanted = {.lifetime_s = lifetime_s, .padding = padding};
    ratls_identity *identity = NULL;
    test_buffer answer = {0};

    agent_answer_add(&answer, &wanted);
    need(ratls_identity_parse(&identity, buffer_bytes(&answer), ratls_clock_wall_s(), NULL) == RATLS_OK);
    buffer_free(&answer);
    return identity;
}

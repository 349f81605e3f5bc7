#include "tunnel/tls_peer.h"

#include <openssl/ec.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* A test that cannot be set up must not look like one that passed. */
static void need(int holds)
{
    if (!holds) {
        abort();
    }
}

EVP_PKEY *peer_key_new(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    need(key != NULL);
    return key;
}

static void add_extension(X509 *certificate, const char *oid, ratls_bytes value)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *inner = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING *outer = ASN1_OCTET_STRING_new();
    unsigned char *der = NULL;
    X509_EXTENSION *extension;
    int len;

    need(object != NULL && inner != NULL && outer != NULL);
    need(ASN1_OCTET_STRING_set(inner, value.data, (int)value.len) == 1);
    len = i2d_ASN1_OCTET_STRING(inner, &der);
    need(len > 0 && ASN1_OCTET_STRING_set(outer, der, len) == 1);
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, outer);
    need(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
    OPENSSL_free(der);
    ASN1_OCTET_STRING_free(outer);
    ASN1_OCTET_STRING_free(inner);
    ASN1_OBJECT_free(object);
}

X509 *peer_certificate_new(EVP_PKEY *key, const char *oid, ratls_bytes value)
{
    X509 *certificate = X509_new();
    X509_NAME *name;

    need(certificate != NULL && X509_set_version(certificate, X509_VERSION_3) == 1);
    need(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1);
    need(X509_gmtime_adj(X509_getm_notBefore(certificate), -60) != NULL);
    need(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600) != NULL);
    name = X509_get_subject_name(certificate);
    need(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"tunnel test", -1, -1, 0) == 1);
    need(X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1);
    if (oid != NULL) {
        add_extension(certificate, oid, value);
    }
    need(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

ratls_bytes peer_spki(const X509 *certificate)
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);

    need(len > 0);
    return (ratls_bytes){der, (size_t)len};
}

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len, void *answer)
{
    (void)ssl, (void)in, (void)in_len;
    *out = answer;
    *out_len = (unsigned char)strlen(answer);
    return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *peer_context_new(const peer_settings *settings)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    need(context != NULL);
    SSL_CTX_set_security_level(context, 0);
    need(SSL_CTX_set_min_proto_version(context, TLS1_VERSION) == 1);
    need(SSL_CTX_set_max_proto_version(context, settings->max_version) == 1);
    if (settings->certificate != NULL) {
        need(SSL_CTX_use_certificate(context, settings->certificate) == 1);
        need(SSL_CTX_use_PrivateKey(context, settings->key) == 1);
    }
    if (settings->ciphers != NULL) {
        need(SSL_CTX_set_cipher_list(context, settings->ciphers) == 1);
    }
    if (settings->alpn != NULL) {
        SSL_CTX_set_alpn_select_cb(context, select_alpn, (void *)(uintptr_t)settings->alpn);
    }
    return context;
}

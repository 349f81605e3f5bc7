#include <openssl/err.h>
#include <openssl/x509.h>

#include "evidence/quote.h"
#include "evidence/ratls_certificate.h"
#include "evidence/sgx_extension.h"
#include "fuzz.h"

/* What we accept, OpenSSL must read as well, all of it, and with the same key: a certificate that two readers
 * see differently would let one key be bound and another be used. */
static void check_against_openssl(const ratls_certificate *certificate)
{
    const unsigned char *next = certificate->der.data;
    X509 *x509 = d2i_X509(NULL, &next, (long)certificate->der.len);
    unsigned char *spki = NULL;
    int len;

    if (x509 == NULL) {
        ERR_clear_error();
        return; /* it knows more of what is inside, names for example */
    }
    MUST(next == certificate->der.data + certificate->der.len);
    MUST(X509_get_version(x509) + 1 == certificate->version);
    MUST((size_t)(X509_get_ext_count(x509) < 0 ? 0 : X509_get_ext_count(x509)) == certificate->extensions_len);
    len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &spki);
    MUST(len > 0 && ratls_bytes_equal(certificate->spki, (ratls_bytes){spki, (size_t)len}));
    OPENSSL_free(spki);
    X509_free(x509);
    ERR_clear_error();
}

static void check_evidence(const ratls_certificate *certificate, ratls_bytes der)
{
    ratls_error *error = NULL;
    ratls_parsed_quote quote;
    ratls_evidence evidence;
    ratls_quote *inspected = NULL;
    ratls_status status = ratls_evidence_from_certificate(&evidence, der, &error);

    if (status == RATLS_OK) {
        MUST(error == NULL && evidence.present == (evidence.quote != NULL));
        MUST(ratls_bytes_equal(evidence.spki, certificate->spki));
    } else {
        MUST(evidence.quote == NULL && ratls_error_code(error) == status);
    }
    if (evidence.quote != NULL) {
        MUST(ratls_quote_parse(&quote, (ratls_bytes){evidence.quote, evidence.quote_len}, NULL) == RATLS_OK);
        MUST(quote.tee_type == RATLS_TEE_TDX && quote.trailing.len == 0);
    }
    ratls_evidence_clear(&evidence);
    ratls_error_free(error);
    MUST(ratls_certificate_inspect(&inspected, der.data, der.len, NULL) == status);
    MUST((inspected != NULL) == (status == RATLS_OK));
    ratls_quote_free(inspected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ratls_bytes der = {data, size};
    ratls_sgx_extension sgx;
    ratls_certificate certificate;
    const char *what = NULL;
    ratls_bytes name;

    if (!ratls_certificate_parse(&certificate, der, &what)) {
        MUST(what != NULL);
        return 0;
    }
    (void)ratls_name_common_name(certificate.subject, &name);
    (void)ratls_sgx_extension_parse(&sgx, &certificate, NULL);
    check_against_openssl(&certificate);
    check_evidence(&certificate, der);
    return 0;
}

/* Roots given by the caller, and Intel's. */
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "dcap/cases.h"
#include "dcap/trust.h"

/* Write the world's anchor, as DER or PEM, and parse it. */
static ratls_status parse(ratls_trust_anchor *anchor, const pki *world, bool pem, ratls_error **err)
{
    test_buffer der = {0}, text = {0};
    ratls_status status;

    pki_certificate_write(&der, &world->anchor);
    pki_pem_write(&text, "CERTIFICATE", &der);
    status = ratls_trust_anchor_parse(anchor, buffer_bytes(pem ? &text : &der), err);
    buffer_free(&der);
    buffer_free(&text);
    return status;
}

static void fails(const pki *world)
{
    ratls_trust_anchor anchor;
    ratls_error *err = NULL;

    ASSERT_FAILS(parse(&anchor, world, false, &err), err, RATLS_ERR_TRUST_ANCHOR_INVALID);
    assert_int_equal(anchor.subject.len, 0);
}

static void intel(void **state)
{
    static const char key_sha256[] = "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e";
    ratls_trust_anchor anchor;
    uint8_t digest[SHA256_DIGEST_LENGTH];
    char hex[2 * sizeof digest + 1];
    const uint8_t *next;
    X509_NAME *name;
    char line[256];
    ratls_trust *trust;

    (void)state;
    ratls_trust_anchor_intel(&anchor);
    assert_string_equal(anchor.name, "intel");
    SHA256(anchor.spki, sizeof anchor.spki, digest);
    assert_memory_equal(digest, anchor.spki_sha256, sizeof digest);
    ratls_hex_write(hex, digest, sizeof digest);
    assert_string_equal(hex, key_sha256);
    next = anchor.subject.data;
    name = d2i_X509_NAME(NULL, &next, (long)anchor.subject.len);
    assert_non_null(name);
    assert_string_equal(X509_NAME_oneline(name, line, sizeof line), "/CN=Intel SGX Root CA/O=Intel Corporation/L=Santa Clara/ST=CA/C=US");
    X509_NAME_free(name);
    assert_int_equal(ratls_trust_new(&trust, &anchor, NULL), RATLS_OK);
    ratls_trust_free(trust);
    ratls_trust_anchor_clear(&anchor);
}

static void der_and_pem(void **state)
{
    ratls_trust_anchor der, pem;
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V4);
    /* Not the same bytes: each is signed anew. */
    assert_int_equal(parse(&der, &world, false, NULL), RATLS_OK);
    assert_int_equal(parse(&pem, &world, true, NULL), RATLS_OK);
    assert_memory_equal(der.spki, pem.spki, sizeof der.spki);
    assert_true(ratls_bytes_equal(der.subject, pem.subject));
    assert_int_equal(strlen(der.name), 64);
    assert_string_not_equal(der.name, pem.name);
    ratls_trust_anchor_clear(&der);
    ratls_trust_anchor_clear(&pem);
    pki_clear(&world);
}

static void not_a_certificate(void **state)
{
    ratls_trust_anchor anchor;
    ratls_error *err = NULL;

    (void)state;
    ASSERT_FAILS(ratls_trust_anchor_parse(&anchor, BYTES_OF(""), &err), err, RATLS_ERR_TRUST_ANCHOR_INVALID);
    ASSERT_FAILS(ratls_trust_anchor_parse(&anchor, BYTES_OF("garbage"), &err), err, RATLS_ERR_TRUST_ANCHOR_INVALID);
    ASSERT_FAILS(ratls_trust_anchor_parse(&anchor, BYTES_OF("0garbage"), &err), err, RATLS_ERR_TRUST_ANCHOR_INVALID);
}

static void two_certificates(void **state)
{
    test_buffer der = {0}, text = {0};
    ratls_trust_anchor anchor;
    ratls_error *err = NULL;
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V4);
    pki_certificate_write(&der, &world.anchor);
    pki_pem_write(&text, "CERTIFICATE", &der);
    pki_pem_write(&text, "CERTIFICATE", &der);
    ASSERT_FAILS(ratls_trust_anchor_parse(&anchor, buffer_bytes(&text), &err), err, RATLS_ERR_TRUST_ANCHOR_INVALID);
    buffer_free(&der);
    buffer_free(&text);
    pki_clear(&world);
}

static void unfit_roots(void **state)
{
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V4);
    world.anchor.bad_signature = true;
    fails(&world);
    world.anchor = world.ca; /* not self-issued */
    fails(&world);
    world.anchor = world.root;
    world.anchor.issuer = "another name";
    fails(&world);
    world.anchor = world.root;
    world.anchor.ca = 0;
    world.anchor.path_length = PKI_ABSENT;
    fails(&world);
    world.anchor = world.root;
    world.anchor.usage = 0x02;
    fails(&world);
    world.anchor = world.root;
    world.anchor.path_length = 0;
    fails(&world);
    world.anchor = world.root;
    world.anchor.sha384 = true;
    fails(&world);
    world.anchor = world.root;
    world.anchor.trailing = true;
    fails(&world);
    world.anchor = world.root;
    world.anchor.issuer_key = world.other_key;
    fails(&world);
    pki_clear(&world);
}

/* A world of its own under another root is not Intel's. */
static void own_world_under_intel(void **state)
{
    ratls_collateral collateral;
    ratls_prepared *prepared;
    ratls_trust_anchor anchor;
    ratls_trust *trust;
    ratls_error *err = NULL;
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V4);
    pki_build(&world);
    ratls_trust_anchor_intel(&anchor);
    assert_int_equal(ratls_collateral_parse(&collateral, buffer_bytes(&world.bundle), NULL), RATLS_OK);
    assert_int_equal(ratls_trust_new(&trust, &anchor, NULL), RATLS_OK);
    ASSERT_FAILS(ratls_prepare(&prepared, &collateral, trust, &err), err, RATLS_ERR_COLLATERAL_CERT_ROOT_UNTRUSTED);
    assert_null(prepared);
    ratls_trust_free(trust);
    ratls_collateral_clear(&collateral);
    pki_clear(&world);
}

/* OpenSSL reads and verifies what the tests' PKI writes: the tests do not only agree with themselves. */
static void openssl_agrees(void **state)
{
    test_buffer leaf_der = {0}, crl_der = {0};
    const uint8_t *next;
    X509_CRL *crl;
    X509 *leaf;
    pki world;

    (void)state;
    pki_init(&world, PKI_TDX_V4);
    world.pck_crl.padding = 3;
    pki_certificate_write(&leaf_der, &world.leaf);
    pki_crl_write(&crl_der, &world.pck_crl);
    next = leaf_der.data;
    leaf = d2i_X509(NULL, &next, (long)leaf_der.len);
    assert_non_null(leaf);
    assert_int_equal(X509_verify(leaf, world.ca_key), 1);
    next = crl_der.data;
    crl = d2i_X509_CRL(NULL, &next, (long)crl_der.len);
    assert_non_null(crl);
    assert_int_equal(X509_CRL_verify(crl, world.ca_key), 1);
    assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 3);
    X509_free(leaf);
    X509_CRL_free(crl);
    buffer_free(&leaf_der);
    buffer_free(&crl_der);
    pki_clear(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intel),
        cmocka_unit_test(der_and_pem),
        cmocka_unit_test(not_a_certificate),
        cmocka_unit_test(two_certificates),
        cmocka_unit_test(unfit_roots),
        cmocka_unit_test(own_world_under_intel),
        cmocka_unit_test(openssl_agrees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

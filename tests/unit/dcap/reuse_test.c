/* What was verified before may be used again, and nothing else (DCAP rules 7.8, X3 to X5; 8). */
#include "support/unit.h"

#include "dcap/pki.h"
#include "base/certificate.h"
#include "dcap/trust.h"

enum { KEY_AT = 700, QE_REPORT_AT = 770, QE_SIGNATURE_AT = 1154, QUOTE_MAX = 16 * 1024, FILE_MAX = 64 * 1024 };

/* A world whose quote has been verified, so that everything about it is known. */
typedef struct {
    pki world;
    ratls_trust *trust;
    ratls_prepared *prepared;
    uint8_t quote[QUOTE_MAX];
    size_t quote_len;
} known_world;

static ratls_prepared *prepare(const pki *world, ratls_trust *trust)
{
    ratls_prepared *prepared = NULL;
    ratls_collateral collateral;

    assert_int_equal(ratls_collateral_parse(&collateral, buffer_bytes(&world->bundle), NULL), RATLS_OK);
    assert_int_equal(ratls_prepare(&prepared, &collateral, trust, NULL), RATLS_OK);
    ratls_collateral_clear(&collateral);
    return prepared;
}

/* Sign and write everything anew. */
static void rebuild(pki *world)
{
    buffer_free(&world->quote);
    buffer_free(&world->bundle);
    buffer_free(&world->anchor_der);
    pki_build(world);
}

static ratls_status verify(const known_world *known, const ratls_prepared *prepared, int64_t now, ratls_error **err)
{
    ratls_parsed_quote quote;
    ratls_claims claims;
    ratls_status status;

    assert_int_equal(ratls_quote_parse(&quote, (ratls_bytes){known->quote, known->quote_len}, NULL), RATLS_OK);
    status = ratls_dcap_verify(&claims, &quote, prepared, now, err);
    ratls_claims_clear(&claims);
    return status;
}

static void set_up(known_world *known)
{
    ratls_trust_anchor anchor;

    pki_init(&known->world, PKI_TDX_V4);
    pki_build(&known->world);
    assert_int_equal(ratls_trust_anchor_parse(&anchor, buffer_bytes(&known->world.anchor_der), NULL), RATLS_OK);
    assert_int_equal(ratls_trust_new(&known->trust, &anchor, NULL), RATLS_OK);
    ratls_trust_anchor_clear(&anchor);
    known->prepared = prepare(&known->world, known->trust);
    known->quote_len = known->world.quote.len;
    assert_true(known->quote_len <= QUOTE_MAX);
    memcpy(known->quote, known->world.quote.data, known->quote_len);
    assert_int_equal(verify(known, known->prepared, PKI_NOW, NULL), RATLS_OK);
    assert_int_equal(verify(known, known->prepared, PKI_NOW, NULL), RATLS_OK);
}

static void tear_down(known_world *known)
{
    ratls_prepared_free(known->prepared);
    ratls_trust_free(known->trust);
    pki_clear(&known->world);
}

static void every_bit_of_a_known_report(void **state)
{
    known_world known;
    ratls_error *err = NULL;

    (void)state;
    set_up(&known);
    for (size_t at = QE_REPORT_AT; at < QE_REPORT_AT + RATLS_ENCLAVE_REPORT_LEN; at += 7) {
        known.quote[at] ^= 1;
        ASSERT_FAILS(verify(&known, known.prepared, PKI_NOW, &err), err, RATLS_ERR_DCAP_QE_REPORT_SIGNATURE);
        known.quote[at] ^= 1;
    }
    assert_int_equal(verify(&known, known.prepared, PKI_NOW, NULL), RATLS_OK);
    tear_down(&known);
}

static void known_report_under_another_signature(void **state)
{
    known_world known;
    ratls_error *err = NULL;

    (void)state;
    set_up(&known);
    for (size_t at = QE_SIGNATURE_AT; at < QE_SIGNATURE_AT + 64; at++) {
        known.quote[at] ^= 1;
        ASSERT_FAILS(verify(&known, known.prepared, PKI_NOW, &err), err, RATLS_ERR_DCAP_QE_REPORT_SIGNATURE);
        known.quote[at] ^= 1;
    }
    tear_down(&known);
}

static void known_report_for_another_key(void **state)
{
    known_world known;
    ratls_error *err = NULL;
    uint8_t other[64];

    (void)state;
    set_up(&known);
    pki_point(other, known.world.other_key);
    memcpy(known.quote + KEY_AT, other, sizeof other);
    ASSERT_FAILS(verify(&known, known.prepared, PKI_NOW, &err), err, RATLS_ERR_DCAP_QE_REPORT_DATA);
    tear_down(&known);
}

/* The same report and signature beside the chain of another platform. */
static void known_report_of_another_platform(void **state)
{
    known_world known;
    ratls_error *err = NULL;
    uint8_t report[RATLS_ENCLAVE_REPORT_LEN + 64];

    (void)state;
    set_up(&known);
    memcpy(report, known.quote + QE_REPORT_AT, sizeof report);
    known.world.leaf.key = known.world.other_key;
    rebuild(&known.world);
    ratls_prepared_free(known.prepared);
    known.prepared = prepare(&known.world, known.trust);
    known.quote_len = known.world.quote.len;
    memcpy(known.quote, known.world.quote.data, known.quote_len);
    memcpy(known.quote + QE_REPORT_AT, report, sizeof report);
    ASSERT_FAILS(verify(&known, known.prepared, PKI_NOW, &err), err, RATLS_ERR_DCAP_QE_REPORT_SIGNATURE);
    tear_down(&known);
}

static void dates_of_a_known_chain(void **state)
{
    known_world known;
    ratls_error *err = NULL;

    (void)state;
    set_up(&known);
    assert_int_equal(verify(&known, known.prepared, PKI_ENDS, NULL), RATLS_OK);
    ASSERT_FAILS(verify(&known, known.prepared, PKI_ENDS + 1, &err), err, RATLS_ERR_COLLATERAL_CRL_EXPIRED);
    ASSERT_FAILS(verify(&known, known.prepared, known.world.leaf.not_after + 1, &err), err, RATLS_ERR_DCAP_CERT_EXPIRED);
    tear_down(&known);
}

/* A list that has come since revokes a chain that is known: the very next quote is refused. */
static void refreshed_list_revokes(void **state)
{
    known_world known;
    ratls_prepared *refreshed;
    ratls_error *err = NULL;

    (void)state;
    set_up(&known);
    known.world.pck_crl.listed[known.world.pck_crl.listed_len++] = &known.world.leaf;
    rebuild(&known.world);
    refreshed = prepare(&known.world, known.trust);
    ASSERT_FAILS(verify(&known, refreshed, PKI_NOW, &err), err, RATLS_ERR_DCAP_PCK_REVOKED);
    assert_int_equal(verify(&known, known.prepared, PKI_NOW, NULL), RATLS_OK); /* what is prepared does not change */
    ratls_prepared_free(refreshed);
    tear_down(&known);
}

/* A list that another CA signed is not believed because the chain is. */
static void refreshed_list_of_a_stranger(void **state)
{
    known_world known;
    ratls_prepared *refreshed;
    ratls_error *err = NULL;

    (void)state;
    set_up(&known);
    known.world.pck_crl.signing_key = known.world.other_key;
    rebuild(&known.world);
    refreshed = prepare(&known.world, known.trust);
    ASSERT_FAILS(verify(&known, refreshed, PKI_NOW, &err), err, RATLS_ERR_COLLATERAL_CRL_SIGNATURE);
    ratls_prepared_free(refreshed);
    tear_down(&known);
}

static size_t read_certificate(uint8_t *out, const char *name)
{
    const char *folder = getenv("RATLS_VECTORS");
    char path[1024];
    FILE *file;
    size_t len;

    snprintf(path, sizeof path, "%s/certs/%s", folder, name);
    file = fopen(path, "rb");
    assert_non_null(file);
    len = fread(out, 1, FILE_MAX, file);
    fclose(file);
    assert_true(len > 0 && len < FILE_MAX);
    return len;
}

/* Intel's CA certificates are recognised by their digests, whole and under Intel's root only; each is what the root signed. */
static void recognised(void **state)
{
    static const char *const names[] = {"intel-pck-platform-ca.der", "intel-pck-processor-ca.der", "intel-tcb-signing-2025-2032.der",
                                        "intel-tcb-signing-2018-2025.der"};
    static uint8_t der[FILE_MAX], root_der[FILE_MAX];
    ratls_trust_anchor anchor, given;
    ratls_trust *intel, *own;

    (void)state;
    if (getenv("RATLS_VECTORS") == NULL) {
        print_message("skipped: 4 of 4 genuine certificates, since RATLS_VECTORS is not set\n");
        return;
    }
    ratls_trust_anchor_intel(&anchor);
    assert_int_equal(ratls_trust_new(&intel, &anchor, NULL), RATLS_OK);
    assert_int_equal(ratls_trust_anchor_parse(&given, (ratls_bytes){root_der, read_certificate(root_der, "intel-sgx-root-ca.der")}, NULL), RATLS_OK);
    assert_int_equal(ratls_trust_new(&own, &given, NULL), RATLS_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ratls_bytes bytes = {der, read_certificate(der, names[i])};
        ratls_certificate certificate;
        const char *fault;

        assert_true(ratls_trust_recognises(intel, bytes));
        assert_false(ratls_trust_recognises(own, bytes)); /* a root that is given replaces what is built in */
        assert_true(ratls_certificate_parse(&certificate, bytes, &fault));
        assert_true(ratls_p256_verify_der(intel->root_key, certificate.tbs, certificate.signature));
        der[bytes.len - 1] ^= 1;
        assert_false(ratls_trust_recognises(intel, bytes));
    }
    ratls_trust_free(intel);
    ratls_trust_free(own);
    ratls_trust_anchor_clear(&given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_of_a_known_report),
        cmocka_unit_test(known_report_under_another_signature),
        cmocka_unit_test(known_report_for_another_key),
        cmocka_unit_test(known_report_of_another_platform),
        cmocka_unit_test(dates_of_a_known_chain),
        cmocka_unit_test(refreshed_list_revokes),
        cmocka_unit_test(refreshed_list_of_a_stranger),
        cmocka_unit_test(recognised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

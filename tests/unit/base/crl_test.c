#include "base/crl.h"
#include "dcap/pki.h"
#include "support/unit.h"

#include <openssl/x509.h>

/* A list of one's own, and how to write it. */
typedef struct {
    EVP_PKEY *key;
    pki_certificate certificate;
    pki_crl recipe;
    test_buffer der;
    ratls_crl crl;
} fixture;

static int set_up(void **state)
{
    fixture *made = calloc(1, sizeof *made);

    assert_non_null(made);
    made->key = pki_key_new();
    made->certificate.serial_len = 21;
    memset(made->certificate.serial, 0xe8, 21);
    made->certificate.serial[0] = 0;
    made->recipe = (pki_crl){
        .issuer = "Intel SGX Root CA", .issuer_key = made->key, .version = 1, .this_update = PKI_ISSUED, .next_update = PKI_ENDS, .reason = PKI_ABSENT};
    *state = made;
    return 0;
}

static int tear_down(void **state)
{
    fixture *made = *state;

    EVP_PKEY_free(made->key);
    buffer_free(&made->der);
    ratls_crl_clear(&made->crl);
    free(made);
    return 0;
}

static void list(fixture *made)
{
    made->recipe.listed[made->recipe.listed_len++] = &made->certificate;
}

static void parses(fixture *made)
{
    const char *what = NULL;

    pki_crl_write(&made->der, &made->recipe);
    if (!ratls_crl_parse(&made->crl, buffer_bytes(&made->der), &what)) {
        fail_msg("%s", what);
    }
}

static void fails(fixture *made, const char *expected)
{
    const char *what = NULL;

    if (made->der.len == 0) {
        pki_crl_write(&made->der, &made->recipe);
    }
    assert_false(ratls_crl_parse(&made->crl, buffer_bytes(&made->der), &what));
    assert_string_equal(what, expected);
    assert_null(made->crl.serials);
    assert_int_equal(made->crl.der.len, 0);
}

static void empty_list(void **state)
{
    fixture *made = *state;

    parses(made);
    assert_int_equal(made->crl.serials_len, 0);
    assert_int_equal(made->crl.this_update, PKI_ISSUED);
    assert_int_equal(made->crl.next_update, PKI_ENDS);
    assert_int_equal(made->crl.extensions_len, 2);
    assert_null(made->crl.entry_fault);
    assert_false(ratls_crl_lists(&made->crl, (ratls_bytes){made->certificate.serial, 21}));
}

static void serial_listed(void **state)
{
    fixture *made = *state;
    uint8_t other[21];

    list(made);
    made->recipe.reason = 1;
    made->recipe.padding = 50;
    parses(made);
    assert_int_equal(made->crl.serials_len, 51);
    assert_true(ratls_crl_lists(&made->crl, (ratls_bytes){made->certificate.serial, 21}));
    memcpy(other, made->certificate.serial, sizeof other);
    other[20]++;
    assert_false(ratls_crl_lists(&made->crl, (ratls_bytes){other, 21}));
    assert_false(ratls_crl_lists(&made->crl, (ratls_bytes){made->certificate.serial, 20}));
}

static void entries_in_any_order(void **state)
{
    enum { ENTRIES = PKI_SERIALS_MAX };
    static const uint8_t firsts[ENTRIES] = {0x50, 0x10, 0x40, 0x20};
    pki_certificate certificates[ENTRIES];
    fixture *made = *state;

    for (size_t i = 0; i < ENTRIES; i++) {
        certificates[i] = made->certificate;
        certificates[i].serial[0] = firsts[i];
        certificates[i].serial_len = 3 + i % 2;
        made->recipe.listed[made->recipe.listed_len++] = &certificates[i];
    }
    parses(made);
    for (size_t i = 0; i < ENTRIES; i++) {
        assert_true(ratls_crl_lists(&made->crl, (ratls_bytes){certificates[i].serial, certificates[i].serial_len}));
        assert_false(ratls_crl_lists(&made->crl, (ratls_bytes){certificates[i].serial, 7 - certificates[i].serial_len}));
    }
}

static void serial_that_is_no_proper_number_is_as_good_as_listed(void **state)
{
    static const uint8_t negative[] = {0xe8}, padded[] = {0, 1};
    fixture *made = *state;

    parses(made);
    assert_true(ratls_crl_lists(&made->crl, (ratls_bytes){negative, 1}));
    assert_true(ratls_crl_lists(&made->crl, (ratls_bytes){padded, 2}));
    assert_true(ratls_crl_lists(&made->crl, (ratls_bytes){0}));
}

/* Every entry that OpenSSL sees in a large list is found, and no other. */
static void a_hundred_thousand_entries(void **state)
{
    enum { ENTRIES = 100 * 1000 };
    fixture *made = *state;
    const uint8_t *next;
    X509_CRL *other;

    made->recipe.padding = ENTRIES;
    parses(made);
    assert_int_equal(made->crl.serials_len, ENTRIES);
    assert_true(made->der.len <= RATLS_CRL_SIZE_MAX);
    for (uint32_t i = 0; i < ENTRIES + 100; i++) {
        uint8_t serial[20] = {0x70, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

        assert_int_equal(ratls_crl_lists(&made->crl, (ratls_bytes){serial, sizeof serial}), i < ENTRIES);
    }
    next = made->der.data;
    other = d2i_X509_CRL(NULL, &next, (long)made->der.len);
    assert_non_null(other);
    assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(other)), ENTRIES);
    X509_CRL_free(other);
}

static void too_large(void **state)
{
    fixture *made = *state;

    buffer_fill(&made->der, 0x30, RATLS_CRL_SIZE_MAX + 1);
    fails(made, "more bytes than the limit");
}

static void version_1(void **state)
{
    fixture *made = *state;

    made->recipe.version = 0;
    fails(made, "not version 2");
}

static void without_next_update(void **state)
{
    fixture *made = *state;

    made->recipe.no_next_update = true;
    fails(made, "nextUpdate");
}

static void trailing_byte(void **state)
{
    fixture *made = *state;

    made->recipe.trailing = true;
    fails(made, "not exactly one SEQUENCE");
}

static void serial_negative(void **state)
{
    fixture *made = *state;

    memmove(made->certificate.serial, made->certificate.serial + 1, 20);
    made->certificate.serial_len = 20;
    list(made);
    fails(made, "serial number of an entry");
}

static void serial_not_minimal(void **state)
{
    fixture *made = *state;

    made->certificate.serial[1] = 0x01;
    list(made);
    fails(made, "serial number of an entry");
}

static void entry_reason_malformed(void **state)
{
    fixture *made = *state;

    list(made);
    made->recipe.reason = 7; /* not used by RFC 5280 */
    parses(made);
    assert_string_equal(made->crl.entry_fault, "an entry has a malformed reason");
}

static void entry_unknown_critical(void **state)
{
    fixture *made = *state;

    list(made);
    made->recipe.entry_unknown_critical = true;
    parses(made);
    assert_string_equal(made->crl.entry_fault, "an entry has an unknown critical extension");
}

static void outer_algorithm_differs(void **state)
{
    fixture *made = *state;
    size_t at;

    pki_crl_write(&made->der, &made->recipe);
    /* The last byte of the OID before the signature: BIT STRING of about 72 bytes at the end. */
    at = made->der.len - 1;
    while (!(made->der.data[at] == 0x02 && made->der.data[at - 1] == 0x03 && made->der.data[at - 2] == 0x04)) {
        at--;
    }
    made->der.data[at] = 0x03;
    fails(made, "outer signature algorithm differs from the inner one");
}

static void every_cut(void **state)
{
    fixture *made = *state;
    const char *what;

    list(made);
    made->recipe.reason = 1;
    pki_crl_write(&made->der, &made->recipe);
    for (size_t len = 0; len < made->der.len; len++) {
        uint8_t *exact = malloc(len + 1);

        assert_non_null(exact);
        memcpy(exact, made->der.data, len);
        assert_false(ratls_crl_parse(&made->crl, (ratls_bytes){exact, len}, &what));
        free(exact);
    }
}

/* Decoded from some form, the list is the same bytes. */
static void decodes(const test_buffer *der, const test_buffer *form)
{
    const char *what;
    uint8_t *out;
    size_t len;

    assert_true(ratls_crl_decode(&out, &len, buffer_bytes(form), &what));
    assert_int_equal(len, der->len);
    assert_memory_equal(out, der->data, len);
    free(out);
}

static void forms(void **state)
{
    fixture *made = *state;
    test_buffer pem = {0}, hex = {0};

    pki_crl_write(&made->der, &made->recipe);
    decodes(&made->der, &made->der);
    pki_pem_write(&pem, "X509 CRL", &made->der);
    decodes(&made->der, &pem);
    buffer_fill(&hex, 0, 2 * made->der.len + 1);
    ratls_hex_write((char *)hex.data, made->der.data, made->der.len);
    hex.len--;
    decodes(&made->der, &hex);
    for (size_t i = 0; i < hex.len; i++) {
        hex.data[i] = (uint8_t)(hex.data[i] >= 'a' ? hex.data[i] - 0x20 : hex.data[i]);
    }
    decodes(&made->der, &hex);
    buffer_free(&pem);
    buffer_free(&hex);
}

static void not_decoded(ratls_bytes input)
{
    const char *what = NULL;
    uint8_t *out = (uint8_t *)&what;
    size_t len = 1;

    assert_false(ratls_crl_decode(&out, &len, input, &what));
    assert_null(out);
    assert_int_equal(len, 0);
    assert_non_null(what);
}

static void forms_that_are_none(void **state)
{
    fixture *made = *state;
    test_buffer pem = {0};

    not_decoded(BYTES_OF(""));
    not_decoded(BYTES_OF("308"));
    not_decoded(BYTES_OF("30zz"));
    not_decoded(BYTES_OF("3000 "));
    not_decoded(BYTES_OF("-----BEGIN X509 CRL-----\n"));
    pki_crl_write(&made->der, &made->recipe);
    pki_pem_write(&pem, "CERTIFICATE", &made->der);
    not_decoded(buffer_bytes(&pem));
    pem.len = 0;
    pki_pem_write(&pem, "X509 CRL", &made->der);
    pki_pem_write(&pem, "X509 CRL", &made->der);
    not_decoded(buffer_bytes(&pem));
    buffer_free(&pem);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(empty_list),
        TEST(serial_listed),
        TEST(entries_in_any_order),
        TEST(serial_that_is_no_proper_number_is_as_good_as_listed),
        TEST(a_hundred_thousand_entries),
        TEST(too_large),
        TEST(version_1),
        TEST(without_next_update),
        TEST(trailing_byte),
        TEST(serial_negative),
        TEST(serial_not_minimal),
        TEST(entry_reason_malformed),
        TEST(entry_unknown_critical),
        TEST(outer_algorithm_differs),
        TEST(every_cut),
        TEST(forms),
        TEST(forms_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* One bit of genuine evidence, or of the collateral that it is held against, flipped: never accepted.
 *
 * Bits that no signature covers and that may change, by range, are listed with the reason in may_change(): none of the
 * collateral, and of a quote the end of its PEM and what follows it. Lengths, types, the PEM's own characters and the
 * outer parts of certificates and CRLs are signed by nobody either, but there is only one way to write them. */
#include "dcap/dcap.h"
#include "support/unit.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum {
    /* One bit in so many, odd so that all eight bits of bytes come up. */
    STRIDE_ALL = 1,
    STRIDE_SOME = 17, /* a second time over the same kind of collateral */
    STRIDE_SANITIZED = 13,
    STRIDE_VALGRIND = 2003,
    FILE_MAX = 1 << 20
};

typedef struct {
    const char *quote;
    const char *collateral;
    int64_t now;
} genuine_case;

static const genuine_case cases[] = {
    {"quotes/tdx-v4-phala-dstack-b0c06f000000-f1c85033.bin", "collateral/tdx-b0c06f000000-platform-20250813-eval17-native-58579a2a.json", 1755107451},
    {"quotes/tdx-v5-td15-intel-or-vendor-lab-90c06f000000-cf77a6e9.bin", "collateral/tdx-90c06f000000-platform-20260218-eval18-native-2bde29fa.json",
     1771426735},
};

enum { CASES = sizeof cases / sizeof cases[0] };

typedef struct {
    int64_t now;
    uint8_t *quote;
    size_t quote_len;
    ratls_trust *trust;
    ratls_collateral collateral;
    ratls_prepared *prepared;
    ratls_parsed_quote parsed; /* of the quote as it is */
} genuine;

static size_t stride(size_t wanted)
{
    if (getenv("RATLS_UNDER_VALGRIND") != NULL) {
        return wanted * STRIDE_VALGRIND;
    }
    return SANITIZED ? wanted * STRIDE_SANITIZED : wanted;
}

static uint8_t *read_file(const char *folder, const char *name, size_t *len)
{
    uint8_t *bytes = malloc(FILE_MAX);
    char path[1024];
    FILE *file;

    assert_non_null(bytes);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("cannot open %s", path);
    }
    *len = fread(bytes, 1, FILE_MAX, file);
    assert_true(*len > 0 && *len < FILE_MAX);
    fclose(file);
    return bytes;
}

static bool load(genuine *out, const genuine_case *wanted)
{
    ratls_trust_anchor anchor;
    const char *folder = getenv("RATLS_VECTORS");
    uint8_t *bundle;
    size_t bundle_len;

    if (folder == NULL) {
        print_message("skipped: 1 of %d genuine cases, since RATLS_VECTORS is not set\n", CASES);
        return false;
    }
    out->now = wanted->now;
    out->quote = read_file(folder, wanted->quote, &out->quote_len);
    bundle = read_file(folder, wanted->collateral, &bundle_len);
    ratls_trust_anchor_intel(&anchor);
    assert_int_equal(ratls_trust_new(&out->trust, &anchor, NULL), RATLS_OK);
    assert_int_equal(ratls_collateral_parse(&out->collateral, (ratls_bytes){bundle, bundle_len}, NULL), RATLS_OK);
    assert_int_equal(ratls_prepare(&out->prepared, &out->collateral, out->trust, NULL), RATLS_OK);
    assert_int_equal(ratls_quote_parse(&out->parsed, (ratls_bytes){out->quote, out->quote_len}, NULL), RATLS_OK);
    free(bundle);
    return true;
}

static void unload(genuine *loaded)
{
    ratls_prepared_free(loaded->prepared);
    ratls_collateral_clear(&loaded->collateral);
    ratls_trust_free(loaded->trust);
    free(loaded->quote);
}

static bool quote_accepted(const genuine *loaded)
{
    ratls_parsed_quote quote;
    ratls_claims claims;

    if (ratls_quote_parse(&quote, (ratls_bytes){loaded->quote, loaded->quote_len}, NULL) != RATLS_OK ||
        ratls_dcap_verify(&claims, &quote, loaded->prepared, loaded->now, NULL) != RATLS_OK) {
        return false;
    }
    ratls_claims_clear(&claims);
    return true;
}

static bool collateral_accepted(const genuine *loaded)
{
    ratls_prepared *prepared;
    ratls_claims claims;
    bool accepted;

    if (ratls_prepare(&prepared, &loaded->collateral, loaded->trust, NULL) != RATLS_OK) {
        return false;
    }
    accepted = ratls_dcap_verify(&claims, &loaded->parsed, prepared, loaded->now, NULL) == RATLS_OK;
    ratls_claims_clear(&claims);
    ratls_prepared_free(prepared);
    return accepted;
}

/* Why a bit of the quote may change, NULL when it may not. */
static const char *may_change(const genuine *loaded, size_t byte, uint8_t changed)
{
    const ratls_parsed_quote *quote = &loaded->parsed;
    size_t chain_end = (size_t)(quote->certification_data.data - loaded->quote) + quote->certification_data.len;

    if (byte >= quote->whole.len) {
        return "after the quote: signed by nobody, never read";
    }
    /* The NUL that ends the chain's text, one bit from a space; both are cut off before the PEM is read. */
    if (byte == chain_end - 1 && changed == ' ') {
        return "the end of the PEM text: a NUL or white space";
    }
    return NULL;
}

static void flip_quote(const genuine_case *wanted)
{
    genuine loaded = {0};
    size_t flipped = 0, changeable = 0;

    if (!load(&loaded, wanted)) {
        return;
    }
    assert_true(quote_accepted(&loaded));
    for (size_t bit = 0; bit < 8 * loaded.quote_len; bit += stride(STRIDE_ALL)) {
        uint8_t *byte = &loaded.quote[bit / 8];
        bool accepted, expected;

        *byte ^= (uint8_t)(1 << bit % 8);
        accepted = quote_accepted(&loaded);
        expected = may_change(&loaded, bit / 8, *byte) != NULL;
        if (accepted != expected) {
            fail_msg("%s: bit %zu of byte %zu", accepted ? "accepted" : "refused", bit % 8, bit / 8);
        }
        *byte ^= (uint8_t)(1 << bit % 8);
        flipped++;
        changeable += expected ? 1 : 0;
    }
    assert_true(quote_accepted(&loaded));
    print_message("%zu bits of the quote flipped, %zu of them free to change\n", flipped, changeable);
    unload(&loaded);
}

/* Flip the bits of one part, which is what `part` shows. */
static void flip_part(const genuine *loaded, size_t step, const char *name, const uint8_t *part, size_t len)
{
    uint8_t *bytes = (uint8_t *)part; /* ours: the slices of a bundle are only read by others */

    for (size_t bit = 0; bit < 8 * len; bit += step) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (collateral_accepted(loaded)) {
            fail_msg("accepted: bit %zu of byte %zu of %s", bit % 8, bit / 8, name);
        }
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void flip_collateral(const genuine_case *wanted, size_t step)
{
    genuine loaded = {0};
    ratls_collateral *collateral = &loaded.collateral;

    if (!load(&loaded, wanted)) {
        return;
    }
    assert_true(collateral_accepted(&loaded));
    flip_part(&loaded, step, "tcb_info", collateral->tcb_info.data, collateral->tcb_info.len);
    flip_part(&loaded, step, "tcb_info_signature", collateral->tcb_info_signature, sizeof collateral->tcb_info_signature);
    flip_part(&loaded, step, "tcb_info_issuer_chain", collateral->tcb_info_issuer_chain.data, collateral->tcb_info_issuer_chain.len);
    flip_part(&loaded, step, "qe_identity", collateral->qe_identity.data, collateral->qe_identity.len);
    flip_part(&loaded, step, "qe_identity_signature", collateral->qe_identity_signature, sizeof collateral->qe_identity_signature);
    flip_part(&loaded, step, "qe_identity_issuer_chain", collateral->qe_identity_issuer_chain.data, collateral->qe_identity_issuer_chain.len);
    flip_part(&loaded, step, "root_ca_crl", collateral->root_ca_crl.data, collateral->root_ca_crl.len);
    flip_part(&loaded, step, "pck_crl", collateral->pck_crl.data, collateral->pck_crl.len);
    assert_true(collateral_accepted(&loaded));
    unload(&loaded);
}

static void quote_v4(void **state)
{
    (void)state;
    flip_quote(&cases[0]);
}

static void quote_v5(void **state)
{
    (void)state;
    flip_quote(&cases[1]);
}

static void collateral_v4(void **state)
{
    (void)state;
    flip_collateral(&cases[0], stride(STRIDE_ALL));
}

static void collateral_v5(void **state)
{
    (void)state;
    flip_collateral(&cases[1], stride(STRIDE_SOME));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quote_v4),
        cmocka_unit_test(quote_v5),
        cmocka_unit_test(collateral_v4),
        cmocka_unit_test(collateral_v5),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

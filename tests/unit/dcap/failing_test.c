/* Whatever allocation or OpenSSL call fails, a verification ends with a refusal and leaves nothing behind: the program is linked
 * with each of them wrapped, and every call in its turn fails. */
#include "support/unit.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/sha.h>

#include "dcap/pki.h"

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
#define WRAPPED(type, name, parameters, arguments, failure)   \
    type __real_##name parameters;                            \
    type __wrap_##name parameters;                            \
    type __wrap_##name parameters                             \
    {                                                         \
        return its_turn() ? (failure) : __real_##name arguments; \
    }

static bool armed;
static unsigned long countdown;
static unsigned long calls;

static bool its_turn(void)
{
    if (!armed) {
        return false;
    }
    calls++;
    return calls == countdown;
}

WRAPPED(void *, malloc, (size_t size), (size), NULL)
WRAPPED(void *, calloc, (size_t count, size_t size), (count, size), NULL)
WRAPPED(void *, realloc, (void *old, size_t size), (old, size), NULL)
WRAPPED(BIGNUM *, BN_bin2bn, (const unsigned char *bytes, int len, BIGNUM *out), (bytes, len, out), NULL)
WRAPPED(ECDSA_SIG *, ECDSA_SIG_new, (void), (), NULL)
WRAPPED(int, ECDSA_SIG_set0, (ECDSA_SIG * signature, BIGNUM *r, BIGNUM *s), (signature, r, s), 0)
WRAPPED(int, ECDSA_do_verify, (const unsigned char *digest, int len, const ECDSA_SIG *signature, EC_KEY *key), (digest, len, signature, key), -1)
WRAPPED(EC_GROUP *, EC_GROUP_new_by_curve_name, (int nid), (nid), NULL)
WRAPPED(EC_KEY *, EC_KEY_new, (void), (), NULL)
WRAPPED(int, EC_KEY_set_group, (EC_KEY * key, const EC_GROUP *group), (key, group), 0)
WRAPPED(int, EC_KEY_set_public_key, (EC_KEY * key, const EC_POINT *point), (key, point), 0)
WRAPPED(EC_POINT *, EC_POINT_new, (const EC_GROUP *group), (group), NULL)
WRAPPED(int, EC_POINT_oct2point, (const EC_GROUP *group, EC_POINT *out, const unsigned char *bytes, size_t len, BN_CTX *context),
        (group, out, bytes, len, context), 0)
WRAPPED(int, SHA256_Init, (SHA256_CTX * context), (context), 0)
WRAPPED(int, SHA256_Update, (SHA256_CTX * context, const void *bytes, size_t len), (context, bytes, len), 0)
WRAPPED(int, SHA256_Final, (unsigned char *out, SHA256_CTX *context), (out, context), 0)
WRAPPED(int, SHA384_Init, (SHA512_CTX * context), (context), 0)
WRAPPED(int, SHA384_Update, (SHA512_CTX * context, const void *bytes, size_t len), (context, bytes, len), 0)
WRAPPED(int, SHA384_Final, (unsigned char *out, SHA512_CTX *context), (out, context), 0)
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* Make the call of this number fail; 0: only count. */
static void arm(unsigned long number)
{
    calls = 0;
    countdown = number;
    armed = true;
}

static ratls_status verify_all(const pki *world, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_prepared *prepared = NULL;
    ratls_collateral collateral = {0};
    ratls_trust_anchor anchor = {0};
    ratls_trust *trust = NULL;
    ratls_parsed_quote quote;
    ratls_claims claims = {0};

    TRY(ratls_quote_parse(&quote, buffer_bytes(&world->quote), err));
    TRY(ratls_trust_anchor_parse(&anchor, buffer_bytes(&world->anchor_der), err));
    TRY(ratls_trust_new(&trust, &anchor, err));
    TRY(ratls_collateral_parse(&collateral, buffer_bytes(&world->bundle), err));
    TRY(ratls_prepare(&prepared, &collateral, trust, err));
    TRY(ratls_dcap_verify(&claims, &quote, prepared, PKI_NOW, err));
    TRY(ratls_dcap_recheck(&quote, prepared, PKI_NOW, err));
    status = RATLS_OK;
out:
    ratls_claims_clear(&claims);
    ratls_prepared_free(prepared);
    ratls_collateral_clear(&collateral);
    ratls_trust_free(trust);
    ratls_trust_anchor_clear(&anchor);
    return status;
}

static void every_call_in_its_turn(pki_kind kind)
{
    unsigned long total;
    unsigned long passed = 0;
    pki world;

    pki_init(&world, kind);
    pki_build(&world);
    arm(0);
    assert_int_equal(verify_all(&world, NULL), RATLS_OK);
    armed = false;
    total = calls;
    assert_true(total > 40);
    for (unsigned long number = 1; number <= total; number++) {
        ratls_error *error = NULL;
        ratls_status status;

        arm(number);
        status = verify_all(&world, &error);
        armed = false;
        passed += status == RATLS_OK ? 1 : 0;
        if (status != RATLS_OK && error != NULL) {
            assert_int_equal(ratls_error_code(error), status);
            assert_non_null(ratls_error_message(error, RATLS_SPELLING_C));
        }
        ratls_error_free(error);
    }
    print_message("%lu calls failed, %lu of them what is only remembered\n", total, passed);
    assert_true(passed <= total / 4); /* what cannot be remembered is verified again */
    pki_clear(&world);
}

static void a_trust_domain(void **state)
{
    (void)state;
    every_call_in_its_turn(PKI_TDX_V4);
}

static void an_enclave(void **state)
{
    (void)state;
    every_call_in_its_turn(PKI_SGX_V3);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(a_trust_domain),
        cmocka_unit_test(an_enclave),
    };

    return cmocka_run_group_tests(TESTS, NULL, NULL);
}

/* What a verification costs, as a ratio to one P-256 verification with a ready key in the same run.
 *
 * ratls-bench --quote FILE --collateral FILE --at SECONDS [--cert FILE] [--trust-anchor FILE] [--json]
 *
 *   cold_v    quote and collateral from bytes, nothing known before
 *   warm_v    the collateral was verified before
 *   cached_v  the certificate is in the verdict cache (--cert; SHA-256 included)
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/p256.h"
#include "ratls/ratls.h"

enum { ROUNDS = 201, INPUT_MAX = 16 << 20 };

typedef struct {
    uint8_t *data;
    size_t len;
} input;

typedef struct {
    input quote, collateral, certificate, trust_anchor;
    int64_t at;
    ratls_verifier *verifier;
    ratls_p256_curve *curve;
    ratls_p256_key *key;
    uint8_t message[584];
    uint8_t signature[RATLS_P256_SIGNATURE_LEN];
} bench;

static void fail(const char *what)
{
    fprintf(stderr, "ratls-bench: %s\n", what);
    exit(2);
}

static void expect_ok(ratls_status status, ratls_error *error)
{
    if (status != RATLS_OK) {
        fail(ratls_error_message(error, RATLS_SPELLING_COMMAND));
    }
}

static input read_input(const char *path)
{
    input in = {malloc(INPUT_MAX), 0};
    FILE *file = fopen(path, "rb");

    if (file == NULL || in.data == NULL) {
        fail(path);
    }
    in.len = fread(in.data, 1, INPUT_MAX, file);
    fclose(file);
    return in;
}

/* Processor time: what else runs on the machine does not count. */
static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median_us(void (*run)(bench *), bench *b)
{
    double samples[ROUNDS];

    for (size_t i = 0; i < ROUNDS; i++) {
        double start = now_us();

        run(b);
        samples[i] = now_us() - start;
    }
    qsort(samples, ROUNDS, sizeof samples[0], compare);
    return samples[ROUNDS / 2];
}

/* A key and a signature of this run, so that the yardstick needs no file. */
static void make_yardstick(bench *b)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char point[65], der[80];
    size_t point_len = 0, der_len = sizeof der;
    ECDSA_SIG *signature;
    const unsigned char *next = der;

    if (pair == NULL || context == NULL ||
        EVP_PKEY_get_octet_string_param(pair, "pub", point, sizeof point, &point_len) != 1 || point_len != sizeof point ||
        EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, pair) != 1 ||
        EVP_DigestSign(context, der, &der_len, b->message, sizeof b->message) != 1) {
        fail("OpenSSL cannot sign");
    }
    signature = d2i_ECDSA_SIG(NULL, &next, (long)der_len);
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), b->signature, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), b->signature + 32, 32);
    b->curve = ratls_p256_curve_new();
    b->key = ratls_p256_key_new(b->curve, point + 1);
    ECDSA_SIG_free(signature);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pair);
}

static void run_yardstick(bench *b)
{
    if (!ratls_p256_verify_raw(b->key, (ratls_bytes){b->message, sizeof b->message}, b->signature)) {
        fail("the yardstick's signature does not verify");
    }
}

static ratls_verifier *make_verifier(const bench *b)
{
    ratls_verifier *verifier = NULL;
    ratls_error *error = NULL;
    ratls_dcap_options options;

    ratls_dcap_options_init(&options, sizeof options);
    options.collateral = b->collateral.data;
    options.collateral_len = b->collateral.len;
    options.trust_anchor = b->trust_anchor.data;
    options.trust_anchor_len = b->trust_anchor.len;
    expect_ok(ratls_verifier_new_dcap(&verifier, &options, &error), error);
    return verifier;
}

static void verify_quote(const bench *b, ratls_verifier *verifier)
{
    ratls_verify_options options;
    ratls_result *result = NULL;
    ratls_error *error = NULL;

    ratls_verify_options_init(&options, sizeof options);
    options.now = b->at;
    expect_ok(ratls_verify(&result, verifier, b->quote.data, b->quote.len, &options, NULL, &error), error);
    ratls_result_free(result);
}

static void run_cold(bench *b)
{
    ratls_verifier *verifier = make_verifier(b);

    verify_quote(b, verifier);
    ratls_verifier_free(verifier);
}

static void run_warm(bench *b)
{
    verify_quote(b, b->verifier);
}

static void run_cached(bench *b)
{
    ratls_result *result = NULL;
    ratls_error *error = NULL;

    expect_ok(ratls_verify_certificate(&result, b->verifier, b->certificate.data, b->certificate.len, NULL, NULL, &error), error);
    ratls_result_free(result);
}

/* The cache only serves the clock's own time: the clock shows the time to verify for. */
static int64_t shown_wall(void *user)
{
    return *(int64_t *)user;
}

static int64_t shown_monotonic(void *user)
{
    (void)user;
    return 1;
}

static void read_arguments(bench *b, int argc, char **argv, int *json)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "--json") == 0) {
            *json = 1;
            continue;
        }
        if (value == NULL) {
            fail("usage: ratls-bench --quote FILE --collateral FILE --at SECONDS [--cert FILE] [--trust-anchor FILE] [--json]");
        }
        if (strcmp(argv[i], "--quote") == 0) {
            b->quote = read_input(value);
        } else if (strcmp(argv[i], "--collateral") == 0) {
            b->collateral = read_input(value);
        } else if (strcmp(argv[i], "--cert") == 0) {
            b->certificate = read_input(value);
        } else if (strcmp(argv[i], "--trust-anchor") == 0) {
            b->trust_anchor = read_input(value);
        } else if (strcmp(argv[i], "--at") == 0) {
            b->at = strtoll(value, NULL, 10);
        } else {
            fail(argv[i]);
        }
        i++;
    }
    if (b->quote.len == 0 || b->collateral.len == 0 || b->at == 0) {
        fail("--quote, --collateral and --at are needed");
    }
}

static void release(bench *b)
{
    ratls_p256_key_free(b->key);
    ratls_p256_curve_free(b->curve);
    ratls_verifier_free(b->verifier);
    free(b->quote.data);
    free(b->collateral.data);
    free(b->certificate.data);
    free(b->trust_anchor.data);
}

int main(int argc, char **argv)
{
    bench b = {0};
    int json = 0;
    double unit, cold, warm, cached = 0;
    ratls_clock shown = {shown_wall, shown_monotonic, &b.at};

    read_arguments(&b, argc, argv, &json);
    make_yardstick(&b);
    b.verifier = make_verifier(&b);
    unit = median_us(run_yardstick, &b);
    cold = median_us(run_cold, &b);
    warm = median_us(run_warm, &b);
    if (b.certificate.len > 0) {
        ratls_clock_replace(&shown);
        cached = median_us(run_cached, &b);
    }
    printf(json ? "{\"p256_verify_us\":%.1f,\"cold_v\":%.2f,\"warm_v\":%.2f,\"cached_v\":%.2f}\n"
                : "one P-256 verification: %.1f us\ncold: %.2f\nwarm: %.2f\ncached certificate: %.2f\n",
           unit, cold / unit, warm / unit, cached / unit);
    release(&b);
    return 0;
}

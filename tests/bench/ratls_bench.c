/* What a verification costs, as a ratio to one P-256 verification with a ready key in the same run.
 *
 * ratls-bench --cert FILE --collateral FILE --at SECONDS [--trust-anchor FILE] [--rounds N] [--json]
 * ratls-bench --quote FILE --collateral FILE --at SECONDS [--trust-anchor FILE] [--rounds N] [--json]
 * ratls-bench [--rounds N] [--json]     genuine evidence of the folder that RATLS_VECTORS names
 *
 *   cold_v        quote and collateral from bytes, nothing known before, nothing recognised: 9 signatures. It takes a root
 *                 that is given, reading which, with its own signature, is timed beside it and taken off
 *   cold_intel_v  the same under the root that is built in, whose CA certificates are recognised: 7 signatures
 *   warm_v        collateral verified before, platform known, a new QE report: 2 signatures
 *   same_qe_v     the QE report was seen before: 1 signature
 *   cached_v      the certificate is in the verdict cache, its SHA-256 included (--cert)
 *   threads_8_x   throughput of eight threads, as a multiple of one's
 *
 * Every round measures each of them once, so that a change of the machine's speed meets all alike; what is told are medians.
 * The run_… functions are what tests/bench/instructions counts.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/p256.h"
#include "base/pem.h"
#include "dcap/dcap.h"
#include "ratls/ratls.h"
#include "verifier/kind.h"

enum { ROUNDS_DEFAULT = 201, ROUNDS_MAX = 4096, INPUT_MAX = 16 << 20, THREADS = 8, RUNS_PER_THREAD = 400, PATH_LEN_MAX = 1024 };

typedef struct {
    uint8_t *data;
    size_t len;
} input;

typedef enum { UNIT, ROOT, COLD, COLD_INTEL, WARM, SAME_QE, CACHED, MEASURES } measure;

typedef struct {
    input quote, collateral, certificate;
    input root;  /* given, or the one that the quote's chain ends in */
    bool intel;  /* the evidence is under the root that is built in */
    int64_t at;
    size_t rounds;
    bool json;
    ratls_verifier *known;  /* has seen the QE report */
    ratls_verifier *fresh;  /* has not, but knows the platform: made anew for each round */
    ratls_p256_curve *curve;
    ratls_p256_key *key;
    uint8_t message[584];
    uint8_t signature[RATLS_P256_SIGNATURE_LEN];
    double samples[MEASURES][ROUNDS_MAX];
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

static double clock_us(clockid_t which)
{
    struct timespec t;

    clock_gettime(which, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *samples, size_t len)
{
    qsort(samples, len, sizeof samples[0], compare);
    return samples[len / 2];
}

/* A key and a signature of this run, so that the yardstick needs no file. */
static void make_yardstick(bench *b)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char point[65], der[80];
    size_t point_len = 0, der_len = sizeof der;

    if (pair == NULL || context == NULL ||
        EVP_PKEY_get_octet_string_param(pair, "pub", point, sizeof point, &point_len) != 1 || point_len != sizeof point ||
        EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, pair) != 1 ||
        EVP_DigestSign(context, der, &der_len, b->message, sizeof b->message) != 1 ||
        !ratls_p256_signature_from_der(b->signature, (ratls_bytes){der, der_len})) {
        fail("OpenSSL cannot sign");
    }
    b->curve = ratls_p256_curve_new();
    b->key = ratls_p256_key_new(b->curve, point + 1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pair);
}

static ratls_verifier *make_verifier(const bench *b, bool built_in_root)
{
    ratls_verifier *verifier = NULL;
    ratls_error *error = NULL;
    ratls_dcap_options options;

    ratls_dcap_options_init(&options, sizeof options);
    options.collateral = b->collateral.data;
    options.collateral_len = b->collateral.len;
    options.trust_anchor = built_in_root ? NULL : b->root.data;
    options.trust_anchor_len = built_in_root ? 0 : b->root.len;
    expect_ok(ratls_verifier_new_dcap(&verifier, &options, &error), error);
    return verifier;
}

/* Collateral verified, platform and CRL known, and no QE report seen: what is looked at when a kept verdict is used again. */
static ratls_verifier *make_warm_verifier(const bench *b)
{
    ratls_verifier *verifier = make_verifier(b, b->intel);
    ratls_error *error = NULL;
    ratls_parsed_quote quote;
    bool stale = false;

    expect_ok(ratls_quote_parse(&quote, (ratls_bytes){b->quote.data, b->quote.len}, &error), error);
    expect_ok(ratls_verifier_kind_of(verifier)->recheck(&stale, ratls_verifier_state(verifier), &quote, b->at, &error), error);
    return verifier;
}

static void verify_quote(const bench *b, ratls_verifier *verifier)
{
    ratls_verify_options options;
    ratls_result *result = NULL;
    ratls_error *error = NULL;

    ratls_verify_options_init(&options, sizeof options);
    options.now = b->at;
    options.allow_sept_ve = 1;
    expect_ok(ratls_verify(&result, verifier, b->quote.data, b->quote.len, &options, NULL, &error), error);
    ratls_result_free(result);
}

static void verify_certificate(const bench *b)
{
    ratls_verify_options options;
    ratls_result *result = NULL;
    ratls_error *error = NULL;

    ratls_verify_options_init(&options, sizeof options);
    options.allow_sept_ve = 1;
    expect_ok(ratls_verify_certificate(&result, b->known, b->certificate.data, b->certificate.len, &options, NULL, &error), error);
    ratls_result_free(result);
}

static void verify_cold(const bench *b, bool built_in_root)
{
    ratls_verifier *verifier = make_verifier(b, built_in_root);

    verify_quote(b, verifier);
    ratls_verifier_free(verifier);
}

/* Not inlined: callgrind finds them by their names. */
#define MEASURED __attribute__((noinline)) static

MEASURED void run_unit(bench *b)
{
    if (!ratls_p256_verify_raw(b->key, (ratls_bytes){b->message, sizeof b->message}, b->signature)) {
        fail("the yardstick's signature does not verify");
    }
}

MEASURED void run_root(bench *b)
{
    ratls_trust_anchor anchor;
    ratls_error *error = NULL;

    expect_ok(ratls_trust_anchor_parse(&anchor, (ratls_bytes){b->root.data, b->root.len}, &error), error);
    ratls_trust_anchor_clear(&anchor);
}

MEASURED void run_cold(bench *b)
{
    verify_cold(b, false);
}

MEASURED void run_cold_intel(bench *b)
{
    verify_cold(b, true);
}

MEASURED void run_warm(bench *b)
{
    verify_quote(b, b->fresh);
}

MEASURED void run_same_qe(bench *b)
{
    verify_quote(b, b->known);
}

MEASURED void run_cached(bench *b)
{
    verify_certificate(b);
}

/* Processor time: what else runs on the machine does not count. `before` runs first, so that what ran before that has not left
 * the machine's caches full of other things. */
static double cost_us(void (*before)(bench *), void (*run)(bench *), bench *b)
{
    double start;

    before(b);
    start = clock_us(CLOCK_THREAD_CPUTIME_ID);
    run(b);
    return clock_us(CLOCK_THREAD_CPUTIME_ID) - start;
}

static void measure_round(bench *b, size_t round)
{
    b->samples[UNIT][round] = cost_us(run_unit, run_unit, b);
    b->samples[ROOT][round] = cost_us(run_root, run_root, b);
    b->samples[COLD][round] = cost_us(run_cold, run_cold, b) - b->samples[ROOT][round];
    b->samples[COLD_INTEL][round] = b->intel ? cost_us(run_cold_intel, run_cold_intel, b) : 0;
    b->fresh = make_warm_verifier(b);
    b->samples[WARM][round] = cost_us(run_same_qe, run_warm, b);
    ratls_verifier_free(b->fresh);
    b->samples[SAME_QE][round] = cost_us(run_same_qe, run_same_qe, b);
    b->samples[CACHED][round] = b->certificate.len > 0 ? cost_us(run_cached, run_cached, b) : 0;
}

static void *work(void *argument)
{
    bench *b = argument;

    for (size_t i = 0; i < RUNS_PER_THREAD; i++) {
        run_same_qe(b);
    }
    return NULL;
}

/* Verifications per microsecond of so many threads at once, with one verifier. */
static double throughput(bench *b, size_t threads)
{
    pthread_t started[THREADS];
    double start = clock_us(CLOCK_MONOTONIC);

    for (size_t i = 0; i < threads; i++) {
        if (pthread_create(&started[i], NULL, work, b) != 0) {
            fail("no thread");
        }
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(started[i], NULL);
    }
    return (double)(threads * RUNS_PER_THREAD) / (clock_us(CLOCK_MONOTONIC) - start);
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

static void use_vectors(bench *b)
{
    const char *folder = getenv("RATLS_VECTORS");
    char path[PATH_LEN_MAX];

    if (folder == NULL) {
        fail("usage: ratls-bench (--cert FILE | --quote FILE) --collateral FILE --at SECONDS [--trust-anchor FILE] [--rounds N] [--json]; "
             "or set RATLS_VECTORS");
    }
    snprintf(path, sizeof path, "%s/certs/ratls-phala-leaf-tdx-v4-90c06f000000-2baa3ed7.der", folder);
    b->certificate = read_input(path);
    snprintf(path, sizeof path, "%s/collateral/tdx-90c06f000000-platform-20260218-eval18-native-2bde29fa.json", folder);
    b->collateral = read_input(path);
    b->at = 1771426735;
}

static void read_option(bench *b, const char *name, const char *value)
{
    if (value == NULL) {
        fail(name);
    } else if (strcmp(name, "--quote") == 0) {
        b->quote = read_input(value);
    } else if (strcmp(name, "--collateral") == 0) {
        b->collateral = read_input(value);
    } else if (strcmp(name, "--cert") == 0) {
        b->certificate = read_input(value);
    } else if (strcmp(name, "--trust-anchor") == 0) {
        b->root = read_input(value);
    } else if (strcmp(name, "--at") == 0) {
        b->at = strtoll(value, NULL, 10);
    } else if (strcmp(name, "--rounds") == 0) {
        b->rounds = (size_t)strtoul(value, NULL, 10);
    } else {
        fail(name);
    }
}

static void read_arguments(bench *b, int argc, char **argv)
{
    b->rounds = ROUNDS_DEFAULT;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            b->json = true;
            continue;
        }
        read_option(b, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        i++;
    }
    if (b->rounds == 0 || b->rounds > ROUNDS_MAX) {
        fail("--rounds: 1 to 4096");
    }
    if (b->quote.len == 0 && b->certificate.len == 0) {
        use_vectors(b);
    }
    if (b->collateral.len == 0 || b->at == 0) {
        fail("--collateral and --at are needed");
    }
}

/* The quote of the certificate, if none was given; and the root of its chain, if none was. */
static void complete_inputs(bench *b)
{
    ratls_error *error = NULL;
    ratls_parsed_quote quote;
    const char *fault = NULL;
    ratls_pem chain;

    if (b->quote.len == 0) {
        expect_ok(ratls_extract_tdx_quote(&b->quote.data, &b->quote.len, b->certificate.data, b->certificate.len, &error), error);
    }
    b->intel = b->root.len == 0;
    if (!b->intel) {
        return;
    }
    expect_ok(ratls_quote_parse(&quote, (ratls_bytes){b->quote.data, b->quote.len}, &error), error);
    if (!ratls_pem_parse(&chain, quote.certification_data, "CERTIFICATE", RATLS_PEM_CERTIFICATE_MAX, &fault)) {
        fail(fault);
    }
    b->root = (input){malloc(RATLS_PEM_CERTIFICATE_MAX), chain.blocks[chain.len - 1].len};
    memcpy(b->root.data, chain.blocks[chain.len - 1].data, b->root.len);
    ratls_pem_clear(&chain);
}

static void print_measure(const char *name, double value, bool measured, bool json)
{
    if (!measured) {
        printf(json ? ",\"%s\":null" : "%s: not measured\n", name);
    } else {
        printf(json ? ",\"%s\":%.2f" : "%s: %.2f\n", name, value);
    }
}

static void print_results(bench *b, double threads)
{
    static const char *const names[MEASURES] = {"p256_verify_us", NULL, "cold_v", "cold_intel_v", "warm_v", "same_qe_v", "cached_v"};
    double unit = median(b->samples[UNIT], b->rounds);

    printf(b->json ? "{\"p256_verify_us\":%.1f" : "p256_verify_us: %.1f\n", unit);
    for (measure m = COLD; m < MEASURES; m++) {
        double cost = median(b->samples[m], b->rounds);

        print_measure(names[m], cost / unit, cost > 0, b->json);
    }
    print_measure("threads_8_x", threads, threads > 0, b->json);
    printf(b->json ? "}\n" : "");
}

static void release(bench *b)
{
    ratls_p256_key_free(b->key);
    ratls_p256_curve_free(b->curve);
    ratls_verifier_free(b->known);
    free(b->quote.data);
    free(b->collateral.data);
    free(b->certificate.data);
    free(b->root.data);
}

int main(int argc, char **argv)
{
    static bench b;
    ratls_clock shown = {shown_wall, shown_monotonic, &b.at};
    double threads = 0;

    read_arguments(&b, argc, argv);
    complete_inputs(&b);
    make_yardstick(&b);
    ratls_clock_replace(&shown);
    b.known = make_verifier(&b, b.intel);
    verify_quote(&b, b.known);
    if (b.certificate.len > 0) {
        verify_certificate(&b); /* from now on it is kept */
    }
    for (size_t round = 0; round < b.rounds; round++) {
        measure_round(&b, round);
    }
    if (b.rounds > 1) {
        double one = throughput(&b, 1);

        threads = throughput(&b, THREADS) / one;
    }
    print_results(&b, threads);
    release(&b);
    return 0;
}

/* What exit() finds of OpenSSL: whole, while the library's threads, and callers' in the middle of a call, go on. */
#include "support/unit.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/chance.h"
#include "base/digest.h"
#include "base/http.h"
#include "base/p256.h"

enum { LEFT_WHOLE = 0, FAILED = 1, TAKEN_APART = 7 };

/* OpenSSL calls this when it is taken apart. */
static void tell(void)
{
    _exit(TAKEN_APART);
}

/* In the child, which no assertion must leave. */
static void require(bool holds)
{
    if (!holds) {
        _exit(FAILED);
    }
}

/* How OpenSSL ends in a process of its own, in which this is the first to use it. */
static int end_after(void (*use)(void))
{
    pid_t child;
    int status = -1;

    (void)fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        use();
        require(OPENSSL_atexit(tell) == 1);
        exit(LEFT_WHOLE);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void use_openssl_itself(void)
{
    EVP_MD_free(EVP_MD_fetch(NULL, "SHA256", NULL));
}

static void use_a_digest(void)
{
    uint8_t out[RATLS_SHA512_LEN];

    require(ratls_sha512(out, BYTES_OF("a"), BYTES_OF("b"), NULL) == RATLS_OK);
}

static void use_random_numbers(void)
{
    uint8_t out[8];

    require(ratls_chance_bytes(out, sizeof out, NULL) == RATLS_OK);
}

static void use_a_curve(void)
{
    ratls_p256_curve_free(ratls_p256_curve_new());
}

static void use_the_web(void)
{
    const ratls_http_settings settings = {0};
    ratls_http *http = NULL;

    require(ratls_http_new(&http, &settings, NULL) == RATLS_OK);
    ratls_http_free(http);
}

static void use_a_tunnel(void)
{
    ratls_tunnel_options options;
    ratls_verifier *verifier = NULL;
    ratls_tunnel *tunnel = NULL;

    ratls_tunnel_options_init(&options, sizeof options);
    options.host = "127.0.0.1";
    options.port = 1; /* where nobody listens */
    require(ratls_verifier_new_noop(&verifier, NULL, NULL) == RATLS_OK);
    require(ratls_tunnel_open(&tunnel, verifier, &options, NULL, NULL) == RATLS_ERR_CONNECT_FAILED);
    ratls_verifier_free(verifier);
}

static void use_a_verifier(void)
{
    ratls_verifier *verifier = NULL;

    require(ratls_verifier_new_dcap(&verifier, NULL, NULL) == RATLS_OK);
    ratls_verifier_free(verifier);
}

static void use_an_authority(void)
{
    static const uint8_t pem[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    ratls_intel_options options;
    ratls_verifier *verifier = NULL;

    ratls_intel_options_init(&options, sizeof options);
    options.api_key = "a2V5";
    options.ca = pem;
    options.ca_len = sizeof pem - 1;
    require(ratls_verifier_new_intel(&verifier, &options, NULL) == RATLS_ERR_OPTION_VALUE);
}

/* So that the others say something. */
static void openssl_begun_by_itself_is_taken_apart(void **state)
{
    (void)state;
    assert_int_equal(end_after(use_openssl_itself), TAKEN_APART);
}

static void openssl_begun_by_the_library_is_left_whole(void **state)
{
    static void (*const uses[])(void) = {use_a_digest, use_random_numbers, use_a_curve,    use_the_web,
                                         use_a_tunnel, use_a_verifier,     use_an_authority};

    (void)state;
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        assert_int_equal(end_after(uses[i]), LEFT_WHOLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_begun_by_itself_is_taken_apart),
        cmocka_unit_test(openssl_begun_by_the_library_is_left_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

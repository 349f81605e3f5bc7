#include "base/openssl_start.h"

#include <openssl/crypto.h>
#include <pthread.h>

static pthread_once_t begun = PTHREAD_ONCE_INIT;

/* The configuration is left to whoever wants it read, or not: OpenSSL's own next call does. */
static void begin(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

void ratls_openssl_start(void)
{
    (void)pthread_once(&begun, begin);
}

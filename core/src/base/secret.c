#include "base/secret.h"

#include <openssl/crypto.h>
#include <sys/mman.h>

enum { SECRET_LOCKED_MAX = 64 * 1024 /* what the system lets anybody keep out of the swap */ };

uint8_t *ratls_secret_new(size_t len)
{
    void *pages = len == 0 ? MAP_FAILED : mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED) {
        return NULL;
    }
    /* Each is a favour: older kernels lack the second, and the last may be used up. */
    (void)madvise(pages, len, MADV_DONTDUMP);
    (void)madvise(pages, len, MADV_WIPEONFORK);
    if (len <= SECRET_LOCKED_MAX) {
        (void)mlock(pages, len);
    }
    return pages;
}

void ratls_secret_free(uint8_t *secret, size_t len)
{
    if (secret != NULL) {
        OPENSSL_cleanse(secret, len);
        (void)munmap(secret, len);
    }
}

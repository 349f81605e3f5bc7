/** Memory for what nobody else may see: pages of their own, left out of core dumps, swap and forked children as far as the
 *  system allows it, wiped when they are freed. */
#ifndef RATLS_BASE_SECRET_H
#define RATLS_BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>

/** `len` zero bytes; NULL when out of memory. */
uint8_t *ratls_secret_new(size_t len);

/** Wipe and free what ratls_secret_new(len) gave; NULL is ignored. */
void ratls_secret_free(uint8_t *secret, size_t len);

#endif

/** Option structs that begin with their size: how one of another version of the header is read. */
#ifndef RATLS_BASE_OPTIONS_H
#define RATLS_BASE_OPTIONS_H

#include "base/error.h"

/** No option struct is longer; a size beyond it was never set by an init function. */
enum { RATLS_OPTIONS_SIZE_MAX = 4096 };

/** Set a caller's struct of `size` bytes to zero and write its size. NULL, or too small for that: nothing. */
void ratls_options_init(void *options, size_t size);

/** Copy a caller's struct into one of ours of `known` bytes; NULL gives all zero.
 *
 *  Shorter than `first`, the size in the first release, is refused; what a shorter one lacks is zero; a longer one
 *  is accepted only when all that we do not know of it is zero. */
ratls_status ratls_options_copy(void *out, size_t known, const void *options, size_t first, ratls_error **err);

#endif

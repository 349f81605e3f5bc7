/** A tunnel's own copy of the policy: it outlives the call that it was given to. */
#ifndef RATLS_TUNNEL_VERIFY_OPTIONS_COPY_H
#define RATLS_TUNNEL_VERIFY_OPTIONS_COPY_H

#include "base/error.h"

/** Check the options (NULL: the defaults) and copy them with everything they point to. */
ratls_status ratls_verify_options_copy(ratls_verify_options *out, const ratls_verify_options *options, ratls_error **err);

/** Whether two copies say the same, value by value and in the same order. */
bool ratls_verify_options_equal(const ratls_verify_options *a, const ratls_verify_options *b);

/** Free what a copy points to. */
void ratls_verify_options_clear(ratls_verify_options *copy);

#endif

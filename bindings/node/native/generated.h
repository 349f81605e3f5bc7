/** What `generate` writes. */
#ifndef RA_TLS_VERIFY_GENERATED_H
#define RA_TLS_VERIFY_GENERATED_H

#include "native.h"

/** Put every class, function and constant of the core on `exports`. */
bool rn_define_generated(rn_env *self, napi_value exports);

#endif

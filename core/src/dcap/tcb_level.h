/** Which levels of Intel's lists a platform is on (DCAP rules 3.7, 3.8). */
#ifndef RATLS_DCAP_TCB_LEVEL_H
#define RATLS_DCAP_TCB_LEVEL_H

#include "dcap/tcb_info.h"

/** A platform and, for TDX, the module that a TD was launched by or runs under. */
typedef struct {
    const ratls_sgx_extension *pck;
    const ratls_parsed_quote *quote;
    const uint8_t *tee_tcb_svn; /* 16 bytes: [0] the module's SVN, [1] its major version; NULL for SGX */
} ratls_tcb_subject;

typedef struct {
    const ratls_tcb_verdict *platform;
    bool in_order;                   /* the module's levels are, as the document has them */
    bool every_component;            /* the platform reaches the level in the components, too, that a module identity judges */
    const ratls_tcb_verdict *module; /* NULL: none applies */
} ratls_tcb_position;

/** M1 to M6 and the platform's level. What is found borrows `info`. */
ratls_status ratls_tcb_position_find(
    ratls_tcb_position *out, const ratls_tcb_info *info, const ratls_tcb_subject *subject, ratls_error **err);

#endif

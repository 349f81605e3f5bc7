/** One status out of several (DCAP rules 3.9, 3.10). */
#ifndef RATLS_DCAP_CONVERGENCE_H
#define RATLS_DCAP_CONVERGENCE_H

#include "policy/claims.h"

/** The platform's status and those of what runs on it; `module` is NONE where no module level applies. NONE when
 *  one of them is not a status that such a level may have. */
ratls_tcb_status ratls_tcb_converge(ratls_tcb_status platform, ratls_tcb_status module, ratls_tcb_status qe);

/** What a TD launched under `launch` and running under `current` is told. *by_current tells whether the current
 *  module decided, because it is worse. */
ratls_tcb_status ratls_tcb_relaunch(ratls_tcb_status launch, ratls_tcb_status current, bool *by_current);

#endif

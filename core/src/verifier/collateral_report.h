/** What a platform has to expect of Intel's next set of TCB data, as JSON. */
#ifndef RATLS_VERIFIER_COLLATERAL_REPORT_H
#define RATLS_VERIFIER_COLLATERAL_REPORT_H

#include "collateral/set.h"

enum { RATLS_REPORT_STANDARD, RATLS_REPORT_EARLY, RATLS_REPORT_SETS };

/** See ratls_collateral_check(). `warn_days` below 0: nothing is said of what expires. */
ratls_status ratls_collateral_report(
    char **json, const ratls_parsed_quote *quote, ratls_collateral_set *const sets[RATLS_REPORT_SETS], int64_t now, int64_t warn_days,
    ratls_error **err);

#endif

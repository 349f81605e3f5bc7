/** What a service answers, taken apart (DCAP rules 2.1, 2.2, 2.5, 2.6). */
#ifndef RATLS_COLLATERAL_ANSWER_H
#define RATLS_COLLATERAL_ANSWER_H

#include "base/http.h"
#include "collateral/sources.h"

/** The URL of a part, the caller's to free(); NULL when out of memory. `base`: see ratls_dcap_options.pccs_urls. */
char *ratls_answer_url(const char *base, bool intel, const ratls_part_id *id);

/** Bytes that the answer may have. */
size_t ratls_answer_max(ratls_part_kind kind);

/** The part in an answer of status 200, verified. */
ratls_status ratls_answer_part(
    ratls_part **out, const ratls_http_response *response, const ratls_part_id *id, const char *url, ratls_trust *trust, ratls_error **err);

/** Fail as an answer of another status, or none at all, means. */
ratls_status ratls_answer_fail(
    const ratls_http_response *response, const ratls_http_request *request, const ratls_part_id *id, const ratls_collateral_time *time,
    ratls_error **err);

/** Cache-Control and Age: for how many more seconds the answer is fresh; -1: it does not say, or not in a readable way. */
int64_t ratls_answer_max_age(const ratls_http_response *response);

/** `text` with each %XX replaced by its byte, nothing else changed: '+' stays. The caller's to free(); false for a '%'
 *  without two hexadecimal digits, a NUL, or when out of memory. */
bool ratls_answer_unescape(char **out, const char *text);

#endif

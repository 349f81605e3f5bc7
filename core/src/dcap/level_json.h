/** What TCB info and QE identities have in common: signed JSON documents of levels with a status, a date and
 *  advisories (DCAP rules 2.5, 2.6). */
#ifndef RATLS_DCAP_LEVEL_JSON_H
#define RATLS_DCAP_LEVEL_JSON_H

#include "base/json.h"
#include "policy/claims.h"

enum {
    RATLS_LEVELS_MAX = 256,          /* of one list */
    RATLS_LEVEL_ADVISORIES_MAX = 100 /* of one level; a verdict unites at most five levels */
};

/** A document, for messages. */
typedef struct {
    const char *name;
    ratls_status malformed;
} ratls_document;

/** What a level says of a platform that is on it. */
typedef struct {
    ratls_tcb_status status;
    int64_t date;
    ratls_advisories advisories;
} ratls_tcb_verdict;

/** A level of a TDX module or a QE. */
typedef struct {
    uint16_t isv_svn;
    ratls_tcb_verdict verdict;
} ratls_isv_level;

/** Highest isv_svn first, none twice. */
typedef struct {
    ratls_isv_level *levels;
    size_t len;
} ratls_isv_levels;

/** Parse the text of a document, whose signature was verified: nothing else is handed to the JSON parser. *out is
 *  the caller's, cJSON_Delete(). */
ratls_status ratls_document_parse(cJSON **out, ratls_bytes text, const ratls_document *document, ratls_error **err);

/** issueDate and nextUpdate, in this order. */
ratls_status ratls_document_dates(
    int64_t *issue_date, int64_t *next_update, const cJSON *object, const ratls_document *document, ratls_error **err);

/** Status, date and advisories of a level; only a platform's level may ask for configuration or hardening. */
ratls_status ratls_tcb_verdict_read(
    ratls_tcb_verdict *out, const cJSON *level, bool platform, const ratls_document *document, ratls_error **err);
void ratls_tcb_verdict_clear(ratls_tcb_verdict *verdict);

/** Read the tcbLevels of `object`, whose SVNs are at most `svn_max`. */
ratls_status ratls_isv_levels_read(
    ratls_isv_levels *out, const cJSON *object, int64_t svn_max, const ratls_document *document, ratls_error **err);
void ratls_isv_levels_clear(ratls_isv_levels *levels);

/** The highest level that this SVN reaches; NULL when it reaches none. */
const ratls_isv_level *ratls_isv_levels_find(const ratls_isv_levels *levels, uint16_t isv_svn);

#endif

/** What TCB info and QE identities have in common: signed JSON documents of levels with a status, a date and
 *  advisories (DCAP rules 2.5, 2.6). */
#ifndef RATLS_DCAP_LEVEL_JSON_H
#define RATLS_DCAP_LEVEL_JSON_H

#include "base/json_tree.h"
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

/** A document's own copy of its text, and what is in it. */
typedef struct {
    uint8_t *text;
    ratls_json_tree tree;
} ratls_document_text;

/** What a level says of a platform that is on it. */
typedef struct {
    ratls_tcb_status status;
    int64_t date;
    ratls_json_value advisories; /* a checked array of the document, or absent */
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
    bool in_order; /* as the document has them, too */
} ratls_isv_levels;

/** Copy and parse the text of a document, whose signature was verified: nothing else is handed to the JSON parser. *root is
 *  its object. */
ratls_status ratls_document_parse(
    ratls_document_text *out, ratls_json_value *root, ratls_bytes text, const ratls_document *document, ratls_error **err);
void ratls_document_clear(ratls_document_text *text);

/** issueDate and nextUpdate, in this order. */
ratls_status ratls_document_dates(
    int64_t *issue_date, int64_t *next_update, ratls_json_value object, const ratls_document *document, ratls_error **err);

/** Status, date and advisories of a level; only a platform's level may ask for configuration or hardening. */
ratls_status ratls_tcb_verdict_read(
    ratls_tcb_verdict *out, ratls_json_value level, bool platform, const ratls_document *document, ratls_error **err);

/** Add the level's advisories to a set. */
ratls_status ratls_tcb_verdict_advisories(ratls_advisories *set, const ratls_tcb_verdict *verdict, ratls_error **err);

/** Read the tcbLevels of `object`, whose SVNs are at most `svn_max`. */
ratls_status ratls_isv_levels_read(
    ratls_isv_levels *out, ratls_json_value object, int64_t svn_max, const ratls_document *document, ratls_error **err);
void ratls_isv_levels_clear(ratls_isv_levels *levels);

/** The highest level that this SVN reaches; NULL when it reaches none. */
const ratls_isv_level *ratls_isv_levels_find(const ratls_isv_levels *levels, uint16_t isv_svn);

#endif

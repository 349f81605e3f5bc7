#include "dcap/level_json.h"

#include <stdlib.h>
#include <string.h>

ratls_status ratls_document_parse(cJSON **out, ratls_bytes text, const ratls_document *document, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes duplicate = {0};
    ratls_json_outcome outcome = ratls_json_parse_integers(out, text, &duplicate);

    CHECK(outcome != RATLS_JSON_OUT_OF_MEMORY, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(outcome != RATLS_JSON_DUPLICATE_KEY, RATLS_ERR_COLLATERAL_DUPLICATE_KEY, WHAT(document->name),
          ratls_detail_chars("found", duplicate));
    CHECK(outcome == RATLS_JSON_OK, document->malformed, WHAT("it is not strict JSON of integers and few enough levels"));
    CHECK(cJSON_IsObject(*out), document->malformed, WHAT("it is not a JSON object"));
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        cJSON_Delete(*out);
        *out = NULL;
    }
    return status;
}

ratls_status ratls_document_dates(
    int64_t *issue_date, int64_t *next_update, const cJSON *object, const ratls_document *document, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(ratls_json_get_time(object, "issueDate", issue_date), document->malformed, WHAT("issueDate"));
    CHECK(ratls_json_get_time(object, "nextUpdate", next_update), document->malformed, WHAT("nextUpdate"));
    CHECK(*issue_date < *next_update, document->malformed, WHAT("issueDate is not before nextUpdate"));
    status = RATLS_OK;
out:
    return status;
}

/* Intel's words only. A module or a QE is up to date or not: what a platform may be told to configure it may not. */
static ratls_tcb_status read_status(const char *word, bool platform)
{
    for (int status = RATLS_TCB_NONE + 1; status < RATLS_TCB_COUNT; status++) {
        bool of_module = status == RATLS_TCB_UP_TO_DATE || status == RATLS_TCB_OUT_OF_DATE || status == RATLS_TCB_REVOKED;
        bool of_verdict = status == RATLS_TCB_TD_RELAUNCH_ADVISED || status == RATLS_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED;

        if ((of_module || (platform && !of_verdict)) && strcmp(word, ratls_tcb_status_intel((ratls_tcb_status)status)) == 0) {
            return (ratls_tcb_status)status;
        }
    }
    return RATLS_TCB_NONE;
}

/* Intel issues INTEL-SA-… and INTEL-DOC-…; the form is not checked beyond its characters (DCAP rules 2.5). */
static bool advisory_acceptable(const char *id)
{
    size_t len = strlen(id);

    return len > 0 && len <= RATLS_ADVISORY_LEN_MAX &&
           strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == len;
}

static ratls_status read_advisories(ratls_advisories *out, const cJSON *level, const ratls_document *document, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(level, "advisoryIDs");
    const cJSON *id;

    if (ids == NULL) {
        return RATLS_OK;
    }
    CHECK(cJSON_IsArray(ids) && cJSON_GetArraySize(ids) <= RATLS_LEVEL_ADVISORIES_MAX, document->malformed, WHAT("advisoryIDs"));
    cJSON_ArrayForEach(id, ids)
    {
        CHECK(cJSON_IsString(id) && advisory_acceptable(id->valuestring), document->malformed, WHAT("advisoryIDs"));
        TRY(ratls_advisories_add(out, id->valuestring, err));
    }
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_tcb_verdict_read(
    ratls_tcb_verdict *out, const cJSON *level, bool platform, const ratls_document *document, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *word;

    *out = (ratls_tcb_verdict){0};
    CHECK(ratls_json_get_text(level, "tcbStatus", &word), document->malformed, WHAT("tcbStatus"));
    out->status = read_status(word, platform);
    CHECK(out->status != RATLS_TCB_NONE, RATLS_ERR_COLLATERAL_TCB_STATUS_UNKNOWN, WHAT(document->name), FOUND(word));
    CHECK(ratls_json_get_time(level, "tcbDate", &out->date), document->malformed, WHAT("tcbDate"));
    TRY(read_advisories(&out->advisories, level, document, err));
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_tcb_verdict_clear(out);
    }
    return status;
}

void ratls_tcb_verdict_clear(ratls_tcb_verdict *verdict)
{
    ratls_advisories_clear(&verdict->advisories);
    *verdict = (ratls_tcb_verdict){0};
}

static ratls_status read_isv_level(
    ratls_isv_level *out, const cJSON *level, int64_t svn_max, const ratls_document *document, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *tcb = ratls_json_get_object(level, "tcb");
    int64_t svn;

    CHECK(tcb != NULL && ratls_json_get_integer(tcb, "isvsvn", 0, svn_max, &svn), document->malformed, WHAT("isvsvn"));
    out->isv_svn = (uint16_t)svn;
    TRY(ratls_tcb_verdict_read(&out->verdict, level, false, document, err));
    status = RATLS_OK;
out:
    return status;
}

static int compare_isv_levels(const void *left, const void *right)
{
    const ratls_isv_level *a = left;
    const ratls_isv_level *b = right;

    return (int)b->isv_svn - (int)a->isv_svn;
}

ratls_status ratls_isv_levels_read(
    ratls_isv_levels *out, const cJSON *object, int64_t svn_max, const ratls_document *document, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *levels = ratls_json_get_array(object, "tcbLevels");
    size_t len = levels == NULL ? 0 : (size_t)cJSON_GetArraySize(levels);
    const cJSON *level;

    *out = (ratls_isv_levels){0};
    CHECK(len > 0 && len <= RATLS_LEVELS_MAX, document->malformed, WHAT("tcbLevels"));
    out->levels = calloc(len, sizeof *out->levels);
    CHECK(out->levels != NULL, RATLS_ERR_OUT_OF_MEMORY);
    cJSON_ArrayForEach(level, levels)
    {
        TRY(read_isv_level(&out->levels[out->len], level, svn_max, document, err));
        out->len++;
    }
    qsort(out->levels, out->len, sizeof *out->levels, compare_isv_levels);
    for (size_t i = 1; i < out->len; i++) {
        CHECK(out->levels[i].isv_svn < out->levels[i - 1].isv_svn, document->malformed, WHAT("two levels have the same isvsvn"));
    }
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_isv_levels_clear(out);
    }
    return status;
}

void ratls_isv_levels_clear(ratls_isv_levels *levels)
{
    for (size_t i = 0; i < levels->len; i++) {
        ratls_tcb_verdict_clear(&levels->levels[i].verdict);
    }
    free(levels->levels);
    *levels = (ratls_isv_levels){0};
}

const ratls_isv_level *ratls_isv_levels_find(const ratls_isv_levels *levels, uint16_t isv_svn)
{
    for (size_t i = 0; i < levels->len; i++) {
        if (levels->levels[i].isv_svn <= isv_svn) {
            return &levels->levels[i];
        }
    }
    return NULL;
}

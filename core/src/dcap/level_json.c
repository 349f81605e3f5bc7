#include "dcap/level_json.h"

#include <stdlib.h>
#include <string.h>

static ratls_status check_outcome(
    ratls_json_outcome outcome, ratls_bytes duplicate, const ratls_document *document, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(outcome != RATLS_JSON_OUT_OF_MEMORY, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(outcome != RATLS_JSON_DUPLICATE_KEY, RATLS_ERR_COLLATERAL_DUPLICATE_KEY, WHAT(document->name),
          ratls_detail_chars("found", duplicate));
    CHECK(outcome == RATLS_JSON_OK, document->malformed, WHAT("it is not strict JSON of integers and few enough levels"));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_document_parse(
    ratls_document_text *out, ratls_json_value *root, ratls_bytes text, const ratls_document *document, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes duplicate = {0};

    *out = (ratls_document_text){0};
    CHECK(text.len > 0, document->malformed, WHAT("it is empty"));
    out->text = malloc(text.len);
    CHECK(out->text != NULL, RATLS_ERR_OUT_OF_MEMORY);
    memcpy(out->text, text.data, text.len);
    TRY(check_outcome(ratls_json_tree_parse(&out->tree, (ratls_bytes){out->text, text.len}, true, &duplicate), duplicate, document, err));
    *root = ratls_json_root(&out->tree);
    CHECK(ratls_json_is(*root, RATLS_JSON_OBJECT), document->malformed, WHAT("it is not a JSON object"));
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_document_clear(out);
    }
    return status;
}

void ratls_document_clear(ratls_document_text *text)
{
    ratls_json_tree_clear(&text->tree);
    free(text->text);
    *text = (ratls_document_text){0};
}

ratls_status ratls_document_dates(
    int64_t *issue_date, int64_t *next_update, ratls_json_value object, const ratls_document *document, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(ratls_json_member_time(issue_date, object, "issueDate"), document->malformed, WHAT("issueDate"));
    CHECK(ratls_json_member_time(next_update, object, "nextUpdate"), document->malformed, WHAT("nextUpdate"));
    CHECK(*issue_date < *next_update, document->malformed, WHAT("issueDate is not before nextUpdate"));
    status = RATLS_OK;
out:
    return status;
}

/* Intel's words only. A module or a QE is up to date or not: what a platform may be told to configure it may not. */
static ratls_tcb_status read_status(ratls_bytes word, bool platform)
{
    for (int status = RATLS_TCB_NONE + 1; status < RATLS_TCB_COUNT; status++) {
        bool of_module = status == RATLS_TCB_UP_TO_DATE || status == RATLS_TCB_OUT_OF_DATE || status == RATLS_TCB_REVOKED;
        bool of_verdict = status == RATLS_TCB_TD_RELAUNCH_ADVISED || status == RATLS_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED;

        if ((of_module || (platform && !of_verdict)) && ratls_bytes_equal_text(word, ratls_tcb_status_intel((ratls_tcb_status)status))) {
            return (ratls_tcb_status)status;
        }
    }
    return RATLS_TCB_NONE;
}

static bool is_advisory_character(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* Intel issues INTEL-SA-… and INTEL-DOC-…; the form is not checked beyond its characters (DCAP rules 2.5). */
static bool advisory_acceptable(ratls_bytes id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (!is_advisory_character(id.data[i])) {
            return false;
        }
    }
    return id.len > 0 && id.len <= RATLS_ADVISORY_LEN_MAX;
}

/* Checked now, read when the level decides. */
static ratls_status check_advisories(ratls_json_value ids, const ratls_document *document, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_json_items items = ratls_json_items_of(ids);
    ratls_json_value item;
    ratls_bytes id;
    size_t count = 0;

    if (!ratls_json_is_present(ids)) {
        return RATLS_OK;
    }
    CHECK(ratls_json_is(ids, RATLS_JSON_ARRAY), document->malformed, WHAT("advisoryIDs"));
    while (ratls_json_items_next(&items, &item)) {
        CHECK(++count <= RATLS_LEVEL_ADVISORIES_MAX && ratls_json_text(&id, item) && advisory_acceptable(id), document->malformed,
              WHAT("advisoryIDs"));
    }
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_tcb_verdict_read(
    ratls_tcb_verdict *out, ratls_json_value level, bool platform, const ratls_document *document, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes word;

    *out = (ratls_tcb_verdict){.advisories = ratls_json_member(level, "advisoryIDs")};
    CHECK(ratls_json_member_text(&word, level, "tcbStatus"), document->malformed, WHAT("tcbStatus"));
    out->status = read_status(word, platform);
    CHECK(out->status != RATLS_TCB_NONE, RATLS_ERR_COLLATERAL_TCB_STATUS_UNKNOWN, WHAT(document->name), ratls_detail_chars("found", word));
    CHECK(ratls_json_member_time(&out->date, level, "tcbDate"), document->malformed, WHAT("tcbDate"));
    TRY(check_advisories(out->advisories, document, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_tcb_verdict_advisories(ratls_advisories *set, const ratls_tcb_verdict *verdict, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_json_items items = ratls_json_items_of(verdict->advisories);
    char id[RATLS_ADVISORY_LEN_MAX + 1];
    ratls_json_value item;
    ratls_bytes text;

    while (ratls_json_items_next(&items, &item)) {
        CHECK(ratls_json_text(&text, item) && text.len < sizeof id, RATLS_ERR_INTERNAL, WHAT("an advisory that was not checked"));
        memcpy(id, text.data, text.len);
        id[text.len] = '\0';
        TRY(ratls_advisories_add(set, id, err));
    }
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_isv_level(
    ratls_isv_level *out, ratls_json_value level, int64_t svn_max, const ratls_document *document, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    int64_t svn;

    CHECK(ratls_json_member_integer(&svn, ratls_json_member(level, "tcb"), "isvsvn", 0, svn_max), document->malformed, WHAT("isvsvn"));
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
    ratls_isv_levels *out, ratls_json_value object, int64_t svn_max, const ratls_document *document, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_json_value levels = ratls_json_member(object, "tcbLevels");
    ratls_json_items items = ratls_json_items_of(levels);
    size_t len = ratls_json_count(levels);
    ratls_json_value level;

    *out = (ratls_isv_levels){0};
    CHECK(len > 0 && len <= RATLS_LEVELS_MAX, document->malformed, WHAT("tcbLevels"));
    out->levels = calloc(len, sizeof *out->levels);
    CHECK(out->levels != NULL, RATLS_ERR_OUT_OF_MEMORY);
    while (ratls_json_items_next(&items, &level)) {
        TRY(read_isv_level(&out->levels[out->len], level, svn_max, document, err));
        out->len++;
    }
    out->in_order = true;
    for (size_t i = 1; i < out->len; i++) {
        out->in_order = out->in_order && out->levels[i].isv_svn < out->levels[i - 1].isv_svn;
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

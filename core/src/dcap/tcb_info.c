#include "dcap/tcb_info.h"

#include <stdlib.h>
#include <string.h>

#include "dcap/dates.h"

enum {
    TCB_INFO_VERSION = 3,
    TCB_INFO_TYPE = 0,
    SVN_MAX = UINT8_MAX,
    MODULE_ID_LEN = 6 /* TDX_hh */
};

static const char id_sgx[] = "SGX";
static const char id_tdx[] = "TDX";

static const ratls_document document = {"TCB info", RATLS_ERR_COLLATERAL_TCB_INFO_FORMAT};

/* B3 to B5 and what names the platform. */
static ratls_status read_head(ratls_tcb_info *out, ratls_json_value object, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    int64_t version, type, number;
    ratls_bytes id;

    CHECK(ratls_json_member_integer(&version, object, "version", 0, INT32_MAX), document.malformed, WHAT("version"));
    CHECK(version == TCB_INFO_VERSION, RATLS_ERR_COLLATERAL_TCB_INFO_VERSION, FOUND_NUMBER(version));
    CHECK(ratls_json_member_text(&id, object, "id"), document.malformed, WHAT("id"));
    CHECK(ratls_bytes_equal_text(id, id_sgx) || ratls_bytes_equal_text(id, id_tdx), RATLS_ERR_COLLATERAL_TCB_INFO_TEE, ratls_detail_chars("found", id), EXPECTED("TDX or SGX"));
    out->tdx = ratls_bytes_equal_text(id, id_tdx);
    CHECK(ratls_json_member_integer(&type, object, "tcbType", 0, INT32_MAX), document.malformed, WHAT("tcbType"));
    CHECK(type == TCB_INFO_TYPE, RATLS_ERR_COLLATERAL_TCB_INFO_TYPE, FOUND_NUMBER(type));
    TRY(ratls_document_dates(&out->issue_date, &out->next_update, object, &document, err));
    CHECK(ratls_json_member_hex(out->fmspc, sizeof out->fmspc, object, "fmspc"), document.malformed, WHAT("fmspc"));
    CHECK(ratls_json_member_hex(out->pce_id, sizeof out->pce_id, object, "pceId"), document.malformed, WHAT("pceId"));
    CHECK(ratls_json_member_integer(&number, object, "tcbEvaluationDataNumber", 0, UINT32_MAX), document.malformed,
          WHAT("tcbEvaluationDataNumber"));
    out->evaluation_data_number = (uint32_t)number;
    status = RATLS_OK;
out:
    return status;
}

/* Exactly 16 numbers from 0 to 255: a list of another length is never cut or filled up (B11). */
static bool read_components(uint8_t out[RATLS_TCB_COMPONENTS], ratls_json_value tcb, const char *key)
{
    ratls_json_items items = ratls_json_items_of(ratls_json_member(tcb, key));
    ratls_json_value component;
    size_t count = 0;
    int64_t svn;

    while (ratls_json_items_next(&items, &component)) {
        if (count == RATLS_TCB_COMPONENTS || !ratls_json_member_integer(&svn, component, "svn", 0, SVN_MAX)) {
            return false;
        }
        out[count++] = (uint8_t)svn;
    }
    return count == RATLS_TCB_COMPONENTS;
}

static ratls_status read_level(ratls_tcb_level *out, ratls_json_value level, bool tdx, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_json_value tcb = ratls_json_member(level, "tcb");
    int64_t pce_svn;

    CHECK(ratls_json_is(tcb, RATLS_JSON_OBJECT), document.malformed, WHAT("a level without tcb"));
    CHECK(read_components(out->sgx, tcb, "sgxtcbcomponents"), document.malformed, WHAT("sgxtcbcomponents"));
    CHECK(ratls_json_member_integer(&pce_svn, tcb, "pcesvn", 0, UINT16_MAX), document.malformed, WHAT("pcesvn"));
    out->pce_svn = (uint16_t)pce_svn;
    if (tdx) {
        CHECK(read_components(out->tdx, tcb, "tdxtcbcomponents"), document.malformed, WHAT("tdxtcbcomponents"));
    } else {
        CHECK(!ratls_json_is_present(ratls_json_member(tcb, "tdxtcbcomponents")), document.malformed, WHAT("tdxtcbcomponents in SGX's"));
    }
    TRY(ratls_tcb_verdict_read(&out->verdict, level, true, &document, err));
    status = RATLS_OK;
out:
    return status;
}

/* Descending by SGX components, PCESVN, TDX components (DCAP rules 3.8). */
static int compare_levels(const void *left, const void *right)
{
    const ratls_tcb_level *a = left;
    const ratls_tcb_level *b = right;
    int order = memcmp(b->sgx, a->sgx, sizeof a->sgx);

    if (order == 0) {
        order = (int)b->pce_svn - (int)a->pce_svn;
    }
    return order == 0 ? memcmp(b->tdx, a->tdx, sizeof a->tdx) : order;
}

static ratls_status read_levels(ratls_tcb_info *out, ratls_json_value object, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_json_value levels = ratls_json_member(object, "tcbLevels");
    ratls_json_items items = ratls_json_items_of(levels);
    size_t len = ratls_json_count(levels);
    ratls_json_value level;

    CHECK(len > 0 && len <= RATLS_LEVELS_MAX, document.malformed, WHAT("tcbLevels"));
    out->levels = calloc(len, sizeof *out->levels);
    CHECK(out->levels != NULL, RATLS_ERR_OUT_OF_MEMORY);
    out->in_order = true;
    while (ratls_json_items_next(&items, &level)) {
        size_t at = out->levels_len;

        TRY(read_level(&out->levels[at], level, out->tdx, err));
        out->in_order = out->in_order && (at == 0 || compare_levels(&out->levels[at - 1], &out->levels[at]) < 0);
        out->levels_len++;
    }
    qsort(out->levels, out->levels_len, sizeof *out->levels, compare_levels);
    for (size_t i = 1; i < out->levels_len; i++) {
        CHECK(compare_levels(&out->levels[i - 1], &out->levels[i]) != 0, RATLS_ERR_COLLATERAL_TCB_INFO_DUPLICATE_LEVEL);
    }
    status = RATLS_OK;
out:
    return status;
}

static bool read_module(ratls_tdx_module *out, ratls_json_value object)
{
    return ratls_json_member_hex(out->mr_signer, sizeof out->mr_signer, object, "mrsigner") &&
           ratls_json_member_hex(out->attributes, sizeof out->attributes, object, "attributes") &&
           ratls_json_member_hex(out->attributes_mask, sizeof out->attributes_mask, object, "attributesMask");
}

/* "TDX_" in either case and two hexadecimal digits (B13, M2). */
static bool read_module_version(uint8_t *out, ratls_json_value identity)
{
    ratls_bytes id;

    return ratls_json_member_text(&id, identity, "id") && id.len == MODULE_ID_LEN && (id.data[0] | 0x20) == 't' &&
           (id.data[1] | 0x20) == 'd' && (id.data[2] | 0x20) == 'x' && id.data[3] == '_' &&
           ratls_hex_read(out, 1, (const char *)id.data + MODULE_ID_LEN - 2, 2);
}

static ratls_status read_identity(ratls_tdx_module_identity *out, ratls_json_value identity, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(read_module_version(&out->version, identity), document.malformed, WHAT("id of a TDX module identity"));
    CHECK(read_module(&out->module, identity), document.malformed, WHAT("a TDX module identity"));
    TRY(ratls_isv_levels_read(&out->levels, identity, SVN_MAX, &document, err));
    status = RATLS_OK;
out:
    return status;
}

/* B13: they may be absent, but not empty or ambiguous. */
static ratls_status read_identities(ratls_tcb_info *out, ratls_json_value object, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_json_value identities = ratls_json_member(object, "tdxModuleIdentities");
    ratls_json_items items = ratls_json_items_of(identities);
    size_t len = ratls_json_count(identities);
    ratls_json_value identity;

    if (!ratls_json_is_present(identities)) {
        return RATLS_OK;
    }
    CHECK(len > 0 && len <= RATLS_MODULE_IDENTITIES_MAX, document.malformed, WHAT("tdxModuleIdentities"));
    out->identities = calloc(len, sizeof *out->identities);
    CHECK(out->identities != NULL, RATLS_ERR_OUT_OF_MEMORY);
    while (ratls_json_items_next(&items, &identity)) {
        ratls_tdx_module_identity *next = &out->identities[out->identities_len];

        TRY(read_identity(next, identity, err));
        out->identities_len++;
        for (size_t i = 0; i + 1 < out->identities_len; i++) {
            CHECK(out->identities[i].version != next->version, document.malformed, WHAT("two TDX module identities have the same id"));
        }
    }
    status = RATLS_OK;
out:
    return status;
}

/* B13. */
static ratls_status read_modules(ratls_tcb_info *out, ratls_json_value object, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_json_value module = ratls_json_member(object, "tdxModule");

    if (!out->tdx) {
        CHECK(!ratls_json_is_present(module) && !ratls_json_is_present(ratls_json_member(object, "tdxModuleIdentities")),
              document.malformed, WHAT("TDX modules in SGX's"));
        return RATLS_OK;
    }
    CHECK(read_module(&out->module, module), document.malformed, WHAT("tdxModule"));
    TRY(read_identities(out, object, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_tcb_info_read(ratls_tcb_info *out, ratls_bytes text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_json_value object;

    memset(out, 0, sizeof *out);
    TRY(ratls_document_parse(&out->document, &object, text, &document, err));
    TRY(read_head(out, object, err));
    TRY(read_modules(out, object, err));
    TRY(read_levels(out, object, err));
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_tcb_info_clear(out);
    }
    return status;
}

ratls_status ratls_tcb_info_check_dates(const ratls_tcb_info *info, int64_t now, ratls_error **err)
{
    ratls_date_codes codes = {RATLS_ERR_COLLATERAL_TCB_INFO_NOT_YET_VALID, RATLS_ERR_COLLATERAL_TCB_INFO_EXPIRED, document.name};

    return ratls_dates_check(info->issue_date, info->next_update, now, codes, err);
}

void ratls_tcb_info_clear(ratls_tcb_info *info)
{
    for (size_t i = 0; i < info->identities_len; i++) {
        ratls_isv_levels_clear(&info->identities[i].levels);
    }
    free(info->identities);
    free(info->levels);
    ratls_document_clear(&info->document);
    memset(info, 0, sizeof *info);
}

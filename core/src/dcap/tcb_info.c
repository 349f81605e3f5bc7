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
static ratls_status read_head(ratls_tcb_info *out, const cJSON *object, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    int64_t version, type, number;
    const char *id;

    CHECK(ratls_json_get_integer(object, "version", 0, INT32_MAX, &version), document.malformed, WHAT("version"));
    CHECK(version == TCB_INFO_VERSION, RATLS_ERR_COLLATERAL_TCB_INFO_VERSION, FOUND_NUMBER(version));
    CHECK(ratls_json_get_text(object, "id", &id), document.malformed, WHAT("id"));
    CHECK(strcmp(id, id_sgx) == 0 || strcmp(id, id_tdx) == 0, RATLS_ERR_COLLATERAL_TCB_INFO_TEE, FOUND(id), EXPECTED("TDX or SGX"));
    out->tdx = strcmp(id, id_tdx) == 0;
    CHECK(ratls_json_get_integer(object, "tcbType", 0, INT32_MAX, &type), document.malformed, WHAT("tcbType"));
    CHECK(type == TCB_INFO_TYPE, RATLS_ERR_COLLATERAL_TCB_INFO_TYPE, FOUND_NUMBER(type));
    TRY(ratls_document_dates(&out->issue_date, &out->next_update, object, &document, err));
    CHECK(ratls_json_get_hex(object, "fmspc", out->fmspc, sizeof out->fmspc), document.malformed, WHAT("fmspc"));
    CHECK(ratls_json_get_hex(object, "pceId", out->pce_id, sizeof out->pce_id), document.malformed, WHAT("pceId"));
    CHECK(ratls_json_get_integer(object, "tcbEvaluationDataNumber", 0, UINT32_MAX, &number), document.malformed,
          WHAT("tcbEvaluationDataNumber"));
    out->evaluation_data_number = (uint32_t)number;
    status = RATLS_OK;
out:
    return status;
}

/* Exactly 16 numbers from 0 to 255: a list of another length is never cut or filled up (B11). */
static bool read_components(uint8_t out[RATLS_TCB_COMPONENTS], const cJSON *tcb, const char *key)
{
    const cJSON *components = ratls_json_get_array(tcb, key);
    const cJSON *component;
    size_t i = 0;

    if (components == NULL || cJSON_GetArraySize(components) != RATLS_TCB_COMPONENTS) {
        return false;
    }
    cJSON_ArrayForEach(component, components)
    {
        int64_t svn;

        if (!cJSON_IsObject(component) || !ratls_json_get_integer(component, "svn", 0, SVN_MAX, &svn)) {
            return false;
        }
        out[i++] = (uint8_t)svn;
    }
    return true;
}

static ratls_status read_level(ratls_tcb_level *out, const cJSON *level, bool tdx, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *tcb = ratls_json_get_object(level, "tcb");
    int64_t pce_svn;

    CHECK(tcb != NULL, document.malformed, WHAT("a level without tcb"));
    CHECK(read_components(out->sgx, tcb, "sgxtcbcomponents"), document.malformed, WHAT("sgxtcbcomponents"));
    CHECK(ratls_json_get_integer(tcb, "pcesvn", 0, UINT16_MAX, &pce_svn), document.malformed, WHAT("pcesvn"));
    out->pce_svn = (uint16_t)pce_svn;
    if (tdx) {
        CHECK(read_components(out->tdx, tcb, "tdxtcbcomponents"), document.malformed, WHAT("tdxtcbcomponents"));
    } else {
        CHECK(cJSON_GetObjectItemCaseSensitive(tcb, "tdxtcbcomponents") == NULL, document.malformed, WHAT("tdxtcbcomponents in SGX's"));
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

static ratls_status read_levels(ratls_tcb_info *out, const cJSON *object, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *levels = ratls_json_get_array(object, "tcbLevels");
    size_t len = levels == NULL ? 0 : (size_t)cJSON_GetArraySize(levels);
    const cJSON *level;

    CHECK(len > 0 && len <= RATLS_LEVELS_MAX, document.malformed, WHAT("tcbLevels"));
    out->levels = calloc(len, sizeof *out->levels);
    CHECK(out->levels != NULL, RATLS_ERR_OUT_OF_MEMORY);
    cJSON_ArrayForEach(level, levels)
    {
        TRY(read_level(&out->levels[out->levels_len], level, out->tdx, err));
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

static bool read_module(ratls_tdx_module *out, const cJSON *object)
{
    return ratls_json_get_hex(object, "mrsigner", out->mr_signer, sizeof out->mr_signer) &&
           ratls_json_get_hex(object, "attributes", out->attributes, sizeof out->attributes) &&
           ratls_json_get_hex(object, "attributesMask", out->attributes_mask, sizeof out->attributes_mask);
}

/* "TDX_" in either case and two hexadecimal digits (B13, M2). */
static bool read_module_version(uint8_t *out, const cJSON *identity)
{
    const char *id;

    return ratls_json_get_text(identity, "id", &id) && strlen(id) == MODULE_ID_LEN && (id[0] | 0x20) == 't' && (id[1] | 0x20) == 'd' &&
           (id[2] | 0x20) == 'x' && id[3] == '_' && ratls_hex_read(out, 1, id + MODULE_ID_LEN - 2, 2);
}

static ratls_status read_identity(ratls_tdx_module_identity *out, const cJSON *identity, ratls_error **err)
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
static ratls_status read_identities(ratls_tcb_info *out, const cJSON *object, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *identities = cJSON_GetObjectItemCaseSensitive(object, "tdxModuleIdentities");
    const cJSON *identity;
    size_t len;

    if (identities == NULL) {
        return RATLS_OK;
    }
    len = cJSON_IsArray(identities) ? (size_t)cJSON_GetArraySize(identities) : 0;
    CHECK(len > 0 && len <= RATLS_MODULE_IDENTITIES_MAX, document.malformed, WHAT("tdxModuleIdentities"));
    out->identities = calloc(len, sizeof *out->identities);
    CHECK(out->identities != NULL, RATLS_ERR_OUT_OF_MEMORY);
    cJSON_ArrayForEach(identity, identities)
    {
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
static ratls_status read_modules(ratls_tcb_info *out, const cJSON *object, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const cJSON *module = ratls_json_get_object(object, "tdxModule");

    if (!out->tdx) {
        CHECK(cJSON_GetObjectItemCaseSensitive(object, "tdxModule") == NULL &&
                  cJSON_GetObjectItemCaseSensitive(object, "tdxModuleIdentities") == NULL,
              document.malformed, WHAT("TDX modules in SGX's"));
        return RATLS_OK;
    }
    CHECK(module != NULL && read_module(&out->module, module), document.malformed, WHAT("tdxModule"));
    TRY(read_identities(out, object, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_tcb_info_read(ratls_tcb_info *out, ratls_bytes text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    cJSON *object = NULL;

    memset(out, 0, sizeof *out);
    TRY(ratls_document_parse(&object, text, &document, err));
    TRY(read_head(out, object, err));
    TRY(read_modules(out, object, err));
    TRY(read_levels(out, object, err));
    status = RATLS_OK;
out:
    cJSON_Delete(object);
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
    for (size_t i = 0; i < info->levels_len; i++) {
        ratls_tcb_verdict_clear(&info->levels[i].verdict);
    }
    free(info->identities);
    free(info->levels);
    memset(info, 0, sizeof *info);
}

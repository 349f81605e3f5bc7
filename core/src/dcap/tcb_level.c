#include "dcap/tcb_level.h"

#include <string.h>

enum {
    SVN_MODULE = 0,          /* of TEE_TCB_SVN: the module's SVN … */
    SVN_MODULE_VERSION = 1,  /* … and its major version */
    MODULE_COMPONENTS = 2,   /* components that a module identity judges in place of the platform's level */
    MODULE_NAME_LEN = 6      /* TDX_hh */
};

static void write_module_name(char name[MODULE_NAME_LEN + 1], uint8_t version)
{
    memcpy(name, "TDX_", 4);
    ratls_hex_write(name + 4, &version, 1);
}

/* M1, M2: the identity of the module's major version. */
static ratls_status find_identity(
    const ratls_tdx_module_identity **out, const ratls_tcb_info *info, uint8_t version, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char name[MODULE_NAME_LEN + 1];

    *out = NULL;
    write_module_name(name, version);
    CHECK(info->identities_len > 0, RATLS_ERR_DCAP_TDX_MODULE_IDENTITY_MISSING, EXPECTED(name));
    for (size_t i = 0; i < info->identities_len; i++) {
        if (info->identities[i].version == version) {
            *out = &info->identities[i];
        }
    }
    CHECK(*out != NULL, RATLS_ERR_DCAP_TDX_MODULE_UNKNOWN, FOUND(name));
    status = RATLS_OK;
out:
    return status;
}

static bool equal_masked(const uint8_t *a, const uint8_t *b, const uint8_t *mask, size_t len)
{
    uint8_t different = 0;

    for (size_t i = 0; i < len; i++) {
        different |= (uint8_t)((a[i] ^ b[i]) & mask[i]);
    }
    return different == 0;
}

/* M4, M5. */
static ratls_status check_module(const ratls_tdx_module *module, const ratls_parsed_quote *quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes signer = ratls_quote_body_field(quote, RATLS_FIELD_MR_SIGNER_SEAM);
    ratls_bytes attributes = ratls_quote_body_field(quote, RATLS_FIELD_SEAM_ATTRIBUTES);

    CHECK(signer.len == sizeof module->mr_signer && attributes.len == sizeof module->attributes, RATLS_ERR_INTERNAL,
          WHAT("a TD report without the module's identity"));
    CHECK(ratls_bytes_equal(signer, (ratls_bytes){module->mr_signer, sizeof module->mr_signer}), RATLS_ERR_DCAP_TDX_MRSIGNERSEAM,
          FOUND_HEX(signer.data, signer.len), EXPECTED_HEX(module->mr_signer, sizeof module->mr_signer));
    CHECK(equal_masked(attributes.data, module->attributes, module->attributes_mask, sizeof module->attributes),
          RATLS_ERR_DCAP_TDX_SEAMATTRIBUTES, FOUND_HEX(attributes.data, attributes.len),
          EXPECTED_HEX(module->attributes, sizeof module->attributes));
    /* The mask leaves nothing out today; should it ever, what it leaves out must still be zero, as all of it is. */
    CHECK(ratls_bytes_all_zero(attributes) && ratls_bytes_equal(attributes, (ratls_bytes){module->attributes, sizeof module->attributes}),
          RATLS_ERR_DCAP_TDX_SEAMATTRIBUTES, FOUND_HEX(attributes.data, attributes.len),
          EXPECTED_HEX(module->attributes, sizeof module->attributes));
    status = RATLS_OK;
out:
    return status;
}

/* 3.7. */
static ratls_status find_module_level(
    ratls_tcb_position *out, const ratls_tcb_info *info, const ratls_tcb_subject *subject, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t version = subject->tee_tcb_svn[SVN_MODULE_VERSION];
    uint8_t svn = subject->tee_tcb_svn[SVN_MODULE];
    const ratls_tdx_module_identity *identity;
    const ratls_isv_level *level;

    out->in_order = true;
    /* M3: modules before 1.5 have no level of their own; the platform's covers their SVN. */
    if (version == 0) {
        return check_module(&info->module, subject->quote, err);
    }
    TRY(find_identity(&identity, info, version, err));
    TRY(check_module(&identity->module, subject->quote, err));
    level = ratls_isv_levels_find(&identity->levels, svn);
    CHECK(level != NULL, RATLS_ERR_DCAP_TDX_MODULE_SVN_UNSUPPORTED, FOUND_NUMBER(svn));
    out->module = &level->verdict;
    out->in_order = identity->levels.in_order;
    status = RATLS_OK;
out:
    return status;
}

/* Every component from `first` on is at least the level's. */
static bool reaches(const uint8_t *components, const uint8_t *level, size_t first)
{
    for (size_t i = first; i < RATLS_TCB_COMPONENTS; i++) {
        if (components[i] < level[i]) {
            return false;
        }
    }
    return true;
}

/* 3.8: the first level, from the highest down, that the platform reaches in everything. */
static const ratls_tcb_level *find_platform_level(const ratls_tcb_info *info, const ratls_tcb_subject *subject)
{
    const uint8_t *svn = subject->tee_tcb_svn;
    size_t first = svn != NULL && svn[SVN_MODULE_VERSION] > 0 ? MODULE_COMPONENTS : 0;

    for (size_t i = 0; i < info->levels_len; i++) {
        const ratls_tcb_level *level = &info->levels[i];

        if (reaches(subject->pck->components, level->sgx, 0) && subject->pck->pce_svn >= level->pce_svn &&
            (svn == NULL || reaches(svn, level->tdx, first))) {
            return level;
        }
    }
    return NULL;
}

ratls_status ratls_tcb_position_find(
    ratls_tcb_position *out, const ratls_tcb_info *info, const ratls_tcb_subject *subject, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const uint8_t *svn = subject->tee_tcb_svn;
    const ratls_tcb_level *level;

    *out = (ratls_tcb_position){.in_order = true};
    CHECK(info->tdx == (svn != NULL), RATLS_ERR_INTERNAL, WHAT("TCB info of another TEE"));
    if (svn != NULL) {
        TRY(find_module_level(out, info, subject, err));
    }
    level = find_platform_level(info, subject);
    CHECK(level != NULL, RATLS_ERR_DCAP_TCB_NOT_SUPPORTED, FOUND_HEX(subject->pck->components, RATLS_TCB_COMPONENTS),
          ratls_detail_number("pce_svn", subject->pck->pce_svn),
          ratls_detail_hex("tee_tcb_svn", svn, svn == NULL ? 0 : RATLS_TCB_COMPONENTS));
    out->platform = &level->verdict;
    out->every_component = svn == NULL || reaches(svn, level->tdx, 0);
    status = RATLS_OK;
out:
    return status;
}

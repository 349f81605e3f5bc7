/** Intel's TCB info: which platforms and TDX modules have which status (DCAP rules 2.5, 3.4). */
#ifndef RATLS_DCAP_TCB_INFO_H
#define RATLS_DCAP_TCB_INFO_H

#include "dcap/level_json.h"
#include "evidence/sgx_extension.h"

enum {
    RATLS_TCB_COMPONENTS = RATLS_SGX_COMPONENTS,
    RATLS_SEAM_ATTRIBUTES_LEN = 8,
    RATLS_MODULE_IDENTITIES_MAX = 64
};

/** A level of the platform. */
typedef struct {
    uint8_t sgx[RATLS_TCB_COMPONENTS];
    uint16_t pce_svn;
    uint8_t tdx[RATLS_TCB_COMPONENTS]; /* zero in SGX's */
    ratls_tcb_verdict verdict;
} ratls_tcb_level;

/** Who signs a TDX module, and its attributes. */
typedef struct {
    uint8_t mr_signer[RATLS_MEASUREMENT_LEN];
    uint8_t attributes[RATLS_SEAM_ATTRIBUTES_LEN];
    uint8_t attributes_mask[RATLS_SEAM_ATTRIBUTES_LEN];
} ratls_tdx_module;

/** The modules of one major version. */
typedef struct {
    uint8_t version; /* of the id TDX_hh */
    ratls_tdx_module module;
    ratls_isv_levels levels;
} ratls_tdx_module_identity;

typedef struct {
    ratls_document_text document; /* what the levels borrow */
    bool tdx;
    int64_t issue_date;
    int64_t next_update;
    uint8_t fmspc[RATLS_FMSPC_LEN];
    uint8_t pce_id[RATLS_PCE_ID_LEN];
    uint32_t evaluation_data_number;
    ratls_tdx_module module;
    ratls_tdx_module_identity *identities;
    size_t identities_len;
    ratls_tcb_level *levels; /* highest first, none twice */
    size_t levels_len;
    bool in_order; /* as the document has them, too */
} ratls_tcb_info;

/** Read the text, whose signature was verified: B2 to B5, B11 to B13. */
ratls_status ratls_tcb_info_read(ratls_tcb_info *out, ratls_bytes text, ratls_error **err);

/** B6, B7. */
ratls_status ratls_tcb_info_check_dates(const ratls_tcb_info *info, int64_t now, ratls_error **err);

void ratls_tcb_info_clear(ratls_tcb_info *info);

#endif

/** Intel's QE identity: which quoting enclaves are genuine and current (DCAP rules 2.5, 3.5). */
#ifndef RATLS_DCAP_QE_IDENTITY_H
#define RATLS_DCAP_QE_IDENTITY_H

#include "dcap/level_json.h"

enum {
    RATLS_MISCSELECT_LEN = 4,
    RATLS_ENCLAVE_ATTRIBUTES_LEN = 16,
    RATLS_ENCLAVE_MRSIGNER_LEN = 32
};

typedef struct {
    ratls_document_text document; /* what the levels borrow */
    bool tdx; /* TD_QE, else QE */
    int64_t issue_date;
    int64_t next_update;
    uint32_t evaluation_data_number;
    uint8_t miscselect[RATLS_MISCSELECT_LEN]; /* has no bit outside its mask; so have the attributes */
    uint8_t miscselect_mask[RATLS_MISCSELECT_LEN];
    uint8_t attributes[RATLS_ENCLAVE_ATTRIBUTES_LEN];
    uint8_t attributes_mask[RATLS_ENCLAVE_ATTRIBUTES_LEN];
    uint8_t mr_signer[RATLS_ENCLAVE_MRSIGNER_LEN];
    uint16_t isv_prod_id;
    ratls_isv_levels levels;
} ratls_qe_identity;

/** Read the text, whose signature was verified: E2, E3 as far as no quote is needed, E5, E6. */
ratls_status ratls_qe_identity_read(ratls_qe_identity *out, ratls_bytes text, ratls_error **err);

/** E4. */
ratls_status ratls_qe_identity_check_dates(const ratls_qe_identity *identity, int64_t now, ratls_error **err);

void ratls_qe_identity_clear(ratls_qe_identity *identity);

#endif

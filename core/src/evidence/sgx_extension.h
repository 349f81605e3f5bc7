/** Intel's SGX extension of a PCK certificate, 1.2.840.113741.1.13.1 (DCAP rules 2.4). */
#ifndef RATLS_EVIDENCE_SGX_EXTENSION_H
#define RATLS_EVIDENCE_SGX_EXTENSION_H

#include "base/certificate.h"

enum {
    RATLS_SGX_COMPONENTS = 16,
    RATLS_PPID_LEN = 16,
    RATLS_CPU_SVN_LEN = 16,
    RATLS_PCE_ID_LEN = 2,
    RATLS_FMSPC_LEN = 6,
    RATLS_PLATFORM_INSTANCE_ID_LEN = 16
};

typedef struct {
    uint8_t ppid[RATLS_PPID_LEN];
    uint8_t components[RATLS_SGX_COMPONENTS]; /* .2.1 to .2.16 */
    uint16_t pce_svn;
    uint8_t cpu_svn[RATLS_CPU_SVN_LEN]; /* .2.18; not compared with the components here (P6) */
    uint8_t pce_id[RATLS_PCE_ID_LEN];
    uint8_t fmspc[RATLS_FMSPC_LEN];
    uint8_t sgx_type; /* 0 Standard, 1 Scalable, 2 ScalableWithIntegrity */
    bool platform;    /* the seven-element form, which only the Platform CA issues; what follows is set only then */
    uint8_t platform_instance_id[RATLS_PLATFORM_INSTANCE_ID_LEN];
    bool dynamic_platform;
    bool cached_keys;
    bool smt_enabled;
} ratls_sgx_extension;

/** Read the extension: exactly the five or seven elements, none twice, none unknown, in any order.
 *  Fails with DCAP_PCK_SGX_EXT_MISSING or DCAP_PCK_SGX_EXT_FORMAT (also when it is there twice). Whether
 *  the form fits the issuing CA is for the caller to check, who knows the issuer. */
ratls_status ratls_sgx_extension_parse(ratls_sgx_extension *out, const ratls_certificate *pck, ratls_error **err);

#endif

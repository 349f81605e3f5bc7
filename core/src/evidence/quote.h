/** Intel quotes v3, v4 and v5, as borrowed slices: structure only, nothing verified (DCAP rules, section 1). */
#ifndef RATLS_EVIDENCE_QUOTE_H
#define RATLS_EVIDENCE_QUOTE_H

#include "base/error.h"

enum {
    RATLS_QUOTE_SIZE_MAX = 64 * 1024,            /* the quote and what follows it */
    RATLS_QUOTE_CERTIFICATION_DATA_MAX = 32 * 1024,
    RATLS_QUOTE_HEADER_LEN = 48,
    RATLS_ENCLAVE_REPORT_LEN = 384,
    RATLS_TD_REPORT_10_LEN = 584,
    RATLS_TD_REPORT_15_LEN = 648,
    RATLS_REPORT_DATA_LEN = 64,
    RATLS_MEASUREMENT_LEN = 48,
    RATLS_TEE_SGX = 0x00,
    RATLS_TEE_TDX = 0x81
};

/** Every slice borrows the bytes that were parsed. */
typedef struct {
    uint16_t version;              /* 3, 4 or 5 */
    uint16_t attestation_key_type; /* 2 */
    uint32_t tee_type;             /* RATLS_TEE_SGX or RATLS_TEE_TDX */
    uint16_t body_type;            /* v5: 1, 2, 3; else 0 */
    ratls_bytes qe_vendor_id;      /* 16 */
    ratls_bytes user_data;         /* 20 */
    ratls_bytes body;              /* TD report (584 or 648) or enclave report (384) */
    ratls_bytes signed_bytes;      /* header (descriptor) and body */
    ratls_bytes signature;         /* 64, r ‖ s */
    ratls_bytes attestation_key;   /* 64, X ‖ Y */
    ratls_bytes qe_report;         /* 384 */
    ratls_bytes qe_report_signature; /* 64 */
    ratls_bytes qe_authentication_data;
    uint16_t certification_data_type; /* innermost: 1 to 5 */
    ratls_bytes certification_data;
    ratls_bytes whole;             /* exactly the quote */
    ratls_bytes trailing;          /* what follows it: unsigned, tolerated */
} ratls_parsed_quote;

/** Parse a quote: checks Q1 to Q12 with their own codes. */
ratls_status ratls_quote_parse(ratls_parsed_quote *out, ratls_bytes input, ratls_error **err);

/** Parse header and body only, for inspection when the signature data cannot be read: checks Q1 to Q7. */
ratls_status ratls_quote_parse_body(ratls_parsed_quote *out, ratls_bytes input, ratls_error **err);

/** Bytes of the body that a field names (RATLS_FIELD_*); empty where this kind of quote has none. */
ratls_bytes ratls_quote_body_field(const ratls_parsed_quote *quote, ratls_field field);

/** DEBUG of the TD or the enclave. */
bool ratls_quote_is_debug(const ratls_parsed_quote *quote);

#endif

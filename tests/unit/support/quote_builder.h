/** Quotes for tests: right in form, with fillers for keys and signatures, and fields that a test may set wrong. */
#ifndef RATLS_TEST_QUOTE_BUILDER_H
#define RATLS_TEST_QUOTE_BUILDER_H

#include "support/buffer.h"

/** Everything that the builder writes; the *_delta are added to lengths that are right by themselves. */
typedef struct {
    uint16_t version;
    uint16_t key_type;
    uint32_t tee_type;
    uint8_t reserved[4]; /* v3: security versions of QE and PCE */
    uint8_t vendor_first; /* first byte of the vendor id */
    uint16_t body_type;  /* v5 only */
    uint32_t body_size;  /* v5 only */
    size_t body_len;
    uint8_t td_attributes_first;
    uint8_t enclave_flags;
    uint8_t report_data_fill;
    int64_t signature_len_delta;
    uint16_t outer_type;
    int64_t outer_size_delta;
    uint16_t authentication_len;
    int64_t authentication_len_delta;
    uint16_t certification_type;
    int64_t certification_len_delta;
    const test_buffer *certification; /* NULL: the chain that chain_build() makes */
    size_t slack;    /* bytes after the certification data, inside the signature data */
    size_t trailing; /* bytes after the quote */
} quote_spec;

/* A good one of each kind. */
quote_spec quote_spec_tdx_v4(void);
quote_spec quote_spec_tdx_v5(uint16_t body_type);
quote_spec quote_spec_sgx(uint16_t version);

void quote_build(test_buffer *out, const quote_spec *spec);

/** Value of SGX extension bytes that the chain's leaf carries; one thing wrong on request. */
typedef enum {
    SGX_EXTENSION_PLATFORM,  /* good, seven elements */
    SGX_EXTENSION_PROCESSOR, /* good, five elements */
    SGX_EXTENSION_SIX_ELEMENTS,
    SGX_EXTENSION_SEVENTEEN_COMPONENTS,
    SGX_EXTENSION_COMPONENT_TWICE,
    SGX_EXTENSION_COMPONENT_256,
    SGX_EXTENSION_COMPONENT_NEGATIVE,
    SGX_EXTENSION_COMPONENT_NOT_MINIMAL,
    SGX_EXTENSION_PCE_SVN_TOO_LARGE,
    SGX_EXTENSION_CPU_SVN_SHORT,
    SGX_EXTENSION_FMSPC_5_BYTES,
    SGX_EXTENSION_PCE_ID_3_BYTES,
    SGX_EXTENSION_PPID_NOT_OCTETS,
    SGX_EXTENSION_TYPE_3,
    SGX_EXTENSION_UNKNOWN_OID,
    SGX_EXTENSION_FMSPC_TWICE,
    SGX_EXTENSION_FLAG_NOT_FF,
    SGX_EXTENSION_FLAG_MISSING,
    SGX_EXTENSION_PAIR_OF_THREE,
    SGX_EXTENSION_TRAILING,
    SGX_EXTENSION_FAULT_COUNT
} sgx_extension_fault;

void sgx_extension_build(test_buffer *out, sgx_extension_fault fault);

/** The OID of the SGX extension, content octets. */
extern const uint8_t sgx_oid[9];

/** Add a PEM block. */
void pem_add(test_buffer *out, const char *label, const uint8_t *der, size_t der_len);

/** Three certificates in PEM and a NUL, the first with the platform form of the SGX extension. */
void chain_build(test_buffer *out);

#endif

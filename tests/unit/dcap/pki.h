/** An Intel-shaped PKI of the tests' own: chains, CRLs, collateral and quotes that pass every rule, made from recipes
 *  whose every part a test may set wrong before it is signed. */
#ifndef RATLS_TEST_DCAP_PKI_H
#define RATLS_TEST_DCAP_PKI_H

#include <openssl/evp.h>

#include "dcap/dcap.h"
#include "support/buffer.h"

#define PKI_NOW INT64_C(1736899200)    /* 2025-01-15T00:00:00Z: everything is valid */
#define PKI_ISSUED INT64_C(1735689600) /* 2025-01-01T00:00:00Z */
#define PKI_ENDS INT64_C(1738281600)   /* 2025-01-31T00:00:00Z */

enum {
    PKI_EDITS_MAX = 4,
    PKI_SERIALS_MAX = 4,
    PKI_SERIAL_LEN = 20,
    PKI_ABSENT = -1
};

/** The SGX extension of the PCK certificate. */
typedef struct {
    bool absent;
    bool twice;
    bool platform; /* the seven-element form */
    size_t fmspc_len;
    uint8_t fmspc[6];
    uint8_t pce_id[2];
    uint8_t components[16];
    uint8_t cpu_svn[16];
    uint16_t pce_svn;
} pki_platform;

typedef struct {
    const char *subject; /* commonName; what else a name has is fixed */
    size_t subject_len;  /* 0: all of the text */
    const char *issuer;
    bool printable;      /* names in PrintableString rather than UTF8String */
    EVP_PKEY *key;
    EVP_PKEY *issuer_key;
    EVP_PKEY *authority; /* whose key identifier it names; NULL: the issuer's */
    bool sha384;         /* names another signature algorithm, signs as always */
    bool explicit_curve; /* the key with written-out parameters */
    uint8_t serial[PKI_SERIAL_LEN + 1];
    size_t serial_len;
    int64_t not_before;
    int64_t not_after;
    int version;          /* as encoded */
    int ca;               /* 0, 1 or PKI_ABSENT: no basic constraints */
    bool not_critical;    /* basic constraints and key usage are not critical */
    int path_length;      /* or PKI_ABSENT */
    int usage;            /* first byte of keyUsage, or PKI_ABSENT */
    bool no_subject_key_id;
    bool no_authority_key_id;
    bool no_distribution_points;
    bool twice_subject_key_id;
    bool unknown_critical;
    const pki_platform *platform; /* NULL: no SGX extension */
    bool bad_signature;
    bool trailing;
} pki_certificate;

typedef struct {
    const char *issuer;
    EVP_PKEY *issuer_key;
    EVP_PKEY *signing_key; /* NULL: the issuer's */
    EVP_PKEY *authority;   /* NULL: the issuer's */
    int version;           /* as encoded */
    int64_t this_update;
    int64_t next_update;
    bool no_next_update;
    bool sha384;
    const pki_certificate *listed[PKI_SERIALS_MAX];
    size_t listed_len;
    int reason; /* of every entry, or PKI_ABSENT */
    bool entry_unknown_critical;
    bool no_number;
    bool no_authority_key_id;
    bool delta;
    bool distribution_point;
    bool unknown_critical;
    bool bad_signature;
    bool trailing;
    size_t padding; /* further entries, of serials nobody has */
} pki_crl;

/** A change to a text: the first `from` becomes `to`. */
typedef struct {
    const char *from;
    const char *to;
} pki_edit;

/** A signed document. */
typedef struct {
    const char *status;         /* of the highest level */
    const char *second_status;  /* of the one below it */
    pki_edit edits[PKI_EDITS_MAX]; /* before it is signed */
    pki_edit late;              /* after */
    bool bad_signature;
    EVP_PKEY *key;              /* NULL: the signer's */
} pki_document;

typedef struct {
    EVP_PKEY *root_key;
    EVP_PKEY *ca_key;
    EVP_PKEY *leaf_key;
    EVP_PKEY *signer_key;
    EVP_PKEY *attestation_key;
    EVP_PKEY *other_key; /* nobody's */
    pki_platform platform;
    pki_certificate root; /* in every chain, and the anchor before any change */
    pki_certificate ca;
    pki_certificate leaf;
    pki_certificate signer;
    pki_certificate qe_signer;      /* used when `own_qe_signer` says so */
    bool own_qe_signer;
    bool other_tee_tcb_info;    /* the documents of the other TEE, properly made */
    bool other_tee_qe_identity;
    pki_certificate anchor;
    pki_crl root_crl;
    pki_crl pck_crl;
    pki_document tcb_info;
    pki_document qe_identity;
    const char *module_status;        /* of the TDX modules' highest level */
    const char *module_second_status;
    const pki_certificate *pck_chain[4]; /* leaf first, unless a test says otherwise; ends with NULL */
    const pki_certificate *signer_chain[4];
    const char *pck_chain_text;       /* in place of the quote's chain */
    const char *tcb_info_chain_text;  /* in place of the TCB info's */
    bool bundle_has_pck_chain;
    bool crls_as_pem;
    bool crls_upper_case;
    pki_edit bundle_edits[PKI_EDITS_MAX];
    /* The quote. */
    uint16_t version;
    uint16_t body_type;               /* v5 */
    bool tdx;
    uint8_t body[RATLS_TD_REPORT_15_LEN];
    uint8_t qe_report[RATLS_ENCLAVE_REPORT_LEN];
    uint8_t authentication[64];
    size_t authentication_len;
    bool keep_report_data;            /* the QE report's as the test set it */
    bool attestation_key_off_curve;
    bool bad_qe_signature;
    bool bad_quote_signature;
    bool sign_body_only;
    uint16_t certification_type;
    uint8_t certification_ppid_first;
    uint8_t certification_cpu_svn_first;
    size_t certification_trailing;
    /* What pki_build() makes. */
    test_buffer quote;
    test_buffer bundle;
    test_buffer anchor_der;
} pki;

typedef enum {
    PKI_TDX_V4,
    PKI_TDX_V5_TD10,
    PKI_TDX_V5_TD15,
    PKI_SGX_V3,
    PKI_SGX_V4,
    PKI_SGX_V5
} pki_kind;

/** Recipes of a world in which everything is valid and up to date. */
void pki_init(pki *world, pki_kind kind);

/** Sign and write everything. */
void pki_build(pki *world);

void pki_clear(pki *world);

/** Parse, prepare and verify what was built, at this time. */
ratls_status pki_verify(ratls_claims *claims, const pki *world, int64_t now, ratls_error **err);

/** The DER of one certificate or list, and the PEM of a chain. */
void pki_certificate_write(test_buffer *out, const pki_certificate *recipe);
void pki_crl_write(test_buffer *out, const pki_crl *recipe);
void pki_pem_write(test_buffer *out, const char *label, const test_buffer *der);

/** Text of the documents, edited, as they are signed. */
void pki_tcb_info_write(test_buffer *out, const pki *world);
void pki_qe_identity_write(test_buffer *out, const pki *world);

/** r ‖ s over the bytes, and the key as X ‖ Y. */
void pki_sign_raw(uint8_t signature64[64], EVP_PKEY *key, ratls_bytes message);
void pki_point(uint8_t point64[64], EVP_PKEY *key);

EVP_PKEY *pki_key_new(void);

/** Add a change to the first free place. */
void pki_edit_add(pki_edit edits[PKI_EDITS_MAX], const char *from, const char *to);

/** Text with every edit made; a text that an edit does not find ends the test. */
void pki_edit_apply(test_buffer *text, const pki_edit *edits, size_t len);

#endif

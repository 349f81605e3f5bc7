/** Contents of the X.509 extensions that the DCAP rules look into. */
#ifndef RATLS_DCAP_KEY_EXTENSIONS_H
#define RATLS_DCAP_KEY_EXTENSIONS_H

#include "base/certificate.h"

enum {
    RATLS_USAGE_DIGITAL_SIGNATURE = 0x80, /* bits of the first byte of keyUsage */
    RATLS_USAGE_CERTIFICATE_SIGN = 0x04,
    RATLS_USAGE_CRL_SIGN = 0x02
};

extern const ratls_bytes ratls_oid_subject_key_id;
extern const ratls_bytes ratls_oid_key_usage;
extern const ratls_bytes ratls_oid_basic_constraints;
extern const ratls_bytes ratls_oid_crl_number;
extern const ratls_bytes ratls_oid_delta_crl;
extern const ratls_bytes ratls_oid_issuing_distribution_point;
extern const ratls_bytes ratls_oid_crl_distribution_points;
extern const ratls_bytes ratls_oid_authority_key_id;

typedef struct {
    bool ca;
    bool has_path_length;
    uint64_t path_length;
} ratls_basic_constraints;

/* Each reads the content of extnValue; false when that is not strict DER of its kind. */
bool ratls_basic_constraints_read(ratls_basic_constraints *out, ratls_bytes value);
bool ratls_key_usage_read(uint8_t *first_byte, ratls_bytes value);
bool ratls_subject_key_id_read(ratls_bytes *out, ratls_bytes value);
/** The key identifier; false also when there is none. */
bool ratls_authority_key_id_read(ratls_bytes *out, ratls_bytes value);

#endif

#include "dcap/certificate_rules.h"

#include "dcap/key_extensions.h"

enum {
    VERSION_3 = 3,
    SERIAL_MAX = 20,
    ROOT_PATH_LENGTH_MIN = 1
};

bool ratls_is_ecdsa_sha256(ratls_bytes algorithm)
{
    /* SEQUENCE of 1.2.840.10045.4.3.2 and nothing else. */
    static const uint8_t expected[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};

    return ratls_bytes_equal(algorithm, (ratls_bytes){expected, sizeof expected});
}

/* A serial whose top bit is set has a zero byte before it, which does not count (X12). */
static bool serial_acceptable(ratls_bytes serial)
{
    bool padded = serial.len > 1 && serial.data[0] == 0x00;

    return serial.len - (padded ? 1 : 0) <= SERIAL_MAX && serial.data[0] < 0x80 && !ratls_bytes_all_zero(serial);
}

const char *ratls_certificate_read(ratls_chain_link *out, ratls_bytes der)
{
    const char *fault = NULL;

    if (!ratls_certificate_parse(&out->parsed, der, &fault)) {
        return fault;
    }
    if (out->parsed.version != VERSION_3) {
        return "it is not version 3";
    }
    return serial_acceptable(out->parsed.serial) ? NULL : "its serial number is not positive or longer than 20 bytes";
}

/* What the rules read; only these may be critical (X5). */
static bool is_known(ratls_bytes oid)
{
    return ratls_bytes_equal(oid, ratls_oid_key_usage) || ratls_bytes_equal(oid, ratls_oid_basic_constraints) ||
           ratls_bytes_equal(oid, ratls_oid_subject_key_id) || ratls_bytes_equal(oid, ratls_oid_authority_key_id) ||
           ratls_bytes_equal(oid, ratls_oid_crl_distribution_points);
}

static const char *judge_each(const ratls_certificate *certificate)
{
    for (size_t i = 0; i < certificate->extensions_len; i++) {
        const ratls_extension *extension = &certificate->extensions[i];
        size_t count;

        if (extension->critical && !is_known(extension->oid)) {
            return "an unknown critical extension";
        }
        (void)ratls_certificate_extension(certificate, extension->oid, &count);
        if (count != 1) {
            return "an extension is there twice";
        }
    }
    return NULL;
}

const char *ratls_certificate_judge_extensions(ratls_chain_link *link)
{
    const ratls_certificate *certificate = &link->parsed;
    const ratls_extension *subject_key_id = ratls_certificate_extension(certificate, ratls_oid_subject_key_id, NULL);
    const ratls_extension *authority_key_id = ratls_certificate_extension(certificate, ratls_oid_authority_key_id, NULL);
    const char *fault = judge_each(certificate);

    if (fault != NULL) {
        return fault;
    }
    if (ratls_certificate_extension(certificate, ratls_oid_crl_distribution_points, NULL) == NULL) {
        return "no CRL distribution points";
    }
    if (subject_key_id == NULL || !ratls_subject_key_id_read(&link->subject_key_id, subject_key_id->value)) {
        return "no subject key identifier";
    }
    if (authority_key_id == NULL || !ratls_authority_key_id_read(&link->authority_key_id, authority_key_id->value)) {
        return "no authority key identifier";
    }
    if (ratls_certificate_extension(certificate, ratls_oid_key_usage, NULL) == NULL) {
        return "no key usage";
    }
    return ratls_certificate_extension(certificate, ratls_oid_basic_constraints, NULL) == NULL ? "no basic constraints" : NULL;
}

static const char *judge_ca(const ratls_basic_constraints *constraints, bool critical, uint8_t usage, bool root)
{
    if (!constraints->ca || !critical) {
        return "no critical basic constraints that make it a CA";
    }
    if (constraints->has_path_length && (root ? constraints->path_length < ROOT_PATH_LENGTH_MIN : constraints->path_length != 0)) {
        return "its path length does not fit its place";
    }
    if ((usage & RATLS_USAGE_CERTIFICATE_SIGN) == 0 || (usage & RATLS_USAGE_CRL_SIGN) == 0) {
        return "its key may not sign certificates and CRLs";
    }
    return NULL;
}

static const char *judge_end_entity(const ratls_basic_constraints *constraints, uint8_t usage)
{
    if (constraints->ca || constraints->has_path_length) {
        return "it is a CA certificate";
    }
    if ((usage & RATLS_USAGE_DIGITAL_SIGNATURE) == 0) {
        return "its key may not sign";
    }
    return (usage & RATLS_USAGE_CERTIFICATE_SIGN) != 0 ? "its key may sign certificates" : NULL;
}

const char *ratls_certificate_judge_role(const ratls_chain_link *link, ratls_certificate_role role)
{
    const ratls_extension *constraints_extension = ratls_certificate_extension(&link->parsed, ratls_oid_basic_constraints, NULL);
    const ratls_extension *usage_extension = ratls_certificate_extension(&link->parsed, ratls_oid_key_usage, NULL);
    ratls_basic_constraints constraints;
    uint8_t usage;

    if (constraints_extension == NULL || !ratls_basic_constraints_read(&constraints, constraints_extension->value)) {
        return "its basic constraints are malformed";
    }
    if (usage_extension == NULL || !ratls_key_usage_read(&usage, usage_extension->value)) {
        return "its key usage is malformed";
    }
    return role == RATLS_ROLE_END_ENTITY ? judge_end_entity(&constraints, usage)
                                         : judge_ca(&constraints, constraints_extension->critical, usage, role == RATLS_ROLE_ROOT);
}

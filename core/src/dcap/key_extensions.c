#include "dcap/key_extensions.h"

enum {
    TAG_KEY_IDENTIFIER = 0x80, /* [0] IMPLICIT */
    UNUSED_BITS_MAX = 7
};

static const uint8_t subject_key_id[] = {0x55, 0x1d, 0x0e};
static const uint8_t key_usage[] = {0x55, 0x1d, 0x0f};
static const uint8_t basic_constraints[] = {0x55, 0x1d, 0x13};
static const uint8_t crl_number[] = {0x55, 0x1d, 0x14};
static const uint8_t delta_crl[] = {0x55, 0x1d, 0x1b};
static const uint8_t issuing_distribution_point[] = {0x55, 0x1d, 0x1c};
static const uint8_t crl_distribution_points[] = {0x55, 0x1d, 0x1f};
static const uint8_t authority_key_id[] = {0x55, 0x1d, 0x23};

const ratls_bytes ratls_oid_subject_key_id = {subject_key_id, sizeof subject_key_id};
const ratls_bytes ratls_oid_key_usage = {key_usage, sizeof key_usage};
const ratls_bytes ratls_oid_basic_constraints = {basic_constraints, sizeof basic_constraints};
const ratls_bytes ratls_oid_crl_number = {crl_number, sizeof crl_number};
const ratls_bytes ratls_oid_delta_crl = {delta_crl, sizeof delta_crl};
const ratls_bytes ratls_oid_issuing_distribution_point = {issuing_distribution_point, sizeof issuing_distribution_point};
const ratls_bytes ratls_oid_crl_distribution_points = {crl_distribution_points, sizeof crl_distribution_points};
const ratls_bytes ratls_oid_authority_key_id = {authority_key_id, sizeof authority_key_id};

bool ratls_basic_constraints_read(ratls_basic_constraints *out, ratls_bytes value)
{
    ratls_der sequence, element;
    ratls_reader reader;
    bool present;

    *out = (ratls_basic_constraints){0};
    if (!ratls_der_only(value, RATLS_DER_SEQUENCE, &sequence)) {
        return false;
    }
    reader = ratls_reader_over(sequence.content);
    /* X.690, 11.5: FALSE is the default and is not encoded. */
    if (!ratls_der_optional(&reader, RATLS_DER_BOOLEAN, &element, &present) ||
        (present && (!ratls_der_boolean(&element, &out->ca) || !out->ca))) {
        return false;
    }
    if (!ratls_der_optional(&reader, RATLS_DER_INTEGER, &element, &out->has_path_length) ||
        (out->has_path_length && !ratls_der_unsigned(&element, &out->path_length))) {
        return false;
    }
    return reader.left == 0;
}

bool ratls_key_usage_read(uint8_t *first_byte, ratls_bytes value)
{
    ratls_der bits;
    ratls_reader reader;
    ratls_bytes rest;
    uint8_t unused;

    if (!ratls_der_only(value, RATLS_DER_BIT_STRING, &bits)) {
        return false;
    }
    reader = ratls_reader_over(bits.content);
    if (!ratls_reader_u8(&reader, &unused) || unused > UNUSED_BITS_MAX || !ratls_reader_u8(&reader, first_byte) ||
        !ratls_reader_take(&reader, &rest, reader.left)) {
        return false;
    }
    /* X.690, 11.2.2: the string ends with its last bit that is set. */
    return (bits.content.data[bits.content.len - 1] & ((2 << unused) - 1)) == 1 << unused;
}

bool ratls_subject_key_id_read(ratls_bytes *out, ratls_bytes value)
{
    ratls_der id;

    if (!ratls_der_only(value, RATLS_DER_OCTET_STRING, &id) || id.content.len == 0) {
        return false;
    }
    *out = id.content;
    return true;
}

bool ratls_authority_key_id_read(ratls_bytes *out, ratls_bytes value)
{
    ratls_der sequence, id;
    ratls_reader reader;

    if (!ratls_der_only(value, RATLS_DER_SEQUENCE, &sequence)) {
        return false;
    }
    reader = ratls_reader_over(sequence.content);
    if (!ratls_der_expect(&reader, TAG_KEY_IDENTIFIER, &id) || id.content.len == 0) {
        return false;
    }
    *out = id.content;
    /* What may follow, the issuer's issuer and serial, adds nothing to the key's identifier. */
    while (reader.left > 0) {
        if (!ratls_der_next(&reader, &id)) {
            return false;
        }
    }
    return true;
}

#include "base/certificate.h"

#include <string.h>

enum {
    TAG_VERSION = 0xa0, /* [0] EXPLICIT */
    TAG_ISSUER_UNIQUE_ID = 0x81,
    TAG_SUBJECT_UNIQUE_ID = 0x82,
    TAG_EXTENSIONS = 0xa3, /* [3] EXPLICIT */
    VERSION_1 = 1,
    VERSION_3 = 3
};

static const uint8_t oid_common_name[] = {0x55, 0x04, 0x03};

/* The static parsers below return what is wrong as a literal, NULL when nothing is. */

/* AlgorithmIdentifier and the like: an OID and at most one element of any kind after it. */
static bool oid_with_parameters(ratls_bytes content)
{
    ratls_reader reader = ratls_reader_over(content);
    ratls_der oid, parameters;

    return ratls_der_expect(&reader, RATLS_DER_OID, &oid) && ratls_der_oid_valid(oid.content) &&
           (reader.left == 0 || (ratls_der_next(&reader, &parameters) && reader.left == 0));
}

static const char *read_version(ratls_certificate *out, ratls_reader *reader)
{
    ratls_der wrapper, version;
    bool present;
    uint64_t number;

    out->version = VERSION_1;
    if (!ratls_der_optional(reader, TAG_VERSION, &wrapper, &present)) {
        return "version";
    }
    if (!present) {
        return NULL;
    }
    /* X.690, 11.5: a default value (v1) is not encoded. */
    if (!ratls_der_only(wrapper.content, RATLS_DER_INTEGER, &version) || !ratls_der_unsigned(&version, &number) || number < 1 ||
        number >= VERSION_3) {
        return "version";
    }
    out->version = (uint8_t)(number + 1);
    return NULL;
}

/* SET OF in DER is in ascending order (X.690, 11.6): the shorter of two with a common start is first. */
static bool in_order(ratls_bytes before, ratls_bytes after)
{
    size_t common = before.len < after.len ? before.len : after.len;
    int order = memcmp(before.data, after.data, common);

    return order < 0 || (order == 0 && before.len <= after.len);
}

/* One attribute of a Name: its type and its value. */
static bool read_attribute(ratls_der *type, ratls_der *value, ratls_bytes attribute)
{
    ratls_reader reader = ratls_reader_over(attribute);

    return ratls_der_expect(&reader, RATLS_DER_OID, type) && ratls_der_oid_valid(type->content) && ratls_der_next(&reader, value) &&
           reader.left == 0;
}

/* RelativeDistinguishedName: counts the commonNames that it holds; the last is in *common_name. */
static bool read_relative_name(ratls_bytes set, size_t *common_names, ratls_bytes *common_name)
{
    ratls_reader reader = ratls_reader_over(set);
    ratls_der attribute, before = {0}, type, value;

    do {
        if (!ratls_der_expect(&reader, RATLS_DER_SEQUENCE, &attribute) || !read_attribute(&type, &value, attribute.content) ||
            (before.whole.len > 0 && !in_order(before.whole, attribute.whole))) {
            return false;
        }
        if (ratls_bytes_equal(type.content, (ratls_bytes){oid_common_name, sizeof oid_common_name})) {
            *common_name = value.content;
            *common_names += 1;
        }
        before = attribute;
    } while (reader.left > 0);
    return true;
}

static bool read_name(ratls_bytes name, size_t *common_names, ratls_bytes *common_name)
{
    ratls_der sequence, set;
    ratls_reader reader;

    if (!ratls_der_only(name, RATLS_DER_SEQUENCE, &sequence)) {
        return false;
    }
    reader = ratls_reader_over(sequence.content);
    while (reader.left > 0) {
        if (!ratls_der_expect(&reader, RATLS_DER_SET, &set) || !read_relative_name(set.content, common_names, common_name)) {
            return false;
        }
    }
    return true;
}

bool ratls_name_common_name(ratls_bytes name, ratls_bytes *out)
{
    ratls_bytes found = {0};
    size_t count = 0;

    if (!read_name(name, &count, &found) || count != 1) {
        return false;
    }
    *out = found;
    return true;
}

static bool take_name(ratls_bytes *out, ratls_reader *reader)
{
    ratls_bytes common_name;
    size_t common_names = 0;
    ratls_der name;

    if (!ratls_der_expect(reader, RATLS_DER_SEQUENCE, &name) || !read_name(name.whole, &common_names, &common_name)) {
        return false;
    }
    *out = name.whole;
    return true;
}

static const char *read_validity(ratls_certificate *out, ratls_reader *reader)
{
    ratls_der validity, before, after;
    ratls_reader inside;

    if (!ratls_der_expect(reader, RATLS_DER_SEQUENCE, &validity)) {
        return "validity";
    }
    inside = ratls_reader_over(validity.content);
    if (!ratls_der_next(&inside, &before) || !ratls_der_time(&before, &out->not_before)) {
        return "notBefore";
    }
    if (!ratls_der_next(&inside, &after) || !ratls_der_time(&after, &out->not_after) || inside.left > 0) {
        return "notAfter";
    }
    return NULL;
}

static const char *read_spki(ratls_certificate *out, ratls_reader *reader)
{
    ratls_der spki, algorithm, key;
    ratls_reader inside;

    if (!ratls_der_expect(reader, RATLS_DER_SEQUENCE, &spki)) {
        return "subjectPublicKeyInfo";
    }
    inside = ratls_reader_over(spki.content);
    if (!ratls_der_expect(&inside, RATLS_DER_SEQUENCE, &algorithm) || !oid_with_parameters(algorithm.content) ||
        !ratls_der_expect(&inside, RATLS_DER_BIT_STRING, &key) || !ratls_der_bit_string_bytes(&key, &key.content) || inside.left > 0) {
        return "subjectPublicKeyInfo";
    }
    out->spki = spki.whole;
    return NULL;
}

bool ratls_extension_read(ratls_extension *out, ratls_bytes extension)
{
    ratls_reader reader = ratls_reader_over(extension);
    ratls_der oid, critical, value;
    bool present;

    out->critical = false;
    if (!ratls_der_expect(&reader, RATLS_DER_OID, &oid) || !ratls_der_oid_valid(oid.content) ||
        !ratls_der_optional(&reader, RATLS_DER_BOOLEAN, &critical, &present)) {
        return false;
    }
    /* X.690, 11.5: FALSE is the default and is not encoded. */
    if (present && (!ratls_der_boolean(&critical, &out->critical) || !out->critical)) {
        return false;
    }
    if (!ratls_der_expect(&reader, RATLS_DER_OCTET_STRING, &value) || reader.left > 0) {
        return false;
    }
    out->oid = oid.content;
    out->value = value.content;
    return true;
}

static const char *read_extensions(ratls_certificate *out, ratls_bytes wrapped)
{
    ratls_der list, extension;
    ratls_reader reader;

    if (out->version != VERSION_3) {
        return "extensions in a certificate that is not version 3";
    }
    if (!ratls_der_only(wrapped, RATLS_DER_SEQUENCE, &list) || list.content.len == 0) {
        return "extensions";
    }
    reader = ratls_reader_over(list.content);
    while (reader.left > 0) {
        if (out->extensions_len == RATLS_CERTIFICATE_EXTENSIONS_MAX) {
            return "more extensions than the limit";
        }
        if (!ratls_der_expect(&reader, RATLS_DER_SEQUENCE, &extension) ||
            !ratls_extension_read(&out->extensions[out->extensions_len], extension.content)) {
            return "an extension";
        }
        out->extensions_len++;
    }
    return NULL;
}

/* What may follow the key: unique identifiers (read over), extensions, nothing else. */
static const char *read_tail(ratls_certificate *out, ratls_reader *reader)
{
    static const uint8_t unique_ids[] = {TAG_ISSUER_UNIQUE_ID, TAG_SUBJECT_UNIQUE_ID};
    ratls_der element;
    bool present;
    const char *fault = NULL;

    for (size_t i = 0; i < sizeof unique_ids; i++) {
        if (!ratls_der_optional(reader, unique_ids[i], &element, &present) ||
            (present && (out->version == VERSION_1 || element.content.len == 0))) {
            return "unique identifier";
        }
    }
    if (!ratls_der_optional(reader, TAG_EXTENSIONS, &element, &present)) {
        return "extensions";
    }
    if (present) {
        fault = read_extensions(out, element.content);
    }
    return fault == NULL && reader->left > 0 ? "more fields than a certificate has" : fault;
}

static const char *read_tbs(ratls_certificate *out, ratls_bytes tbs)
{
    ratls_reader reader = ratls_reader_over(tbs);
    ratls_der serial, algorithm;
    const char *fault = read_version(out, &reader);

    if (fault != NULL) {
        return fault;
    }
    if (!ratls_der_expect(&reader, RATLS_DER_INTEGER, &serial) || !ratls_der_integer_valid(&serial)) {
        return "serialNumber";
    }
    out->serial = serial.content;
    if (!ratls_der_expect(&reader, RATLS_DER_SEQUENCE, &algorithm) || !oid_with_parameters(algorithm.content)) {
        return "signature algorithm";
    }
    out->signature_algorithm = algorithm.whole;
    if (!take_name(&out->issuer, &reader)) {
        return "issuer";
    }
    fault = read_validity(out, &reader);
    if (fault == NULL && !take_name(&out->subject, &reader)) {
        fault = "subject";
    }
    if (fault == NULL) {
        fault = read_spki(out, &reader);
    }
    return fault == NULL ? read_tail(out, &reader) : fault;
}

static const char *read_certificate(ratls_certificate *out, ratls_bytes der)
{
    ratls_der certificate, tbs, algorithm, signature;
    ratls_reader reader;
    const char *fault;

    if (der.len > RATLS_CERTIFICATE_SIZE_MAX) {
        return "more bytes than the limit";
    }
    if (!ratls_der_only(der, RATLS_DER_SEQUENCE, &certificate)) {
        return "not exactly one SEQUENCE";
    }
    reader = ratls_reader_over(certificate.content);
    if (!ratls_der_expect(&reader, RATLS_DER_SEQUENCE, &tbs) || !ratls_der_expect(&reader, RATLS_DER_SEQUENCE, &algorithm) ||
        !ratls_der_expect(&reader, RATLS_DER_BIT_STRING, &signature) || reader.left > 0) {
        return "not the three parts of a certificate";
    }
    if (!ratls_der_bit_string_bytes(&signature, &out->signature)) {
        return "signature";
    }
    out->der = der;
    out->tbs = tbs.whole;
    fault = read_tbs(out, tbs.content);
    /* RFC 5280, 4.1.1.2: the unsigned algorithm is the signed one. */
    if (fault == NULL && !ratls_bytes_equal(algorithm.whole, out->signature_algorithm)) {
        fault = "outer signature algorithm differs from the inner one";
    }
    return fault;
}

bool ratls_certificate_parse(ratls_certificate *out, ratls_bytes der, const char **what)
{
    const char *fault;

    memset(out, 0, sizeof *out);
    fault = read_certificate(out, der);
    if (fault != NULL) {
        memset(out, 0, sizeof *out);
        *what = fault;
        return false;
    }
    return true;
}

const ratls_extension *ratls_extension_find(const ratls_extension *extensions, size_t len, ratls_bytes oid, size_t *count)
{
    const ratls_extension *first = NULL;
    size_t found = 0;

    for (size_t i = 0; i < len; i++) {
        if (ratls_bytes_equal(extensions[i].oid, oid)) {
            first = first == NULL ? &extensions[i] : first;
            found++;
        }
    }
    if (count != NULL) {
        *count = found;
    }
    return first;
}

const ratls_extension *ratls_certificate_extension(const ratls_certificate *certificate, ratls_bytes oid, size_t *count)
{
    return ratls_extension_find(certificate->extensions, certificate->extensions_len, oid, count);
}

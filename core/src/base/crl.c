#include "base/crl.h"

#include <stdlib.h>
#include <string.h>

#include "base/pem.h"

enum {
    TAG_EXTENSIONS = 0xa0, /* [0] EXPLICIT */
    VERSION_2 = 1,         /* as encoded */
    REASON_MAX = 10,
    REASON_UNUSED = 7,
    ENTRIES_FIRST_CAPACITY = 64,
    ENTRIES_UNSORTED_MAX = 256, /* so many are looked through as quickly as they are sorted */
    DER_SEQUENCE_BYTE = 0x30,
    PEM_FIRST_BYTE = '-'
};

static const uint8_t oid_reason_code[] = {0x55, 0x1d, 0x15};
static const uint8_t oid_certificate_issuer[] = {0x55, 0x1d, 0x1d};

/* The static parsers below return what is wrong as a literal, NULL when nothing is. */

/* A serial's magnitude; false when it is negative or not minimal. */
static bool serial_magnitude(ratls_bytes *out, ratls_bytes content)
{
    ratls_reader reader = ratls_reader_over(content);
    ratls_der element = {RATLS_DER_INTEGER, content, content};

    if (!ratls_der_integer_valid(&element) || content.data[0] >= 0x80) {
        return false;
    }
    if (content.data[0] == 0x00 && !ratls_reader_skip(&reader, 1)) {
        return false;
    }
    return ratls_reader_take(&reader, out, reader.left);
}

static int compare_serials(const void *left, const void *right)
{
    const ratls_bytes *a = left;
    const ratls_bytes *b = right;

    if (a->len != b->len) {
        return a->len < b->len ? -1 : 1;
    }
    return a->len == 0 ? 0 : memcmp(a->data, b->data, a->len);
}

/* RFC 5280, 5.3.1. */
static bool reason_valid(ratls_bytes value)
{
    ratls_der reason;
    uint64_t number;

    return ratls_der_only(value, RATLS_DER_ENUMERATED, &reason) && ratls_der_unsigned(&reason, &number) && number <= REASON_MAX &&
           number != REASON_UNUSED;
}

static bool oid_is(ratls_bytes oid, const uint8_t *expected, size_t len)
{
    return ratls_bytes_equal(oid, (ratls_bytes){expected, len});
}

/* Why an entry with this extension cannot be judged: in DCAP every entry revokes a certificate of the list's own
 * issuer, whatever the reason (DCAP rules 3.3, L13). */
static const char *judge_entry_extension(const ratls_extension *extension)
{
    if (oid_is(extension->oid, oid_certificate_issuer, sizeof oid_certificate_issuer)) {
        return "an entry is about another issuer's certificate";
    }
    if (oid_is(extension->oid, oid_reason_code, sizeof oid_reason_code)) {
        return reason_valid(extension->value) ? NULL : "an entry has a malformed reason";
    }
    return extension->critical ? "an entry has an unknown critical extension" : NULL;
}

static const char *read_entry_extensions(ratls_crl *out, ratls_reader *reader)
{
    ratls_extension extension;
    ratls_reader inside;
    ratls_der list, element;

    if (!ratls_der_expect(reader, RATLS_DER_SEQUENCE, &list) || list.content.len == 0 || reader->left > 0) {
        return "extensions of an entry";
    }
    for (inside = ratls_reader_over(list.content); inside.left > 0;) {
        if (!ratls_der_expect(&inside, RATLS_DER_SEQUENCE, &element) || !ratls_extension_read(&extension, element.content)) {
            return "an extension of an entry";
        }
        if (out->entry_fault == NULL) {
            out->entry_fault = judge_entry_extension(&extension);
        }
    }
    return NULL;
}

static const char *read_entry(ratls_crl *out, ratls_bytes entry, ratls_bytes *serial)
{
    ratls_reader reader = ratls_reader_over(entry);
    ratls_der number, date;
    int64_t revoked_at;

    if (!ratls_der_expect(&reader, RATLS_DER_INTEGER, &number) || !serial_magnitude(serial, number.content)) {
        return "serial number of an entry";
    }
    if (!ratls_der_next(&reader, &date) || !ratls_der_time(&date, &revoked_at)) {
        return "date of an entry";
    }
    return reader.left == 0 ? NULL : read_entry_extensions(out, &reader);
}

static bool grow_serials(ratls_crl *out, size_t *capacity)
{
    size_t wanted = *capacity == 0 ? ENTRIES_FIRST_CAPACITY : 2 * *capacity;
    ratls_bytes *grown = realloc(out->serials, wanted * sizeof *grown);

    if (grown == NULL) {
        return false;
    }
    out->serials = grown;
    *capacity = wanted;
    return true;
}

static const char *read_entries(ratls_crl *out, ratls_bytes content)
{
    ratls_reader reader = ratls_reader_over(content);
    size_t capacity = 0;
    const char *fault;
    ratls_der entry;

    /* RFC 5280, 5.1.2.6: the list of entries is left out when there are none. */
    if (content.len == 0) {
        return "an empty list of entries";
    }
    while (reader.left > 0) {
        if (out->serials_len == capacity && !grow_serials(out, &capacity)) {
            return "out of memory";
        }
        if (!ratls_der_expect(&reader, RATLS_DER_SEQUENCE, &entry)) {
            return "an entry";
        }
        fault = read_entry(out, entry.content, &out->serials[out->serials_len]);
        if (fault != NULL) {
            return fault;
        }
        out->serials_len++;
    }
    if (out->serials_len > ENTRIES_UNSORTED_MAX) {
        qsort(out->serials, out->serials_len, sizeof *out->serials, compare_serials);
    }
    return NULL;
}

static const char *read_extensions(ratls_crl *out, ratls_reader *reader)
{
    ratls_reader inside;
    ratls_der wrapper, list, element;
    bool present;

    if (!ratls_der_optional(reader, TAG_EXTENSIONS, &wrapper, &present) || reader->left > 0) {
        return "more fields than a CRL has";
    }
    if (!present) {
        return NULL;
    }
    if (!ratls_der_only(wrapper.content, RATLS_DER_SEQUENCE, &list) || list.content.len == 0) {
        return "extensions";
    }
    for (inside = ratls_reader_over(list.content); inside.left > 0; out->extensions_len++) {
        if (out->extensions_len == RATLS_CRL_EXTENSIONS_MAX) {
            return "more extensions than the limit";
        }
        if (!ratls_der_expect(&inside, RATLS_DER_SEQUENCE, &element) ||
            !ratls_extension_read(&out->extensions[out->extensions_len], element.content)) {
            return "an extension";
        }
    }
    return NULL;
}

static const char *read_times(ratls_crl *out, ratls_reader *reader)
{
    ratls_der time;

    if (!ratls_der_next(reader, &time) || !ratls_der_time(&time, &out->this_update)) {
        return "thisUpdate";
    }
    /* Optional in RFC 5280; without it nothing says until when the list holds (DCAP rules 3.3, L7). */
    if (!ratls_der_next(reader, &time) || !ratls_der_time(&time, &out->next_update)) {
        return "nextUpdate";
    }
    return NULL;
}

static const char *read_tbs(ratls_crl *out, ratls_bytes tbs)
{
    ratls_reader reader = ratls_reader_over(tbs);
    ratls_der version, algorithm, issuer, entries;
    const char *fault;
    uint64_t number;
    bool present;

    if (!ratls_der_expect(&reader, RATLS_DER_INTEGER, &version) || !ratls_der_unsigned(&version, &number) || number != VERSION_2) {
        return "not version 2";
    }
    if (!ratls_der_expect(&reader, RATLS_DER_SEQUENCE, &algorithm)) {
        return "signature algorithm";
    }
    if (!ratls_der_expect(&reader, RATLS_DER_SEQUENCE, &issuer)) {
        return "issuer";
    }
    out->signature_algorithm = algorithm.whole;
    out->issuer = issuer.whole;
    fault = read_times(out, &reader);
    if (fault == NULL && !ratls_der_optional(&reader, RATLS_DER_SEQUENCE, &entries, &present)) {
        fault = "list of entries";
    }
    if (fault == NULL && present) {
        fault = read_entries(out, entries.content);
    }
    return fault == NULL ? read_extensions(out, &reader) : fault;
}

static const char *read_crl(ratls_crl *out, ratls_bytes der)
{
    ratls_der crl, tbs, algorithm, signature;
    ratls_reader reader;
    const char *fault;

    if (der.len > RATLS_CRL_SIZE_MAX) {
        return "more bytes than the limit";
    }
    if (!ratls_der_only(der, RATLS_DER_SEQUENCE, &crl)) {
        return "not exactly one SEQUENCE";
    }
    reader = ratls_reader_over(crl.content);
    if (!ratls_der_expect(&reader, RATLS_DER_SEQUENCE, &tbs) || !ratls_der_expect(&reader, RATLS_DER_SEQUENCE, &algorithm) ||
        !ratls_der_expect(&reader, RATLS_DER_BIT_STRING, &signature) || reader.left > 0 ||
        !ratls_der_bit_string_bytes(&signature, &out->signature)) {
        return "not the three parts of a CRL";
    }
    out->der = der;
    out->tbs = tbs.whole;
    fault = read_tbs(out, tbs.content);
    /* RFC 5280, 5.1.1.2: the unsigned algorithm is the signed one. */
    if (fault == NULL && !ratls_bytes_equal(algorithm.whole, out->signature_algorithm)) {
        fault = "outer signature algorithm differs from the inner one";
    }
    return fault;
}

bool ratls_crl_parse(ratls_crl *out, ratls_bytes der, const char **what)
{
    const char *fault;

    memset(out, 0, sizeof *out);
    fault = read_crl(out, der);
    if (fault != NULL) {
        ratls_crl_clear(out);
        *what = fault;
        return false;
    }
    return true;
}

void ratls_crl_clear(ratls_crl *crl)
{
    free(crl->serials);
    memset(crl, 0, sizeof *crl);
}

bool ratls_crl_lists(const ratls_crl *crl, ratls_bytes serial)
{
    ratls_bytes magnitude;

    /* A serial that is no proper number is nobody's: that is for the certificate's own check (X12), so "listed"
     * is the answer that never lets one through. */
    if (!serial_magnitude(&magnitude, serial)) {
        return true;
    }
    if (crl->serials_len > ENTRIES_UNSORTED_MAX) {
        return bsearch(&magnitude, crl->serials, crl->serials_len, sizeof *crl->serials, compare_serials) != NULL;
    }
    for (size_t i = 0; i < crl->serials_len; i++) {
        if (ratls_bytes_equal(crl->serials[i], magnitude)) {
            return true;
        }
    }
    return false;
}

const ratls_extension *ratls_crl_extension(const ratls_crl *crl, ratls_bytes oid, size_t *count)
{
    return ratls_extension_find(crl->extensions, crl->extensions_len, oid, count);
}

/* A copy of `bytes`, never of zero bytes. */
static uint8_t *copy_bytes(ratls_bytes bytes)
{
    uint8_t *copy = bytes.len == 0 ? NULL : malloc(bytes.len);

    if (copy != NULL) {
        memcpy(copy, bytes.data, bytes.len);
    }
    return copy;
}

static const char *decode_pem(uint8_t **out, size_t *out_len, ratls_bytes text)
{
    const char *fault = NULL;
    ratls_pem pem;

    if (!ratls_pem_parse(&pem, text, "X509 CRL", RATLS_CRL_SIZE_MAX, &fault)) {
        return fault;
    }
    if (pem.len != 1) {
        fault = "more than one PEM block";
    } else {
        *out = copy_bytes(pem.blocks[0]);
        *out_len = pem.blocks[0].len;
        fault = *out == NULL ? "out of memory, or an empty PEM block" : NULL;
    }
    ratls_pem_clear(&pem);
    return fault;
}

static const char *decode_hex(uint8_t **out, size_t *out_len, ratls_bytes digits)
{
    uint8_t *decoded = malloc(digits.len / 2 + 1);

    if (decoded == NULL) {
        return "out of memory";
    }
    if (!ratls_hex_read(decoded, digits.len / 2, (const char *)digits.data, digits.len)) {
        free(decoded);
        return "neither DER nor hexadecimal nor PEM";
    }
    *out = decoded;
    *out_len = digits.len / 2;
    return NULL;
}

bool ratls_crl_decode(uint8_t **out, size_t *out_len, ratls_bytes input, const char **what)
{
    const char *fault;

    *out = NULL;
    *out_len = 0;
    if (input.len == 0) {
        *what = "nothing";
        return false;
    }
    /* The three forms differ in their first byte: hexadecimal DER begins with the digit 3 (DCAP rules 2.2). */
    if (input.data[0] == DER_SEQUENCE_BYTE) {
        *out = copy_bytes(input);
        *out_len = input.len;
        fault = *out == NULL ? "out of memory" : NULL;
    } else if (input.data[0] == PEM_FIRST_BYTE) {
        fault = decode_pem(out, out_len, input);
    } else {
        fault = decode_hex(out, out_len, input);
    }
    if (fault != NULL) {
        *what = fault;
        return false;
    }
    return true;
}

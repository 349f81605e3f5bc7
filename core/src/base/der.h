/** A strict DER reader (X.690 section 10): definite minimal lengths, no trailing bytes, no recursion.
 *
 *  Elements are read one after another from a ratls_reader over their parent's content; what a caller
 *  does not descend into is never looked at, so depth is the caller's own.
 */
#ifndef RATLS_BASE_DER_H
#define RATLS_BASE_DER_H

#include "base/reader.h"

enum {
    RATLS_DER_BOOLEAN = 0x01,
    RATLS_DER_INTEGER = 0x02,
    RATLS_DER_BIT_STRING = 0x03,
    RATLS_DER_OCTET_STRING = 0x04,
    RATLS_DER_NULL = 0x05,
    RATLS_DER_OID = 0x06,
    RATLS_DER_ENUMERATED = 0x0a,
    RATLS_DER_UTF8_STRING = 0x0c,
    RATLS_DER_PRINTABLE_STRING = 0x13,
    RATLS_DER_UTC_TIME = 0x17,
    RATLS_DER_GENERALIZED_TIME = 0x18,
    RATLS_DER_SEQUENCE = 0x30,
    RATLS_DER_SET = 0x31
};

/** One element: tag byte, content, and the whole encoding with tag and length. */
typedef struct {
    uint8_t tag;
    ratls_bytes content;
    ratls_bytes whole;
} ratls_der;

/** Read the next element, whatever it is. False for a high tag number, an indefinite, non-minimal or
 *  overlong length, or nothing left. */
bool ratls_der_next(ratls_reader *reader, ratls_der *out);

/** Read the next element, which must have this tag. */
bool ratls_der_expect(ratls_reader *reader, uint8_t tag, ratls_der *out);

/** Read the next element if it has this tag; *present tells. False only for malformed DER. */
bool ratls_der_optional(ratls_reader *reader, uint8_t tag, ratls_der *out, bool *present);

/** Read an element that must be all of `input`. */
bool ratls_der_only(ratls_bytes input, uint8_t tag, ratls_der *out);

/* Contents, checked: BOOLEAN is 00 or FF; INTEGER minimal; OID well formed. */
bool ratls_der_boolean(const ratls_der *element, bool *out);
bool ratls_der_integer_valid(const ratls_der *element);
/** A non-negative INTEGER or ENUMERATED of at most 8 bytes. */
bool ratls_der_unsigned(const ratls_der *element, uint64_t *out);
/** BIT STRING with no unused bits: the bytes after the first. */
bool ratls_der_bit_string_bytes(const ratls_der *element, ratls_bytes *out);
bool ratls_der_oid_valid(ratls_bytes content);
/** UTCTime (RFC 5280: YYMMDDHHMMSSZ) or GeneralizedTime (YYYYMMDDHHMMSSZ) as seconds since 1970. */
bool ratls_der_time(const ratls_der *element, int64_t *out);

#endif

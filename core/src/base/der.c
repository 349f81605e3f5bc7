#include "base/der.h"

#include "base/time.h"

enum {
    TAG_NUMBER_MASK = 0x1f, /* all ones: the number follows in further bytes */
    LENGTH_LONG = 0x80,
    LENGTH_BYTES_MAX = 4,
    UTC_TIME_LEN = 13,         /* YYMMDDHHMMSSZ */
    GENERALIZED_TIME_LEN = 15, /* YYYYMMDDHHMMSSZ */
    UTC_TIME_PIVOT = 50        /* RFC 5280, 4.1.2.5.1: 50 to 99 are 19YY */
};

/* X.690, 10.1: definite, and in the fewest bytes. */
static bool read_long_length(ratls_reader *reader, size_t *out, uint8_t first)
{
    size_t bytes = (size_t)first - LENGTH_LONG;
    uint64_t length;

    if (bytes > LENGTH_BYTES_MAX || !ratls_reader_uint_be(reader, &length, bytes)) {
        return false;
    }
    if (length < LENGTH_LONG || length >> (8 * (bytes - 1)) == 0) {
        return false;
    }
    *out = (size_t)length;
    return true;
}

/* One element, whole; the reader stays where it was on failure. Inlined, since certificates and lists are made of nothing else. */
static inline bool read_element(ratls_reader *reader, ratls_der *out)
{
    ratls_reader ahead = *reader;
    uint8_t tag, first;
    size_t length;

    if (!ratls_reader_u8(&ahead, &tag) || (tag & TAG_NUMBER_MASK) == TAG_NUMBER_MASK || !ratls_reader_u8(&ahead, &first)) {
        return false;
    }
    length = first;
    if ((first >= LENGTH_LONG && !read_long_length(&ahead, &length, first)) || length > ahead.left) {
        return false;
    }
    out->tag = tag;
    out->content = (ratls_bytes){ahead.next, length};
    out->whole = (ratls_bytes){reader->next, reader->left - ahead.left + length};
    return ratls_reader_skip(reader, out->whole.len);
}

bool ratls_der_next(ratls_reader *reader, ratls_der *out)
{
    ratls_der element;

    if (!read_element(reader, &element)) {
        return false;
    }
    *out = element;
    return true;
}

bool ratls_der_expect(ratls_reader *reader, uint8_t tag, ratls_der *out)
{
    ratls_der element;

    if (reader->left == 0 || reader->next[0] != tag || !read_element(reader, &element)) {
        return false;
    }
    *out = element;
    return true;
}

bool ratls_der_optional(ratls_reader *reader, uint8_t tag, ratls_der *out, bool *present)
{
    *present = reader->left > 0 && reader->next[0] == tag;
    return !*present || ratls_der_next(reader, out);
}

bool ratls_der_only(ratls_bytes input, uint8_t tag, ratls_der *out)
{
    ratls_reader reader = ratls_reader_over(input);

    return ratls_der_expect(&reader, tag, out) && reader.left == 0;
}

bool ratls_der_boolean(const ratls_der *element, bool *out)
{
    if (element->tag != RATLS_DER_BOOLEAN || element->content.len != 1 ||
        (element->content.data[0] != 0x00 && element->content.data[0] != 0xff)) {
        return false;
    }
    *out = element->content.data[0] == 0xff;
    return true;
}

bool ratls_der_integer_valid(const ratls_der *element)
{
    const uint8_t *value = element->content.data;

    if ((element->tag != RATLS_DER_INTEGER && element->tag != RATLS_DER_ENUMERATED) || element->content.len == 0) {
        return false;
    }
    /* X.690, 8.3.2: the first nine bits are not all equal. */
    return element->content.len == 1 || !((value[0] == 0x00 && value[1] < 0x80) || (value[0] == 0xff && value[1] >= 0x80));
}

bool ratls_der_unsigned(const ratls_der *element, uint64_t *out)
{
    ratls_reader reader = ratls_reader_over(element->content);

    if (!ratls_der_integer_valid(element) || element->content.data[0] >= 0x80) {
        return false;
    }
    if (element->content.len > 1 && element->content.data[0] == 0x00 && !ratls_reader_skip(&reader, 1)) {
        return false;
    }
    return ratls_reader_uint_be(&reader, out, reader.left);
}

bool ratls_der_bit_string_bytes(const ratls_der *element, ratls_bytes *out)
{
    ratls_reader reader = ratls_reader_over(element->content);
    uint8_t unused;

    return element->tag == RATLS_DER_BIT_STRING && ratls_reader_u8(&reader, &unused) && unused == 0 &&
           ratls_reader_take(&reader, out, reader.left);
}

bool ratls_der_oid_valid(ratls_bytes content)
{
    bool at_start = true;

    for (size_t i = 0; i < content.len; i++) {
        /* X.690, 8.19.2: a component has no leading zero digits. */
        if (at_start && content.data[i] == 0x80) {
            return false;
        }
        at_start = content.data[i] < 0x80;
    }
    return content.len > 0 && at_start;
}

/* Two decimal digits; -1 when one of them is none. */
static int two_digits(const uint8_t *text)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') {
        return -1;
    }
    return (text[0] - '0') * 10 + (text[1] - '0');
}

/* MMDDHHMMSSZ after the year. */
static bool time_after_year(int64_t *out, int year, const uint8_t *text)
{
    return text[10] == 'Z' && ratls_time_from_civil(out, year, two_digits(text), two_digits(text + 2), two_digits(text + 4),
                                                    two_digits(text + 6), two_digits(text + 8));
}

bool ratls_der_time(const ratls_der *element, int64_t *out)
{
    const uint8_t *text = element->content.data;
    int year, century;

    if (element->tag == RATLS_DER_UTC_TIME && element->content.len == UTC_TIME_LEN) {
        year = two_digits(text);
        return year >= 0 && time_after_year(out, year + (year < UTC_TIME_PIVOT ? 2000 : 1900), text + 2);
    }
    if (element->tag == RATLS_DER_GENERALIZED_TIME && element->content.len == GENERALIZED_TIME_LEN) {
        century = two_digits(text);
        year = two_digits(text + 2);
        return century >= 0 && year >= 0 && time_after_year(out, century * 100 + year, text + 4);
    }
    return false;
}

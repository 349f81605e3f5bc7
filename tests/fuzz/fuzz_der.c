#include <string.h>

#include "base/der.h"
#include "fuzz.h"

enum { DEPTH_MAX = 8 };

/* An element as DER must write it: tag, the shortest length, content. */
static void check_reencoded(const ratls_der *element)
{
    size_t len = element->content.len, bytes = 0;

    MUST(element->whole.data[0] == element->tag);
    if (len >= 0x80) {
        while (len >> (8 * bytes) != 0) {
            bytes++;
        }
        MUST(element->whole.data[1] == 0x80 + bytes);
    } else {
        MUST(element->whole.data[1] == len);
    }
    MUST(element->whole.len == 2 + bytes + len);
    MUST(element->content.data == element->whole.data + 2 + bytes);
}

static void check_contents(const ratls_der *element)
{
    ratls_bytes bytes;
    uint64_t number;
    int64_t seconds;
    bool flag;

    (void)ratls_der_boolean(element, &flag);
    if (ratls_der_unsigned(element, &number)) {
        MUST(ratls_der_integer_valid(element));
    }
    (void)ratls_der_bit_string_bytes(element, &bytes);
    (void)ratls_der_oid_valid(element->content);
    (void)ratls_der_time(element, &seconds);
}

static void walk(ratls_bytes input, size_t depth)
{
    ratls_reader reader = ratls_reader_over(input);
    ratls_der element;

    while (ratls_der_next(&reader, &element)) {
        check_reencoded(&element);
        check_contents(&element);
        if (depth < DEPTH_MAX && (element.tag & 0x20) != 0) {
            walk(element.content, depth + 1);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    walk((ratls_bytes){data, size}, 0);
    return 0;
}

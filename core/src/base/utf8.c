#include "base/utf8.h"

#include <string.h>

/* The byte at `index` is there and between the two. */
static bool byte_between(ratls_bytes text, size_t index, uint8_t low, uint8_t high)
{
    return index < text.len && text.data[index] >= low && text.data[index] <= high;
}

static bool continues(ratls_bytes text, size_t index)
{
    return byte_between(text, index, 0x80, 0xbf);
}

size_t ratls_utf8_sequence(ratls_bytes text)
{
    uint8_t first = text.len == 0 ? 0xff : text.data[0];

    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return continues(text, 1) ? 2 : 0;
    }
    if (first >= 0xe0 && first <= 0xef) {
        bool second = byte_between(text, 1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);

        return second && continues(text, 2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        bool second = byte_between(text, 1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);

        return second && continues(text, 2) && continues(text, 3) ? 4 : 0;
    }
    return 0;
}

/* Eight bytes, none of them above 0x7f. */
static bool eight_plain(ratls_bytes text)
{
    uint64_t eight;

    if (text.len < sizeof eight) {
        return false;
    }
    memcpy(&eight, text.data, sizeof eight);
    return (eight & UINT64_C(0x8080808080808080)) == 0;
}

bool ratls_utf8_valid(ratls_bytes text)
{
    while (text.len > 0) {
        size_t len = eight_plain(text) ? sizeof(uint64_t) : ratls_utf8_sequence(text);

        if (len == 0) {
            return false;
        }
        text = (ratls_bytes){text.data + len, text.len - len};
    }
    return true;
}

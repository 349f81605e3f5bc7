#include "dcap/name.h"

/* One attribute of a relative name that holds no other. */
typedef struct {
    ratls_bytes type;
    ratls_der value;
} name_attribute;

static bool next_attribute(name_attribute *out, ratls_reader *names)
{
    ratls_der set, pair, type;
    ratls_reader inside;

    if (!ratls_der_expect(names, RATLS_DER_SET, &set) || !ratls_der_only(set.content, RATLS_DER_SEQUENCE, &pair)) {
        return false;
    }
    inside = ratls_reader_over(pair.content);
    if (!ratls_der_expect(&inside, RATLS_DER_OID, &type) || !ratls_der_next(&inside, &out->value) || inside.left > 0) {
        return false;
    }
    out->type = type.content;
    return true;
}

static bool is_string(uint8_t tag)
{
    return tag == RATLS_DER_UTF8_STRING || tag == RATLS_DER_PRINTABLE_STRING;
}

bool ratls_name_same(ratls_bytes a, ratls_bytes b)
{
    ratls_der a_list, b_list;
    ratls_reader a_names, b_names;

    if (ratls_bytes_equal(a, b)) {
        return true;
    }
    if (!ratls_der_only(a, RATLS_DER_SEQUENCE, &a_list) || !ratls_der_only(b, RATLS_DER_SEQUENCE, &b_list)) {
        return false;
    }
    a_names = ratls_reader_over(a_list.content);
    b_names = ratls_reader_over(b_list.content);
    while (a_names.left > 0 && b_names.left > 0) {
        name_attribute a_next, b_next;

        if (!next_attribute(&a_next, &a_names) || !next_attribute(&b_next, &b_names) || !ratls_bytes_equal(a_next.type, b_next.type) ||
            !is_string(a_next.value.tag) || !is_string(b_next.value.tag) ||
            !ratls_bytes_equal(a_next.value.content, b_next.value.content)) {
            return false;
        }
    }
    return a_names.left == 0 && b_names.left == 0;
}

bool ratls_name_is(ratls_bytes name, const char *common_name)
{
    ratls_bytes found;

    /* Compared with its length, so that a NUL inside ends nothing. */
    return ratls_name_common_name(name, &found) && ratls_bytes_equal_text(found, common_name);
}

ratls_bytes ratls_name_label(ratls_bytes name)
{
    ratls_bytes found;

    return ratls_name_common_name(name, &found) ? found : (ratls_bytes){(const uint8_t *)"", 0};
}

/** Strict getters over a ratls_json_tree: exact (case-sensitive) name, exact type, false or absent for anything else. Text is
 *  taken as it stands: one with an escape is none of the words, digits and dates that are looked for. */
#ifndef RATLS_BASE_JSON_TREE_H
#define RATLS_BASE_JSON_TREE_H

#include "base/json.h"

/** One value; absent (all zero) where there is none. Borrows the tree. */
typedef struct {
    const ratls_json_tree *tree;
    const ratls_json_node *node;
} ratls_json_value;

/** What is left to visit of an array. */
typedef struct {
    const ratls_json_tree *tree;
    uint32_t next;
    uint32_t end;
} ratls_json_items;

ratls_json_value ratls_json_root(const ratls_json_tree *tree);

/** The member of an object; absent also when `object` is none. */
ratls_json_value ratls_json_member(ratls_json_value object, const char *name);

bool ratls_json_is_present(ratls_json_value value);
bool ratls_json_is(ratls_json_value value, ratls_json_kind kind);

/** The values of an array, none of anything else. */
ratls_json_items ratls_json_items_of(ratls_json_value array);
bool ratls_json_items_next(ratls_json_items *items, ratls_json_value *out);

/** How many values an array has; 0 of anything else. */
size_t ratls_json_count(ratls_json_value array);

/** The characters of a string without an escape. */
bool ratls_json_text(ratls_bytes *out, ratls_json_value value);

/** Write the characters of any string to `out`, which has room for as many bytes as it takes in the text: *len is how many. In
 *  between, bytes behind those may be written, but none behind that room. */
bool ratls_json_unescape(uint8_t *out, size_t *len, ratls_json_value value);

/* Members. */
bool ratls_json_member_text(ratls_bytes *out, ratls_json_value object, const char *name);
bool ratls_json_member_integer(int64_t *out, ratls_json_value object, const char *name, int64_t minimum, int64_t maximum);
bool ratls_json_member_hex(uint8_t *out, size_t len, ratls_json_value object, const char *name);
bool ratls_json_member_time(int64_t *out, ratls_json_value object, const char *name);

#endif

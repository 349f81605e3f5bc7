/** JSON from strangers: a scanner that finds a signed object's exact bytes and enforces RFC 8259 with no
 *  duplicate keys, and strict getters over cJSON for what passed it (DCAP rules 2.6, 10). */
#ifndef RATLS_BASE_JSON_H
#define RATLS_BASE_JSON_H

#include <cjson/cJSON.h>

#include "base/bytes.h"

enum {
    RATLS_JSON_DEPTH_MAX = 32,
    RATLS_JSON_SIZE_MAX = 1 << 20, /* bytes of most documents; callers check, since some may be larger */
    RATLS_JSON_NUMBER_MAX = 40,  /* characters of a number */
    RATLS_JSON_EXPONENT_MAX = 2, /* digits of its exponent */
    RATLS_JSON_KEY_MAX = 64,    /* bytes of a key; the documents read here have shorter ones */
    RATLS_JSON_MEMBERS_MAX = 4096 /* members of one object */
};

typedef enum {
    RATLS_JSON_OK,
    RATLS_JSON_MALFORMED,
    RATLS_JSON_DUPLICATE_KEY,
    RATLS_JSON_NUMBER, /* one that is written as RFC 8259 has it, and is longer or larger than is read */
    RATLS_JSON_OUT_OF_MEMORY
} ratls_json_outcome;

/** Check that `text` is one JSON value: UTF-8 without BOM or NUL (escaped NULs too), RFC 8259 numbers of bounded length,
 *  depth at most RATLS_JSON_DEPTH_MAX, no key twice in an object, no key with an escape or longer than
 *  RATLS_JSON_KEY_MAX, nothing but white space after it.
 *  `duplicate` (may be NULL) gets the key that occurs twice. */
ratls_json_outcome ratls_json_check(ratls_bytes text, ratls_bytes *duplicate);

/** ratls_json_check() and then cJSON over exactly these bytes. *out is the caller's, cJSON_Delete(). */
ratls_json_outcome ratls_json_parse(cJSON **out, ratls_bytes text, ratls_bytes *duplicate);

/** ratls_json_parse() for documents whose numbers are all written as integers: a fraction or an exponent is
 *  malformed, since after cJSON 1e2 and 100 look the same. */
ratls_json_outcome ratls_json_parse_integers(cJSON **out, ratls_bytes text, ratls_bytes *duplicate);

/** What a tree is made of: values in the order of the text, and the names of members before their values. */
typedef enum {
    RATLS_JSON_NULL,
    RATLS_JSON_FALSE,
    RATLS_JSON_TRUE,
    RATLS_JSON_NUMBER_KIND,
    RATLS_JSON_STRING,
    RATLS_JSON_ARRAY,
    RATLS_JSON_OBJECT,
    RATLS_JSON_KEY
} ratls_json_kind;

typedef struct {
    uint32_t at;    /* where in the text it begins: a string after its quote … */
    uint32_t len;   /* … and how long it is; nothing in arrays and objects */
    uint32_t after; /* index of the node behind it and all that is in it */
    uint8_t kind;   /* ratls_json_kind */
    bool escaped;   /* a string with a backslash */
} ratls_json_node;

/** A document as slices of its text, which it borrows: one allocation, whatever is in it. Read it with base/json_tree.h. */
typedef struct {
    ratls_bytes text;
    ratls_json_node *nodes; /* the first is the whole */
    size_t len;
} ratls_json_tree;

/** ratls_json_check() of a text of at most 16 MiB, keeping what it finds. With `integers_only` a fraction or an exponent is
 *  malformed. ratls_json_tree_clear(); `out` is empty unless RATLS_JSON_OK. */
ratls_json_outcome ratls_json_tree_parse(ratls_json_tree *out, ratls_bytes text, bool integers_only, ratls_bytes *duplicate);
void ratls_json_tree_clear(ratls_json_tree *tree);

/** The raw bytes of a member's value in the top-level object of checked text; false when it is absent. */
bool ratls_json_slice(ratls_bytes *out, ratls_bytes text, const char *key);

/* Strict getters: exact (case-sensitive) key, exact type. False when absent or of another type. */
bool ratls_json_get_text(const cJSON *object, const char *key, const char **out);
bool ratls_json_get_integer(const cJSON *object, const char *key, int64_t minimum, int64_t maximum, int64_t *out);
bool ratls_json_get_hex(const cJSON *object, const char *key, uint8_t *out, size_t len);
bool ratls_json_get_time(const cJSON *object, const char *key, int64_t *out);
const cJSON *ratls_json_get_array(const cJSON *object, const char *key);
const cJSON *ratls_json_get_object(const cJSON *object, const char *key);

#endif

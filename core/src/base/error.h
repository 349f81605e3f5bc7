/** Failures: how a check fails, and what it tells the caller.
 *
 *  A code's sentence is in the table of codes; a check adds what was found and what was expected as
 *  details. CHECK and TRY are the only macros with control flow: both need a local `status` that
 *  starts as a failure, an `err` of type ratls_error ** and a label `out`.
 */
#ifndef RATLS_BASE_ERROR_H
#define RATLS_BASE_ERROR_H

#include "base/bytes.h"
#include "ratls/ratls.h"

enum {
    RATLS_ERROR_DETAILS_MAX = 8,   /* details that one check may give */
    RATLS_ERROR_DETAIL_MAX = 4096, /* bytes of one detail; a longer one is cut */
    RATLS_ERROR_SHOWN_MAX = 400,   /* bytes of a detail that a sentence shows; whole in the details */
    RATLS_ERROR_SHORT_HEAD = 10,   /* a measurement in a sentence: first digits … */
    RATLS_ERROR_SHORT_TAIL = 4     /* … and last digits; whole in the details */
};

typedef enum {
    RATLS_DETAIL_NONE = 0,
    RATLS_DETAIL_TEXT,
    RATLS_DETAIL_NUMBER,
    RATLS_DETAIL_HEX
} ratls_detail_kind;

typedef struct {
    ratls_detail_kind kind;
    const char *name;
    const void *data; /* text or bytes */
    size_t len;
    int64_t number;
} ratls_detail;

/** Details: `name` is a literal; text and bytes are copied when the error is made. */
ratls_detail ratls_detail_text(const char *name, const char *text);
ratls_detail ratls_detail_chars(const char *name, ratls_bytes text);
ratls_detail ratls_detail_number(const char *name, int64_t number);
ratls_detail ratls_detail_hex(const char *name, const uint8_t *bytes, size_t len);

#define FOUND(text) ratls_detail_text("found", (text))
#define EXPECTED(text) ratls_detail_text("expected", (text))
#define WHAT(text) ratls_detail_text("what", (text))
#define FOUND_NUMBER(number) ratls_detail_number("found", (int64_t)(number))
#define EXPECTED_NUMBER(number) ratls_detail_number("expected", (int64_t)(number))
#define FOUND_HEX(bytes, len) ratls_detail_hex("found", (bytes), (len))
#define EXPECTED_HEX(bytes, len) ratls_detail_hex("expected", (bytes), (len))

/** Make the failure `code` with its details and store it in *err (when err is not NULL and *err is
 *  NULL: the first failure is the one that is told). Returns `code`, never RATLS_OK. */
ratls_status ratls_error_raise(ratls_error **err, ratls_status code, const ratls_detail details[RATLS_ERROR_DETAILS_MAX]);

/** Add a detail to a failure that was made; NULL is ignored. */
void ratls_error_add(ratls_error *error, ratls_detail detail);

/** Attach what was known of the TCB (a JSON object, copied); NULL error is ignored. */
void ratls_error_set_tcb(ratls_error *error, const char *json);

/** A copy of the caller's; NULL for NULL or when out of memory. */
ratls_error *ratls_error_copy(const ratls_error *error);

/** raise() with the details written out: RAISE(err, CODE, FOUND("x"), EXPECTED("y")). */
#define RAISE(err, code, ...) \
    ratls_error_raise((err), (code), (const ratls_detail[RATLS_ERROR_DETAILS_MAX]){__VA_ARGS__})

/** Fail with `code` and the details that follow unless `condition` holds. */
#define CHECK(condition, code, ...)                     \
    do {                                                \
        if (!(condition)) {                             \
            status = RAISE(err, (code), ##__VA_ARGS__); \
            goto out;                                   \
        }                                               \
    } while (0)

/** Fail as `call` failed; `status` stays a failure when it succeeded. */
#define TRY(call)                           \
    do {                                    \
        ratls_status tried_ = (call);       \
        if (tried_ != RATLS_OK) {           \
            status = tried_;                \
            goto out;                       \
        }                                   \
    } while (0)

#endif

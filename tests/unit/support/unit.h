/** What every unit test includes: cmocka and the headers that it needs first. */
#ifndef RATLS_TEST_UNIT_H
#define RATLS_TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "ratls/ratls.h"

/** A literal's bytes, without its NUL. */
#define BYTES_OF(literal) ((ratls_bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

/** The call failed with this code, and the error says so too. Frees the error. */
#define ASSERT_FAILS(call, error, code)                                  \
    do {                                                                 \
        ratls_status failed_ = (call);                                   \
        assert_string_equal(ratls_status_name(failed_), ratls_status_name(code)); \
        assert_int_equal(ratls_error_code(error), code);                 \
        assert_null(strchr(ratls_error_message(error, RATLS_SPELLING_C), '?')); \
        ratls_error_free(error);                                         \
        (error) = NULL;                                                  \
    } while (0)

#define ASSERT_BYTES(bytes, literal)                                     \
    do {                                                                 \
        ratls_bytes got_ = (bytes);                                      \
        assert_int_equal(got_.len, sizeof(literal) - 1);                 \
        assert_memory_equal(got_.data, (literal), sizeof(literal) - 1);  \
    } while (0)

#endif

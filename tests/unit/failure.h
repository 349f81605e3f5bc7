/** Assertions on failures, for the C tests. */
#ifndef RATLS_TESTS_FAILURE_H
#define RATLS_TESTS_FAILURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

/** `call`, which passes `&err`, fails with `code`, and says so in `err` as well; the error is in `err` until
 *  ratls_error_free(). */
#define ASSERT_FAILS(call, expected_code)                       \
    do {                                                        \
        assert_string_equal(ratls_status_name(call), #expected_code); \
        assert_int_equal(ratls_error_code(err), RATLS_ERR_##expected_code); \
    } while (0)

#define ASSERT_DETAIL(name, value) assert_string_equal(ratls_error_detail(err, (name)), (value))

#endif

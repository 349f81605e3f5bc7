#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "text.h"

static void assert_printable(const char *text, const char *expected)
{
    char *printable = cli_text_printable(text);

    assert_string_equal(printable, expected);
    free(printable);
}

static void plain_and_accented(void **state)
{
    (void)state;
    assert_printable("MRTD \"91a0…c3d2\" – é 漢 😀", "MRTD \"91a0…c3d2\" – é 漢 😀");
}

static void control_characters(void **state)
{
    (void)state;
    assert_printable("a\x1b[2J\r\n\x7f", "a?[2J???");
    assert_printable("\xc2\x9b" "31m", "??31m"); /* CSI as one C1 character */
}

static void not_utf8(void **state)
{
    (void)state;
    assert_printable("\xff" "a\xc3", "?a?");
    assert_printable("\xc0\xaf", "??");             /* overlong */
    assert_printable("\xed\xa0\x80", "???");         /* surrogate */
    assert_printable("\xf4\x90\x80\x80", "????");    /* beyond Unicode */
    assert_printable("\xe2\x80", "??");              /* cut */
}

static void grows(void **state)
{
    cli_text text = {0};
    char *taken;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        cli_text_add(&text, "abc", 3);
    }
    assert_int_equal(text.len, 3000);
    taken = cli_text_take(&text);
    assert_memory_equal(taken + 2997, "abc", 4);
    free(taken);
}

static void nothing_added(void **state)
{
    cli_text text = {0};
    char *taken = cli_text_take(&text);

    (void)state;
    assert_string_equal(taken, "");
    free(taken);
}

static void impossible_length(void **state)
{
    cli_text text = {0};

    (void)state;
    cli_text_add(&text, "a", 1);
    cli_text_add(&text, "a", SIZE_MAX);
    assert_null(cli_text_take(&text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_accented), cmocka_unit_test(control_characters), cmocka_unit_test(not_utf8),
        cmocka_unit_test(grows), cmocka_unit_test(nothing_added), cmocka_unit_test(impossible_length)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

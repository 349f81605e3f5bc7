#include "failure.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"

/* Whether the mapping that holds the address has this flag (proc(5), VmFlags). */
static bool has_flag(const void *address, const char *flag)
{
    char line[512], found[512] = "";
    bool inside = false;
    FILE *maps = fopen("/proc/self/smaps", "r");

    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long start = 0, end = 0;

        if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
            inside = (uintptr_t)address >= start && (uintptr_t)address < end;
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            memcpy(found, line, sizeof found);
        }
    }
    (void)fclose(maps);
    return strstr(found, flag) != NULL;
}

static void zero_and_out_of_core_dumps(void **state)
{
    uint8_t *secret = ratls_secret_new(100);

    (void)state;
    assert_non_null(secret);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(secret[i], 0);
    }
    assert_true(has_flag(secret, " dd"));
    ratls_secret_free(secret, 100);
}

static void not_for_a_forked_child(void **state)
{
    uint8_t *secret = ratls_secret_new(32);
    int outcome = 0;
    pid_t child;

    (void)state;
    assert_non_null(secret);
    memset(secret, 0x5a, 32);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(secret[0] == 0 && secret[31] == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_true(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
    assert_int_equal(secret[31], 0x5a);
    ratls_secret_free(secret, 32);
}

static void none(void **state)
{
    (void)state;
    assert_null(ratls_secret_new(0));
    ratls_secret_free(NULL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(zero_and_out_of_core_dumps), cmocka_unit_test(not_for_a_forked_child), cmocka_unit_test(none)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The directory: private, whole files only, and no reason for a failure. */
#include "failure.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "collateral/disk.h"

static char base[64];
static ratls_disk disk;
static ratls_disk_trouble trouble;

static const ratls_bytes content = {(const uint8_t *)"content", 7};

static int start(void **state)
{
    char path[96];

    (void)state;
    (void)snprintf(base, sizeof base, "/tmp/ratls-disk-test-XXXXXX");
    assert_non_null(mkdtemp(base));
    (void)snprintf(path, sizeof path, "%s/a/b", base);
    assert_int_equal(ratls_disk_init(&disk, path, NULL), RATLS_OK);
    trouble = (ratls_disk_trouble){""};
    return 0;
}

static int stop(void **state)
{
    char command[128];

    (void)state;
    ratls_disk_clear(&disk);
    (void)snprintf(command, sizeof command, "rm -rf %s", base);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[256];

    (void)snprintf(path, sizeof path, "%s/collateral-1/%s", disk.directory, name);
    return path;
}

static bool read_is(const char *name, const char *expected)
{
    uint8_t *data = NULL;
    size_t len = 0;
    bool there = ratls_disk_read(&data, &len, &disk, name, 100, &trouble);
    bool same = expected == NULL ? !there && data == NULL : there && len == strlen(expected) && memcmp(data, expected, len) == 0;

    free(data);
    return same;
}

static bool write_locked(const char *name, ratls_bytes bytes)
{
    int lock = ratls_disk_lock(&disk, name, ratls_clock_monotonic_ms(), NULL, &trouble);
    bool written = lock >= 0 && ratls_disk_write(&disk, name, bytes, &trouble);

    ratls_disk_unlock(lock);
    return written;
}

static mode_t mode_of(const char *path)
{
    struct stat found;

    assert_int_equal(lstat(path, &found), 0);
    return found.st_mode & 07777;
}

static void read_back(void **state)
{
    (void)state;
    assert_true(read_is("x", NULL));
    assert_true(write_locked("x", content));
    assert_true(read_is("x", "content"));
    assert_true(write_locked("x", (ratls_bytes){(const uint8_t *)"other", 5}));
    assert_true(read_is("x", "other"));
    assert_string_equal(trouble.text, "");
}

static void private_to_its_user(void **state)
{
    mode_t before = umask(0);

    (void)state;
    assert_true(write_locked("x", content));
    (void)umask(before);
    assert_int_equal(mode_of(path_of("")), 0700);
    assert_int_equal(mode_of(path_of("x")), 0600);
    assert_int_equal(mode_of(path_of("x.lock")), 0600);
    assert_int_equal(mode_of(disk.directory), 0700);
}

static void opened_to_others_is_closed_again(void **state)
{
    (void)state;
    assert_true(write_locked("x", content));
    assert_int_equal(chmod(path_of(""), 0777), 0);
    assert_true(read_is("x", "content"));
    assert_int_equal(mode_of(path_of("")), 0700);
}

/* What an ended process left half written is in nobody's way, and never read. */
static void left_half_written(void **state)
{
    FILE *left;

    (void)state;
    assert_true(write_locked("x", content));
    left = fopen(path_of("x.new"), "w");
    assert_non_null(left);
    (void)fputs("half", left);
    (void)fclose(left);
    assert_true(read_is("x", "content"));
    assert_true(write_locked("x", (ratls_bytes){(const uint8_t *)"whole", 5}));
    assert_true(read_is("x", "whole"));
    assert_int_equal(access(path_of("x.new"), F_OK), -1);
}

static void not_a_file(void **state)
{
    (void)state;
    assert_true(write_locked("other", content));
    assert_int_equal(symlink("other", path_of("link")), 0);
    assert_int_equal(mkdir(path_of("directory"), 0700), 0);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    assert_true(read_is("link", NULL));
    assert_true(read_is("directory", NULL));
    assert_true(read_is("pipe", NULL));
    assert_true(write_locked("link", content)); /* the link goes, not what it names */
    assert_true(read_is("link", "content"));
}

static void empty_or_too_large(void **state)
{
    char large[101];

    (void)state;
    memset(large, 'x', sizeof large);
    assert_true(write_locked("x", (ratls_bytes){(const uint8_t *)large, sizeof large}));
    assert_true(read_is("x", NULL));
    assert_true(write_locked("x", (ratls_bytes){(const uint8_t *)large, 0}));
    assert_true(read_is("x", NULL));
}

static void place_taken_by_a_file(void **state)
{
    FILE *file;

    (void)state;
    (void)snprintf(disk.directory, strlen(disk.directory) + 1, "%s/a", base);
    file = fopen(disk.directory, "w");
    assert_non_null(file);
    (void)fclose(file);
    assert_false(write_locked("x", content));
    assert_true(read_is("x", NULL));
    assert_non_null(strstr(trouble.text, "Not a directory"));
}

static void own_directory_is_a_link(void **state)
{
    char elsewhere[96];

    (void)state;
    assert_true(write_locked("x", content));
    (void)snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", base);
    assert_int_equal(rename(path_of(""), elsewhere), 0);
    (void)snprintf(elsewhere, sizeof elsewhere, "%s/collateral-1", disk.directory);
    assert_int_equal(symlink("../../elsewhere", elsewhere), 0);
    assert_true(read_is("x", NULL));
    assert_true(trouble.text[0] != '\0');
}

static void no_directory(void **state)
{
    ratls_disk none = {0};

    (void)state;
    assert_int_equal(ratls_disk_init(&none, "", NULL), RATLS_OK);
    assert_null(none.directory);
    assert_int_equal(ratls_disk_lock(&none, "x", 0, NULL, &trouble), -1);
    assert_false(ratls_disk_write(&none, "x", content, &trouble));
    assert_string_equal(trouble.text, "");
}

static void relative_path(void **state)
{
    ratls_disk wrong = {0};
    ratls_error *err = NULL;

    (void)state;
    ASSERT_FAILS(ratls_disk_init(&wrong, "a/b", &err), OPTION_VALUE);
    ratls_error_free(err);
}

static void locks_exclude_each_other(void **state)
{
    int first = ratls_disk_lock(&disk, "x", 0, NULL, &trouble), other, second;

    (void)state;
    assert_true(first >= 0);
    second = ratls_disk_lock(&disk, "x", ratls_clock_monotonic_ms() + 50, NULL, &trouble);
    assert_int_equal(second, -1);
    other = ratls_disk_lock(&disk, "y", 0, NULL, &trouble);
    assert_true(other >= 0);
    ratls_disk_unlock(other);
    ratls_disk_unlock(first);
    second = ratls_disk_lock(&disk, "x", 0, NULL, &trouble);
    assert_true(second >= 0);
    ratls_disk_unlock(second);
    ratls_disk_unlock(-1);
}

/* With the process that had it, however that ends; a child of fork() that lives on does not keep it. */
static void lock_goes_with_its_process(void **state)
{
    int ready[2], lock, status = 0;
    char octet;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        lock = ratls_disk_lock(&disk, "x", 0, NULL, &trouble);
        if (lock < 0 || write(ready[1], "r", 1) != 1) {
            _exit(1);
        }
        for (;;) {
            (void)pause();
        }
    }
    assert_int_equal(read(ready[0], &octet, 1), 1);
    assert_int_equal(ratls_disk_lock(&disk, "x", 0, NULL, &trouble), -1);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    lock = ratls_disk_lock(&disk, "x", ratls_clock_monotonic_ms() + 5000, NULL, &trouble);
    assert_true(lock >= 0);
    child = fork();
    if (child == 0) {
        for (;;) {
            (void)pause();
        }
    }
    ratls_disk_unlock(lock);
    lock = ratls_disk_lock(&disk, "x", 0, NULL, &trouble);
    assert_true(lock >= 0);
    ratls_disk_unlock(lock);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(read_back), TEST(private_to_its_user), TEST(opened_to_others_is_closed_again), TEST(left_half_written), TEST(not_a_file),
        TEST(empty_or_too_large), TEST(place_taken_by_a_file), TEST(own_directory_is_a_link), TEST(no_directory), TEST(relative_path),
        TEST(locks_exclude_each_other), TEST(lock_goes_with_its_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

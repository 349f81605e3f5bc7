#include "collateral/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pause.h"

enum { DIRECTORY_MODE = 0700, FILE_MODE = 0600, SUFFIX_MAX = 8 };

/* Our own, inside the one that was given: that may have another mode, and files of others in it. The number is the
 * layout's. */
static const char own_directory[] = "collateral-1";

ratls_status ratls_disk_init(ratls_disk *out, const char *directory, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    *out = (ratls_disk){0};
    if (directory == NULL || directory[0] == '\0') {
        return RATLS_OK;
    }
    CHECK(strlen(directory) < PATH_MAX - 128, RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", "cache_dir"), FOUND("(a long text)"),
          EXPECTED("a shorter path"));
    CHECK(directory[0] == '/', RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", "cache_dir"), FOUND(directory), EXPECTED("an absolute path"));
    out->directory = strdup(directory);
    CHECK(out->directory != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

void ratls_disk_clear(ratls_disk *disk)
{
    free(disk->directory);
    *disk = (ratls_disk){0};
}

static void note(ratls_disk_trouble *trouble, const ratls_disk *disk, const char *what, const char *why)
{
    (void)snprintf(trouble->text, sizeof trouble->text, "%.300s: %s: %s", disk->directory, what, why);
}

static void note_errno(ratls_disk_trouble *trouble, const ratls_disk *disk, const char *what)
{
    char why[128] = "";

    note(trouble, disk, what, strerror_r(errno, why, sizeof why));
}

/* The directory and those above it, as far as they are not there. */
static bool make_directories(const ratls_disk *disk)
{
    char path[PATH_MAX];
    size_t len = strlen(disk->directory);

    memcpy(path, disk->directory, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] == '/' || path[i] == '\0') {
            path[i] = '\0';
            if (mkdir(path, DIRECTORY_MODE) != 0 && errno != EEXIST) {
                return false;
            }
            path[i] = disk->directory[i];
        }
    }
    return true;
}

static int open_given(const ratls_disk *disk)
{
    int given = open(disk->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (given < 0 && errno == ENOENT && make_directories(disk)) {
        given = open(disk->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    return given;
}

/* Another user's directory could show us another file at each look; one of ours that others can enter is closed to them. */
static bool check_own(int own, const ratls_disk *disk, ratls_disk_trouble *trouble)
{
    struct stat found;

    if (fstat(own, &found) != 0) {
        note_errno(trouble, disk, "cannot be examined");
        return false;
    }
    if (found.st_uid != geteuid()) {
        note(trouble, disk, own_directory, "belongs to another user");
        return false;
    }
    if ((found.st_mode & 07777) != DIRECTORY_MODE && fchmod(own, DIRECTORY_MODE) != 0) {
        note_errno(trouble, disk, "others can enter it");
        return false;
    }
    return true;
}

/* -1: not to be had. */
static int open_own(const ratls_disk *disk, ratls_disk_trouble *trouble)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, given = open_given(disk), own;

    if (given < 0) {
        note_errno(trouble, disk, "cannot be used");
        return -1;
    }
    own = openat(given, own_directory, flags);
    if (own < 0 && errno == ENOENT && (mkdirat(given, own_directory, DIRECTORY_MODE) == 0 || errno == EEXIST)) {
        own = openat(given, own_directory, flags);
    }
    if (own < 0) {
        note_errno(trouble, disk, "cannot be used");
    } else if (!check_own(own, disk, trouble)) {
        (void)close(own);
        own = -1;
    }
    (void)close(given);
    return own;
}

static bool read_all(uint8_t **out, size_t *len, int file, size_t max)
{
    struct stat found;
    uint8_t *data;
    size_t filled = 0;
    ssize_t got = 1;

    if (fstat(file, &found) != 0 || !S_ISREG(found.st_mode) || found.st_size <= 0 || (uint64_t)found.st_size > max) {
        return false;
    }
    data = malloc((size_t)found.st_size);
    while (data != NULL && got != 0 && filled < (size_t)found.st_size) {
        got = read(file, data + filled, (size_t)found.st_size - filled);
        if (got < 0 && errno != EINTR) {
            break;
        }
        filled += got > 0 ? (size_t)got : 0;
        got = got < 0 ? 1 : got;
    }
    if (data == NULL || filled != (size_t)found.st_size) {
        free(data);
        return false;
    }
    *out = data;
    *len = filled;
    return true;
}

bool ratls_disk_read(uint8_t **out, size_t *len, const ratls_disk *disk, const char *name, size_t max, ratls_disk_trouble *trouble)
{
    int own = disk->directory == NULL ? -1 : open_own(disk, trouble);
    int file = own < 0 ? -1 : openat(own, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    bool done = false;

    *out = NULL;
    *len = 0;
    if (file >= 0) {
        done = read_all(out, len, file, max);
        if (!done) {
            note(trouble, disk, name, "is not a file of a usable size");
        }
        (void)close(file);
    } else if (own >= 0 && errno != ENOENT) {
        note_errno(trouble, disk, name);
    }
    if (own >= 0) {
        (void)close(own);
    }
    return done;
}

static bool write_all(int file, ratls_bytes content)
{
    while (content.len > 0) {
        ssize_t written = write(file, content.data, content.len);

        if (written < 0 && errno != EINTR) {
            return false;
        }
        if (written > 0) {
            content = (ratls_bytes){content.data + written, content.len - (size_t)written};
        }
    }
    /* On the disk before it gets its name: a name must never lead to half of a file. */
    return fsync(file) == 0;
}

static bool with_suffix(char out[NAME_MAX + 1], const char *name, const char *suffix)
{
    int len = snprintf(out, NAME_MAX + 1, "%s%s", name, suffix);

    return len > 0 && len <= NAME_MAX;
}

/* Beside its place first. The lock sees to it that nobody else writes the same; what an ended process left is written over. */
static bool write_in(int own, const char *name, ratls_bytes content)
{
    char fresh[NAME_MAX + 1];
    bool done = false;
    int file;

    if (!with_suffix(fresh, name, ".new") || (unlinkat(own, fresh, 0) != 0 && errno != ENOENT)) {
        return false;
    }
    file = openat(own, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (file < 0) {
        return false;
    }
    done = write_all(file, content);
    done = close(file) == 0 && done;
    if (done && renameat(own, fresh, own, name) == 0) {
        (void)fsync(own); /* a name that is lost with the machine's power is fetched again */
        return true;
    }
    int failure = errno;
    (void)unlinkat(own, fresh, 0);
    errno = failure;
    return false;
}

bool ratls_disk_write(const ratls_disk *disk, const char *name, ratls_bytes content, ratls_disk_trouble *trouble)
{
    int own = disk->directory == NULL ? -1 : open_own(disk, trouble);
    bool done;

    if (own < 0) {
        return false;
    }
    done = write_in(own, name, content);
    if (!done) {
        note_errno(trouble, disk, "cannot be written to");
    }
    (void)close(own);
    return done;
}

/* Locks of this kind belong to the open file: two verifiers of one process exclude each other as two processes do. */
static int wait_for_lock(int file, int64_t until_ms, const ratls_cancel *cancel)
{
    while (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || ratls_clock_monotonic_ms() >= until_ms || !ratls_pause(RATLS_DISK_LOCK_POLL_MS, cancel)) {
            (void)close(file);
            return -1;
        }
    }
    return file;
}

int ratls_disk_lock(const ratls_disk *disk, const char *name, int64_t until_ms, const ratls_cancel *cancel, ratls_disk_trouble *trouble)
{
    int own = disk->directory == NULL ? -1 : open_own(disk, trouble), file = -1;
    char lock[NAME_MAX + 1];

    if (own < 0) {
        return -1;
    }
    if (with_suffix(lock, name, ".lock")) {
        file = openat(own, lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    }
    if (file < 0) {
        note_errno(trouble, disk, "cannot be written to");
    }
    (void)close(own);
    return file < 0 ? -1 : wait_for_lock(file, until_ms, cancel);
}

void ratls_disk_unlock(int lock)
{
    if (lock >= 0) {
        /* By name: a child of fork() may have the same open file. */
        (void)flock(lock, LOCK_UN);
        (void)close(lock);
    }
}

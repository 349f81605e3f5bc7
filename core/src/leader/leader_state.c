#include "leader/leader_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/keccak256.h"
#include "base/pause.h"
#include "base/text.h"

enum { NAME_BYTES = 16 /* of the digest that tells clusters apart */ };

static const char prefix[] = "leader-";
static const char suffix[] = ".new"; /* while it is written */

static ratls_status refuse(const ratls_leader_state *state, const char *what, ratls_error **err)
{
    return RAISE(err, RATLS_ERR_LEADER_STATE, ratls_detail_text("path", state->directory), WHAT(what));
}

ratls_status ratls_leader_state_begin(
    ratls_leader_state *out, const char *directory, const char *name, const uint8_t signer[RATLS_ADDRESS_LEN], ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t digest[RATLS_KECCAK256_LEN];
    ratls_text file = {0};

    *out = (ratls_leader_state){0};
    if (directory == NULL) {
        return RATLS_OK;
    }
    /* With the NUL behind the name, so that no name and signer read like others. */
    ratls_keccak256(digest, (ratls_bytes){(const uint8_t *)name, strlen(name) + 1}, (ratls_bytes){signer, RATLS_ADDRESS_LEN});
    ratls_text_add(&file, prefix);
    ratls_text_add_hex(&file, digest, NAME_BYTES);
    out->file = ratls_text_take(&file);
    out->directory = strdup(directory);
    CHECK(out->file != NULL && out->directory != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

/* Who else may write there could bring back an old record by deleting ours. */
static ratls_status open_directory(int *out, const ratls_leader_state *state, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    int fd = open(state->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat about;

    *out = -1;
    if (fd < 0 || fstat(fd, &about) != 0) {
        status = refuse(state, strerror(errno), err);
        goto out;
    }
    if (about.st_uid != geteuid() || (about.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        status = refuse(state, "it belongs to somebody else, or others may write there", err);
        goto out;
    }
    *out = fd;
    return RATLS_OK;
out:
    if (fd >= 0) {
        (void)close(fd);
    }
    return status;
}

/* The whole file into `bytes`, of which it fills less; *len 0 when there is none. */
static ratls_status read_file(uint8_t *bytes, size_t room, size_t *len, int directory, const ratls_leader_state *state, ratls_error **err)
{
    ratls_status status = RATLS_OK;
    int fd = openat(directory, state->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = -1;

    *len = 0;
    if (fd < 0) {
        return errno == ENOENT ? RATLS_OK : refuse(state, strerror(errno), err);
    }
    do {
        got = read(fd, bytes, room);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        status = refuse(state, strerror(errno), err);
    } else {
        *len = (size_t)got;
    }
    (void)close(fd);
    return status;
}

static ratls_status load_from(
    ratls_leader_record **out, int directory, const ratls_leader_state *state, const ratls_leader_expected *expected, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t bytes[RATLS_MANIFEST_MAX + 1]; /* a full one is too long, which the record says */
    ratls_leader_expected signer = *expected;
    size_t len = 0;

    signer.any_cluster = true; /* another cluster's epoch counts as well, as long as it is the same name and signer */
    TRY(read_file(bytes, sizeof bytes, &len, directory, state, err));
    if (len > 0 && ratls_leader_record_read(out, (ratls_bytes){bytes, len}, &signer, NULL) != RATLS_OK) {
        status = refuse(state, "the record that was kept there is damaged: remove it to do without", err);
        goto out;
    }
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_leader_state_load(
    ratls_leader_record **out, const ratls_leader_state *state, const ratls_leader_expected *expected, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    int directory = -1;

    *out = NULL;
    if (state->directory == NULL) {
        return RATLS_OK;
    }
    TRY(open_directory(&directory, state, err));
    TRY(load_from(out, directory, state, expected, err));
    status = RATLS_OK;
out:
    if (directory >= 0) {
        (void)close(directory);
    }
    return status;
}

/* One process at a time replaces the file, or a slower one would put an older record in its place. */
static ratls_status lock_directory(int directory, const ratls_leader_state *state, const ratls_cancel *cancel, ratls_error **err)
{
    for (int waited = 0; flock(directory, LOCK_EX | LOCK_NB) != 0; waited += RATLS_LEADER_STATE_LOCK_PAUSE_MS) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return refuse(state, strerror(errno), err);
        }
        if (waited >= RATLS_LEADER_STATE_LOCK_MS || !ratls_pause(RATLS_LEADER_STATE_LOCK_PAUSE_MS, cancel)) {
            return refuse(state, "somebody else holds the lock on it", err);
        }
    }
    return RATLS_OK;
}

static bool write_whole(int fd, ratls_bytes bytes)
{
    for (size_t written = 0; written < bytes.len;) {
        ssize_t step = write(fd, bytes.data + written, bytes.len - written);

        if (step < 0 && errno != EINTR) {
            return false;
        }
        written += step > 0 ? (size_t)step : 0;
    }
    return fsync(fd) == 0;
}

/* Written beside and renamed: whoever reads finds the old one or the new one, whole. */
static ratls_status replace_file(int directory, const ratls_leader_state *state, ratls_bytes text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text name = {0};
    char *fresh = NULL;
    int fd = -1;

    ratls_text_add(&name, state->file);
    ratls_text_add(&name, suffix);
    fresh = ratls_text_take(&name);
    CHECK(fresh != NULL, RATLS_ERR_OUT_OF_MEMORY);
    (void)unlinkat(directory, fresh, 0); /* of one who did not finish */
    fd = openat(directory, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0 || !write_whole(fd, text) || renameat(directory, fresh, directory, state->file) != 0) {
        status = refuse(state, strerror(errno), err);
        goto out;
    }
    status = RATLS_OK;
out:
    if (fd >= 0) {
        (void)close(fd);
    }
    free(fresh);
    return status;
}

ratls_status ratls_leader_state_keep(
    const ratls_leader_state *state, const ratls_leader_record *record, const ratls_leader_expected *expected, const ratls_cancel *cancel,
    ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_leader_record *kept = NULL;
    int directory = -1;

    if (state->directory == NULL) {
        return RATLS_OK;
    }
    TRY(open_directory(&directory, state, err));
    TRY(lock_directory(directory, state, cancel, err));
    TRY(load_from(&kept, directory, state, expected, err));
    if (kept == NULL || ratls_leader_record_epoch(kept) < ratls_leader_record_epoch(record)) {
        TRY(replace_file(directory, state, ratls_leader_record_text(record), err));
    }
    status = RATLS_OK;
out:
    ratls_leader_record_free(kept);
    if (directory >= 0) {
        (void)close(directory); /* and with it goes the lock */
    }
    return status;
}

void ratls_leader_state_clear(ratls_leader_state *state)
{
    free(state->directory);
    free(state->file);
    *state = (ratls_leader_state){0};
}

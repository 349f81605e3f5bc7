/** The directory that keeps collateral for all processes of a user. Nothing that goes wrong here is a failure: then memory
 *  has to do. What is read is whatever lies there, for others to judge. */
#ifndef RATLS_COLLATERAL_DISK_H
#define RATLS_COLLATERAL_DISK_H

#include "base/cancel.h"

enum {
    RATLS_DISK_LOCK_POLL_MS = 20, /* between tries to get a lock that another process has */
    RATLS_DISK_WHAT_MAX = 512
};

typedef struct {
    char *directory; /* owned; NULL: none */
} ratls_disk;

/** `directory` may be NULL or "": none. */
ratls_status ratls_disk_init(ratls_disk *out, const char *directory, ratls_error **err);
void ratls_disk_clear(ratls_disk *disk);

/** What went wrong, for a warning; "" when nothing did. */
typedef struct {
    char text[RATLS_DISK_WHAT_MAX];
} ratls_disk_trouble;

/** Read the file `name`, at most `max` bytes; false when it is not there or cannot be read. *out is the caller's to free(). */
bool ratls_disk_read(uint8_t **out, size_t *len, const ratls_disk *disk, const char *name, size_t max, ratls_disk_trouble *trouble);

/** Write the file whole or not at all, whenever the process or the machine ends; only its owner can read it. The lock must be held. */
bool ratls_disk_write(const ratls_disk *disk, const char *name, ratls_bytes content, ratls_disk_trouble *trouble);

/** The lock of `name` among processes, waited for until `until_ms` on the monotonic clock; it goes with the process that
 *  has it. -1: it is not to be had. */
int ratls_disk_lock(const ratls_disk *disk, const char *name, int64_t until_ms, const ratls_cancel *cancel, ratls_disk_trouble *trouble);

/** -1 is accepted. */
void ratls_disk_unlock(int lock);

#endif

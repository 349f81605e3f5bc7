#include "starve.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>

/* glibc's own, under the names it keeps for those who stand in front of it. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

#define SEEN __attribute__((visibility("default"))) /* by every library of the process */

static atomic_long left; /* allocations until one fails; 0 and below: none does */
static atomic_bool failed;

static bool runs_out(void)
{
    if (atomic_load(&left) <= 0 || atomic_fetch_sub(&left, 1) != 1) {
        return false;
    }
    atomic_store(&failed, true);
    errno = ENOMEM;
    return true;
}

SEEN void *malloc(size_t size)
{
    return runs_out() ? NULL : __libc_malloc(size);
}

SEEN void *calloc(size_t count, size_t size)
{
    return runs_out() ? NULL : __libc_calloc(count, size);
}

SEEN void *realloc(void *memory, size_t size)
{
    return runs_out() ? NULL : __libc_realloc(memory, size);
}

void starve_at(long number)
{
    atomic_store(&failed, false);
    atomic_store(&left, number);
}

bool starve_end(void)
{
    atomic_store(&left, 0);
    return atomic_load(&failed);
}

size_t starve_heap(void)
{
    return mallinfo2().uordblks;
}

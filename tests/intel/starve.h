/** Memory that runs out when a test says so: malloc and its kin of the whole process, libcrypto and libcurl included. */
#ifndef RATLS_INTEL_STARVE_H
#define RATLS_INTEL_STARVE_H

#include <stdbool.h>
#include <stddef.h>

/** From now on the `number`th allocation (from 1) fails, on whatever thread, and no other. */
void starve_at(long number);

/** No allocation fails any more; whether one did since. */
bool starve_end(void);

/** Bytes that are allocated now. */
size_t starve_heap(void);

#endif

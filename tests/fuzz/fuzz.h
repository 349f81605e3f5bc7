/** What every fuzz target defines, and how it stops when something that must hold does not. */
#ifndef RATLS_FUZZ_H
#define RATLS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** abort() unless it holds: a crash that the fuzzer reports. */
#define MUST(condition)   \
    do {                  \
        if (!(condition)) \
            abort();      \
    } while (0)

#endif

/** Waiting for nothing but time, replaceable in tests; always with an end, and ended by cancelling. */
#ifndef RATLS_BASE_PAUSE_H
#define RATLS_BASE_PAUSE_H

#include "base/cancel.h"

/** Wait; false when cancelled before the time was over. */
bool ratls_pause(int64_t ms, const ratls_cancel *cancel);

typedef struct {
    bool (*pause)(void *user, int64_t ms, const ratls_cancel *cancel);
    void *user;
} ratls_pauser;

/** Replace the waiting (tests only, before threads start); NULL restores it. */
void ratls_pause_replace(const ratls_pauser *pauser);

#endif

/** Ending blocking calls from another thread: a flag that threads can look at and poll() for. */
#ifndef RATLS_BASE_CANCEL_H
#define RATLS_BASE_CANCEL_H

#include "base/error.h"

/** True once triggered; false for NULL. */
bool ratls_cancel_triggered(const ratls_cancel *cancel);

/** A descriptor that becomes readable when triggered and stays so; -1 for NULL. Never read from it. */
int ratls_cancel_fd(const ratls_cancel *cancel);

#endif

/** UTF-8 as RFC 3629 has it: no overlong form, no surrogate, nothing above U+10FFFF. */
#ifndef RATLS_BASE_UTF8_H
#define RATLS_BASE_UTF8_H

#include "base/bytes.h"

/** Length of the sequence at the start of `text`; 0 when there is none (also for empty text). */
size_t ratls_utf8_sequence(ratls_bytes text);

/** All of `text` is UTF-8 (also when it is empty). */
bool ratls_utf8_valid(ratls_bytes text);

#endif

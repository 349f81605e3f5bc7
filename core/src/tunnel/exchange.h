/** The conversation between driver and server, as far as it must be known when it may be cut: whether an answer is under way, and
 *  where a message ends. Looks at the heads of messages only. */
#ifndef RATLS_TUNNEL_EXCHANGE_H
#define RATLS_TUNNEL_EXCHANGE_H

#include "base/bytes.h"

enum { RATLS_MESSAGE_HEAD_MAX = 5 /* a letter and the length; the first of all has no letter */ };

/** One direction. */
typedef struct {
    uint8_t head[RATLS_MESSAGE_HEAD_MAX];
    size_t head_len;
    size_t head_needed;
    uint64_t left; /* of the message that has begun */
    bool lost;     /* what came is not PostgreSQL's: its messages cannot be told apart */
} ratls_messages;

typedef struct {
    ratls_messages requests;
    ratls_messages answers;
    uint64_t asked;    /* requests that the server ends with ReadyForQuery … */
    uint64_t answered; /* … and how often it did, after the first time */
    bool ready;        /* it has, once: the session has begun */
} ratls_exchange;

/** The driver begins with a StartupMessage. */
void ratls_exchange_begin(ratls_exchange *exchange);

/** These bytes were sent to the server. */
void ratls_exchange_asked(ratls_exchange *exchange, const uint8_t *bytes, size_t len);

/** These came from it. */
void ratls_exchange_answered(ratls_exchange *exchange, const uint8_t *bytes, size_t len);

/** The driver waits for nothing: every request was answered, or the session has not begun. */
bool ratls_exchange_idle(const ratls_exchange *exchange);

/** What came from the server ends where a message does. */
bool ratls_exchange_between(const ratls_exchange *exchange);

#endif

#include "tunnel/exchange.h"

#include <string.h>

#include "base/reader.h"

enum { LENGTH_SIZE = 4 /* it counts itself */ };

/* Requests that the server ends with ReadyForQuery: Query, Sync, FunctionCall. */
static const char ended_by_ready[] = "QSF";
static const char ready_for_query[] = "Z";

/* The head is complete: how much is to come. */
static void begin_message(ratls_messages *messages)
{
    ratls_reader reader = ratls_reader_over((ratls_bytes){messages->head + messages->head_needed - LENGTH_SIZE, LENGTH_SIZE});
    uint64_t len = 0;

    (void)ratls_reader_uint_be(&reader, &len, LENGTH_SIZE);
    messages->lost = len < LENGTH_SIZE;
    messages->left = len - LENGTH_SIZE;
}

/* How many messages of these types ended. */
static uint64_t follow(ratls_messages *messages, const uint8_t *bytes, size_t len, const char *types)
{
    uint64_t count = 0;

    while (len > 0 && !messages->lost) {
        bool in_head = messages->head_len < messages->head_needed;
        uint64_t wanted = in_head ? messages->head_needed - messages->head_len : messages->left;
        size_t step = wanted < len ? (size_t)wanted : len;

        if (in_head) {
            memcpy(messages->head + messages->head_len, bytes, step);
            messages->head_len += step;
            if (messages->head_len == messages->head_needed) {
                begin_message(messages);
            }
        } else {
            messages->left -= step;
        }
        bytes += step;
        len -= step;
        if (messages->head_len == messages->head_needed && messages->left == 0 && !messages->lost) {
            count += messages->head_needed == RATLS_MESSAGE_HEAD_MAX && strchr(types, messages->head[0]) != NULL && messages->head[0] != '\0' ? 1 : 0;
            messages->head_len = 0;
            messages->head_needed = RATLS_MESSAGE_HEAD_MAX;
        }
    }
    return count;
}

void ratls_exchange_begin(ratls_exchange *exchange)
{
    *exchange = (ratls_exchange){.requests.head_needed = LENGTH_SIZE, .answers.head_needed = RATLS_MESSAGE_HEAD_MAX};
}

void ratls_exchange_asked(ratls_exchange *exchange, const uint8_t *bytes, size_t len)
{
    exchange->asked += follow(&exchange->requests, bytes, len, ended_by_ready);
}

void ratls_exchange_answered(ratls_exchange *exchange, const uint8_t *bytes, size_t len)
{
    uint64_t count = follow(&exchange->answers, bytes, len, ready_for_query);

    if (count > 0 && !exchange->ready) {
        exchange->ready = true;
        count--;
    }
    exchange->answered += count;
}

bool ratls_exchange_idle(const ratls_exchange *exchange)
{
    return !exchange->ready || exchange->answered >= exchange->asked;
}

bool ratls_exchange_between(const ratls_exchange *exchange)
{
    return exchange->answers.head_len == 0 && !exchange->answers.lost;
}

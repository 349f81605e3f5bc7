#include "tunnel/sasl_offer.h"

#include <string.h>

#include "base/reader.h"

/* PostgreSQL's protocol 3, "Message Formats". */
enum {
    MESSAGE_AUTHENTICATION = 'R',
    MESSAGE_NEGOTIATE_VERSION = 'v',
    MESSAGE_NOTICE = 'N',
    AUTHENTICATION_SASL = 10,
    LENGTH_SIZE = 4, /* counts itself, not the letter */
    MESSAGE_HEAD = 1 + LENGTH_SIZE,
    OFFER_HEAD = MESSAGE_HEAD + 4 /* and the kind of authentication */
};

static const char plus[] = "-PLUS";

typedef enum {
    LOOK_MORE, /* the message is to be seen further */
    LOOK_PASS, /* it goes on as it is */
    LOOK_OFFER /* it is an offer, complete */
} look_outcome;

/* The message at the beginning of `bytes`; *whole: its length, once that is known. */
static look_outcome look_at_message(ratls_sasl_offer *offer, ratls_bytes bytes, size_t *whole)
{
    ratls_reader reader = ratls_reader_over(bytes);
    uint64_t letter = 0, len = 0, kind = 0;

    if (!ratls_reader_uint_be(&reader, &letter, 1) || !ratls_reader_uint_be(&reader, &len, LENGTH_SIZE)) {
        return LOOK_MORE;
    }
    if (len < LENGTH_SIZE || (letter != MESSAGE_AUTHENTICATION && letter != MESSAGE_NEGOTIATE_VERSION && letter != MESSAGE_NOTICE)) {
        offer->done = true; /* an error, or nothing that comes before authentication: the driver's to judge */
        return LOOK_PASS;
    }
    *whole = 1 + (size_t)len;
    if (letter != MESSAGE_AUTHENTICATION) {
        return LOOK_PASS; /* and the next one is looked at */
    }
    if (*whole < OFFER_HEAD || *whole > RATLS_SASL_OFFER_MAX) {
        offer->done = true;
        return LOOK_PASS;
    }
    if (!ratls_reader_uint_be(&reader, &kind, 4)) {
        return LOOK_MORE;
    }
    if (kind != AUTHENTICATION_SASL) {
        offer->done = true;
        return LOOK_PASS;
    }
    return bytes.len < *whole ? LOOK_MORE : LOOK_OFFER;
}

static bool binds_channel(ratls_bytes name)
{
    size_t len = sizeof plus - 1;

    return name.len > len && ratls_bytes_equal_text((ratls_bytes){name.data + name.len - len, len}, plus);
}

/* A mechanism's name; empty at the end of the list. False when there is no NUL any more. */
static bool take_name(ratls_reader *reader, ratls_bytes *name)
{
    const uint8_t *end = reader->left == 0 ? NULL : memchr(reader->next, '\0', reader->left);

    return end != NULL && ratls_reader_take(reader, name, (size_t)(end - reader->next)) && ratls_reader_skip(reader, 1);
}

/* A list is names that end with NUL, and an empty one exactly at its end. Counts both kinds; false for anything else. */
static bool count_names(ratls_bytes list, size_t *binding, size_t *others)
{
    ratls_reader reader = ratls_reader_over(list);
    ratls_bytes name;

    *binding = 0;
    *others = 0;
    while (take_name(&reader, &name)) {
        if (name.len == 0) {
            return reader.left == 0;
        }
        *binding += binds_channel(name) ? 1 : 0;
        *others += binds_channel(name) ? 0 : 1;
    }
    return false;
}

static void write_length(uint8_t out[LENGTH_SIZE], size_t len)
{
    for (size_t i = 0; i < LENGTH_SIZE; i++) {
        out[i] = (uint8_t)(len >> (8 * (LENGTH_SIZE - 1 - i)));
    }
}

/* Move the names that stay together; the new length of the message. */
static size_t drop_names(uint8_t *message, size_t whole)
{
    ratls_reader reader = ratls_reader_over((ratls_bytes){message + OFFER_HEAD, whole - OFFER_HEAD});
    size_t kept = OFFER_HEAD;
    ratls_bytes name;

    while (take_name(&reader, &name)) {
        if (!binds_channel(name)) {
            memmove(message + kept, name.data, name.len + 1);
            kept += name.len + 1;
        }
    }
    write_length(message + 1, kept - 1);
    return kept;
}

/* The offer at `message`, of *whole bytes, in place; *whole becomes what is left of it. */
static ratls_status change_offer(uint8_t *message, size_t *whole, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes list = {message + OFFER_HEAD, *whole - OFFER_HEAD};
    size_t binding = 0, others = 0;

    if (!count_names(list, &binding, &others) || binding == 0) {
        return RATLS_OK; /* a list that is none is the driver's to refuse */
    }
    CHECK(others > 0, RATLS_ERR_CHANNEL_BINDING_ONLY, ratls_detail_chars("found", (ratls_bytes){list.data, strnlen((const char *)list.data, list.len)}));
    *whole = drop_names(message, *whole);
    status = RATLS_OK;
out:
    return status;
}

/* Take the offer's names out, and close the gap before what follows it. */
static ratls_status replace_offer(uint8_t *message, size_t whole, size_t *len, size_t *left, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    *left = whole;
    TRY(change_offer(message, left, err));
    memmove(message + *left, message + whole, *len - whole);
    *len -= whole - *left;
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_sasl_offer_look(ratls_sasl_offer *offer, uint8_t *bytes, size_t *len, size_t *clear, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    *clear = 0;
    while (!offer->done && *clear < *len) {
        size_t rest = *len - *clear, whole = 0, left = 0;
        look_outcome outcome = LOOK_PASS;

        if (offer->passing == 0) {
            outcome = look_at_message(offer, (ratls_bytes){bytes + *clear, rest}, &whole);
            offer->passing = outcome == LOOK_PASS ? whole : 0;
        }
        if (outcome == LOOK_MORE) {
            return RATLS_OK;
        }
        if (outcome == LOOK_OFFER) {
            size_t after = rest;

            TRY(replace_offer(bytes + *clear, whole, &after, &left, err));
            *len -= rest - after;
            *clear += left;
            offer->done = true;
        } else {
            size_t step = offer->passing < rest ? offer->passing : rest;

            offer->passing -= step;
            *clear += step;
        }
    }
    *clear = offer->done ? *len : *clear;
    status = RATLS_OK;
out:
    return status;
}

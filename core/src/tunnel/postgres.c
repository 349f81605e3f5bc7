#include "tunnel/postgres.h"

#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "base/text.h"
#include "base/utf8.h"

enum {
    PACKET_HEAD = 8, /* length, then version or request code */
    ERROR_RESPONSE_HEAD = 5,
    VERSION_MAJOR = 3,
    REQUEST_CANCEL = (1234 << 16) | 5678,
    REQUEST_SSL = (1234 << 16) | 5679,
    REQUEST_GSSENC = (1234 << 16) | 5680
};

static ratls_status classify_packet(ratls_packet_kind *kind, uint64_t len, uint64_t code, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (code == REQUEST_SSL || code == REQUEST_GSSENC) {
        CHECK(len == PACKET_HEAD, RATLS_ERR_STARTUP_INVALID, WHAT("an encryption request of the wrong length"));
        *kind = RATLS_PACKET_ENCRYPTION;
    } else if (code == REQUEST_CANCEL) {
        size_t head = PACKET_HEAD + sizeof(uint32_t); /* the server's process number */

        CHECK(len >= head + RATLS_CANCEL_KEY_MIN && len <= head + RATLS_CANCEL_KEY_MAX, RATLS_ERR_STARTUP_INVALID,
              WHAT("a cancel request of the wrong length"));
        *kind = RATLS_PACKET_CANCEL;
    } else {
        CHECK(code >> 16 == VERSION_MAJOR, RATLS_ERR_STARTUP_INVALID, WHAT("an unknown protocol version or request"));
        *kind = RATLS_PACKET_STARTUP;
    }
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_first_packet_read(ratls_packet_kind *kind, size_t *len, ratls_bytes bytes, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_reader reader = ratls_reader_over(bytes);
    ratls_packet_kind found = RATLS_PACKET_INCOMPLETE;
    uint64_t packet_len = 0, code = 0;

    *kind = RATLS_PACKET_INCOMPLETE;
    *len = 0;
    if (!ratls_reader_uint_be(&reader, &packet_len, 4)) {
        return RATLS_OK;
    }
    CHECK(packet_len >= PACKET_HEAD && packet_len <= RATLS_STARTUP_PACKET_MAX, RATLS_ERR_STARTUP_INVALID,
          WHAT("its length is out of range"));
    if (!ratls_reader_uint_be(&reader, &code, 4)) {
        return RATLS_OK;
    }
    TRY(classify_packet(&found, packet_len, code, err));
    if (bytes.len >= packet_len) {
        *kind = found;
        *len = (size_t)packet_len;
    }
    status = RATLS_OK;
out:
    return status;
}

/* The class decides: 08004 the server was rejected, 08001 no connection could be made; 57P01 is what a server says that shuts
 * down, upon which every driver and pool connects anew. */
static const char *sqlstate_of(const ratls_error *error)
{
    if (ratls_error_code(error) == RATLS_ERR_LEADER_SUPERSEDED) {
        return "57P01";
    }
    return ratls_error_class(error) == RATLS_CLASS_REFUSED ? "08004" : "08001";
}

/* A field: its letter, its text, NUL. Text beyond the limit is cut between characters. */
static void add_field(ratls_text *text, char letter, const char *value)
{
    ratls_bytes rest = {(const uint8_t *)value, strlen(value)};
    size_t len = 0;

    while (rest.len > 0) {
        size_t step = ratls_utf8_sequence(rest);

        step = step == 0 ? 1 : step;
        if (len + step > RATLS_ERROR_RESPONSE_FIELD_MAX) {
            break;
        }
        len += step;
        rest = (ratls_bytes){rest.data + step, rest.len - step};
    }
    ratls_text_add_bytes(text, &letter, 1);
    ratls_text_add_bytes(text, value, len);
    ratls_text_add_bytes(text, "", 1);
}

static void write_length(char out[4], size_t len)
{
    for (size_t i = 0; i < 4; i++) {
        out[i] = (char)(unsigned char)(len >> (24 - 8 * i));
    }
}

uint8_t *ratls_error_response_make(size_t *len, const ratls_error *error, int32_t spelling)
{
    static const char head[ERROR_RESPONSE_HEAD] = {'E'};
    const char *hint = ratls_error_detail(error, "hint");
    ratls_text text = {0};
    char *made;

    ratls_text_add_bytes(&text, head, sizeof head);
    add_field(&text, 'S', "FATAL");
    add_field(&text, 'V', "FATAL");
    add_field(&text, 'C', sqlstate_of(error));
    add_field(&text, 'M', ratls_error_message(error, spelling));
    add_field(&text, 'D', ratls_status_name(ratls_error_code(error)));
    if (hint != NULL) {
        add_field(&text, 'H', hint);
    }
    ratls_text_add_bytes(&text, "", 1);
    *len = text.len;
    made = ratls_text_take(&text);
    if (made == NULL) {
        *len = 0;
        return NULL;
    }
    write_length(made + 1, *len - 1); /* the length counts itself, not the letter */
    return (uint8_t *)made;
}

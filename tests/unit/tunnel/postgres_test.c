#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tunnel/postgres.h"

#define STARTUP "\0\0\0\x12\0\3\0\0user\0bob\0\0"
#define SSL_REQUEST "\0\0\0\x08\x04\xd2\x16\x2f"
#define GSSENC_REQUEST "\0\0\0\x08\x04\xd2\x16\x30"
#define CANCEL_REQUEST "\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\1\0\0\0\2"
#define BYTES(literal) ((ratls_bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static void assert_packet(ratls_bytes bytes, ratls_packet_kind kind, size_t len)
{
    ratls_packet_kind found = RATLS_PACKET_INCOMPLETE;
    size_t found_len = 99;

    assert_int_equal(ratls_first_packet_read(&found, &found_len, bytes, NULL), RATLS_OK);
    assert_int_equal(found, kind);
    assert_int_equal(found_len, len);
}

static void assert_invalid(ratls_bytes bytes)
{
    ratls_packet_kind found = RATLS_PACKET_STARTUP;
    ratls_error *error = NULL;
    size_t len = 99;

    assert_int_equal(ratls_first_packet_read(&found, &len, bytes, &error), RATLS_ERR_STARTUP_INVALID);
    assert_int_equal(found, RATLS_PACKET_INCOMPLETE);
    assert_int_equal(len, 0);
    assert_non_null(ratls_error_detail(error, "what"));
    ratls_error_free(error);
}

static void startup(void **state)
{
    (void)state;
    assert_packet(BYTES(STARTUP), RATLS_PACKET_STARTUP, 18);
    assert_packet(BYTES(STARTUP "more"), RATLS_PACKET_STARTUP, 18);
}

static void startup_3_2(void **state)
{
    (void)state;
    assert_packet(BYTES("\0\0\0\x09\0\3\0\2\0"), RATLS_PACKET_STARTUP, 9);
}

static void startup_in_pieces(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof STARTUP - 1; len++) {
        assert_packet((ratls_bytes){(const uint8_t *)STARTUP, len}, RATLS_PACKET_INCOMPLETE, 0);
    }
}

static void encryption_requests(void **state)
{
    (void)state;
    assert_packet(BYTES(SSL_REQUEST), RATLS_PACKET_ENCRYPTION, 8);
    assert_packet(BYTES(GSSENC_REQUEST), RATLS_PACKET_ENCRYPTION, 8);
}

static void cancel_request(void **state)
{
    uint8_t longest[12 + RATLS_CANCEL_KEY_MAX] = {0, 0, 0x01, 0x0c, 0x04, 0xd2, 0x16, 0x2e};

    (void)state;
    assert_packet(BYTES(CANCEL_REQUEST), RATLS_PACKET_CANCEL, 16);
    assert_packet((ratls_bytes){longest, sizeof longest}, RATLS_PACKET_CANCEL, sizeof longest);
}

static void length_too_small(void **state)
{
    (void)state;
    assert_invalid(BYTES("\0\0\0\x07\0\3\0\0"));
    assert_invalid(BYTES("\0\0\0\0"));
}

static void length_too_large(void **state)
{
    (void)state;
    assert_packet(BYTES("\0\0\x27\x10\0\3\0\0"), RATLS_PACKET_INCOMPLETE, 0); /* 10000, the limit */
    assert_invalid(BYTES("\0\0\x27\x11\0\3\0\0"));
    assert_invalid(BYTES("\xff\xff\xff\xff"));
}

static void ssl_request_of_the_wrong_length(void **state)
{
    (void)state;
    assert_invalid(BYTES("\0\0\0\x09\x04\xd2\x16\x2f\0"));
    assert_invalid(BYTES("\0\0\0\x0c\x04\xd2\x16\x30"));
}

static void cancel_request_of_the_wrong_length(void **state)
{
    (void)state;
    assert_invalid(BYTES("\0\0\0\x0f\x04\xd2\x16\x2e"));
    assert_invalid(BYTES("\0\0\x01\x0d\x04\xd2\x16\x2e"));
}

static void protocol_unknown(void **state)
{
    (void)state;
    assert_invalid(BYTES("\0\0\0\x09\0\2\0\0\0"));
    assert_invalid(BYTES("\0\0\0\x09\0\4\0\0\0"));
    assert_invalid(BYTES("\0\0\0\x08\x04\xd2\x16\x31"));
    assert_invalid(BYTES("GET / HTTP/1.1\r\n"));
    assert_invalid(BYTES("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03")); /* TLS */
}

/* The field's text in an ErrorResponse, NULL when there is none; checks the frame. */
static const char *field_of(const uint8_t *response, size_t len, char letter)
{
    size_t declared = (size_t)response[1] << 24 | (size_t)response[2] << 16 | (size_t)response[3] << 8 | response[4];
    const char *found = NULL;
    size_t at = 5;

    assert_int_equal(response[0], 'E');
    assert_int_equal(declared + 1, len);
    assert_int_equal(response[len - 1], 0);
    while (at < len - 1) {
        if ((char)response[at] == letter) {
            found = (const char *)response + at + 1;
        }
        at += 1 + strlen((const char *)response + at + 1) + 1;
    }
    assert_int_equal(at, len - 1);
    return found;
}

static void refusal_in_the_callers_words(void **state)
{
    ratls_error *error = NULL;
    uint8_t *response;
    size_t len = 0;

    (void)state;
    (void)RAISE(&error, RATLS_ERR_QUOTE_MISSING, FOUND("nothing"));
    response = ratls_error_response_make(&len, error, RATLS_SPELLING_PYTHON);
    assert_non_null(response);
    assert_string_equal(field_of(response, len, 'S'), "FATAL");
    assert_string_equal(field_of(response, len, 'V'), "FATAL");
    assert_string_equal(field_of(response, len, 'C'), "08004");
    assert_string_equal(field_of(response, len, 'M'),
                        "upstream cert has no TDX attestation extension; set allow_simulator=True for non-TEE targets");
    assert_string_equal(field_of(response, len, 'D'), "QUOTE_MISSING");
    assert_null(field_of(response, len, 'H'));
    free(response);
    ratls_error_free(error);
}

static void hint_is_passed_on(void **state)
{
    ratls_error *error = NULL;
    uint8_t *response;
    size_t len = 0;

    (void)state;
    (void)RAISE(&error, RATLS_ERR_QUOTE_MISSING, ratls_detail_text("hint", "use the other name"));
    response = ratls_error_response_make(&len, error, RATLS_SPELLING_C);
    assert_string_equal(field_of(response, len, 'H'), "use the other name");
    free(response);
    ratls_error_free(error);
}

static void sqlstate_by_class(void **state)
{
    static const struct {
        ratls_status code;
        const char *sqlstate;
    } cases[] = {{RATLS_ERR_KEY_BINDING, "08004"}, {RATLS_ERR_HANDSHAKE_TIMEOUT, "08001"}, {RATLS_ERR_STARTUP_INVALID, "08001"}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        ratls_error *error = NULL;
        uint8_t *response;
        size_t len = 0;

        (void)RAISE(&error, cases[i].code, EXPECTED("5000"), WHAT("x"));
        response = ratls_error_response_make(&len, error, RATLS_SPELLING_C);
        assert_string_equal(field_of(response, len, 'C'), cases[i].sqlstate);
        free(response);
        ratls_error_free(error);
    }
}

static void no_error_is_out_of_memory(void **state)
{
    uint8_t *response;
    size_t len = 0;

    (void)state;
    response = ratls_error_response_make(&len, NULL, RATLS_SPELLING_C);
    assert_string_equal(field_of(response, len, 'C'), "08001");
    assert_string_equal(field_of(response, len, 'M'), "out of memory");
    free(response);
}

static void long_text_is_cut_between_characters(void **state)
{
    ratls_error *error = NULL;
    char *hint = malloc(4001);
    const char *shown;
    uint8_t *response;
    size_t len = 0;

    (void)state;
    assert_non_null(hint);
    for (size_t i = 0; i < 4000; i += 2) {
        memcpy(hint + i, "\xc3\xa9", 2); /* é */
    }
    hint[4000] = '\0';
    (void)RAISE(&error, RATLS_ERR_CONNECT_FAILED, ratls_detail_text("hint", hint));
    response = ratls_error_response_make(&len, error, RATLS_SPELLING_C);
    shown = field_of(response, len, 'H');
    assert_true(strlen(shown) <= RATLS_ERROR_RESPONSE_FIELD_MAX && strlen(shown) > RATLS_ERROR_RESPONSE_FIELD_MAX - 4);
    assert_int_equal((unsigned char)shown[strlen(shown) - 1], 0xa9); /* a whole character */
    free(response);
    free(hint);
    ratls_error_free(error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(startup),
        cmocka_unit_test(startup_3_2),
        cmocka_unit_test(startup_in_pieces),
        cmocka_unit_test(encryption_requests),
        cmocka_unit_test(cancel_request),
        cmocka_unit_test(length_too_small),
        cmocka_unit_test(length_too_large),
        cmocka_unit_test(ssl_request_of_the_wrong_length),
        cmocka_unit_test(cancel_request_of_the_wrong_length),
        cmocka_unit_test(protocol_unknown),
        cmocka_unit_test(refusal_in_the_callers_words),
        cmocka_unit_test(hint_is_passed_on),
        cmocka_unit_test(sqlstate_by_class),
        cmocka_unit_test(no_error_is_out_of_memory),
        cmocka_unit_test(long_text_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

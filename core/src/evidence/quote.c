#include "evidence/quote.h"

#include <string.h>

#include "base/reader.h"
#include "base/tables.h"

enum {
    VERSION_3 = 3,
    VERSION_4 = 4,
    VERSION_5 = 5,
    KEY_TYPE_ECDSA_P256 = 2,
    RESERVED_LEN = 4,
    VENDOR_LEN = 16,
    USER_DATA_LEN = 20,
    BODY_SGX = 1,
    BODY_TD_10 = 2,
    BODY_TD_15 = 3,
    SIGNATURE_LEN = 64,
    KEY_LEN = 64,
    CERTIFICATION_FIRST = 1,   /* plain PPID */
    CERTIFICATION_LAST = 5,    /* PEM chain */
    CERTIFICATION_QE_REPORT = 6,
    AUTHENTICATION_DATA_MAX = 4096, /* real ones have 32 bytes */
    TD_ATTRIBUTES_DEBUG = 0x01,
    ENCLAVE_ATTRIBUTES_DEBUG = 0x02
};

/* DCAP rules 1.1: Intel's id. */
static const uint8_t intel_vendor[VENDOR_LEN] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

/* A cursor that remembers where its part lies in the quote, for messages. */
typedef struct {
    ratls_reader reader;
    size_t base;
} quote_cursor;

static ratls_status raise_truncated(const quote_cursor *cursor, size_t needed, const char *what, ratls_error **err)
{
    return RAISE(err, RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED, WHAT(what), EXPECTED_NUMBER(needed),
                 ratls_detail_number("offset", (int64_t)(cursor->base + ratls_reader_offset(&cursor->reader))),
                 FOUND_NUMBER(cursor->reader.left));
}

static ratls_status take(ratls_bytes *out, quote_cursor *cursor, size_t len, const char *what, ratls_error **err)
{
    return ratls_reader_take(&cursor->reader, out, len) ? RATLS_OK : raise_truncated(cursor, len, what, err);
}

static ratls_status take_u16(uint16_t *out, quote_cursor *cursor, const char *what, ratls_error **err)
{
    return ratls_reader_u16_le(&cursor->reader, out) ? RATLS_OK : raise_truncated(cursor, sizeof *out, what, err);
}

static ratls_status take_u32(uint32_t *out, quote_cursor *cursor, const char *what, ratls_error **err)
{
    return ratls_reader_u32_le(&cursor->reader, out) ? RATLS_OK : raise_truncated(cursor, sizeof *out, what, err);
}

/* Q1 to Q6: the header, which is 48 bytes in every version. */
static ratls_status parse_header(ratls_parsed_quote *out, quote_cursor *cursor, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes reserved;

    if (cursor->reader.left < RATLS_QUOTE_HEADER_LEN) {
        return raise_truncated(cursor, RATLS_QUOTE_HEADER_LEN, "header", err);
    }
    TRY(take_u16(&out->version, cursor, "header", err));
    CHECK(out->version >= VERSION_3 && out->version <= VERSION_5, RATLS_ERR_EVIDENCE_QUOTE_VERSION, FOUND_NUMBER(out->version));
    TRY(take_u16(&out->attestation_key_type, cursor, "header", err));
    CHECK(out->attestation_key_type == KEY_TYPE_ECDSA_P256, RATLS_ERR_EVIDENCE_QUOTE_KEY_TYPE,
          FOUND_NUMBER(out->attestation_key_type));
    TRY(take_u32(&out->tee_type, cursor, "header", err));
    /* Version 3 has no TEE type: these bytes are reserved there, and it is SGX (Q6). */
    CHECK(out->tee_type == RATLS_TEE_SGX || (out->tee_type == RATLS_TEE_TDX && out->version != VERSION_3),
          RATLS_ERR_EVIDENCE_QUOTE_TEE_TYPE, FOUND_NUMBER(out->tee_type),
          EXPECTED(out->version == VERSION_3 ? "0 (SGX) in version 3" : "0 (SGX) or 129 (TDX)"));
    TRY(take(&reserved, cursor, RESERVED_LEN, "header", err));
    TRY(take(&out->qe_vendor_id, cursor, VENDOR_LEN, "header", err));
    CHECK(ratls_bytes_equal(out->qe_vendor_id, (ratls_bytes){intel_vendor, VENDOR_LEN}), RATLS_ERR_EVIDENCE_QUOTE_VENDOR,
          FOUND_HEX(out->qe_vendor_id.data, VENDOR_LEN), EXPECTED_HEX(intel_vendor, VENDOR_LEN));
    /* Version 3 has the security versions of QE and PCE here. */
    CHECK(out->version == VERSION_3 || ratls_bytes_all_zero(reserved), RATLS_ERR_EVIDENCE_QUOTE_RESERVED,
          FOUND_HEX(reserved.data, RESERVED_LEN));
    TRY(take(&out->user_data, cursor, USER_DATA_LEN, "header", err));
    status = RATLS_OK;
out:
    return status;
}

/* Length of the body of a v5 body type; 0 for one that is not known. Type 4 (TD 1.5-Ex) is left out: no
 * sample of it is public (DCAP rules 1.2). */
static size_t body_type_length(uint16_t body_type)
{
    switch (body_type) {
    case BODY_SGX:
        return RATLS_ENCLAVE_REPORT_LEN;
    case BODY_TD_10:
        return RATLS_TD_REPORT_10_LEN;
    case BODY_TD_15:
        return RATLS_TD_REPORT_15_LEN;
    default:
        return 0;
    }
}

/* Q7: the descriptor before a v5 body. */
static ratls_status parse_descriptor(ratls_parsed_quote *out, size_t *body_len, quote_cursor *cursor, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint32_t size;

    TRY(take_u16(&out->body_type, cursor, "body type", err));
    *body_len = body_type_length(out->body_type);
    CHECK(*body_len != 0, RATLS_ERR_EVIDENCE_QUOTE_BODY_TYPE, FOUND_NUMBER(out->body_type));
    CHECK((out->tee_type == RATLS_TEE_SGX) == (out->body_type == BODY_SGX), RATLS_ERR_EVIDENCE_QUOTE_TEE_MISMATCH,
          FOUND_NUMBER(out->tee_type), EXPECTED_NUMBER(out->body_type));
    TRY(take_u32(&size, cursor, "body size", err));
    CHECK(size == *body_len, RATLS_ERR_EVIDENCE_QUOTE_BODY_SIZE, FOUND_NUMBER(size), EXPECTED_NUMBER(*body_len));
    status = RATLS_OK;
out:
    return status;
}

/* Header, descriptor and body: what the attestation key signs. */
static ratls_status parse_signed_part(ratls_parsed_quote *out, quote_cursor *cursor, ratls_bytes input, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    size_t body_len;

    TRY(parse_header(out, cursor, err));
    body_len = out->tee_type == RATLS_TEE_TDX ? RATLS_TD_REPORT_10_LEN : RATLS_ENCLAVE_REPORT_LEN;
    if (out->version == VERSION_5) {
        TRY(parse_descriptor(out, &body_len, cursor, err));
    }
    TRY(take(&out->body, cursor, body_len, "body", err));
    out->signed_bytes = (ratls_bytes){input.data, ratls_reader_offset(&cursor->reader)};
    status = RATLS_OK;
out:
    return status;
}

/* QE report, its signature, authentication data and what certifies the PCK: the same in every version,
 * and nothing may be left after it (Q10). */
static ratls_status parse_qe_part(ratls_parsed_quote *out, quote_cursor *cursor, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint16_t authentication_len;
    uint32_t certification_len;

    TRY(take(&out->qe_report, cursor, RATLS_ENCLAVE_REPORT_LEN, "QE report", err));
    TRY(take(&out->qe_report_signature, cursor, SIGNATURE_LEN, "QE report signature", err));
    TRY(take_u16(&authentication_len, cursor, "QE authentication data length", err));
    TRY(take(&out->qe_authentication_data, cursor, authentication_len, "QE authentication data", err));
    CHECK(authentication_len <= AUTHENTICATION_DATA_MAX, RATLS_ERR_EVIDENCE_QUOTE_TOO_LARGE, WHAT("QE authentication data"),
          FOUND_NUMBER(authentication_len), EXPECTED_NUMBER(AUTHENTICATION_DATA_MAX));
    TRY(take_u16(&out->certification_data_type, cursor, "certification data type", err));
    CHECK(out->certification_data_type >= CERTIFICATION_FIRST && out->certification_data_type <= CERTIFICATION_LAST,
          RATLS_ERR_EVIDENCE_QUOTE_CERT_TYPE, FOUND_NUMBER(out->certification_data_type), EXPECTED("1 to 5"));
    TRY(take_u32(&certification_len, cursor, "certification data size", err));
    TRY(take(&out->certification_data, cursor, certification_len, "certification data", err));
    CHECK(certification_len <= RATLS_QUOTE_CERTIFICATION_DATA_MAX, RATLS_ERR_EVIDENCE_QUOTE_TOO_LARGE, WHAT("certification data"),
          FOUND_NUMBER(certification_len), EXPECTED_NUMBER(RATLS_QUOTE_CERTIFICATION_DATA_MAX));
    CHECK(cursor->reader.left == 0, RATLS_ERR_EVIDENCE_QUOTE_SIG_SLACK, FOUND_NUMBER(cursor->reader.left));
    status = RATLS_OK;
out:
    return status;
}

/* Q9, Q10: versions 4 and 5 wrap the QE part as certification data of type 6 that fills the rest exactly. */
static ratls_status parse_wrapper(quote_cursor *cursor, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint16_t type;
    uint32_t size;

    TRY(take_u16(&type, cursor, "outer certification data type", err));
    CHECK(type == CERTIFICATION_QE_REPORT, RATLS_ERR_EVIDENCE_QUOTE_CERT_TYPE, FOUND_NUMBER(type), EXPECTED("6 (QE report)"));
    TRY(take_u32(&size, cursor, "outer certification data size", err));
    CHECK(size == cursor->reader.left, RATLS_ERR_EVIDENCE_QUOTE_CERT_SIZE, FOUND_NUMBER(size), EXPECTED_NUMBER(cursor->reader.left));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status parse_signature_data(ratls_parsed_quote *out, quote_cursor *cursor, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(take(&out->signature, cursor, SIGNATURE_LEN, "signature", err));
    TRY(take(&out->attestation_key, cursor, KEY_LEN, "attestation key", err));
    if (out->version != VERSION_3) {
        TRY(parse_wrapper(cursor, err));
    }
    TRY(parse_qe_part(out, cursor, err));
    status = RATLS_OK;
out:
    return status;
}

/* Q8 and what follows: the signature data, bounded by its own length, and the bytes after the quote. */
static ratls_status parse_unsigned_part(ratls_parsed_quote *out, quote_cursor *cursor, ratls_bytes input, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    quote_cursor inside;
    ratls_bytes data;
    uint32_t len;

    TRY(take_u32(&len, cursor, "signature data length", err));
    inside.base = ratls_reader_offset(&cursor->reader);
    TRY(take(&data, cursor, len, "signature data", err));
    inside.reader = ratls_reader_over(data);
    TRY(parse_signature_data(out, &inside, err));
    out->whole = (ratls_bytes){input.data, ratls_reader_offset(&cursor->reader)};
    TRY(take(&out->trailing, cursor, cursor->reader.left, "trailing bytes", err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status parse_quote(ratls_parsed_quote *out, ratls_bytes input, bool with_signature, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    quote_cursor cursor = {ratls_reader_over(input), 0};
    ratls_parsed_quote quote = {0};

    memset(out, 0, sizeof *out);
    CHECK(input.len <= RATLS_QUOTE_SIZE_MAX, RATLS_ERR_EVIDENCE_QUOTE_TOO_LARGE, WHAT("input"), FOUND_NUMBER(input.len),
          EXPECTED_NUMBER(RATLS_QUOTE_SIZE_MAX));
    TRY(parse_signed_part(&quote, &cursor, input, err));
    if (with_signature) {
        TRY(parse_unsigned_part(&quote, &cursor, input, err));
    }
    *out = quote;
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_quote_parse(ratls_parsed_quote *out, ratls_bytes input, ratls_error **err)
{
    return parse_quote(out, input, true, err);
}

ratls_status ratls_quote_parse_body(ratls_parsed_quote *out, ratls_bytes input, ratls_error **err)
{
    return parse_quote(out, input, false, err);
}

ratls_bytes ratls_quote_body_field(const ratls_parsed_quote *quote, ratls_field field)
{
    ratls_reader reader = ratls_reader_over(quote->body);
    ratls_bytes value = {0};
    const ratls_field_row *row;
    int offset;

    if (field < 0 || field >= RATLS_FIELD_COUNT) {
        return value;
    }
    row = &ratls_field_rows[field];
    offset = quote->tee_type == RATLS_TEE_TDX ? row->td_offset : row->sgx_offset;
    if (offset < 0 || !ratls_reader_skip(&reader, (size_t)offset) || !ratls_reader_take(&reader, &value, row->length)) {
        return (ratls_bytes){0};
    }
    return value;
}

bool ratls_quote_is_debug(const ratls_parsed_quote *quote)
{
    bool td = quote->tee_type == RATLS_TEE_TDX;
    ratls_bytes attributes = ratls_quote_body_field(quote, td ? RATLS_FIELD_TD_ATTRIBUTES : RATLS_FIELD_ATTRIBUTES);

    /* A body without attributes cannot be called production. */
    return attributes.len == 0 || (attributes.data[0] & (td ? TD_ATTRIBUTES_DEBUG : ENCLAVE_ATTRIBUTES_DEBUG)) != 0;
}

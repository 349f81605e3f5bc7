#include "leader/manifest.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/keccak256.h"
#include "base/text.h"
#include "base/time.h"
#include "leader/leader_url.h"

/* In the order of the body, which is that of the alphabet; then the signature. */
typedef enum { CLUSTER, EPOCH, INSTANCE, URL, VERSION, VALID_UNTIL, SIGNATURE, FIELDS } field;

static const char *const field_names[FIELDS] = {
    [CLUSTER] = "cluster", [EPOCH] = "epoch", [INSTANCE] = "leader_instance", [URL] = "leader_url",
    [VERSION] = "v", [VALID_UNTIL] = "valid_until", [SIGNATURE] = "sig"};

static const char prefix[] = "0x";

/* The record taken apart; all borrowed. */
typedef struct {
    ratls_bytes values[FIELDS]; /* empty: not there */
    size_t body_len;            /* of the wire's own body, without the ';' before the signature */
    bool in_order;
} parts;

static ratls_status check_characters(ratls_bytes text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(text.len > 0, RATLS_ERR_LEADER_FORMAT, WHAT("it is empty"));
    CHECK(text.len <= RATLS_MANIFEST_MAX, RATLS_ERR_LEADER_FORMAT, WHAT("it is too long"), FOUND_NUMBER(text.len), EXPECTED_NUMBER(RATLS_MANIFEST_MAX));
    for (size_t i = 0; i < text.len; i++) {
        CHECK(text.data[i] >= ' ' && text.data[i] <= '~', RATLS_ERR_LEADER_FORMAT, WHAT("it has a character that is not printable ASCII"));
    }
    status = RATLS_OK;
out:
    return status;
}

/* Up to the separator, which is left out; what follows it stays in *rest. */
static ratls_bytes cut(ratls_bytes *rest, char separator)
{
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->data, separator, rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
    ratls_bytes piece = {rest->data, len};

    len += end == NULL ? 0 : 1;
    *rest = (ratls_bytes){rest->data + len, rest->len - len};
    return piece;
}

static ratls_status find_field(field *out, ratls_bytes key, ratls_error **err)
{
    for (field i = 0; i < FIELDS; i++) {
        if (ratls_bytes_equal_text(key, field_names[i])) {
            *out = i;
            return RATLS_OK;
        }
    }
    return RAISE(err, RATLS_ERR_LEADER_FORMAT, WHAT("it has a key that is not known"), ratls_detail_chars("found", key));
}

static ratls_status take_apart(parts *out, ratls_bytes text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes rest = text;
    field last = 0;
    bool more = true;

    *out = (parts){.in_order = true};
    while (more) {
        size_t before = text.len - rest.len;
        ratls_bytes piece = cut(&rest, ';'), value = piece;
        ratls_bytes key = cut(&value, '=');
        field name = 0;

        more = piece.len < text.len - before; /* a ';' at the end is followed by an empty piece */
        CHECK(key.len < piece.len, RATLS_ERR_LEADER_FORMAT, WHAT("it is not a list of key=value joined by ;"));
        TRY(find_field(&name, key, err));
        CHECK(value.len > 0, RATLS_ERR_LEADER_FORMAT, WHAT("a key has no value"), FOUND(field_names[name]));
        CHECK(out->values[name].len == 0, RATLS_ERR_LEADER_FORMAT, WHAT("a key is there twice"), FOUND(field_names[name]));
        CHECK(name != SIGNATURE || (!more && before > 0), RATLS_ERR_LEADER_FORMAT, WHAT("the signature is not at its end"));
        out->in_order = out->in_order && (before == 0 || name > last);
        out->body_len = name == SIGNATURE ? before - 1 : out->body_len;
        out->values[name] = value;
        last = name;
    }
    for (field i = 0; i < FIELDS; i++) {
        CHECK(out->values[i].len > 0, RATLS_ERR_LEADER_FORMAT, WHAT("a key is missing"), FOUND(field_names[i]));
    }
    CHECK(out->body_len <= RATLS_MANIFEST_BODY_MAX, RATLS_ERR_LEADER_FORMAT, WHAT("it is too long"));
    status = RATLS_OK;
out:
    return status;
}

/* Decimal, up to 2^64 - 1, in the one form that has no more digits than it needs. */
static ratls_status read_number(uint64_t *out, ratls_bytes digits, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint64_t number = 0;

    CHECK(digits.len == 1 || digits.data[0] != '0', RATLS_ERR_LEADER_FORMAT, WHAT("a number begins with 0"));
    for (size_t i = 0; i < digits.len; i++) {
        uint64_t digit = (uint64_t)(digits.data[i] - '0');

        CHECK(digits.data[i] >= '0' && digits.data[i] <= '9', RATLS_ERR_LEADER_FORMAT, WHAT("a number has something else than digits"));
        CHECK(number < UINT64_MAX / 10 || (number == UINT64_MAX / 10 && digit <= UINT64_MAX % 10), RATLS_ERR_LEADER_FORMAT,
              WHAT("a number is larger than 2^64 - 1"));
        number = 10 * number + digit;
    }
    *out = number;
    status = RATLS_OK;
out:
    return status;
}

/* 0x and exactly so many bytes. */
static ratls_status read_hex(uint8_t *out, size_t len, ratls_bytes text, const char *what, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const size_t skip = sizeof prefix - 1;

    CHECK(text.len == skip + 2 * len && memcmp(text.data, prefix, skip) == 0 &&
              ratls_hex_read(out, len, (const char *)text.data + skip, text.len - skip),
          RATLS_ERR_LEADER_FORMAT, WHAT(what));
    status = RATLS_OK;
out:
    return status;
}

/* Whole bytes in hexadecimal; the documents say 32 of them, the records that are there have 20. */
static ratls_status read_instance(char **out, ratls_bytes text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t bytes[RATLS_MANIFEST_INSTANCE_MAX / 2];
    ratls_text hex = {0};

    CHECK(text.len <= RATLS_MANIFEST_INSTANCE_MAX && text.len % 2 == 0 && ratls_hex_read(bytes, text.len / 2, (const char *)text.data, text.len),
          RATLS_ERR_LEADER_FORMAT, WHAT("leader_instance is not hexadecimal"));
    ratls_text_add_hex(&hex, bytes, text.len / 2);
    *out = ratls_text_take(&hex);
    CHECK(*out != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

/* What is signed: the keys in their order, hexadecimal in lower case, all else as it stands. */
static ratls_status build_body(ratls_manifest *out, const parts *given, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text text = {0};

    for (field i = 0; i < SIGNATURE; i++) {
        ratls_text_add(&text, i == 0 ? "" : ";");
        ratls_text_add(&text, field_names[i]);
        ratls_text_add(&text, "=");
        if (i == CLUSTER) {
            ratls_text_add(&text, prefix);
            ratls_text_add_hex(&text, out->cluster, sizeof out->cluster);
        } else if (i == INSTANCE) {
            ratls_text_add(&text, out->instance);
        } else {
            ratls_text_add_bytes(&text, (const char *)given->values[i].data, given->values[i].len);
        }
    }
    out->body = ratls_text_take(&text);
    CHECK(out->body != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

static ratls_status fill(ratls_manifest *out, const parts *given, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(ratls_bytes_equal_text(given->values[VERSION], "1"), RATLS_ERR_LEADER_FORMAT, WHAT("its version v is not 1"),
          ratls_detail_chars("found", given->values[VERSION]));
    TRY(read_hex(out->cluster, sizeof out->cluster, given->values[CLUSTER], "cluster is not 0x and 40 hexadecimal digits", err));
    TRY(read_number(&out->epoch, given->values[EPOCH], err));
    TRY(read_number(&out->valid_until, given->values[VALID_UNTIL], err));
    TRY(read_hex(out->signature, sizeof out->signature, given->values[SIGNATURE], "sig is not 0x and 130 hexadecimal digits", err));
    TRY(read_instance(&out->instance, given->values[INSTANCE], err));
    TRY(ratls_leader_url_read(&out->host, &out->port, given->values[URL], err));
    out->url = strndup((const char *)given->values[URL].data, given->values[URL].len);
    CHECK(out->url != NULL, RATLS_ERR_OUT_OF_MEMORY);
    TRY(build_body(out, given, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_manifest_read(ratls_manifest *out, ratls_bytes text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_manifest made = {0};
    parts given;

    *out = made;
    TRY(check_characters(text, err));
    TRY(take_apart(&given, text, err));
    TRY(fill(&made, &given, err));
    /* Who writes the keys in order has written what was signed. */
    CHECK(!given.in_order || ratls_bytes_equal_text((ratls_bytes){text.data, given.body_len}, made.body), RATLS_ERR_LEADER_FORMAT,
          WHAT("it is not written as it was signed"));
    *out = made;
    return RATLS_OK;
out:
    ratls_manifest_clear(&made);
    return status;
}

/* Ethereum's "personal message" (EIP-191, version 45): a prefix with the length of what follows. */
static ratls_status digest_body(uint8_t out[RATLS_KECCAK256_LEN], const char *body, ratls_error **err)
{
    static const char head[] = "\x19" "Ethereum Signed Message:\n";
    ratls_status status = RATLS_ERR_INTERNAL;
    size_t len = strlen(body);
    ratls_text text = {0};
    char *start = NULL;

    ratls_text_add(&text, head);
    ratls_text_add_number(&text, (int64_t)len);
    start = ratls_text_take(&text);
    CHECK(start != NULL, RATLS_ERR_OUT_OF_MEMORY);
    ratls_keccak256(out, (ratls_bytes){(const uint8_t *)start, strlen(start)}, (ratls_bytes){(const uint8_t *)body, len});
    status = RATLS_OK;
out:
    free(start);
    return status;
}

ratls_status ratls_manifest_check_signer(const ratls_manifest *manifest, const uint8_t signer[RATLS_ADDRESS_LEN], ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t digest[RATLS_KECCAK256_LEN], point[RATLS_SECP256K1_POINT_LEN], address[RATLS_ADDRESS_LEN];

    TRY(digest_body(digest, manifest->body, err));
    TRY(ratls_secp256k1_recover(point, digest, manifest->signature, err));
    ratls_address_of(address, point);
    CHECK(CRYPTO_memcmp(address, signer, sizeof address) == 0, RATLS_ERR_LEADER_SIGNATURE, FOUND_HEX(address, sizeof address),
          EXPECTED_HEX(signer, sizeof address));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_manifest_check_time(const ratls_manifest *manifest, int64_t now, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char until[RATLS_TIME_TEXT_LEN + 1], at[RATLS_TIME_TEXT_LEN + 1];

    if (now < 0 || manifest->valid_until > (uint64_t)now) {
        return RATLS_OK;
    }
    ratls_time_write(until, (int64_t)manifest->valid_until); /* not after now, which is one of these */
    ratls_time_write(at, now);
    status = RAISE(err, RATLS_ERR_LEADER_EXPIRED, FOUND(until), EXPECTED(at));
    return status;
}

void ratls_manifest_clear(ratls_manifest *manifest)
{
    free(manifest->body);
    free(manifest->instance);
    free(manifest->url);
    free(manifest->host);
    *manifest = (ratls_manifest){0};
}

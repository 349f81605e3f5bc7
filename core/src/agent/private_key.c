#include "agent/private_key.h"

#include "base/der.h"

enum {
    PKCS8_ATTRIBUTES = 0xa0,
    PKCS8_PUBLIC_KEY = 0x81,
    EC_PARAMETERS = 0xa0,
    EC_PUBLIC_KEY = 0xa1
};

/* AlgorithmIdentifier: id-ecPublicKey, prime256v1. There is one encoding only. */
static const uint8_t algorithm[] = {0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

static bool take_version(ratls_reader *reader, uint64_t first, uint64_t last)
{
    ratls_der element;
    uint64_t version = 0;

    return ratls_der_expect(reader, RATLS_DER_INTEGER, &element) && ratls_der_unsigned(&element, &version) && version >= first &&
           version <= last;
}

/* Elements that say nothing which the leaf does not. */
static bool skip_optional(ratls_reader *reader, uint8_t tag)
{
    ratls_der element;
    bool present = false;

    return ratls_der_optional(reader, tag, &element, &present);
}

/* ECPrivateKey (RFC 5915 3). */
static bool read_ec_key(ratls_bytes *scalar, ratls_bytes input)
{
    ratls_der sequence, octets;
    ratls_reader reader;

    if (!ratls_der_only(input, RATLS_DER_SEQUENCE, &sequence)) {
        return false;
    }
    reader = ratls_reader_over(sequence.content);
    if (!take_version(&reader, 1, 1) || !ratls_der_expect(&reader, RATLS_DER_OCTET_STRING, &octets) ||
        octets.content.len != RATLS_P256_SCALAR_LEN || !skip_optional(&reader, EC_PARAMETERS) || !skip_optional(&reader, EC_PUBLIC_KEY) ||
        reader.left > 0) {
        return false;
    }
    *scalar = octets.content;
    return true;
}

bool ratls_private_key_read(ratls_bytes *scalar, ratls_bytes pkcs8)
{
    ratls_der sequence, identifier, octets;
    ratls_reader reader;

    if (!ratls_der_only(pkcs8, RATLS_DER_SEQUENCE, &sequence)) {
        return false;
    }
    reader = ratls_reader_over(sequence.content);
    return take_version(&reader, 0, 1) && ratls_der_expect(&reader, RATLS_DER_SEQUENCE, &identifier) &&
           ratls_bytes_equal(identifier.whole, (ratls_bytes){algorithm, sizeof algorithm}) &&
           ratls_der_expect(&reader, RATLS_DER_OCTET_STRING, &octets) && skip_optional(&reader, PKCS8_ATTRIBUTES) &&
           skip_optional(&reader, PKCS8_PUBLIC_KEY) && reader.left == 0 && read_ec_key(scalar, octets.content);
}

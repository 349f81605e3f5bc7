/* A whole verification, of which the input replaces one part: the first byte says which, the quote or the collateral. The other
 * part, the root and the time are those of the conformance cases. Nobody has the keys, so what is accepted says what they say. */
#include <stdio.h>
#include <string.h>

#include "dcap/dcap.h"
#include "fuzz.h"

#define NOW INT64_C(1780315200) /* 2026-06-01T12:00:00Z */
enum { FILE_LEN = 64 << 10, HEADER_AND_BODY_LEN = 48 + 584 };

static struct {
    uint8_t quote[FILE_LEN], collateral[FILE_LEN], root[FILE_LEN];
    size_t quote_len, collateral_len, root_len;
    ratls_collateral parts;
    ratls_trust_anchor anchor;
    ratls_prepared *prepared;
} fixed;

static size_t read_fixed(uint8_t *out, const char *name)
{
    char path[1024];
    size_t len;
    FILE *file;

    snprintf(path, sizeof path, "%s/common/%s", RATLS_TEST_VECTORS, name);
    file = fopen(path, "rb");
    MUST(file != NULL);
    len = fread(out, 1, FILE_LEN, file);
    fclose(file);
    return len;
}

static ratls_trust *new_trust(void)
{
    ratls_trust *trust = NULL;

    MUST(ratls_trust_new(&trust, &fixed.anchor, NULL) == RATLS_OK);
    return trust;
}

static ratls_status verify(ratls_bytes quote, const ratls_prepared *prepared)
{
    ratls_error *error = NULL;
    ratls_parsed_quote parsed;
    ratls_claims claims = {0};
    ratls_status status = ratls_quote_parse(&parsed, quote, &error);

    if (status == RATLS_OK) {
        status = ratls_dcap_verify(&claims, &parsed, prepared, NOW, &error);
        ratls_claims_clear(&claims);
    }
    MUST((status == RATLS_OK) == (error == NULL));
    MUST(error == NULL || (ratls_error_code(error) == status && ratls_error_message(error, RATLS_SPELLING_C) != NULL));
    ratls_error_free(error);
    return status;
}

static void set_up(void)
{
    ratls_trust *trust;

    if (fixed.prepared != NULL) {
        return;
    }
    fixed.quote_len = read_fixed(fixed.quote, "quote.bin");
    fixed.collateral_len = read_fixed(fixed.collateral, "collateral-tdx.json");
    fixed.root_len = read_fixed(fixed.root, "root.pem");
    MUST(ratls_trust_anchor_parse(&fixed.anchor, (ratls_bytes){fixed.root, fixed.root_len}, NULL) == RATLS_OK);
    MUST(ratls_collateral_parse(&fixed.parts, (ratls_bytes){fixed.collateral, fixed.collateral_len}, NULL) == RATLS_OK);
    trust = new_trust();
    MUST(ratls_prepare(&fixed.prepared, &fixed.parts, trust, NULL) == RATLS_OK);
    ratls_trust_free(trust);
    MUST(verify((ratls_bytes){fixed.quote, fixed.quote_len}, fixed.prepared) == RATLS_OK);
}

static void verify_quote(ratls_bytes quote)
{
    if (verify(quote, fixed.prepared) == RATLS_OK) {
        MUST(quote.len >= HEADER_AND_BODY_LEN && memcmp(quote.data, fixed.quote, HEADER_AND_BODY_LEN) == 0);
    }
}

static void verify_with(ratls_bytes bundle)
{
    ratls_trust *trust = new_trust();
    ratls_prepared *prepared = NULL;
    ratls_collateral parts;

    if (ratls_collateral_parse(&parts, bundle, NULL) == RATLS_OK) {
        if (ratls_prepare(&prepared, &parts, trust, NULL) == RATLS_OK && verify((ratls_bytes){fixed.quote, fixed.quote_len}, prepared) == RATLS_OK) {
            MUST(ratls_bytes_equal(parts.tcb_info, fixed.parts.tcb_info) && ratls_bytes_equal(parts.qe_identity, fixed.parts.qe_identity));
        }
        ratls_prepared_free(prepared);
    }
    ratls_collateral_clear(&parts);
    ratls_trust_free(trust);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    set_up();
    if (size > 0 && data[0] == 'q') {
        verify_quote((ratls_bytes){data + 1, size - 1});
    } else if (size > 0 && data[0] == 'c') {
        verify_with((ratls_bytes){data + 1, size - 1});
    }
    return 0;
}

#include "dcap/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "base/crl.h"
#include "base/json_tree.h"

enum { CRLS = 2 };

/* What the slices of a bundle borrow. */
typedef struct {
    uint8_t *crls[CRLS];
    size_t used;
    uint8_t texts[]; /* one after the other */
} bundle_storage;

static const char what_bundle[] = "the bundle";

static ratls_status check_json(ratls_json_outcome outcome, ratls_bytes duplicate, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(outcome != RATLS_JSON_OUT_OF_MEMORY, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(outcome != RATLS_JSON_DUPLICATE_KEY, RATLS_ERR_COLLATERAL_DUPLICATE_KEY, WHAT(what_bundle),
          ratls_detail_chars("found", duplicate));
    CHECK(outcome == RATLS_JSON_OK, RATLS_ERR_COLLATERAL_FORMAT, WHAT("it is not JSON"));
    status = RATLS_OK;
out:
    return status;
}

/* A text of the bundle, whose characters go to the storage; empty when the key is not there. */
static ratls_status read_text(ratls_bytes *out, bundle_storage *storage, ratls_json_value bundle, const char *key, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_json_value item = ratls_json_member(bundle, key);
    size_t len;

    *out = (ratls_bytes){0};
    if (!ratls_json_is_present(item) || ratls_json_is(item, RATLS_JSON_NULL)) {
        return RATLS_OK;
    }
    /* Together the texts are no longer than the JSON that they are in. */
    CHECK(ratls_json_unescape(storage->texts + storage->used, &len, item), RATLS_ERR_COLLATERAL_FORMAT, WHAT("a part of it is not text"),
          ratls_detail_text("key", key));
    *out = (ratls_bytes){storage->texts + storage->used, len};
    storage->used += len;
    status = RATLS_OK;
out:
    return status;
}

/* A text that must be there and not be empty (DCAP rules 3.0, I1). */
static ratls_status read_part(ratls_bytes *out, bundle_storage *storage, ratls_json_value bundle, const char *key, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(read_text(out, storage, bundle, key, err));
    CHECK(out->len > 0, RATLS_ERR_COLLATERAL_MISSING, WHAT(key));
    status = RATLS_OK;
out:
    return status;
}

/* A list as DER, decoded to one of the storage's. */
static ratls_status read_crl(
    ratls_bytes *out, bundle_storage *storage, size_t index, ratls_json_value bundle, const char *key, const char *subject, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *fault = NULL;
    ratls_bytes text;
    size_t len;

    TRY(read_part(&text, storage, bundle, key, err));
    CHECK(ratls_crl_decode(&storage->crls[index], &len, text, &fault), RATLS_ERR_COLLATERAL_CRL_FORMAT,
          ratls_detail_text("subject", subject), WHAT(fault));
    *out = (ratls_bytes){storage->crls[index], len};
    status = RATLS_OK;
out:
    return status;
}

/* A signature, r ‖ s in hexadecimal; anything else is a fault of the document that it signs (DCAP rules 3.4, B1). */
static ratls_status read_signature(
    uint8_t out[64], bundle_storage *storage, ratls_json_value bundle, const char *key, ratls_status malformed, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes digits;

    TRY(read_part(&digits, storage, bundle, key, err));
    CHECK(ratls_hex_read(out, 64, (const char *)digits.data, digits.len), malformed, WHAT("its signature is not 128 hexadecimal digits"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status read_bundle(ratls_collateral *out, bundle_storage *storage, ratls_json_value bundle, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(ratls_json_is(bundle, RATLS_JSON_OBJECT), RATLS_ERR_COLLATERAL_FORMAT, WHAT("it is not an object"));
    TRY(read_crl(&out->root_ca_crl, storage, 0, bundle, "root_ca_crl", "root CA CRL", err));
    TRY(read_crl(&out->pck_crl, storage, 1, bundle, "pck_crl", "PCK CRL", err));
    TRY(read_part(&out->tcb_info_issuer_chain, storage, bundle, "tcb_info_issuer_chain", err));
    TRY(read_part(&out->tcb_info, storage, bundle, "tcb_info", err));
    TRY(read_signature(out->tcb_info_signature, storage, bundle, "tcb_info_signature", RATLS_ERR_COLLATERAL_TCB_INFO_FORMAT, err));
    TRY(read_part(&out->qe_identity_issuer_chain, storage, bundle, "qe_identity_issuer_chain", err));
    TRY(read_part(&out->qe_identity, storage, bundle, "qe_identity", err));
    TRY(read_signature(out->qe_identity_signature, storage, bundle, "qe_identity_signature", RATLS_ERR_COLLATERAL_QE_IDENTITY_FORMAT,
                       err));
    TRY(read_text(&out->pck_certificate_chain, storage, bundle, "pck_certificate_chain", err));
    /* The PCK CRL's issuer is the quote's own PCK CA, so its issuer chain is carried and not used (DCAP rules 3.3, L14). */
    TRY(read_text(&out->pck_crl_issuer_chain, storage, bundle, "pck_crl_issuer_chain", err));
    status = RATLS_OK;
out:
    return status;
}

static void free_storage(bundle_storage *storage)
{
    if (storage == NULL) {
        return;
    }
    for (size_t i = 0; i < CRLS; i++) {
        free(storage->crls[i]);
    }
    free(storage);
}

ratls_status ratls_collateral_parse(ratls_collateral *out, ratls_bytes json, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_collateral collateral = {0};
    bundle_storage *storage = NULL;
    ratls_json_tree tree = {0};
    ratls_bytes duplicate = {0};

    memset(out, 0, sizeof *out);
    CHECK(json.len > 0, RATLS_ERR_COLLATERAL_MISSING, WHAT("the bundle is empty"));
    CHECK(json.len <= RATLS_COLLATERAL_BUNDLE_MAX, RATLS_ERR_COLLATERAL_TOO_LARGE, WHAT(what_bundle), FOUND_NUMBER(json.len),
          EXPECTED_NUMBER(RATLS_COLLATERAL_BUNDLE_MAX));
    TRY(check_json(ratls_json_tree_parse(&tree, json, false, &duplicate), duplicate, err));
    storage = malloc(sizeof *storage + json.len);
    CHECK(storage != NULL, RATLS_ERR_OUT_OF_MEMORY);
    *storage = (bundle_storage){0};
    TRY(read_bundle(&collateral, storage, ratls_json_root(&tree), err));
    TRY(ratls_collateral_check_parts(&collateral, err));
    collateral.storage = storage;
    storage = NULL;
    *out = collateral;
    status = RATLS_OK;
out:
    ratls_json_tree_clear(&tree);
    free_storage(storage);
    return status;
}

ratls_status ratls_collateral_check_parts(const ratls_collateral *collateral, ratls_error **err)
{
    const struct {
        const char *name;
        ratls_bytes part;
        size_t maximum;
        bool optional;
    } parts[] = {
        {"root_ca_crl", collateral->root_ca_crl, RATLS_COLLATERAL_CRL_MAX, false},
        {"pck_crl", collateral->pck_crl, RATLS_COLLATERAL_CRL_MAX, false},
        {"tcb_info_issuer_chain", collateral->tcb_info_issuer_chain, RATLS_COLLATERAL_CHAIN_MAX, false},
        {"tcb_info", collateral->tcb_info, RATLS_COLLATERAL_JSON_MAX, false},
        {"qe_identity_issuer_chain", collateral->qe_identity_issuer_chain, RATLS_COLLATERAL_CHAIN_MAX, false},
        {"qe_identity", collateral->qe_identity, RATLS_COLLATERAL_JSON_MAX, false},
        {"pck_certificate_chain", collateral->pck_certificate_chain, RATLS_COLLATERAL_CHAIN_MAX, true},
        {"pck_crl_issuer_chain", collateral->pck_crl_issuer_chain, RATLS_COLLATERAL_CHAIN_MAX, true},
    };
    ratls_status status = RATLS_ERR_INTERNAL;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        CHECK(parts[i].optional || parts[i].part.len > 0, RATLS_ERR_COLLATERAL_MISSING, WHAT(parts[i].name));
        CHECK(parts[i].part.len <= parts[i].maximum, RATLS_ERR_COLLATERAL_TOO_LARGE, WHAT(parts[i].name),
              FOUND_NUMBER(parts[i].part.len), EXPECTED_NUMBER(parts[i].maximum));
    }
    status = RATLS_OK;
out:
    return status;
}

void ratls_collateral_clear(ratls_collateral *collateral)
{
    free_storage(collateral->storage);
    memset(collateral, 0, sizeof *collateral);
}

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dcap/bundle.h"

typedef enum { PART_TEXT, PART_HEX } part_kind;

typedef struct {
    const char *key;
    part_kind kind;
    ratls_bytes bytes; /* empty: left out */
} part;

static void add_text(ratls_text *text, ratls_bytes bytes)
{
    char *terminated = strndup((const char *)bytes.data, bytes.len);

    if (terminated == NULL) {
        text->failed = true;
        return;
    }
    ratls_text_add_json_string(text, terminated);
    free(terminated);
}

static void add_part(ratls_text *text, const part *one)
{
    if (one->bytes.len == 0) {
        return;
    }
    ratls_text_add(text, text->len == 1 ? "" : ",");
    ratls_text_add_json_string(text, one->key);
    ratls_text_add(text, ":");
    if (one->kind == PART_HEX) {
        ratls_text_add(text, "\"");
        ratls_text_add_hex(text, one->bytes.data, one->bytes.len);
        ratls_text_add(text, "\"");
    } else {
        add_text(text, one->bytes);
    }
}

char *ratls_collateral_print(const ratls_collateral *collateral)
{
    const part parts[] = {
        {"pck_crl_issuer_chain", PART_TEXT, collateral->pck_crl_issuer_chain},
        {"root_ca_crl", PART_HEX, collateral->root_ca_crl},
        {"pck_crl", PART_HEX, collateral->pck_crl},
        {"tcb_info_issuer_chain", PART_TEXT, collateral->tcb_info_issuer_chain},
        {"tcb_info", PART_TEXT, collateral->tcb_info},
        {"tcb_info_signature", PART_HEX, {collateral->tcb_info_signature, sizeof collateral->tcb_info_signature}},
        {"qe_identity_issuer_chain", PART_TEXT, collateral->qe_identity_issuer_chain},
        {"qe_identity", PART_TEXT, collateral->qe_identity},
        {"qe_identity_signature", PART_HEX, {collateral->qe_identity_signature, sizeof collateral->qe_identity_signature}},
        {"pck_certificate_chain", PART_TEXT, collateral->pck_certificate_chain},
    };
    ratls_text text = {0};

    ratls_text_add(&text, "{");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        add_part(&text, &parts[i]);
    }
    ratls_text_add(&text, "}");
    return ratls_text_take(&text);
}

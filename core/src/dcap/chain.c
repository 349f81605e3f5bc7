#include "dcap/chain.h"

#include <string.h>

#include "base/digest.h"
#include "dcap/certificate_rules.h"
#include "dcap/dates.h"
#include "dcap/name.h"

static ratls_status code_of(const ratls_chain_kind *kind, ratls_chain_rule rule)
{
    return kind->block + (ratls_status)rule;
}

/* A text that holds no PEM block at all is a chain of no certificates. */
static bool has_no_block(ratls_bytes text)
{
    static const char mark[] = "-----BEGIN";
    size_t start = 0;

    while (start < text.len && memchr(" \t\r\n", text.data[start], 5) != NULL) {
        start++;
    }
    return text.len - start < sizeof mark - 1 || memcmp(text.data + start, mark, sizeof mark - 1) != 0;
}

static ratls_status read_blocks(ratls_chain *chain, ratls_bytes text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_chain_kind *kind = chain->kind;
    const char *fault = NULL;

    CHECK(!has_no_block(text), kind->length_code, ratls_detail_text("subject", kind->name), FOUND_NUMBER(0));
    CHECK(ratls_pem_parse(&chain->pem, text, "CERTIFICATE", RATLS_PEM_CERTIFICATE_MAX, &fault), kind->pem_code,
          ratls_detail_text("subject", kind->name), WHAT(fault));
    CHECK(chain->pem.len == kind->len, kind->length_code, ratls_detail_text("subject", kind->name), FOUND_NUMBER(chain->pem.len));
    chain->len = chain->pem.len;
    status = RATLS_OK;
out:
    return status;
}

static bool issued(const ratls_chain_link *issuer, const ratls_chain_link *child)
{
    return ratls_bytes_equal(issuer->parsed.subject, child->parsed.issuer);
}

static void swap_links(ratls_chain *chain, size_t a, size_t b)
{
    ratls_chain_link moved = chain->links[a];

    chain->links[a] = chain->links[b];
    chain->links[b] = moved;
}

/* Leaf first, root last, going by names only: the order of the text proves nothing (DCAP rules 1.7, 3), and what
 * ends up in the wrong place fails the rules of that place. */
static void sort_links(ratls_chain *chain)
{
    size_t last = chain->len - 1;

    for (size_t i = 0; i < last; i++) {
        if (issued(&chain->links[i], &chain->links[i]) && !issued(&chain->links[last], &chain->links[last])) {
            swap_links(chain, i, last);
        }
    }
    if (chain->len == RATLS_CHAIN_MAX && issued(&chain->links[0], &chain->links[1]) && !issued(&chain->links[1], &chain->links[0])) {
        swap_links(chain, 0, 1);
    }
}

static ratls_status read_links(ratls_chain *chain, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    for (size_t i = 0; i < chain->len; i++) {
        const char *fault = ratls_certificate_read(&chain->links[i], chain->pem.blocks[i]);

        CHECK(fault == NULL, code_of(chain->kind, RATLS_CHAIN_FORMAT), ratls_detail_text("subject", chain->kind->subjects[i]), WHAT(fault));
    }
    status = RATLS_OK;
out:
    return status;
}

static void span_validity(ratls_chain *chain)
{
    chain->not_before = INT64_MIN;
    chain->not_after = INT64_MAX;
    for (size_t i = 0; i < chain->len; i++) {
        const ratls_certificate *certificate = &chain->links[i].parsed;

        chain->not_before = certificate->not_before > chain->not_before ? certificate->not_before : chain->not_before;
        chain->not_after = certificate->not_after < chain->not_after ? certificate->not_after : chain->not_after;
    }
}

ratls_status ratls_chain_read(ratls_chain *out, ratls_bytes text, const ratls_chain_kind *kind, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    memset(out, 0, sizeof *out);
    out->kind = kind;
    TRY(read_blocks(out, text, err));
    TRY(read_links(out, err));
    sort_links(out);
    span_validity(out);
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_chain_clear(out);
    }
    return status;
}

/* R1: the key is the anchor's. R2: so is the name. */
static ratls_status check_root(const ratls_chain *chain, const ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_chain_link *root = &chain->links[chain->len - 1];
    ratls_bytes pinned = {trust->anchor.spki, sizeof trust->anchor.spki};
    uint8_t found[RATLS_SHA256_LEN];

    if (!ratls_bytes_equal(root->parsed.spki, pinned)) {
        TRY(ratls_sha256(found, root->parsed.spki, (ratls_bytes){0}, err));
        CHECK(false, code_of(chain->kind, RATLS_CHAIN_ROOT_UNTRUSTED), FOUND_HEX(found, sizeof found),
              EXPECTED_HEX(trust->anchor.spki_sha256, sizeof trust->anchor.spki_sha256));
    }
    CHECK(ratls_name_same(root->parsed.subject, trust->anchor.subject) && ratls_name_same(root->parsed.issuer, trust->anchor.subject),
          code_of(chain->kind, RATLS_CHAIN_ROOT_NAME), ratls_detail_chars("found", ratls_name_label(root->parsed.subject)),
          ratls_detail_chars("expected", ratls_name_label(trust->anchor.subject)));
    status = RATLS_OK;
out:
    return status;
}

/* X11. */
static bool signed_by(const ratls_certificate *certificate, const ratls_signer *signer, ratls_trust *trust)
{
    uint8_t digest[RATLS_SHA256_LEN];

    return ratls_sha256(digest, certificate->tbs, (ratls_bytes){0}, NULL) == RATLS_OK &&
           ratls_trust_verify_der(trust, signer, digest, certificate->signature);
}

/* R4: the rest of the root, its dates and serial number, is as its key signed it. The certificate that is known by its
 * digest was looked at before; another with the same key and name is verified. */
static ratls_status check_root_signature(ratls_chain *chain, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    size_t last = chain->len - 1;
    const ratls_certificate *root = &chain->links[last].parsed;
    ratls_signer signer = ratls_trust_root(trust);
    uint8_t digest[RATLS_SHA256_LEN];

    TRY(ratls_sha256(digest, root->der, (ratls_bytes){0}, err));
    chain->root_is_anchor = memcmp(digest, trust->anchor.certificate_sha256, sizeof digest) == 0;
    CHECK(chain->root_is_anchor || signed_by(root, &signer, trust),
          code_of(chain->kind, RATLS_CHAIN_SIGNATURE), ratls_detail_text("subject", chain->kind->subjects[last]));
    status = RATLS_OK;
out:
    return status;
}

static ratls_certificate_role role_of(const ratls_chain *chain, size_t i)
{
    if (i == 0) {
        return RATLS_ROLE_END_ENTITY;
    }
    return i == chain->len - 1 ? RATLS_ROLE_ROOT : RATLS_ROLE_INTERMEDIATE;
}

/* X2, X3 and X5 to X8 on one certificate; for all but the root its key is made. */
static ratls_status check_link(ratls_chain *chain, size_t i, const ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_chain_link *link = &chain->links[i];
    ratls_detail subject = ratls_detail_text("subject", chain->kind->subjects[i]);
    ratls_certificate_role role = role_of(chain, i);
    const char *fault;

    CHECK(ratls_is_ecdsa_sha256(link->parsed.signature_algorithm), code_of(chain->kind, RATLS_CHAIN_SIGALG), subject);
    if (role != RATLS_ROLE_ROOT || !ratls_bytes_equal(link->parsed.spki, (ratls_bytes){trust->anchor.spki, sizeof trust->anchor.spki})) {
        link->key = ratls_p256_key_from_spki(trust->curve, link->parsed.spki);
        CHECK(link->key != NULL, code_of(chain->kind, RATLS_CHAIN_KEY), subject);
    }
    fault = ratls_certificate_judge_extensions(link);
    CHECK(fault == NULL, code_of(chain->kind, RATLS_CHAIN_EXT), subject, WHAT(fault));
    fault = ratls_certificate_judge_role(link, role);
    CHECK(fault == NULL, code_of(chain->kind, role == RATLS_ROLE_END_ENTITY ? RATLS_CHAIN_ROLE : RATLS_CHAIN_CA), subject, WHAT(fault));
    status = RATLS_OK;
out:
    return status;
}

ratls_signer ratls_chain_signer(const ratls_chain_link *link)
{
    return (ratls_signer){link->key, link->parsed.spki};
}

/* X10, X9 and X11: the certificate above issued this one. */
static ratls_status check_issued(const ratls_chain *chain, size_t i, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    bool by_root = i + 2 == chain->len;
    ratls_signer signer = by_root ? ratls_trust_root(trust) : ratls_chain_signer(&chain->links[i + 1]);
    const ratls_chain_link *child = &chain->links[i];
    const ratls_chain_link *issuer = &chain->links[i + 1];
    ratls_detail subject = ratls_detail_text("subject", chain->kind->subjects[i]);

    CHECK(issued(issuer, child), code_of(chain->kind, RATLS_CHAIN_ISSUER), subject);
    CHECK(ratls_bytes_equal(child->authority_key_id, issuer->subject_key_id), code_of(chain->kind, RATLS_CHAIN_AKI), subject);
    CHECK((by_root && ratls_trust_recognises(trust, child->parsed.der)) || signed_by(&child->parsed, &signer, trust),
          code_of(chain->kind, RATLS_CHAIN_SIGNATURE), subject);
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_chain_verify(ratls_chain *chain, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    for (size_t i = 0; i < chain->len; i++) {
        TRY(check_link(chain, i, trust, err));
    }
    TRY(check_root(chain, trust, err));
    TRY(check_root_signature(chain, trust, err));
    /* From the root down. */
    for (size_t i = chain->len - 1; i > 0; i--) {
        TRY(check_issued(chain, i - 1, trust, err));
    }
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_chain_check_dates(const ratls_chain *chain, int64_t now, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    for (size_t i = 0; i < chain->len; i++) {
        const ratls_certificate *certificate = &chain->links[i].parsed;
        ratls_date_codes codes = {code_of(chain->kind, RATLS_CHAIN_NOT_YET_VALID), code_of(chain->kind, RATLS_CHAIN_EXPIRED),
                                  chain->kind->subjects[i]};

        TRY(ratls_dates_check(certificate->not_before, certificate->not_after, now, codes, err));
    }
    status = RATLS_OK;
out:
    return status;
}

void ratls_chain_clear(ratls_chain *chain)
{
    for (size_t i = 0; i < RATLS_CHAIN_MAX; i++) {
        ratls_p256_key_free(chain->links[i].key);
    }
    ratls_pem_clear(&chain->pem);
    memset(chain, 0, sizeof *chain);
}

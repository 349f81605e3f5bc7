/* The collateral bundle: DCAP rules 2.8, 3.0. */
#include "dcap/cases.h"

/* Changes of the bundle's text. */
#define EDIT(name, from, to)                             \
    static void name(pki *world)                         \
    {                                                    \
        pki_edit_add(world->bundle_edits, (from), (to)); \
    }

EDIT(not_json, "{\"pck_crl", "{{\"pck_crl")
EDIT(not_an_object, "{\"pck_crl_issuer_chain\"", "[{\"pck_crl_issuer_chain\"")
EDIT(key_twice, "\"pck_crl_issuer_chain\"", "\"pck_crl\":\"00\",\"pck_crl_issuer_chain\"")
EDIT(key_escaped, "\"pck_crl_issuer_chain\"", "\"pck\\u005fcrl_issuer_chain\"")
EDIT(unknown_key, "\"pck_crl_issuer_chain\"", "\"something_else\":[1,2.5,{\"a\":null}],\"pck_crl_issuer_chain\"")
EDIT(pck_crl_issuer_chain_missing, "\"pck_crl_issuer_chain\":\"carried, not used\",", "")
EDIT(root_ca_crl_missing, "\"root_ca_crl\"", "\"root_ca_crl2\"")
EDIT(pck_crl_missing, "\"pck_crl\"", "\"PCK_CRL\"")
EDIT(pck_crl_null, "\"pck_crl\":", "\"pck_crl\":null,\"other\":")
EDIT(pck_crl_empty, "\"pck_crl\":", "\"pck_crl\":\"\",\"other\":")
EDIT(pck_crl_number, "\"pck_crl\":", "\"pck_crl\":1,\"other\":")
EDIT(tcb_info_issuer_chain_missing, "\"tcb_info_issuer_chain\"", "\"x\"")
EDIT(tcb_info_missing, "\"tcb_info\"", "\"x\"")
EDIT(tcb_info_object, "\"tcb_info\":", "\"tcb_info\":{},\"other\":")
EDIT(tcb_info_signature_missing, "\"tcb_info_signature\"", "\"x\"")
EDIT(qe_identity_issuer_chain_missing, "\"qe_identity_issuer_chain\"", "\"x\"")
EDIT(qe_identity_missing, "\"qe_identity\"", "\"x\"")
EDIT(qe_identity_signature_missing, "\"qe_identity_signature\"", "\"x\"")
EDIT(pck_certificate_chain_list, "\"pck_crl_issuer_chain\"", "\"pck_certificate_chain\":[],\"pck_crl_issuer_chain\"")
EDIT(nul_in_a_text, "carried, not used", "\\u0000")

static void truncated(pki *world)
{
    world->bundle.len--;
}

static void trailing_text(pki *world)
{
    buffer_add_text(&world->bundle, " x");
}

static void empty(pki *world)
{
    world->bundle.len = 0;
}

static void not_utf8(pki *world)
{
    world->bundle.data[30] = 0xff;
}

static void too_large(pki *world)
{
    buffer_fill(&world->bundle, ' ', RATLS_COLLATERAL_BUNDLE_MAX);
}

/* Fill a member's text up with spaces. */
static void grow(pki *world, const char *key, size_t len)
{
    char *spaces = malloc(len + 64);
    test_buffer *bundle = &world->bundle;
    pki_edit edit = {key, spaces};

    assert_non_null(spaces);
    memset(spaces, ' ', len);
    memcpy(spaces, key, strlen(key));
    spaces[len] = '\0';
    pki_edit_apply(bundle, &edit, 1);
    free(spaces);
}

static void chain_too_long(pki *world)
{
    grow(world, "\"tcb_info_issuer_chain\":\"", RATLS_COLLATERAL_CHAIN_MAX + 64);
}

static void qe_identity_too_long(pki *world)
{
    grow(world, "\"qe_identity\":\"", RATLS_COLLATERAL_JSON_MAX + 64);
}

static void crl_too_long(pki *world)
{
    world->pck_crl.padding = 120000;
}

/* Not damaged at all: what is written from its parts is as good as the bundle was, and once more makes no difference. */
static void written_again(pki *world)
{
    char *first = NULL;

    for (int i = 0; i < 2; i++) {
        ratls_collateral collateral;
        char *text;

        assert_int_equal(ratls_collateral_parse(&collateral, buffer_bytes(&world->bundle), NULL), RATLS_OK);
        text = ratls_collateral_print(&collateral);
        assert_non_null(text);
        assert_true(strstr(text, "carried, not used") != NULL && (first == NULL || strcmp(first, text) == 0));
        ratls_collateral_clear(&collateral);
        buffer_free(&world->bundle);
        buffer_add_text(&world->bundle, text);
        free(first);
        first = text;
    }
    free(first);
}

static const dcap_case cases[] = {
    {"written_again", PKI_TDX_V4, NULL, written_again, RATLS_OK, RATLS_TCB_UP_TO_DATE, 0},
    FAILS(not_json, COLLATERAL_FORMAT),
    FAILS(not_an_object, COLLATERAL_FORMAT),
    FAILS(key_twice, COLLATERAL_DUPLICATE_KEY),
    FAILS(key_escaped, COLLATERAL_FORMAT),
    PASSES(unknown_key),
    PASSES(pck_crl_issuer_chain_missing),
    FAILS(root_ca_crl_missing, COLLATERAL_MISSING),
    FAILS(pck_crl_missing, COLLATERAL_MISSING),
    FAILS(pck_crl_null, COLLATERAL_MISSING),
    FAILS(pck_crl_empty, COLLATERAL_MISSING),
    FAILS(pck_crl_number, COLLATERAL_FORMAT),
    FAILS(tcb_info_issuer_chain_missing, COLLATERAL_MISSING),
    FAILS(tcb_info_missing, COLLATERAL_MISSING),
    FAILS(tcb_info_object, COLLATERAL_FORMAT),
    FAILS(tcb_info_signature_missing, COLLATERAL_MISSING),
    FAILS(qe_identity_issuer_chain_missing, COLLATERAL_MISSING),
    FAILS(qe_identity_missing, COLLATERAL_MISSING),
    FAILS(qe_identity_signature_missing, COLLATERAL_MISSING),
    FAILS(pck_certificate_chain_list, COLLATERAL_FORMAT),
    FAILS(nul_in_a_text, COLLATERAL_FORMAT),
    DAMAGED(truncated, COLLATERAL_FORMAT),
    DAMAGED(trailing_text, COLLATERAL_FORMAT),
    DAMAGED(empty, COLLATERAL_MISSING),
    DAMAGED(not_utf8, COLLATERAL_FORMAT),
    DAMAGED(too_large, COLLATERAL_TOO_LARGE),
    DAMAGED(chain_too_long, COLLATERAL_TOO_LARGE),
    DAMAGED(qe_identity_too_long, COLLATERAL_TOO_LARGE),
    FAILS(crl_too_long, COLLATERAL_TOO_LARGE),
};

int main(void)
{
    return DCAP_CASES_RUN("bundle", cases);
}

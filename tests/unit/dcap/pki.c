#include "dcap/pki.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char root_name[] = "Intel SGX Root CA";
static const char platform_ca_name[] = "Intel SGX PCK Platform CA";
static const char processor_ca_name[] = "Intel SGX PCK Processor CA";
static const char leaf_name[] = "Intel SGX PCK Certificate";
static const char signer_name[] = "Intel SGX TCB Signing";

enum {
    USAGE_CA = 0x06,   /* keyCertSign, cRLSign */
    USAGE_LEAF = 0xc0, /* digitalSignature, nonRepudiation */
    SVN = 5,           /* of everything on the platform */
    QE_SVN = 6,
    PCE_SVN = 11
};

#define YEAR INT64_C(31536000)

static pki_certificate recipe(const char *subject, EVP_PKEY *key, const char *issuer, EVP_PKEY *issuer_key, uint8_t serial)
{
    pki_certificate made = {
        .subject = subject, .issuer = issuer, .key = key, .issuer_key = issuer_key, .serial_len = PKI_SERIAL_LEN + 1,
        .not_before = PKI_ISSUED - YEAR, .not_after = PKI_NOW + YEAR, .version = 2, .path_length = PKI_ABSENT, .usage = USAGE_LEAF};

    /* A set top bit, so that the encoding has a zero byte before it, as many of Intel's have. */
    memset(made.serial + 1, serial, PKI_SERIAL_LEN);
    made.serial[1] = 0xe8;
    return made;
}

static pki_certificate ca_recipe(const char *subject, EVP_PKEY *key, EVP_PKEY *issuer_key, uint8_t serial, int path_length)
{
    pki_certificate made = recipe(subject, key, root_name, issuer_key, serial);

    made.ca = 1;
    made.usage = USAGE_CA;
    made.path_length = path_length;
    return made;
}

static pki_crl crl_recipe(const char *issuer, EVP_PKEY *key)
{
    return (pki_crl){.issuer = issuer, .issuer_key = key, .version = 1, .this_update = PKI_ISSUED, .next_update = PKI_ENDS, .reason = PKI_ABSENT};
}

static void init_certificates(pki *world)
{
    const char *ca_name = world->platform.platform ? platform_ca_name : processor_ca_name;

    world->root = ca_recipe(root_name, world->root_key, world->root_key, 1, 1);
    world->ca = ca_recipe(ca_name, world->ca_key, world->root_key, 2, 0);
    world->leaf = recipe(leaf_name, world->leaf_key, ca_name, world->ca_key, 3);
    world->leaf.platform = &world->platform;
    world->signer = recipe(signer_name, world->signer_key, root_name, world->root_key, 4);
    world->qe_signer = recipe(signer_name, world->signer_key, root_name, world->root_key, 5);
    world->anchor = world->root;
    world->root_crl = crl_recipe(root_name, world->root_key);
    world->pck_crl = crl_recipe(ca_name, world->ca_key);
    world->pck_chain[0] = &world->leaf;
    world->pck_chain[1] = &world->ca;
    world->pck_chain[2] = &world->root;
    world->signer_chain[0] = &world->signer;
    world->signer_chain[1] = &world->root;
}

static void init_platform(pki_platform *platform)
{
    static const uint8_t fmspc[6] = {0xb0, 0xc0, 0x6f, 0, 0, 0};

    platform->platform = true;
    platform->fmspc_len = sizeof fmspc;
    memcpy(platform->fmspc, fmspc, sizeof fmspc);
    memset(platform->components, SVN, sizeof platform->components);
    memset(platform->cpu_svn, SVN, sizeof platform->cpu_svn);
    platform->pce_svn = PCE_SVN;
}

static void init_quote(pki *world, pki_kind kind)
{
    world->tdx = kind == PKI_TDX_V4 || kind == PKI_TDX_V5_TD10 || kind == PKI_TDX_V5_TD15;
    world->version = kind == PKI_SGX_V3 ? 3 : kind == PKI_TDX_V4 || kind == PKI_SGX_V4 ? 4 : 5;
    world->body_type = kind == PKI_SGX_V5 ? 1 : kind == PKI_TDX_V5_TD10 ? 2 : 3;
    if (world->tdx) {
        /* TEE_TCB_SVN: SVN 5 of module version 1; TEE_TCB_SVN_2 the same. */
        memcpy(world->body, (uint8_t[]){SVN, 1, 2}, 3);
        memcpy(world->body + RATLS_TD_REPORT_10_LEN, (uint8_t[]){SVN, 1, 2}, 3);
        world->body[123] = 0x10; /* TDATTRIBUTES: SEPT_VE_DISABLE */
    } else {
        world->body[48] = 0x05;
    }
    world->qe_report[48] = world->tdx ? 0x15 : 0x05; /* ATTRIBUTES */
    memset(world->qe_report + 128, 0xdc, 32);        /* MRSIGNER */
    world->qe_report[256] = world->tdx ? 2 : 1;      /* ISVPRODID */
    world->qe_report[258] = QE_SVN;                  /* ISVSVN */
    for (uint8_t i = 0; i < sizeof world->authentication; i++) {
        world->authentication[i] = i;
    }
    world->authentication_len = 32;
    world->certification_type = 5;
    world->certification_ppid_first = 0xa5;
    world->certification_cpu_svn_first = SVN;
}

/* Keys are made once in a program: a world holds references. */
static EVP_PKEY *shared_key(size_t number)
{
    static EVP_PKEY *keys[6];

    if (keys[number] == NULL) {
        keys[number] = pki_key_new();
    }
    if (EVP_PKEY_up_ref(keys[number]) != 1) {
        abort();
    }
    return keys[number];
}

void pki_init(pki *world, pki_kind kind)
{
    *world = (pki){0};
    world->root_key = shared_key(0);
    world->ca_key = shared_key(1);
    world->leaf_key = shared_key(2);
    world->signer_key = shared_key(3);
    world->attestation_key = shared_key(4);
    world->other_key = shared_key(5);
    init_platform(&world->platform);
    init_certificates(world);
    init_quote(world, kind);
    world->tcb_info.status = world->qe_identity.status = world->module_status = "UpToDate";
    world->tcb_info.second_status = world->qe_identity.second_status = world->module_second_status = "OutOfDate";
}

void pki_edit_add(pki_edit edits[PKI_EDITS_MAX], const char *from, const char *to)
{
    size_t i = 0;

    while (i < PKI_EDITS_MAX && edits[i].from != NULL) {
        i++;
    }
    if (i == PKI_EDITS_MAX) {
        abort();
    }
    edits[i] = (pki_edit){from, to};
}

void pki_edit_apply(test_buffer *text, const pki_edit *edits, size_t len)
{
    for (size_t i = 0; i < len && edits[i].from != NULL; i++) {
        size_t from_len = strlen(edits[i].from), at = 0;
        test_buffer changed = {0};

        while (at + from_len <= text->len && memcmp(text->data + at, edits[i].from, from_len) != 0) {
            at++;
        }
        if (at + from_len > text->len) {
            fprintf(stderr, "nothing to edit: %s\n", edits[i].from);
            abort();
        }
        buffer_add(&changed, text->data, at);
        buffer_add_text(&changed, edits[i].to);
        buffer_add(&changed, text->data + at + from_len, text->len - at - from_len);
        buffer_free(text);
        *text = changed;
    }
}

static void add_format(test_buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_format(test_buffer *out, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_add_text(out, text);
}

static void add_components(test_buffer *out, const char *key, const int components[16])
{
    add_format(out, "\"%s\":[", key);
    for (int i = 0; i < 16; i++) {
        add_format(out, "%s{\"svn\":%d}", i == 0 ? "" : ",", components[i]);
    }
    buffer_add_text(out, "]");
}

static bool tcb_info_is_tdx(const pki *world)
{
    return world->tdx != world->other_tee_tcb_info;
}

static void add_level(test_buffer *out, const pki *world, int svn, const char *status, const char *advisory)
{
    int sgx[16], tdx[16] = {svn, 0, 2};

    for (int i = 0; i < 16; i++) {
        sgx[i] = svn;
    }
    buffer_add_text(out, "{\"tcb\":{");
    add_components(out, "sgxtcbcomponents", sgx);
    add_format(out, ",\"pcesvn\":%d", PCE_SVN);
    if (tcb_info_is_tdx(world)) {
        buffer_add_text(out, ",");
        add_components(out, "tdxtcbcomponents", tdx);
    }
    add_format(out, "},\"tcbDate\":\"202%d-03-13T00:00:00Z\",\"tcbStatus\":\"%s\",\"advisoryIDs\":[\"%s\"]}", svn - 1, status, advisory);
}

static void add_isv_levels(test_buffer *out, int svn, const char *status, const char *second_status, const char *advisory)
{
    add_format(out, "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":%d},\"tcbDate\":\"2024-02-0%dT00:00:00Z\",\"tcbStatus\":\"%s\"},", svn, svn, status);
    add_format(out,
               "{\"tcb\":{\"isvsvn\":%d},\"tcbDate\":\"2022-02-02T00:00:00Z\",\"tcbStatus\":\"%s\",\"advisoryIDs\":[\"%s\"]}]", svn - 2,
               second_status, advisory);
}

static void add_module(test_buffer *out)
{
    buffer_add_text(out, "\"mrsigner\":\"");
    for (int i = 0; i < 48; i++) {
        buffer_add_text(out, "00");
    }
    buffer_add_text(out, "\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\"");
}

static void add_modules(test_buffer *out, const pki *world)
{
    buffer_add_text(out, "\"tdxModule\":{");
    add_module(out);
    buffer_add_text(out, "},\"tdxModuleIdentities\":[");
    for (int version = 1; version <= 3; version += 2) {
        add_format(out, "%s{\"id\":\"TDX_0%d\",", version == 1 ? "" : ",", version);
        add_module(out);
        buffer_add_text(out, ",");
        add_isv_levels(out, SVN, world->module_status, world->module_second_status, "INTEL-SA-00002");
        buffer_add_text(out, "}");
    }
    buffer_add_text(out, "],");
}

void pki_tcb_info_write(test_buffer *out, const pki *world)
{
    add_format(out, "{\"id\":\"%s\",\"version\":3,\"issueDate\":\"2025-01-01T00:00:00Z\",\"nextUpdate\":\"2025-01-31T00:00:00Z\",",
               tcb_info_is_tdx(world) ? "TDX" : "SGX");
    buffer_add_text(out, "\"fmspc\":\"B0C06F000000\",\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":17,");
    if (tcb_info_is_tdx(world)) {
        add_modules(out, world);
    }
    buffer_add_text(out, "\"tcbLevels\":[");
    add_level(out, world, SVN, world->tcb_info.status, "INTEL-SA-00003");
    buffer_add_text(out, ",");
    add_level(out, world, SVN - 2, world->tcb_info.second_status, "INTEL-SA-00001");
    buffer_add_text(out, "]}");
    pki_edit_apply(out, world->tcb_info.edits, PKI_EDITS_MAX);
}

void pki_qe_identity_write(test_buffer *out, const pki *world)
{
    bool tdx = world->tdx != world->other_tee_qe_identity;

    add_format(out, "{\"id\":\"%s\",\"version\":2,\"issueDate\":\"2025-01-01T00:00:00Z\",\"nextUpdate\":\"2025-01-31T00:00:00Z\",",
               tdx ? "TD_QE" : "QE");
    add_format(out, "\"tcbEvaluationDataNumber\":18,\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"%s\",",
               tdx ? "11000000000000000000000000000000" : "01000000000000000000000000000000");
    buffer_add_text(out, "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"");
    for (int i = 0; i < 32; i++) {
        buffer_add_text(out, "DC");
    }
    add_format(out, "\",\"isvprodid\":%d,", tdx ? 2 : 1);
    add_isv_levels(out, QE_SVN, world->qe_identity.status, world->qe_identity.second_status, "INTEL-SA-00004");
    buffer_add_text(out, "}");
    pki_edit_apply(out, world->qe_identity.edits, PKI_EDITS_MAX);
}

static void add_hex(test_buffer *out, const uint8_t *bytes, size_t len, bool upper)
{
    for (size_t i = 0; i < len; i++) {
        add_format(out, upper ? "%02X" : "%02x", bytes[i]);
    }
}

/* Text as the content of a JSON string; only line ends need an escape here. */
static void add_string(test_buffer *out, const test_buffer *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] == '\n' || text->data[i] == '"' || text->data[i] == '\\') {
            buffer_u8(out, '\\');
        }
        buffer_u8(out, text->data[i] == '\n' ? 'n' : text->data[i]);
    }
}

static void add_member(test_buffer *out, const char *key, test_buffer *text)
{
    add_format(out, "%s\"%s\":\"", out->len > 1 ? "," : "", key);
    add_string(out, text);
    buffer_add_text(out, "\"");
    buffer_free(text);
}

static void chain_write(test_buffer *out, const pki_certificate *const *chain)
{
    for (size_t i = 0; i < 4 && chain[i] != NULL; i++) {
        test_buffer der = {0};

        pki_certificate_write(&der, chain[i]);
        pki_pem_write(out, "CERTIFICATE", &der);
        buffer_free(&der);
    }
}

static void add_chain(test_buffer *out, const char *key, const pki_certificate *const *chain, const char *text)
{
    test_buffer pem = {0};

    if (text != NULL) {
        buffer_add_text(&pem, text);
    } else {
        chain_write(&pem, chain);
    }
    add_member(out, key, &pem);
}

static void add_crl(test_buffer *out, const char *key, const pki *world, const pki_crl *list)
{
    test_buffer der = {0}, text = {0};

    pki_crl_write(&der, list);
    if (world->crls_as_pem) {
        pki_pem_write(&text, "X509 CRL", &der);
    } else {
        add_hex(&text, der.data, der.len, world->crls_upper_case);
    }
    buffer_free(&der);
    add_member(out, key, &text);
}

static void add_document(test_buffer *out, const char *key, const pki_document *document, test_buffer *text, EVP_PKEY *signer)
{
    test_buffer hex = {0};
    uint8_t signature[64];
    char name[64];

    pki_sign_raw(signature, document->key == NULL ? signer : document->key, buffer_bytes(text));
    signature[63] ^= document->bad_signature ? 1 : 0;
    pki_edit_apply(text, &document->late, 1);
    add_member(out, key, text);
    add_hex(&hex, signature, sizeof signature, false);
    snprintf(name, sizeof name, "%s_signature", key);
    add_member(out, name, &hex);
}

static void build_bundle(pki *world)
{
    const pki_certificate *qe_chain[4] = {&world->qe_signer, &world->root};
    test_buffer tcb_info = {0}, qe_identity = {0}, unused = {0};
    test_buffer *out = &world->bundle;

    buffer_add_text(out, "{");
    buffer_add_text(&unused, "carried, not used");
    add_member(out, "pck_crl_issuer_chain", &unused);
    add_crl(out, "root_ca_crl", world, &world->root_crl);
    add_crl(out, "pck_crl", world, &world->pck_crl);
    add_chain(out, "tcb_info_issuer_chain", world->signer_chain, world->tcb_info_chain_text);
    pki_tcb_info_write(&tcb_info, world);
    add_document(out, "tcb_info", &world->tcb_info, &tcb_info, world->signer.key);
    add_chain(out, "qe_identity_issuer_chain", world->own_qe_signer ? qe_chain : world->signer_chain,
              world->own_qe_signer ? NULL : world->tcb_info_chain_text);
    pki_qe_identity_write(&qe_identity, world);
    add_document(out, "qe_identity", &world->qe_identity, &qe_identity, world->own_qe_signer ? world->qe_signer.key : world->signer.key);
    if (world->bundle_has_pck_chain) {
        add_chain(out, "pck_certificate_chain", world->pck_chain, NULL);
    }
    buffer_add_text(out, "}");
    pki_edit_apply(out, world->bundle_edits, PKI_EDITS_MAX);
}

static size_t body_len(const pki *world)
{
    if (!world->tdx) {
        return RATLS_ENCLAVE_REPORT_LEN;
    }
    return world->version == 5 && world->body_type == 3 ? RATLS_TD_REPORT_15_LEN : RATLS_TD_REPORT_10_LEN;
}

static void add_header(test_buffer *out, const pki *world)
{
    static const uint8_t vendor[] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

    buffer_u16_le(out, world->version);
    buffer_u16_le(out, 2);
    buffer_u32_le(out, world->tdx ? RATLS_TEE_TDX : RATLS_TEE_SGX);
    buffer_fill(out, 0, 4);
    buffer_add(out, vendor, sizeof vendor);
    buffer_fill(out, 0x11, 20);
    if (world->version == 5) {
        buffer_u16_le(out, world->body_type);
        buffer_u32_le(out, (uint32_t)body_len(world));
    }
    buffer_add(out, world->body, body_len(world));
}

static void add_certification(test_buffer *out, const pki *world)
{
    size_t ppid = world->certification_type == 1 ? 16 : world->certification_type == 2 ? 256 : 384;

    if (world->certification_type == 5 && world->pck_chain_text != NULL) {
        buffer_add_text(out, world->pck_chain_text);
    } else if (world->certification_type == 5) {
        chain_write(out, world->pck_chain);
        buffer_u8(out, 0);
    } else {
        buffer_u8(out, world->certification_ppid_first);
        buffer_u8(out, 1);
        buffer_fill(out, 0, ppid - 2);
        buffer_u8(out, world->certification_cpu_svn_first);
        buffer_fill(out, SVN, 15);
        buffer_u16_le(out, PCE_SVN);
        buffer_fill(out, 0, 2 + world->certification_trailing);
    }
}

/* QE report, its signature and what follows. */
static void add_qe_part(test_buffer *out, const pki *world, const uint8_t point[64])
{
    uint8_t report[RATLS_ENCLAVE_REPORT_LEN], committed[64 + sizeof world->authentication], signature[64];
    test_buffer certification = {0};

    memcpy(report, world->qe_report, sizeof report);
    memcpy(committed, point, 64);
    memcpy(committed + 64, world->authentication, world->authentication_len);
    if (!world->keep_report_data) {
        SHA256(committed, 64 + world->authentication_len, report + 320);
    }
    pki_sign_raw(signature, world->leaf_key, (ratls_bytes){report, sizeof report});
    signature[63] ^= world->bad_qe_signature ? 1 : 0;
    buffer_add(out, report, sizeof report);
    buffer_add(out, signature, sizeof signature);
    buffer_u16_le(out, (uint16_t)world->authentication_len);
    buffer_add(out, world->authentication, world->authentication_len);
    add_certification(&certification, world);
    buffer_u16_le(out, world->certification_type);
    buffer_u32_le(out, (uint32_t)certification.len);
    buffer_add_buffer(out, &certification);
    buffer_free(&certification);
}

static void build_quote(pki *world)
{
    test_buffer *out = &world->quote;
    test_buffer qe = {0};
    uint8_t signature[64], point[64];
    ratls_bytes signed_bytes;

    add_header(out, world);
    signed_bytes = buffer_bytes(out);
    if (world->sign_body_only) {
        signed_bytes = (ratls_bytes){world->body, body_len(world)};
    }
    pki_sign_raw(signature, world->attestation_key, signed_bytes);
    signature[63] ^= world->bad_quote_signature ? 1 : 0;
    pki_point(point, world->attestation_key);
    point[63] ^= world->attestation_key_off_curve ? 1 : 0;
    add_qe_part(&qe, world, point);
    buffer_u32_le(out, (world->version == 3 ? 128U : 134U) + (uint32_t)qe.len);
    buffer_add(out, signature, sizeof signature);
    buffer_add(out, point, sizeof point);
    if (world->version != 3) {
        buffer_u16_le(out, 6);
        buffer_u32_le(out, (uint32_t)qe.len);
    }
    buffer_add_buffer(out, &qe);
    buffer_free(&qe);
}

void pki_build(pki *world)
{
    build_bundle(world);
    build_quote(world);
    pki_certificate_write(&world->anchor_der, &world->anchor);
}

void pki_clear(pki *world)
{
    EVP_PKEY *keys[] = {world->root_key, world->ca_key, world->leaf_key, world->signer_key, world->attestation_key, world->other_key};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        EVP_PKEY_free(keys[i]);
    }
    buffer_free(&world->quote);
    buffer_free(&world->bundle);
    buffer_free(&world->anchor_der);
}

ratls_status pki_verify(ratls_claims *claims, const pki *world, int64_t now, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_trust_anchor anchor = {0};
    ratls_collateral collateral = {0};
    ratls_prepared *prepared = NULL;
    ratls_trust *trust = NULL;
    ratls_parsed_quote quote;

    *claims = (ratls_claims){0};
    TRY(ratls_trust_anchor_parse(&anchor, buffer_bytes(&world->anchor_der), err));
    TRY(ratls_trust_new(&trust, &anchor, err));
    TRY(ratls_collateral_parse(&collateral, buffer_bytes(&world->bundle), err));
    TRY(ratls_prepare(&prepared, &collateral, trust, err));
    /* What was prepared borrows nothing. */
    ratls_collateral_clear(&collateral);
    ratls_trust_anchor_clear(&anchor);
    ratls_trust_free(trust);
    trust = NULL;
    TRY(ratls_quote_parse(&quote, buffer_bytes(&world->quote), err));
    TRY(ratls_dcap_verify(claims, &quote, prepared, now, err));
    TRY(ratls_dcap_recheck(&quote, prepared, now, err));
    status = RATLS_OK;
out:
    ratls_collateral_clear(&collateral);
    ratls_trust_anchor_clear(&anchor);
    ratls_trust_free(trust);
    ratls_prepared_free(prepared);
    return status;
}

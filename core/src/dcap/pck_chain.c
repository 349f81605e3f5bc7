#include "dcap/pck_chain.h"

#include <string.h>

#include "base/reader.h"
#include "dcap/name.h"

enum { PLATFORM_LEN = RATLS_CPU_SVN_LEN + 2 + RATLS_PCE_ID_LEN };

static const char leaf_name[] = "Intel SGX PCK Certificate";
static const char platform_ca_name[] = "Intel SGX PCK Platform CA";
static const char processor_ca_name[] = "Intel SGX PCK Processor CA";

static const ratls_chain_kind pck_kind = {
    .name = "PCK certificate chain",
    .block = RATLS_ERR_DCAP_CERT_FORMAT,
    .pem_code = RATLS_ERR_DCAP_PCK_CHAIN_PEM,
    .length_code = RATLS_ERR_DCAP_PCK_CHAIN_LENGTH,
    .len = RATLS_PCK_CHAIN_LEN,
    .subjects = {"PCK certificate", "PCK CA certificate", "root certificate"},
};

/* P2, P3: whole names, never a part of one. */
static ratls_status check_names(const ratls_chain *chain, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes leaf = chain->links[RATLS_PCK_LEAF].parsed.subject;
    ratls_bytes ca = chain->links[RATLS_PCK_CA].parsed.subject;

    CHECK(ratls_name_is(leaf, leaf_name), RATLS_ERR_DCAP_PCK_NAME, ratls_detail_chars("found", ratls_name_label(leaf)), EXPECTED(leaf_name));
    CHECK(ratls_name_is(ca, platform_ca_name) || ratls_name_is(ca, processor_ca_name), RATLS_ERR_DCAP_PCK_CA_NAME,
          ratls_detail_chars("found", ratls_name_label(ca)), EXPECTED("\"Intel SGX PCK Platform CA\" or \"Intel SGX PCK Processor CA\""));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_pck_chain_read(ratls_pck_chain *out, ratls_bytes text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    memset(out, 0, sizeof *out);
    TRY(ratls_chain_read(&out->chain, text, &pck_kind, err));
    TRY(check_names(&out->chain, err));
    TRY(ratls_sgx_extension_parse(&out->platform, &out->chain.links[RATLS_PCK_LEAF].parsed, err));
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_pck_chain_clear(out);
    }
    return status;
}

/* P5: each CA issues its own form. P6: both readings of the platform's TCB are the same. */
static ratls_status check_platform(const ratls_pck_chain *pck, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_sgx_extension *platform = &pck->platform;
    bool platform_ca = ratls_name_is(pck->chain.links[RATLS_PCK_CA].parsed.subject, platform_ca_name);

    CHECK(platform->platform == platform_ca, RATLS_ERR_DCAP_PCK_SGX_EXT_FORMAT, WHAT("not the form that its CA issues"));
    CHECK(memcmp(platform->cpu_svn, platform->components, sizeof platform->cpu_svn) == 0, RATLS_ERR_DCAP_PCK_CPUSVN_INCONSISTENT,
          FOUND_HEX(platform->cpu_svn, sizeof platform->cpu_svn), EXPECTED_HEX(platform->components, sizeof platform->components));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_pck_chain_verify(ratls_pck_chain *pck, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_chain_verify(&pck->chain, trust, err));
    TRY(check_platform(pck, err));
    status = RATLS_OK;
out:
    return status;
}

/* Length of a PPID, plain or encrypted, by type of certification data; 0 for a type that names no platform. */
static size_t ppid_length(uint16_t type)
{
    static const size_t lengths[] = {[1] = RATLS_PPID_LEN, [2] = 256, [3] = 384};

    return type < sizeof lengths / sizeof lengths[0] ? lengths[type] : 0;
}

/* What follows the PPID: CPUSVN, PCESVN and PCE-ID as the PCK certificate has them. */
static void write_platform(uint8_t out[PLATFORM_LEN], const ratls_sgx_extension *platform)
{
    memcpy(out, platform->cpu_svn, RATLS_CPU_SVN_LEN);
    out[RATLS_CPU_SVN_LEN] = (uint8_t)(platform->pce_svn & 0xff);
    out[RATLS_CPU_SVN_LEN + 1] = (uint8_t)(platform->pce_svn >> 8);
    memcpy(out + RATLS_CPU_SVN_LEN + 2, platform->pce_id, RATLS_PCE_ID_LEN);
}

ratls_status ratls_certification_data_match(const ratls_parsed_quote *quote, const ratls_sgx_extension *platform, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_reader reader = ratls_reader_over(quote->certification_data);
    size_t ppid_len = ppid_length(quote->certification_data_type);
    uint8_t expected[PLATFORM_LEN];
    ratls_bytes ppid, found;

    if (ppid_len == 0) {
        return RATLS_OK;
    }
    CHECK(quote->certification_data.len == ppid_len + PLATFORM_LEN && ratls_reader_take(&reader, &ppid, ppid_len) &&
              ratls_reader_take(&reader, &found, PLATFORM_LEN),
          RATLS_ERR_EVIDENCE_QUOTE_CERT_SIZE, FOUND_NUMBER(quote->certification_data.len), EXPECTED_NUMBER(ppid_len + PLATFORM_LEN));
    write_platform(expected, platform);
    CHECK(ratls_bytes_equal(found, (ratls_bytes){expected, sizeof expected}), RATLS_ERR_DCAP_PCK_CERT_MISMATCH,
          FOUND_HEX(found.data, found.len), EXPECTED_HEX(expected, sizeof expected));
    CHECK(ppid_len != RATLS_PPID_LEN || ratls_bytes_equal(ppid, (ratls_bytes){platform->ppid, RATLS_PPID_LEN}),
          RATLS_ERR_DCAP_PCK_CERT_MISMATCH, FOUND_HEX(ppid.data, ppid.len), EXPECTED_HEX(platform->ppid, RATLS_PPID_LEN));
    status = RATLS_OK;
out:
    return status;
}

void ratls_pck_chain_clear(ratls_pck_chain *pck)
{
    ratls_chain_clear(&pck->chain);
    memset(&pck->platform, 0, sizeof pck->platform);
}

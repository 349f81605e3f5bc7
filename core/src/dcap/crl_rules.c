#include "dcap/crl_rules.h"

#include <stdlib.h>
#include <string.h>

#include "dcap/dates.h"
#include "dcap/key_extensions.h"
#include "dcap/name.h"

/* L5: what would make the list say less than everything, and what is not known. */
static const char *judge_extension(const ratls_crl *crl, const ratls_extension *extension)
{
    bool known = ratls_bytes_equal(extension->oid, ratls_oid_crl_number) || ratls_bytes_equal(extension->oid, ratls_oid_authority_key_id);
    size_t count;

    if (ratls_bytes_equal(extension->oid, ratls_oid_delta_crl)) {
        return "it is a delta CRL";
    }
    if (ratls_bytes_equal(extension->oid, ratls_oid_issuing_distribution_point)) {
        return "it covers only a part of what its issuer issued";
    }
    if (extension->critical && !known) {
        return "an unknown critical extension";
    }
    (void)ratls_crl_extension(crl, extension->oid, &count);
    return count == 1 ? NULL : "an extension is there twice";
}

/* L4, L5, L13. */
static const char *judge_extensions(ratls_dcap_crl *out)
{
    const ratls_extension *number = ratls_crl_extension(&out->crl, ratls_oid_crl_number, NULL);
    const ratls_extension *authority_key_id = ratls_crl_extension(&out->crl, ratls_oid_authority_key_id, NULL);
    const char *fault = out->crl.entry_fault;
    ratls_der integer;

    for (size_t i = 0; fault == NULL && i < out->crl.extensions_len; i++) {
        fault = judge_extension(&out->crl, &out->crl.extensions[i]);
    }
    if (fault != NULL) {
        return fault;
    }
    if (number == NULL || !ratls_der_only(number->value, RATLS_DER_INTEGER, &integer) || !ratls_der_integer_valid(&integer)) {
        return "no CRL number";
    }
    if (authority_key_id == NULL || !ratls_authority_key_id_read(&out->authority_key_id, authority_key_id->value)) {
        return "no authority key identifier";
    }
    return NULL;
}

ratls_status ratls_dcap_crl_read(ratls_dcap_crl *out, ratls_bytes der, const char *subject, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_detail named = ratls_detail_text("subject", subject);
    const char *fault = NULL;

    memset(out, 0, sizeof *out);
    CHECK(der.len > 0 && der.len <= RATLS_CRL_SIZE_MAX, RATLS_ERR_COLLATERAL_CRL_FORMAT, named, WHAT("no bytes, or more than the limit"));
    out->subject = subject;
    out->der = malloc(der.len);
    CHECK(out->der != NULL, RATLS_ERR_OUT_OF_MEMORY);
    memcpy(out->der, der.data, der.len);
    CHECK(ratls_crl_parse(&out->crl, (ratls_bytes){out->der, der.len}, &fault), RATLS_ERR_COLLATERAL_CRL_FORMAT, named, WHAT(fault));
    CHECK(ratls_is_ecdsa_sha256(out->crl.signature_algorithm), RATLS_ERR_COLLATERAL_CRL_SIGALG, named);
    fault = judge_extensions(out);
    CHECK(fault == NULL, RATLS_ERR_COLLATERAL_CRL_EXT, named, WHAT(fault));
    TRY(ratls_sha256(out->tbs_sha256, out->crl.tbs, (ratls_bytes){0}, err));
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_dcap_crl_clear(out);
    }
    return status;
}

ratls_status ratls_dcap_crl_verify(
    const ratls_dcap_crl *crl, const ratls_chain_link *issuer, const ratls_signer *signer, ratls_trust *trust, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_detail subject = ratls_detail_text("subject", crl->subject);

    CHECK(ratls_bytes_equal(crl->crl.issuer, issuer->parsed.subject), RATLS_ERR_COLLATERAL_CRL_ISSUER, subject,
          ratls_detail_chars("found", ratls_name_label(crl->crl.issuer)),
          ratls_detail_chars("expected", ratls_name_label(issuer->parsed.subject)));
    CHECK(ratls_bytes_equal(crl->authority_key_id, issuer->subject_key_id), RATLS_ERR_COLLATERAL_CRL_EXT, subject,
          WHAT("its authority key identifier is not its issuer's key identifier"));
    CHECK(ratls_trust_verify_der(trust, signer, crl->tbs_sha256, crl->crl.signature), RATLS_ERR_COLLATERAL_CRL_SIGNATURE, subject);
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_dcap_crl_check_dates(const ratls_dcap_crl *crl, int64_t now, ratls_error **err)
{
    ratls_date_codes codes = {RATLS_ERR_COLLATERAL_CRL_NOT_YET_VALID, RATLS_ERR_COLLATERAL_CRL_EXPIRED, crl->subject};

    return ratls_dates_check(crl->crl.this_update, crl->crl.next_update, now, codes, err);
}

void ratls_dcap_crl_clear(ratls_dcap_crl *crl)
{
    ratls_crl_clear(&crl->crl);
    free(crl->der);
    memset(crl, 0, sizeof *crl);
}

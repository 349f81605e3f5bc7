#include "dcap/qe_identity.h"

#include <string.h>

#include "dcap/dates.h"

enum { QE_IDENTITY_VERSION = 2 };

static const char id_sgx[] = "QE";
static const char id_tdx[] = "TD_QE";

static const ratls_document document = {"QE identity", RATLS_ERR_COLLATERAL_QE_IDENTITY_FORMAT};

/* E2, E3. */
static ratls_status read_head(ratls_qe_identity *out, ratls_json_value object, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    int64_t version, number;
    ratls_bytes id;

    CHECK(ratls_json_member_integer(&version, object, "version", 0, INT32_MAX), document.malformed, WHAT("version"));
    CHECK(version == QE_IDENTITY_VERSION, RATLS_ERR_COLLATERAL_QE_IDENTITY_VERSION, FOUND_NUMBER(version));
    CHECK(ratls_json_member_text(&id, object, "id"), document.malformed, WHAT("id"));
    CHECK(ratls_bytes_equal_text(id, id_sgx) || ratls_bytes_equal_text(id, id_tdx), RATLS_ERR_COLLATERAL_QE_IDENTITY_TEE, ratls_detail_chars("found", id), EXPECTED("TD_QE or QE"));
    out->tdx = ratls_bytes_equal_text(id, id_tdx);
    TRY(ratls_document_dates(&out->issue_date, &out->next_update, object, &document, err));
    CHECK(ratls_json_member_integer(&number, object, "tcbEvaluationDataNumber", 0, UINT32_MAX), document.malformed,
          WHAT("tcbEvaluationDataNumber"));
    out->evaluation_data_number = (uint32_t)number;
    status = RATLS_OK;
out:
    return status;
}

/* E6: then it does not matter whether a reader masks one side or both. */
static bool within_mask(const uint8_t *value, const uint8_t *mask, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((value[i] & ~mask[i]) != 0) {
            return false;
        }
    }
    return true;
}

static ratls_status read_enclave(ratls_qe_identity *out, ratls_json_value object, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    int64_t isv_prod_id;

    CHECK(ratls_json_member_hex(out->miscselect, sizeof out->miscselect, object, "miscselect"), document.malformed, WHAT("miscselect"));
    CHECK(ratls_json_member_hex(out->miscselect_mask, sizeof out->miscselect_mask, object, "miscselectMask"), document.malformed,
          WHAT("miscselectMask"));
    CHECK(ratls_json_member_hex(out->attributes, sizeof out->attributes, object, "attributes"), document.malformed, WHAT("attributes"));
    CHECK(ratls_json_member_hex(out->attributes_mask, sizeof out->attributes_mask, object, "attributesMask"), document.malformed,
          WHAT("attributesMask"));
    CHECK(within_mask(out->miscselect, out->miscselect_mask, sizeof out->miscselect) &&
              within_mask(out->attributes, out->attributes_mask, sizeof out->attributes),
          document.malformed, WHAT("bits outside a mask"));
    CHECK(ratls_json_member_hex(out->mr_signer, sizeof out->mr_signer, object, "mrsigner"), document.malformed, WHAT("mrsigner"));
    CHECK(ratls_json_member_integer(&isv_prod_id, object, "isvprodid", 0, UINT16_MAX), document.malformed, WHAT("isvprodid"));
    out->isv_prod_id = (uint16_t)isv_prod_id;
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_qe_identity_read(ratls_qe_identity *out, ratls_bytes text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_json_value object;

    memset(out, 0, sizeof *out);
    TRY(ratls_document_parse(&out->document, &object, text, &document, err));
    TRY(read_head(out, object, err));
    TRY(read_enclave(out, object, err));
    TRY(ratls_isv_levels_read(&out->levels, object, UINT16_MAX, &document, err));
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_qe_identity_clear(out);
    }
    return status;
}

ratls_status ratls_qe_identity_check_dates(const ratls_qe_identity *identity, int64_t now, ratls_error **err)
{
    ratls_date_codes codes = {RATLS_ERR_COLLATERAL_QE_IDENTITY_NOT_YET_VALID, RATLS_ERR_COLLATERAL_QE_IDENTITY_EXPIRED, document.name};

    return ratls_dates_check(identity->issue_date, identity->next_update, now, codes, err);
}

void ratls_qe_identity_clear(ratls_qe_identity *identity)
{
    ratls_isv_levels_clear(&identity->levels);
    ratls_document_clear(&identity->document);
    memset(identity, 0, sizeof *identity);
}

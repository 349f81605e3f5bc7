#include "dcap/qe_identity.h"

#include <string.h>

#include "dcap/dates.h"

enum { QE_IDENTITY_VERSION = 2 };

static const char id_sgx[] = "QE";
static const char id_tdx[] = "TD_QE";

static const ratls_document document = {"QE identity", RATLS_ERR_COLLATERAL_QE_IDENTITY_FORMAT};

/* E2, E3. */
static ratls_status read_head(ratls_qe_identity *out, const cJSON *object, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    int64_t version, number;
    const char *id;

    CHECK(ratls_json_get_integer(object, "version", 0, INT32_MAX, &version), document.malformed, WHAT("version"));
    CHECK(version == QE_IDENTITY_VERSION, RATLS_ERR_COLLATERAL_QE_IDENTITY_VERSION, FOUND_NUMBER(version));
    CHECK(ratls_json_get_text(object, "id", &id), document.malformed, WHAT("id"));
    CHECK(strcmp(id, id_sgx) == 0 || strcmp(id, id_tdx) == 0, RATLS_ERR_COLLATERAL_QE_IDENTITY_TEE, FOUND(id), EXPECTED("TD_QE or QE"));
    out->tdx = strcmp(id, id_tdx) == 0;
    TRY(ratls_document_dates(&out->issue_date, &out->next_update, object, &document, err));
    CHECK(ratls_json_get_integer(object, "tcbEvaluationDataNumber", 0, UINT32_MAX, &number), document.malformed,
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

static ratls_status read_enclave(ratls_qe_identity *out, const cJSON *object, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    int64_t isv_prod_id;

    CHECK(ratls_json_get_hex(object, "miscselect", out->miscselect, sizeof out->miscselect), document.malformed, WHAT("miscselect"));
    CHECK(ratls_json_get_hex(object, "miscselectMask", out->miscselect_mask, sizeof out->miscselect_mask), document.malformed,
          WHAT("miscselectMask"));
    CHECK(ratls_json_get_hex(object, "attributes", out->attributes, sizeof out->attributes), document.malformed, WHAT("attributes"));
    CHECK(ratls_json_get_hex(object, "attributesMask", out->attributes_mask, sizeof out->attributes_mask), document.malformed,
          WHAT("attributesMask"));
    CHECK(within_mask(out->miscselect, out->miscselect_mask, sizeof out->miscselect) &&
              within_mask(out->attributes, out->attributes_mask, sizeof out->attributes),
          document.malformed, WHAT("bits outside a mask"));
    CHECK(ratls_json_get_hex(object, "mrsigner", out->mr_signer, sizeof out->mr_signer), document.malformed, WHAT("mrsigner"));
    CHECK(ratls_json_get_integer(object, "isvprodid", 0, UINT16_MAX, &isv_prod_id), document.malformed, WHAT("isvprodid"));
    out->isv_prod_id = (uint16_t)isv_prod_id;
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_qe_identity_read(ratls_qe_identity *out, ratls_bytes text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    cJSON *object = NULL;

    memset(out, 0, sizeof *out);
    TRY(ratls_document_parse(&object, text, &document, err));
    TRY(read_head(out, object, err));
    TRY(read_enclave(out, object, err));
    TRY(ratls_isv_levels_read(&out->levels, object, UINT16_MAX, &document, err));
    status = RATLS_OK;
out:
    cJSON_Delete(object);
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
    memset(identity, 0, sizeof *identity);
}

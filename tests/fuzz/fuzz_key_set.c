/* The portal's key set (JWKS), and the certificates in its entries. */
#include "base/json.h"
#include "fuzz.h"
#include "intel/config.h"
#include "intel/key_set.h"
#include "intel/signer.h"

static void read_entry(const cJSON *entry)
{
    ratls_intel_signer signer;
    ratls_error *error = NULL;
    ratls_status status = ratls_intel_signer_read(&signer, entry, RATLS_INTEL_RSA_BITS_LEAST, &error);

    MUST((status == RATLS_OK) == (error == NULL));
    MUST(status != RATLS_OK || (signer.len >= RATLS_INTEL_CERTIFICATES_LEAST && signer.len <= RATLS_INTEL_CERTIFICATES_MAX));
    MUST(status == RATLS_OK || signer.len == 0);
    ratls_intel_signer_clear(&signer);
    ratls_error_free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ratls_bytes text = {data, size};
    ratls_intel_key_set *set = NULL;
    ratls_error *error = NULL;
    ratls_status status = ratls_intel_key_set_parse(&set, text, "https://portal.invalid/certs", &error);
    cJSON *document = NULL;
    const cJSON *entry, *found = NULL;

    MUST((status == RATLS_OK) == (set != NULL) && (status == RATLS_OK) == (error == NULL));
    ratls_error_free(error);
    if (status == RATLS_OK && ratls_json_parse(&document, text, NULL) == RATLS_JSON_OK) {
        cJSON_ArrayForEach(entry, ratls_json_get_array(document, "keys"))
        {
            const char *key_id = NULL;

            if (ratls_json_get_text(entry, "kid", &key_id)) {
                MUST(ratls_intel_key_set_find(&found, set, key_id, RATLS_INTEL_PS384, NULL) == RATLS_OK || found == NULL);
            }
            read_entry(entry);
        }
    }
    cJSON_Delete(document);
    ratls_intel_key_set_free(set);
    return 0;
}

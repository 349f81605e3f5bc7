#include "intel/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/text.h"

static void add_evidence(ratls_text *body, const ratls_intel_config *config, const char *quote)
{
    ratls_text_add(body, config->api_version == 2 ? "{\"tdx\":{\"quote\":\"" : "{\"quote\":\"");
    ratls_text_add(body, quote);
    ratls_text_add(body, config->api_version == 2 ? "\"}" : "\"");
}

static void add_policies(ratls_text *body, const ratls_intel_config *config)
{
    if (config->policy_ids_len == 0) {
        return;
    }
    ratls_text_add(body, ",\"policy_ids\":[");
    for (size_t i = 0; i < config->policy_ids_len; i++) {
        ratls_text_add(body, i == 0 ? "" : ",");
        ratls_text_add_json_string(body, config->policy_ids[i]);
    }
    ratls_text_add(body, "]");
}

ratls_status ratls_intel_request_body(char **out, const ratls_intel_config *config, ratls_bytes quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text body = {0};
    char *encoded = ratls_base64_encode(quote);

    *out = NULL;
    CHECK(encoded != NULL, RATLS_ERR_OUT_OF_MEMORY);
    add_evidence(&body, config, encoded);
    add_policies(&body, config);
    ratls_text_add(&body, ",\"token_signing_alg\":\"");
    ratls_text_add(&body, ratls_intel_algorithms_text(config->requested_algorithm));
    ratls_text_add(&body, config->policy_must_match ? "\",\"policy_must_match\":true}" : "\",\"policy_must_match\":false}");
    CHECK(body.len <= RATLS_INTEL_REQUEST_MAX, RATLS_ERR_INTERNAL, WHAT("a request that is larger than the service takes"));
    *out = ratls_text_take(&body);
    CHECK(*out != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    ratls_text_clear(&body);
    free(encoded);
    return status;
}

char *ratls_intel_request_url(const ratls_intel_config *config)
{
    ratls_text url = {0};

    ratls_text_add(&url, config->base_url);
    ratls_text_add(&url, config->api_version == 2 ? "/appraisal/v2/attest" : "/appraisal/v1/attest");
    return ratls_text_take(&url);
}

/* Members that are not known are passed over: being strict about them once broke a client of Intel's own (Intel
 * rules 1.9). */
ratls_status ratls_intel_envelope_token(char **out, ratls_bytes json, const char *url, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *token = NULL;
    cJSON *object = NULL;
    ratls_json_outcome outcome = ratls_json_parse(&object, json, NULL);

    *out = NULL;
    CHECK(outcome != RATLS_JSON_OUT_OF_MEMORY, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(outcome == RATLS_JSON_OK && cJSON_IsObject(object), RATLS_ERR_INTEL_PROTOCOL, ratls_detail_text("url", url),
          WHAT("it is not a JSON object without duplicate keys"));
    CHECK(ratls_json_get_text(object, "token", &token), RATLS_ERR_INTEL_PROTOCOL, ratls_detail_text("url", url),
          WHAT("it has no token that is a string"));
    *out = strdup(token);
    CHECK(*out != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    cJSON_Delete(object);
    return status;
}

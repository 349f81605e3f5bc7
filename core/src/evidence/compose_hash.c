/* The hash under which dstack measures an app-compose file (evidence format 4.4). */
#include "base/digest.h"
#include "base/json.h"
#include "base/text.h"

enum { COMPOSE_FILE_MAX = 4 << 20 };

/* For the mistake of giving another file: what JSON exactly this is, is dstack's business. */
static bool is_json_object(ratls_bytes file)
{
    cJSON *json = cJSON_ParseWithLength((const char *)file.data, file.len);
    bool object = cJSON_IsObject(json);

    cJSON_Delete(json);
    return object;
}

ratls_status ratls_compose_hash(char **hash, const uint8_t *file, size_t file_len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text text = {0};
    uint8_t digest[RATLS_SHA256_LEN];
    ratls_bytes bytes = {file, file_len};

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(hash != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "hash"), WHAT("it is NULL"));
    *hash = NULL;
    CHECK(file != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "file"), WHAT("it is NULL"));
    CHECK(file_len <= COMPOSE_FILE_MAX && is_json_object(bytes), RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "file"),
          WHAT("it is not a JSON object: expected dstack's app-compose.json, of which a docker-compose file is only a part"));
    TRY(ratls_sha256(digest, bytes, (ratls_bytes){0}, err));
    ratls_text_add_hex(&text, digest, sizeof digest);
    *hash = ratls_text_take(&text);
    CHECK(*hash != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

#include "base/json.h"
#include "fuzz.h"

/* What passes the scanner cJSON must read, and the slices must be what cJSON sees. */
static void check_members(const cJSON *object, ratls_bytes text)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, object)
    {
        ratls_bytes slice;
        cJSON *parsed;

        MUST(ratls_json_slice(&slice, text, member->string));
        MUST(slice.data > text.data && slice.data + slice.len < text.data + text.len);
        MUST(ratls_json_parse(&parsed, slice, NULL) == RATLS_JSON_OK);
        MUST(cJSON_Compare(parsed, member, true) || !cJSON_IsObject(object));
        cJSON_Delete(parsed);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ratls_bytes text = {data, size};
    ratls_json_outcome outcome;
    cJSON *parsed = NULL;

    if (size > 4096) {
        return 0;
    }
    outcome = ratls_json_parse(&parsed, text, NULL);
    MUST(outcome == ratls_json_check(text, NULL) && outcome != RATLS_JSON_OUT_OF_MEMORY);
    MUST((outcome == RATLS_JSON_OK) == (parsed != NULL));
    if (cJSON_IsObject(parsed)) {
        check_members(parsed, text);
    }
    cJSON_Delete(parsed);
    return 0;
}

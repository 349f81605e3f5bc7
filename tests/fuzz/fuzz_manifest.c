/* A leader record: whatever is read has one form, which reads the same again. */
#include <string.h>

#include "fuzz.h"
#include "leader/leader_record.h"

static void check_host(const ratls_manifest *manifest)
{
    size_t len = strlen(manifest->host);

    MUST(len > 0 && len <= 253 && strpbrk(manifest->host, " /@?#[];=\\") == NULL);
    MUST(manifest->port >= 1 && manifest->port <= 65535);
    MUST(strncmp(manifest->url, "https://", 8) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ratls_leader_expected expected = {.any_cluster = true};
    ratls_bytes text = {data, size};
    ratls_leader_record *record = NULL;
    ratls_manifest manifest;
    ratls_error *error = NULL;

    if (ratls_manifest_read(&manifest, text, &error) == RATLS_OK) {
        MUST(error == NULL && strlen(manifest.body) <= RATLS_MANIFEST_BODY_MAX && size <= RATLS_MANIFEST_MAX);
        check_host(&manifest);
    } else {
        MUST(error != NULL && manifest.body == NULL && manifest.host == NULL);
    }
    ratls_manifest_clear(&manifest);
    /* Nobody signs for the address 0. */
    MUST(ratls_leader_record_read(&record, text, &expected, NULL) != RATLS_OK && record == NULL);
    MUST(ratls_leader_record_choose(&record, &text, 1, &expected, 0, NULL) != RATLS_OK && record == NULL);
    ratls_error_free(error);
    return 0;
}

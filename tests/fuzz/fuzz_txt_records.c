/* A DNS answer: every record lies in what was taken out of it. */
#include "fuzz.h"
#include "leader/txt_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ratls_txt_records found;
    size_t total = 0;

    if (ratls_txt_records_read(&found, (ratls_bytes){data, size}, NULL) == RATLS_OK) {
        MUST(found.records_len > 0 && found.records_len <= RATLS_TXT_RECORDS_MAX);
        for (size_t i = 0; i < found.records_len; i++) {
            MUST(found.records[i].data == found.bytes + total);
            total += found.records[i].len;
        }
        MUST(total <= size);
    } else {
        MUST(found.records == NULL && found.bytes == NULL);
    }
    ratls_txt_records_clear(&found);
    return 0;
}

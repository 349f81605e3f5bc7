/** The TXT records of a DNS answer. */
#ifndef RATLS_LEADER_TXT_RECORDS_H
#define RATLS_LEADER_TXT_RECORDS_H

#include "base/error.h"

enum {
    RATLS_TXT_RECORDS_MAX = 256,     /* of one answer */
    RATLS_TXT_ANSWER_MAX = 64 * 1024 /* bytes of one, as DNS has it */
};

/** Texts of records, the character-strings of each joined as they are. */
typedef struct {
    ratls_bytes *records;
    size_t records_len;
    uint8_t *bytes; /* of them all */
} ratls_txt_records;

/** Read an answer, as it came from the network. Every TXT record counts, whatever name it is of: one behind a CNAME has
 *  another. LEADER_LOOKUP for an answer that is malformed or has none. */
ratls_status ratls_txt_records_read(ratls_txt_records *out, ratls_bytes answer, ratls_error **err);

void ratls_txt_records_clear(ratls_txt_records *records);

#endif

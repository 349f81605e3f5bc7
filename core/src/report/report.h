/** The sidecar's attestation report: JSON over plain HTTP (evidence format 3.5, 7). It is bound to no connection. */
#ifndef RATLS_REPORT_REPORT_H
#define RATLS_REPORT_REPORT_H

#include "evidence/identity.h"
#include "evidence/quote.h"

enum {
    RATLS_REPORT_SIZE_MAX = 256 << 10,
    RATLS_REPORT_MEASUREMENTS = 5, /* MRTD, RTMR0 to RTMR3 */
    RATLS_REPORT_LSN_MAX = 17,     /* two numbers of 32 bits in hexadecimal, and a slash */
    RATLS_REPORT_CLOCK_SKEW_S = 5  /* that its time may be ahead of ours */
};

/** What it says; owns its quote. */
typedef struct {
    uint8_t *quote;
    size_t quote_len;
    uint8_t measurements[RATLS_REPORT_MEASUREMENTS][RATLS_MEASUREMENT_LEN]; /* tcb_info's copies */
    uint8_t app_id[RATLS_APP_ID_LEN];
    uint8_t compose_hash[RATLS_COMPOSE_HASH_LEN];
    char wal_lsn[RATLS_REPORT_LSN_MAX + 1];
    uint8_t controldata_hash[RATLS_SHA256_LEN];
    int64_t timestamp;
} ratls_report;

/** Read the JSON object, strictly: every documented member that means anything must be there. */
ratls_status ratls_report_parse(ratls_report *out, ratls_bytes json, ratls_error **err);

void ratls_report_clear(ratls_report *report);

/** tcb_info's copies are the quote's own values. */
ratls_status ratls_report_check_measurements(const ratls_report *report, const ratls_parsed_quote *quote, ratls_error **err);

/** REPORTDATA commits to the report's LSN, control data and time; *encoding names how. REPORT_DATA_UNRECOGNISED when it does in
 *  none of the known ways. */
ratls_status ratls_report_bind(const char **encoding, const ratls_report *report, const ratls_parsed_quote *quote, ratls_error **err);

/** It is not older than `max_age_s` at `now`, and not of the future. */
ratls_status ratls_report_check_age(const ratls_report *report, int64_t now, int64_t max_age_s, ratls_error **err);

/** Its words on the application do not contradict what is proved. */
ratls_status ratls_report_check_identity(const ratls_report *report, const ratls_identity *identity, ratls_error **err);

#endif

/** dstack's attestation envelopes V0 (SCALE) and V1 (MessagePack): evidence format, section 2. */
#ifndef RATLS_EVIDENCE_ATTESTATION_H
#define RATLS_EVIDENCE_ATTESTATION_H

#include "evidence/event_log.h"

enum {
    RATLS_ATTESTATION_SIZE_MAX = 1 << 20,
    RATLS_ATTESTATION_EVENTS_MAX = RATLS_EVENTS_MAX,
    RATLS_ATTESTATION_EVENT_NAME_MAX = RATLS_EVENT_NAME_MAX,
    RATLS_ATTESTATION_PAYLOAD_MAX = RATLS_EVENT_PAYLOAD_MAX
};

typedef enum {
    RATLS_PLATFORM_TDX,
    RATLS_PLATFORM_GCP_TDX,
    RATLS_PLATFORM_NITRO_ENCLAVE,
    RATLS_PLATFORM_SEV_SNP,
    RATLS_PLATFORM_AWS_NITRO_TPM
} ratls_platform;

/** Owns copies (a V1 quote is an array of integers on the wire); free with ratls_attestation_clear(). */
typedef struct {
    uint8_t version; /* 0 or 1 */
    ratls_platform platform;
    uint8_t *quote; /* TDX only; NULL otherwise */
    size_t quote_len;
    uint8_t report_data[64]; /* the envelope's copy: a claim */
    /* What was measured: of the log beside the quote only the events of firmware and kernel, then the runtime events. Those
     * alone RTMR3 is replayed from, and the log's own copies of them are not looked at (evidence format 4.5, rule 1). */
    ratls_event_list events;
    ratls_bytes config; /* the host's claims; borrows the input */
} ratls_attestation;

/** Walk the whole envelope, every variant; trailing bytes are refused. A platform that is not TDX is
 *  not an error here: the caller refuses it with its name. */
ratls_status ratls_attestation_parse(ratls_attestation *out, ratls_bytes input, ratls_error **err);

/** The two forms, for ratls_attestation_parse(): `out` is cleared by it and is incomplete after a failure. */
ratls_status ratls_attestation_parse_v0(ratls_attestation *out, ratls_bytes input, ratls_error **err);
ratls_status ratls_attestation_parse_v1(ratls_attestation *out, ratls_bytes input, ratls_error **err);

/** Name of a platform as the envelope spells it, for messages ("tdx", "gcp-tdx", "sev-snp", …). */
const char *ratls_platform_name(ratls_platform platform);

void ratls_attestation_clear(ratls_attestation *attestation);

#endif

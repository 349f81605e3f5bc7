/** Which application runs in a TD: what the replayed event log and MRCONFIGID prove (evidence format, 4.5 to 4.7). */
#ifndef RATLS_EVIDENCE_IDENTITY_H
#define RATLS_EVIDENCE_IDENTITY_H

#include "evidence/event_log.h"
#include "evidence/quote.h"

enum {
    RATLS_APP_ID_LEN = 20,
    RATLS_COMPOSE_HASH_LEN = 32,
    RATLS_INSTANCE_ID_LEN = 20,
    RATLS_OS_IMAGE_HASH_LEN = 32,
    RATLS_KEY_PROVIDER_NAME_MAX = 32,
    RATLS_KEY_PROVIDER_ID_MAX = 512 /* bytes; a KMS's is its root key, 91 */
};

typedef enum {
    RATLS_COMPOSE_HASH_UNKNOWN,
    RATLS_COMPOSE_HASH_EVENT_LOG,
    RATLS_COMPOSE_HASH_MR_CONFIG_ID
} ratls_compose_hash_source;

/** What is proved; zero is "nothing". */
typedef struct {
    bool replayed; /* a log explains RTMR3: mr_system and mr_aggregated are known */
    bool has_app_id;
    bool has_instance_id;
    bool has_os_image_hash;
    ratls_compose_hash_source compose_hash_source;
    uint8_t app_id[RATLS_APP_ID_LEN];
    uint8_t compose_hash[RATLS_COMPOSE_HASH_LEN];
    uint8_t instance_id[RATLS_INSTANCE_ID_LEN];
    uint8_t os_image_hash[RATLS_OS_IMAGE_HASH_LEN];
    char key_provider_name[RATLS_KEY_PROVIDER_NAME_MAX + 1]; /* "": not known */
    uint8_t key_provider_id[RATLS_KEY_PROVIDER_ID_MAX];
    size_t key_provider_id_len;
    uint8_t mr_system[RATLS_SHA256_LEN];
    uint8_t mr_aggregated[RATLS_SHA256_LEN];
} ratls_identity;

/** What a TD's evidence holds beside the quote. */
typedef struct {
    const ratls_event_list *events; /* NULL: there is no log, or none that can be read */
    ratls_bytes config;             /* the host's claims, JSON; empty: none */
} ratls_identity_sources;

/** Prove what can be proved of the quote's TD: replay the log to RTMR3 and read its fields, look at MRCONFIGID. A log that
 *  breaks a rule or does not explain RTMR3, and an MRCONFIGID that contradicts it, are errors: nothing is then known. */
ratls_status ratls_identity_establish(
    ratls_identity *out, const ratls_parsed_quote *quote, const ratls_identity_sources *sources, ratls_error **err);

/** The fields of events, in their order, without any replay (evidence format 4.5, rule 4). */
ratls_status ratls_identity_read_events(ratls_identity *out, const ratls_event_list *events, ratls_error **err);

/** Register after every event of it. Events without a digest get the one that their name and payload have. */
ratls_status ratls_identity_replay(uint8_t out[RATLS_SHA384_LEN], const ratls_event_list *events, uint32_t imr, ratls_error **err);

/** Value of a field that identifies the application; empty where it is not known, and for key_provider. */
ratls_bytes ratls_identity_field(const ratls_identity *identity, ratls_field field);

/** As a result names it; NULL for unknown. */
const char *ratls_compose_hash_source_name(ratls_compose_hash_source source);

/** `name` or `name:id`, the caller's to free(). NULL where it is not known, and when out of memory. */
char *ratls_identity_key_provider(const ratls_identity *identity);

#endif

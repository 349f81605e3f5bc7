#include "intel/client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/pause.h"
#include "intel/chain.h"
#include "intel/key_cache.h"
#include "intel/list_cache.h"
#include "intel/request.h"

enum { REQUEST_ID_BYTES = 16 };

static const char request_id_name[] = "Request-Id: ";

/* A chain that verified; used again for an hour while its dates hold. */
typedef struct {
    bool used;
    uint8_t leaf_sha256[RATLS_SHA256_LEN];
    ratls_intel_chain chain;
    int64_t checked_at_ms;
} kept_chain;

/* What a client has in one process. A fork may catch a lock taken and a connection in use: a child begins afresh, and
 * what is its parent's is neither looked at nor freed. */
typedef struct {
    pid_t owner;
    ratls_http *http;
    ratls_intel_key_cache *keys;
    ratls_intel_list_cache *lists;
    bool lock_made;
    pthread_mutex_t lock; /* guards what follows */
    kept_chain chains[RATLS_INTEL_CHAINS_KEPT];
    size_t next_chain;
    int64_t next_turn_ms; /* when the next request may go out */
} process_part;

struct ratls_intel_client {
    ratls_intel_config config;
    char *proxy;
    char *no_proxy;
    uint8_t *ca;
    size_t ca_len;
    int64_t connect_timeout_ms;
    char *key_set_url;
    char *request_url;
    ratls_log_callback log;
    void *log_user;
    _Atomic(process_part *) part;
};

/* One appraisal under way. */
typedef struct {
    const ratls_intel_client *client;
    process_part *part;
    const ratls_parsed_quote *quote;
    const ratls_intel_time *time;
    int64_t now;            /* at the start … */
    int64_t began_ms;       /* … which was then */
    int64_t sent_at;
    bool allow_debug_mode;
    ratls_intel_wire portal;
} appraisal;

static void free_part(process_part *part)
{
    if (part == NULL) {
        return;
    }
    ratls_http_free(part->http);
    ratls_intel_key_cache_free(part->keys);
    ratls_intel_list_cache_free(part->lists);
    if (part->lock_made) {
        (void)pthread_mutex_destroy(&part->lock);
    }
    free(part);
}

static ratls_status make_part(process_part **out, const ratls_intel_client *client, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_http_settings settings = {client->proxy, client->no_proxy, {client->ca, client->ca_len}, client->connect_timeout_ms};
    process_part *part = calloc(1, sizeof *part);

    CHECK(part != NULL, RATLS_ERR_OUT_OF_MEMORY);
    part->owner = getpid();
    part->lock_made = pthread_mutex_init(&part->lock, NULL) == 0;
    CHECK(part->lock_made, RATLS_ERR_OUT_OF_MEMORY);
    TRY(ratls_http_new(&part->http, &settings, err));
    TRY(ratls_intel_key_cache_new(&part->keys, err));
    TRY(ratls_intel_list_cache_new(&part->lists, err));
    *out = part;
    part = NULL;
    status = RATLS_OK;
out:
    free_part(part);
    return status;
}

/* This process's part, made when there is none yet; of two threads that make one the first wins. */
static ratls_status take_part(process_part **out, ratls_intel_client *client, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    process_part *made = NULL, *known = atomic_load(&client->part);

    if (known != NULL && known->owner == getpid()) {
        *out = known;
        return RATLS_OK;
    }
    TRY(make_part(&made, client, err));
    if (atomic_compare_exchange_strong(&client->part, &known, made)) {
        known = made;
        made = NULL;
    }
    *out = known;
    status = RATLS_OK;
out:
    free_part(made);
    return status;
}

static ratls_status copy_wire_options(ratls_intel_client *client, const ratls_intel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    client->connect_timeout_ms = options->http_connect_timeout_ms;
    client->proxy = options->proxy == NULL ? NULL : strdup(options->proxy);
    client->no_proxy = options->no_proxy == NULL ? NULL : strdup(options->no_proxy);
    CHECK((client->proxy != NULL || options->proxy == NULL) && (client->no_proxy != NULL || options->no_proxy == NULL), RATLS_ERR_OUT_OF_MEMORY);
    if (options->ca_len > 0) {
        client->ca = malloc(options->ca_len);
        CHECK(client->ca != NULL, RATLS_ERR_OUT_OF_MEMORY);
        memcpy(client->ca, options->ca, options->ca_len);
        client->ca_len = options->ca_len;
    }
    status = RATLS_OK;
out:
    return status;
}

static ratls_status open_client(ratls_intel_client *client, const ratls_intel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    process_part *part = NULL;

    TRY(ratls_intel_config_read(&client->config, options, err));
    TRY(copy_wire_options(client, options, err));
    client->key_set_url = ratls_intel_key_set_url(&client->config);
    client->request_url = ratls_intel_request_url(&client->config);
    CHECK(client->key_set_url != NULL && client->request_url != NULL, RATLS_ERR_OUT_OF_MEMORY);
    client->log = options->log;
    client->log_user = options->log_user;
    TRY(take_part(&part, client, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_intel_client_new(ratls_intel_client **out, const ratls_intel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_intel_client *client = NULL;

    *out = NULL;
    client = calloc(1, sizeof *client);
    CHECK(client != NULL, RATLS_ERR_OUT_OF_MEMORY);
    TRY(open_client(client, options, err));
    *out = client;
    client = NULL;
    status = RATLS_OK;
out:
    ratls_intel_client_free(client);
    return status;
}

void ratls_intel_client_free(ratls_intel_client *client)
{
    process_part *part;

    if (client == NULL) {
        return;
    }
    part = atomic_load(&client->part);
    if (part != NULL && part->owner == getpid()) {
        free_part(part);
    }
    ratls_intel_config_clear(&client->config);
    free(client->proxy);
    free(client->no_proxy);
    free(client->ca);
    free(client->key_set_url);
    free(client->request_url);
    free(client);
}

static void warn(const ratls_intel_client *client, const char *message)
{
    if (client->log != NULL) {
        client->log(client->log_user, message);
    }
}

/* The time that it is now, counted from the one that the verification began with. */
static int64_t time_now(const appraisal *a)
{
    return a->now + (ratls_clock_monotonic_ms() - a->began_ms) / 1000;
}

/* Intel rules 1.11: requests to the service itself are spaced. A turn that comes after the deadline is not taken. */
static ratls_status await_turn(void *user, const ratls_intel_time *time, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    appraisal *a = user;
    process_part *part = a->part;
    int per_second = a->client->config.requests_per_second;
    int64_t now_ms = ratls_clock_monotonic_ms(), turn_ms = now_ms;

    if (per_second > 0) {
        (void)pthread_mutex_lock(&part->lock);
        turn_ms = part->next_turn_ms > now_ms ? part->next_turn_ms : now_ms;
        if (turn_ms < time->deadline_ms) {
            part->next_turn_ms = turn_ms + 1000 / per_second;
        }
        (void)pthread_mutex_unlock(&part->lock);
    }
    CHECK(turn_ms < time->deadline_ms, RATLS_ERR_TIMEOUT, WHAT("waiting for a turn to ask Intel Trust Authority"), EXPECTED_NUMBER(time->timeout_ms));
    CHECK(turn_ms == now_ms || ratls_pause(turn_ms - now_ms, time->cancel), RATLS_ERR_CANCELLED, WHAT("waiting to ask Intel Trust Authority"));
    a->sent_at = time_now(a);
    status = RATLS_OK;
out:
    return status;
}

/* Intel rules 1.11, 4.1: what cannot be appraised is not sent. */
static ratls_status check_quote(const ratls_parsed_quote *quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(quote->tee_type == RATLS_TEE_TDX, RATLS_ERR_EVIDENCE_QUOTE_NOT_TDX, FOUND("SGX"));
    CHECK(quote->whole.len >= RATLS_INTEL_QUOTE_LEAST, RATLS_ERR_EVIDENCE_QUOTE_TRUNCATED, WHAT("a quote"), ratls_detail_number("offset", 0),
          FOUND_NUMBER(quote->whole.len), EXPECTED_NUMBER(RATLS_INTEL_QUOTE_LEAST));
    CHECK(quote->whole.len <= RATLS_INTEL_QUOTE_MOST, RATLS_ERR_EVIDENCE_QUOTE_TOO_LARGE, WHAT("what Intel Trust Authority takes"),
          FOUND_NUMBER(quote->whole.len), EXPECTED_NUMBER(RATLS_INTEL_QUOTE_MOST));
    status = RATLS_OK;
out:
    return status;
}

/* "Request-Id: " and a random UUID (version 4), by which the service's records can be searched. */
static ratls_status write_request_id(char out[sizeof request_id_name + RATLS_INTEL_UUID_LEN], ratls_error **err)
{
    static const size_t groups[] = {4, 2, 2, 2, 6};
    ratls_status status = RATLS_ERR_INTERNAL;
    uint8_t bytes[REQUEST_ID_BYTES];
    size_t at = sizeof request_id_name - 1, byte = 0;

    TRY(ratls_chance_bytes(bytes, sizeof bytes, err));
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    memcpy(out, request_id_name, sizeof request_id_name);
    for (size_t group = 0; group < sizeof groups / sizeof groups[0]; group++) {
        if (group > 0) {
            out[at++] = '-';
        }
        ratls_hex_write(out + at, bytes + byte, groups[group]);
        at += 2 * groups[group];
        byte += groups[group];
    }
    status = RATLS_OK;
out:
    return status;
}

/* A failure without the service's echo is told with the id that was sent. */
static void add_request_id(ratls_error **err, const char *header)
{
    if (err != NULL && *err != NULL && ratls_error_detail(*err, "request_id") == NULL) {
        ratls_error_add(*err, ratls_detail_text("request_id", header + sizeof request_id_name - 1));
    }
}

/* The only request that carries the key. */
static ratls_status request_token(char **out, appraisal *a, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_intel_config *config = &a->client->config;
    const ratls_intel_wire api = {config, a->part->http, await_turn, a};
    char request_id[sizeof request_id_name + RATLS_INTEL_UUID_LEN] = "";
    const char *headers[] = {config->key_header, request_id, "Accept: application/json", "Content-Type: application/json"};
    ratls_http_response response = {0};
    char *body = NULL;

    TRY(write_request_id(request_id, err));
    TRY(ratls_intel_request_body(&body, config, a->quote->whole, err));
    TRY(ratls_intel_exchange(&response, &api,
                             (ratls_http_request){.url = a->client->request_url,
                                                  .headers = headers,
                                                  .headers_len = sizeof headers / sizeof headers[0],
                                                  .body = {(const uint8_t *)body, strlen(body)},
                                                  .post = true,
                                                  .body_max = RATLS_INTEL_RESPONSE_MAX,
                                                  .timeout_ms = config->attest_timeout_ms},
                             a->time, err));
    TRY(ratls_intel_envelope_token(out, (ratls_bytes){response.body, response.body_len}, a->client->request_url, err));
    status = RATLS_OK;
out:
    if (status != RATLS_OK && request_id[0] != '\0') {
        add_request_id(err, request_id);
    }
    ratls_http_response_clear(&response);
    free(body);
    return status;
}

static ratls_status read_signer(ratls_intel_signer *out, appraisal *a, const ratls_intel_token *token, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    cJSON *entry = NULL;

    TRY(ratls_intel_key_cache_find(&entry, a->part->keys, &a->portal, token->key_id, token->algorithm, a->time, err));
    TRY(ratls_intel_signer_read(out, entry, a->client->config.min_rsa_bits, err));
    status = RATLS_OK;
out:
    cJSON_Delete(entry);
    return status;
}

/* Intel rules 2.1: the id is said to be the leaf's digest, but that is documented nowhere. */
static void warn_of_key_id(const ratls_intel_client *client, const ratls_intel_signer *signer, const ratls_intel_token *token)
{
    char digest[2 * RATLS_SHA384_LEN + 1];

    ratls_hex_write(digest, signer->leaf_sha384, RATLS_SHA384_LEN);
    if (strcmp(digest, token->key_id) != 0) {
        warn(client, "Intel Trust Authority's key id is not the digest of its certificate");
    }
}

static bool find_chain(ratls_intel_chain *out, process_part *part, const ratls_intel_signer *signer, int64_t now)
{
    bool found = false;
    int64_t now_ms = ratls_clock_monotonic_ms();

    (void)pthread_mutex_lock(&part->lock);
    for (size_t i = 0; i < RATLS_INTEL_CHAINS_KEPT && !found; i++) {
        const kept_chain *kept = &part->chains[i];

        found = kept->used && memcmp(kept->leaf_sha256, signer->leaf_sha256, RATLS_SHA256_LEN) == 0 && now >= kept->chain.valid_from &&
                now <= kept->chain.valid_until && now_ms - kept->checked_at_ms < RATLS_INTEL_CHAIN_FRESH_MS;
        *out = found ? kept->chain : *out;
    }
    (void)pthread_mutex_unlock(&part->lock);
    return found;
}

static void keep_chain(process_part *part, const ratls_intel_signer *signer, const ratls_intel_chain *chain)
{
    kept_chain *place;

    (void)pthread_mutex_lock(&part->lock);
    place = &part->chains[part->next_chain++ % RATLS_INTEL_CHAINS_KEPT];
    *place = (kept_chain){.used = true, .chain = *chain, .checked_at_ms = ratls_clock_monotonic_ms()};
    memcpy(place->leaf_sha256, signer->leaf_sha256, RATLS_SHA256_LEN);
    (void)pthread_mutex_unlock(&part->lock);
}

static ratls_status get_list(uint8_t **out, size_t *out_len, void *user, const char *url, ratls_error **err)
{
    appraisal *a = user;

    return ratls_intel_list_cache_get(out, out_len, a->part->lists, &a->portal, url, time_now(a), a->time, err);
}

static ratls_status check_chain(ratls_intel_chain *out, appraisal *a, const ratls_intel_signer *signer, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_intel_crl_source source = {get_list, a};
    int64_t now = time_now(a);

    if (find_chain(out, a->part, signer, now)) {
        return RATLS_OK;
    }
    TRY(ratls_intel_chain_check(out, signer, &a->client->config, &source, now, err));
    /* What a list could not be had for is tried again next time. */
    if (!out->revocation_unchecked || a->client->config.crl_policy == RATLS_CRL_OFF) {
        keep_chain(a->part, signer, out);
    } else {
        warn(a->client, "accepting Intel Trust Authority's signing certificate without knowing whether it is revoked (crl_policy soft)");
    }
    status = RATLS_OK;
out:
    return status;
}

/* Intel rules 2.6, in its order. */
static ratls_status check_token(ratls_claims *out, appraisal *a, const char *text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_intel_config *config = &a->client->config;
    const ratls_intel_token_rules rules = {config->allowed_algorithms, a->client->key_set_url};
    ratls_intel_token token = {0};
    ratls_intel_signer signer = {0};
    ratls_intel_chain chain = {0};
    ratls_intel_moment moment;

    /* 1. to 3. Its form and its header. */
    TRY(ratls_intel_token_parse(&token, (ratls_bytes){(const uint8_t *)text, strlen(text)}, &rules, err));
    /* 4. and 5. Its key, from the portal. */
    TRY(read_signer(&signer, a, &token, err));
    /* 6. The key's chain and revocation. */
    TRY(check_chain(&chain, a, &signer, err));
    /* 7. Its signature. */
    TRY(ratls_intel_signer_check_token(&signer, &token, err));
    warn_of_key_id(a->client, &signer, &token);
    /* 8. Only now what it says. */
    moment = (ratls_intel_moment){time_now(a), a->sent_at, a->allow_debug_mode};
    TRY(ratls_intel_claims_read(out, (ratls_bytes){token.payload, token.payload_len}, a->quote, config, &moment, err));
    ratls_hex_write(out->trust_anchor, chain.root_sha256, RATLS_SHA256_LEN);
    out->signer_revocation_unchecked = chain.revocation_unchecked;
    status = RATLS_OK;
out:
    ratls_intel_signer_clear(&signer);
    ratls_intel_token_clear(&token);
    return status;
}

ratls_status ratls_intel_client_appraise(
    ratls_claims *out, ratls_intel_client *client, const ratls_parsed_quote *quote, int64_t now, bool allow_debug_mode,
    const ratls_intel_time *time, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    appraisal a = {
        .client = client,
        .quote = quote,
        .time = time,
        .now = now,
        .began_ms = ratls_clock_monotonic_ms(),
        .allow_debug_mode = allow_debug_mode,
    };
    char *token = NULL;

    TRY(check_quote(quote, err));
    TRY(take_part(&a.part, client, err));
    a.portal = (ratls_intel_wire){&client->config, a.part->http, NULL, NULL};
    TRY(request_token(&token, &a, err));
    TRY(check_token(out, &a, token, err));
    status = RATLS_OK;
out:
    free(token);
    return status;
}
